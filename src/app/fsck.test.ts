import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { run } from '../cli/run.ts';
import { loadConfig } from '../config/load.ts';
import { composeLarder } from './compose.ts';

const NAME = 'example.com/quote/@v/v1.2.3';
let folder = '';
let upstream: FakeUpstream;

/** A folder in which a server has stored one module, and no server. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-fsck-'));
  upstream = await startFakeUpstream({ content: [madeUpModule('example.com/quote', 'v1.2.3', { zipBytes: 300_000 })] });
  const sets = [
    'listen=127.0.0.1:0',
    `data=${join(folder, 'data')}`,
    `upstream=${upstream.base}`,
    'sumdb.database=off',
    'drain.accept=0',
  ];
  const around = { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] };
  const loaded = loadConfig({ values: new Map(), sets }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const larder = await composeLarder(loaded.config, {
    version: '0.0.0',
    environment: {},
    home: folder,
    logTo: devNull,
  });
  const { port } = await larder.start();
  for (const kind of ['info', 'mod', 'zip'])
    await (await fetch(`http://127.0.0.1:${port}/${NAME}.${kind}`)).arrayBuffer();
  await larder.drain({ lingers: true });
});
afterEach(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

const stored = (kind: string): string => join(folder, 'data/download', `${NAME}.${kind}`);
const record = (kind: string): string => join(folder, 'data/meta', `${NAME}.${kind}.json`);

function fsck(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return larder('fsck', '--data', join(folder, 'data'), ...args);
}

async function larder(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const env = { GOENV: 'off', HOME: folder, GOPROXY: 'http://127.0.0.1:8080', LARDER_SUMDB: 'off' };
  const code = await run(args, {
    stdout: { write: (text) => void (texts.out += text) },
    stderr: { write: (text) => void (texts.err += text) },
    env,
    cwd: () => folder,
  });
  return { code, ...texts };
}

describe('larder fsck', () => {
  test('says that all is well, and exits 0, also where GOPROXY points at the server', async () => {
    const { code, out, err } = await fsck();
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^ +6 {2}files checked$/m);
  });

  test('needs no key where a ledger lies beside: it signs nothing', async () => {
    const key = join(folder, 'ledger.key');
    const init = await larder('ledger', 'init', '--name', 'sum.test', '--key', key, '--data', join(folder, 'data'));
    expect(init.code).toBe(0);
    rmSync(key);
    rmSync(record('zip'));
    expect((await fsck('--repair')).code).toBe(0);
    expect(readFileSync(record('zip'), 'utf8')).toContain('found by fsck');
  });

  test('finds what is cut short, altered, missing and without a record, changes nothing, and exits 3', async () => {
    for (const kind of ['info', 'mod', 'zip']) chmodSync(stored(kind), 0o644);
    truncateSync(stored('zip'), 100);
    writeFileSync(stored('mod'), readFileSync(stored('mod'), 'utf8').replace('quote', 'qu0te'));
    rmSync(record('info'));
    const { code, out, err } = await fsck();
    expect(code).toBe(3);
    expect(out).toContain(`partial: download/${NAME}.zip: it has 100 bytes`);
    expect(out).toContain(`altered: download/${NAME}.mod: its SHA-256 is`);
    expect(out).toContain(`orphaned: download/${NAME}.info: it has no record`);
    expect(err).toContain('larder fsck --repair');
    expect(readFileSync(stored('zip')).length).toBe(100);
  });

  test('--repair puts the damaged aside, fetches anew and adopts what is sound; then all is well', async () => {
    const before = readFileSync(stored('zip'));
    chmodSync(stored('zip'), 0o644);
    truncateSync(stored('zip'), 100);
    rmSync(stored('mod'));
    rmSync(record('info'));
    const repaired = await fsck('--repair', '--json', '--upstream', upstream.base);
    expect(repaired.code).toBe(0);
    expect(JSON.parse(repaired.out)).toMatchObject({ counts: { partial: 2, orphaned: 1, repaired: 3 } });
    expect(readFileSync(stored('zip')).equals(before)).toBe(true);
    expect((await fsck()).code).toBe(0);
  });

  test.each([
    ['that is not there', 'typo', 'no such folder'],
    ['below a folder that is not there', 'typo/data', 'no such folder'],
    ['that Larder never wrote', 'empty', 'it has no FORMAT file'],
  ])('says of a data folder %s that there is nothing to check, makes nothing, and exits 4', async (_, name, why) => {
    mkdirSync(join(folder, 'empty'));
    const before = readdirSync(folder, { recursive: true });
    const path = join(folder, name);
    expect(await fsck('--data', path)).toEqual({
      code: 4,
      out: '',
      err: `larder: flag --data: data: data folder ${path}: there is nothing to check (${why})\nwhat to do: name the folder that larder serve stores in: --data FOLDER\n`,
    });
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
  });

  test('ends kindly at a signal, and exits 130', async () => {
    const before = process.listenerCount('SIGINT');
    const checking = fsck();
    await expect.poll(() => process.listenerCount('SIGINT'), { interval: 1 }).toBeGreaterThan(before);
    process.emit('SIGINT');
    expect(await checking).toEqual({
      code: 130,
      out: '',
      err: 'larder: stopped before the end; nothing is known of what was not checked yet\n',
    });
    expect(process.listenerCount('SIGINT')).toBe(before);
    expect(readdirSync(join(folder, 'data/.tmp'))).toEqual([]);
  });

  test('tells of what a go.sum pins to another hash, and --repair leaves it', async () => {
    writeFileSync(join(folder, 'go.sum'), `example.com/quote v1.2.3 h1:${'A'.repeat(43)}=\n`);
    writeFileSync(join(folder, 'larder.yaml'), `verify:\n  goSum: [${join(folder, 'go.sum')}]\n`);
    const before = readFileSync(stored('zip'));
    const { code, out } = await fsck('--repair', '--config', join(folder, 'larder.yaml'), '--upstream', upstream.base);
    expect(code).toBe(3);
    expect(out).toContain(`altered: download/${NAME}.zip: its h1 is h1:`);
    expect(readFileSync(stored('zip')).equals(before)).toBe(true);
  });

  test('--repair with no upstream to ask says so, and exits 3', async () => {
    rmSync(stored('zip'));
    const { code, out } = await fsck('--repair', '--upstream', 'off');
    expect(code).toBe(3);
    expect(out).toContain('could not be fetched again');
  });

  test('--repair brings nothing of a module that is private by now back into the public tree', async () => {
    rmSync(stored('zip'));
    rmSync(record('mod'));
    upstream.clearLog();
    const { code, out } = await fsck('--repair', '--upstream', upstream.base, '--set', 'private=example.com');
    expect(code).toBe(3);
    expect(out).toContain('example.com/quote is private by now, and this lies among what is public');
    expect(upstream.requests).toEqual([]);
    expect([existsSync(stored('zip')), existsSync(stored('mod')), existsSync(record('mod'))]).toEqual([
      false,
      false,
      false,
    ]);
    expect(readdirSync(join(folder, 'data/quarantine/public', `${NAME}.mod`))).toHaveLength(2);
  });

  test('minds no mirrors of repositories in the data folder', async () => {
    mkdirSync(join(folder, 'data/.mirrors/0123/objects'), { recursive: true });
    writeFileSync(join(folder, 'data/.mirrors/0123/HEAD'), 'ref: refs/heads/main\n');
    expect(await fsck()).toMatchObject({ code: 0, err: '' });
  });

  test('refuses a folder that is not a data folder', async () => {
    writeFileSync(join(folder, 'data/FORMAT'), 'x');
    const { code, err } = await fsck();
    expect(code).toBe(4);
    expect(err).toContain('FORMAT file is damaged');
  });
});
