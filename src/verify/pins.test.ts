import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseModulePath, type Version } from '../gomod/module.ts';
import { readGoSumPins } from './pins.ts';

const folder = mkdtempSync(join(tmpdir(), 'larder-pins-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const module = { path: parseModulePath('rsc.io/quote'), version: 'v1.5.2' as Version };
const H1 = 'h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=';
const MOD = 'h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=';

describe('go.sum files that are trusted', () => {
  test('are read from disk and tell zip and go.mod apart', async () => {
    const pins = await readGoSumPins([
      written('go.sum', `rsc.io/quote v1.5.2 ${H1}\nrsc.io/quote v1.5.2/go.mod ${MOD}\n`),
    ]);
    expect(pins.verdict('zip', module, H1)).toMatchObject({ verdict: 'match' });
    expect(pins.verdict('mod', module, H1)).toMatchObject({ verdict: 'mismatch', pinned: MOD });
    expect(pins.verdict('zip', { ...module, version: 'v1.5.3' as Version }, H1)).toEqual({ verdict: 'unknown' });
  });

  test('are a problem of the configuration when they cannot be read or are no go.sum', async () => {
    const missing = join(folder, 'missing.sum');
    await expect(readGoSumPins([missing])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(missing) as string,
    });
    const wrong = written('wrong.sum', 'rsc.io/quote v1.5.2\n');
    await expect(readGoSumPins([wrong])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`${wrong}:1`) as string,
    });
  });
});
