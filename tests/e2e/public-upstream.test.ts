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

describe('the machine’s own GOPROXY as upstream', () => {
  skipUnless(isOn, 'opt-in: set LARDER_TEST_NETWORK=1 (and have go)');
  const scratch = mkdtempSync(join(tmpdir(), 'larder-public-'));
  let larder: LarderProcess;

  beforeAll(async () => {
    if (!isOn) return;
    const upstream = execFileSync('go', ['env', 'GOPROXY'], { encoding: 'utf8' }).trim();
    larder = await startLarderProcess({ dist: build(join(scratch, 'dist')), data: join(scratch, 'data'), upstream });
  });

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    rmSync(scratch, { recursive: true, force: true });
  });

  test.each(['cold', 'warm'])('%s', { timeout: 300_000 }, async (name) => {
    const folder = join(scratch, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'go.mod'), 'module larder.test/scratch\n\ngo 1.17\n');
    const go = goClient(join(scratch, `home-${name}`), larder.base);
    for (const query of [
      'rsc.io/quote@latest',
      'github.com/google/uuid@v1.6.0',
      'golang.org/x/mod@master',
      'github.com/Azure/go-autorest@v14.2.0+incompatible',
      'gopkg.in/yaml.v3@v3.0.1',
    ]) {
      await go.ok(folder, ['mod', 'download', query]);
    }
    expect(await go.ok(folder, ['list', '-m', '-versions', 'github.com/google/uuid'])).toContain('v1.6.0');
    expect(
      (await go.run(folder, ['mod', 'download', 'github.com/google/no-such-module-here@v1.0.0'])).stderr,
    ).toContain('404 Not Found');
  });
});
