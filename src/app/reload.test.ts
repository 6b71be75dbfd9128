import { chmodSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { fileMark } from '../config/file-mark.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { createCredentials } from '../credentials/configured.ts';
import type { CredentialRow } from '../credentials/rows.ts';
import { run } from '../io/subprocess.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { KnownSecrets } from '../std/known-secrets.ts';
import { type Accepted, ConfigReload } from './reload.ts';
import { findUnusableRows } from './unusable-rows.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-reload-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  readonly fields: object;
  readonly message: string;
}

/** A configuration that is watched, what it was replaced by, and what was logged. `meanwhile` is written after `first` was read, before it is watched. */
function watched(
  first: string,
  {
    replaceRows,
    meanwhile,
  }: { replaceRows?: (rows: readonly CredentialRow[]) => Promise<void>; meanwhile?: string } = {},
) {
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
  if (!loaded.ok || loaded.file === undefined) throw new Error(JSON.stringify(loaded));
  if (meanwhile !== undefined) write(meanwhile);
  const rows: (readonly CredentialRow[])[] = [];
  const accepted: Accepted[] = [];
  const lines: Line[] = [];
  const audited: object[] = [];
  const log = (fields: object, message: string): void => void lines.push({ fields, message });
  const reload = new ConfigReload({
    file: loaded.file,
    everyMs: 10,
    clock: systemClock,
    config: loaded.config,
    load: () => Promise.resolve(load()),
    findUnusable: (config) => findUnusableRows(config, { version: '0', environment: {}, home: folder, logTo: 2 }),
    replaceRows: async (next) => {
      await replaceRows?.(next);
      if (next.some(({ token }) => token === 'refused')) throw new AppError('CONFIG_INVALID', 'no such row');
      rows.push(next);
    },
    onAccepted: (one) => void accepted.push(one),
    audit: { record: (event, facts) => void audited.push({ event, ...facts }) },
    log: { info: log, error: log },
  });
  onTestFinished(() => reload.close());
  return { file, write, rows, lines, audited, accepted };
}

const row = (token: string): string => `credentials: [{ url: "https://git.test", token: ${token} }]\n`;

describe('a configuration file that changes', () => {
  test('gives new credentials at once, and says what waits for the next start', async () => {
    const { file, write, rows, lines, audited, accepted } = watched(row('old'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lines).toEqual([]);
    write(`${row('new')}log: { level: debug }\n`);
    await expect.poll(() => rows).toEqual([[{ url: 'https://git.test', token: 'new' }]]);
    expect(lines).toEqual([
      { fields: expect.objectContaining({ atNextStart: ['log'] }), message: 'configuration read again: credentials' },
    ]);
    expect(audited).toMatchObject([{ event: 'reload', outcome: 'accepted', atNextStart: ['log'] }]);
    const mark = fileMark(statSync(file, { bigint: true }));
    expect(accepted).toEqual([{ credentials: [{ url: 'https://git.test', token: 'new' }], mark }]);
  });

  test('is noticed though it changed before anybody watched, after it was read', async () => {
    const { rows } = watched(row('old'), { meanwhile: row('new') });
    await expect.poll(() => rows).toEqual([[{ url: 'https://git.test', token: 'new' }]]);
  });

  test('changes nothing while it is taken away', async () => {
    const { file, write, rows, lines } = watched(row('old'));
    renameSync(file, `${file}.away`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    renameSync(`${file}.away`, file);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lines).toEqual([]);
    write(row('new'));
    await expect.poll(() => rows.length).toBe(1);
  });

  test.each([
    ['is wrong', 'credentials: [{ url: 7 }]\n', 'the changed configuration is wrong; the old one stays'],
    ['cannot be used', row('refused'), 'the changed configuration cannot be used; the old one stays'],
  ])('changes nothing when it %s, and is read again when it was mended', async (_, text, message) => {
    const { write, rows, lines, audited } = watched(row('old'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    write(text);
    await expect.poll(() => lines.map((line) => line.message)).toEqual([message]);
    expect(rows).toEqual([]);
    expect(audited).toMatchObject([{ event: 'reload', outcome: 'refused' }]);
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
    const { write, lines } = watched(row('old'), {
      replaceRows: async (rows) => credentials.replaceRows(rows),
    });
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

  test.each<[string, object]>([
    [
      'upstreams: [{ name: a, url: "https://a.test", weight: 101 }]',
      { problems: [expect.objectContaining({ kind: 'bad-member', key: 'upstreams', row: 1, member: 'weight' })] },
    ],
    [
      'upstreams: [{ name: a, url: "https://a.test", pins: [sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=] }]',
      { problems: [expect.objectContaining({ kind: 'unfit-row', key: 'upstreams', reason: 'pins-without-backup' })] },
    ],
    [
      'routes: [{ name: x, modules: x.test, upstream: nowhere }]',
      { problems: [expect.objectContaining({ kind: 'unfit-row', key: 'routes', reason: 'pool-unknown' })] },
    ],
    [
      'upstreams: [{ name: a, url: "https://a.test", token: "env:NO_SUCH" }]',
      { why: expect.stringContaining('use the row a of upstreams') },
    ],
    [
      'routes: [{ name: x, credential: "file:/not/there", upstream: direct }]',
      { why: expect.stringContaining('use the row x of routes') },
    ],
  ])('with a row that cannot be used changes nothing, its credentials neither: %s', async (text, fields) => {
    const { write, rows, lines } = watched(row('old'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    write(`${row('new')}${text}\n`);
    await expect
      .poll(() => lines)
      .toEqual([{ fields: expect.objectContaining(fields), message: expect.stringContaining('the old one stays') }]);
    expect(rows).toEqual([]);
    write(`${row('new')}upstreams: [{ name: a, url: "https://a.test", weight: 50 }]\n`);
    await expect.poll(() => rows.length).toBe(1);
    expect(lines.at(-1)).toMatchObject({ fields: { atNextStart: ['upstream', 'upstreams'] } });
  });

  test('never shows a secret', async () => {
    const { write, lines } = watched(row('canary-1'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    write(`${row('canary-2')}nonsense: canary-3\n`);
    await expect.poll(() => lines.length).toBe(1);
    expect(JSON.stringify(lines)).not.toMatch(/canary-[12]/);
  });
});
