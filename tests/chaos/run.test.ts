/** A chaos run of half a minute: that it can be made at all, and is good. `npm run chaos` makes longer ones. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { goVersion } from '../e2e/go-client.ts';
import { hasNginx } from '../fakes/nginx.ts';
import { skipUnless } from '../skip.ts';
import { isGood, textOf } from './report.ts';
import { runChaos } from './run.ts';

describe('half a minute of chaos', () => {
  skipUnless(goVersion() !== undefined, 'go is not installed');
  skipUnless(hasNginx(), 'nginx is not installed');

  test('fails no build, and leaves a history without a breach', { timeout: 600_000 }, async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'larder-chaos-'));
    const said: string[] = [];
    try {
      const tell = (line: string): void => void said.push(line);
      const report = await runChaos({ seed: 5, minutes: 0.5, scratch, mayMount: false, tell });
      expect(isGood(report), textOf(report)).toBe(true);
      expect(report.faults.length).toBeGreaterThanOrEqual(2);
      expect(report.requests).toBeGreaterThan(50);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
});
