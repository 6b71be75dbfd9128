import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Loaded, loadConfig } from '../config/load.ts';
import type { CredentialRow } from '../credentials/rows.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { ConfigReload } from './reload.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-reload-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  readonly fields: object;
  readonly message: string;
}

/** A configuration that is watched, what it was replaced by, and what was logged. */
function watched(first: string) {
  const file = join(folder, 'larder.yaml');
  // As careful people do it: never half a file.
  const write = (text: string): void => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const load = (): Loaded =>
    loadConfig(
      { file, values: new Map(), sets: [] },
      { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] },
    );
  write(first);
  const loaded = load();
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const rows: (readonly CredentialRow[])[] = [];
  const lines: Line[] = [];
  const log = (fields: object, message: string): void => void lines.push({ fields, message });
  const reload = new ConfigReload({
    file,
    everyMs: 10,
    clock: systemClock,
    config: loaded.config,
    load: () => Promise.resolve(load()),
    replaceRows: (next) => {
      if (next.some(({ token }) => token === 'refused')) throw new AppError('CONFIG_INVALID', 'no such row');
      rows.push(next);
    },
    log: { info: log, error: log },
  });
  onTestFinished(() => reload.close());
  return { write, rows, lines };
}

const row = (token: string): string => `credentials: [{ url: "https://git.test", token: ${token} }]\n`;

describe('a configuration file that changes', () => {
  test('gives new credentials at once, and says what waits for the next start', async () => {
    const { write, rows, lines } = watched(row('old'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lines).toEqual([]);
    write(`${row('new')}log: { level: debug }\n`);
    await expect.poll(() => rows).toEqual([[{ url: 'https://git.test', token: 'new' }]]);
    expect(lines).toEqual([
      { fields: expect.objectContaining({ atNextStart: ['log'] }), message: 'configuration read again: credentials' },
    ]);
  });

  test.each([
    ['is wrong', 'credentials: [{ url: 7 }]\n', 'the changed configuration is wrong; the old one stays'],
    ['cannot be used', row('refused'), 'the changed configuration cannot be used; the old one stays'],
  ])('changes nothing when it %s, and is read again when it was mended', async (_, text, message) => {
    const { write, rows, lines } = watched(row('old'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    write(text);
    await expect.poll(() => lines.map((line) => line.message)).toEqual([message]);
    expect(rows).toEqual([]);
    write(row('new'));
    await expect.poll(() => rows.length).toBe(1);
  });

  test('never shows a secret', async () => {
    const { write, lines } = watched(row('canary-1'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    write(`${row('canary-2')}nonsense: canary-3\n`);
    await expect.poll(() => lines.length).toBe(1);
    expect(JSON.stringify(lines)).not.toMatch(/canary-[12]/);
  });
});
