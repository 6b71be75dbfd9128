import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Loaded, loadConfig } from '../config/load.ts';
import { createCredentials } from '../credentials/configured.ts';
import type { CredentialRow } from '../credentials/rows.ts';
import { run } from '../io/subprocess.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { KnownSecrets } from '../std/known-secrets.ts';
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
function watched(first: string, replaceRows?: (rows: readonly CredentialRow[]) => Promise<void>) {
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
    replaceRows: async (next) => {
      await replaceRows?.(next);
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

  test.each([
    ['a file that is not there', 'url: "https://git.test", token: "file:/not/there"', 'read /not/there'],
    ['a key that others may read', 'url: "ssh://git.test", sshKey: KEY', 'others may read it'],
  ])('keeps the rows that work when a new one names %s', async (_, members, why) => {
    const key = join(folder, 'key');
    writeFileSync(key, 'key');
    chmodSync(key, 0o644);
    const credentials = createCredentials({
      rows: [{ url: 'https://git.test', token: 'old', form: 'bearer' }],
      environment: {},
      home: folder,
      known: new KnownSecrets(),
      clock: systemClock,
      run,
      onTrouble: () => {},
    });
    onTestFinished(() => credentials.close());
    const sent = async (): Promise<string | undefined> => {
      const credential = await credentials.http(new URL('https://git.test/x'), {
        signal: new AbortController().signal,
      });
      return credential?.headers['authorization'];
    };
    const { write, lines } = watched(row('old'), async (rows) => credentials.replaceRows(rows));
    await new Promise((resolve) => setTimeout(resolve, 50));
    write(`credentials: [{ ${members.replace('KEY', key)} }]\n`);
    await expect.poll(() => lines.length).toBe(1);
    expect(lines).toEqual([
      {
        fields: expect.objectContaining({ why: expect.stringContaining(why) }),
        message: 'the changed configuration cannot be used; the old one stays',
      },
    ]);
    expect(await sent()).toBe('Bearer old');
    expect(credentials.ssh(new URL('ssh://git.test/x'))).toEqual({});
    chmodSync(key, 0o600);
    write(row('new').replace(' }', ', form: bearer }'));
    await expect.poll(sent).toBe('Bearer new');
  });

  test('never shows a secret', async () => {
    const { write, lines } = watched(row('canary-1'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    write(`${row('canary-2')}nonsense: canary-3\n`);
    await expect.poll(() => lines.length).toBe(1);
    expect(JSON.stringify(lines)).not.toMatch(/canary-[12]/);
  });
});
