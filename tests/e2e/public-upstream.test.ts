/** Opt-in (LARDER_TEST_NETWORK=1): the machine's own GOPROXY as the upstream, for a handful of modules. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipUnless } from '../skip.ts';
import { goClient, goVersion } from './go-client.ts';
import { build, type LarderProcess, startLarderProcess } from './larder-process.ts';

const isOn = process.env['LARDER_TEST_NETWORK'] === '1' && goVersion() !== undefined;

const QUERIES = [
  'rsc.io/quote@latest',
  'github.com/google/uuid@v1.6.0',
  'github.com/spf13/cobra@v1.9.1',
  'golang.org/x/mod@master',
  'github.com/Azure/go-autorest@v14.2.0+incompatible',
  'gopkg.in/yaml.v3@v3.0.1',
];

describe('the machine’s own GOPROXY as upstream', () => {
  skipUnless(isOn, 'opt-in: set LARDER_TEST_NETWORK=1 (and have go)');
  const scratch = mkdtempSync(join(tmpdir(), 'larder-public-'));
  let larder: LarderProcess;
  let upstream = '';

  beforeAll(async () => {
    if (!isOn) return;
    upstream = execFileSync('go', ['env', 'GOPROXY'], { encoding: 'utf8' }).trim();
    larder = await startLarderProcess({ dist: build(join(scratch, 'dist')), data: join(scratch, 'data'), upstream });
  });

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    rmSync(scratch, { recursive: true, force: true });
  });

  test.each(['cold', 'warm'])('%s: what the plain client gets, it gets', { timeout: 300_000 }, async (name) => {
    const folder = join(scratch, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'go.mod'), 'module larder.test/scratch\n\ngo 1.17\n');
    const plain = goClient(join(scratch, `home-${name}-plain`), upstream);
    const through = goClient(join(scratch, `home-${name}`), larder.base);
    let had = 0;
    for (const query of QUERIES) {
      // Not every proxy gives everything out: what the machine's own says no to is no test of ours.
      if ((await plain.run(folder, ['mod', 'download', query])).code !== 0) continue;
      had++;
      await through.ok(folder, ['mod', 'download', query]);
    }
    expect(had).toBeGreaterThanOrEqual(3);
    const unknown = await through.run(folder, ['mod', 'download', 'github.com/google/no-such-module-here@v1.0.0']);
    expect(unknown.code).toBe(1);
  });
});
