import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDiskLedger } from '../../tests/fakes/disk-ledger.ts';
import { appendMany } from '../../tests/fakes/ledger-ground.ts';
import { run } from './run.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function larder(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const stdout = { write: (text: string) => void (texts.out += text) };
  const stderr = { write: (text: string) => void (texts.err += text) };
  const code = await run(args, { stdout, stderr, env: { GOENV: 'off', HOME: folder }, cwd: () => folder });
  return { code, ...texts };
}

const init = (...more: string[]): ReturnType<typeof larder> =>
  larder('ledger', 'init', '--name', 'sum.corp.test', '--key', 'keys/ledger.key', '--data', 'data', ...more);

/** A ledger of 300 records, as a server leaves it. */
async function filled(): Promise<void> {
  const { ledger, close } = await openDiskLedger(folder);
  await appendMany(ledger, 0, 300);
  await appendMany(ledger, 300, 301);
  await close();
}

describe('larder ledger init', () => {
  test('makes key and log, and prints what clients need', async () => {
    const { code, out, err } = await init();
    expect([code, err]).toEqual([0, '']);
    const [key] = /sum\.corp\.test\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+/.exec(out) ?? [''];
    expect(out).toContain(`export GOSUMDB="${key}"\n`);
    expect(out).toContain(`export GOSUMDB="${key} http://HOST:PORT/sumdb/sum.corp.test"\n`);
    expect(out).not.toContain('PRIVATE');
    expect(statSync(join(folder, 'keys/ledger.key')).mode & 0o777).toBe(0o600);
    expect(existsSync(join(folder, 'data/ledger/head'))).toBe(true);
  });

  test('the second time changes nothing and says so', async () => {
    await init();
    const key = readFileSync(join(folder, 'keys/ledger.key'), 'utf8');
    const { code, out, err } = await init();
    expect([code, out]).toEqual([4, '']);
    expect(err).toMatch(/^larder: there is a ledger in .*data already; nothing was changed\nwhat to do: .*\n$/);
    expect(readFileSync(join(folder, 'keys/ledger.key'), 'utf8')).toBe(key);
  });

  test('takes up a key that is there', async () => {
    await init();
    rmSync(join(folder, 'data'), { recursive: true });
    const { code, out } = await init('--json');
    expect([code, JSON.parse(out)]).toMatchObject([0, { name: 'sum.corp.test', isKeyNew: false }]);
  });

  test('refuses a name that clients cannot use, and one that is missing', async () => {
    const bad = await larder('ledger', 'init', '--name', 'https://sum.corp.test', '--key', 'k', '--data', 'data');
    expect(bad).toMatchObject({ code: 4, out: '' });
    expect(bad.err).toContain('https://sum.corp.test: not a name that clients can use\nwhat to do: ');
    expect((await larder('ledger', 'init')).code).toBe(2);
    expect((await larder('ledger', 'init', '--name', 'sum.corp.test', '--data', 'data')).err).toContain('--key ');
    expect(readdirSync(folder)).not.toContain('k');
  });

  test('tells where to start it from', async () => {
    expect((await init()).out).toContain(
      `larder serve --data ${join(folder, 'data')} --set ledger.key=${join(folder, 'keys/ledger.key')}`,
    );
  });

  test.each([
    ['init', '--name', 'sum.corp.test', '--data', 'data', '--key'],
    ['export', 'static', '--data', 'data', '--key'],
  ])('never repeats a key that stands where the path of its file belongs: %s', async (...args) => {
    await init();
    const key = readFileSync(join(folder, 'keys/ledger.key'), 'utf8').trim();
    const before = readdirSync(folder);
    const { code, out, err } = await larder('ledger', ...args, key);
    expect(code).toBe(4);
    expect(err).toContain('LARDER_LEDGER_SECRET');
    expect(out + err).not.toContain(key.slice(-20));
    expect(readdirSync(folder)).toEqual(before);
  });

  test('never repeats a key that is given for a name', async () => {
    const key = 'PRIVATE+KEY+sum.corp.test+00000000+AAAAAAAAAAAAAAAA';
    const { code, err } = await larder('ledger', 'init', '--name', key, '--key', 'k', '--data', 'data');
    expect([code, err.includes('AAAAAAAAAAAA')]).toEqual([4, false]);
  });

  test('speaks Chinese too', async () => {
    expect((await init('--lang', 'zh')).out).toContain('账本 sum.corp.test 已建立');
  });
});

describe('a key that is not the log’s', () => {
  test('is told apart from it, also when both have one name', async () => {
    await init();
    const first = readFileSync(join(folder, 'keys/ledger.key'), 'utf8').trim();
    await larder('ledger', 'init', '--name', 'sum.corp.test', '--key', 'other.key', '--data', 'more');
    const { code, err } = await larder('ledger', 'export', 'static', '--key', 'other.key', '--data', 'data');
    const [, hash = ''] = /\+([0-9a-f]{8})\+/.exec(first) ?? [];
    expect(code).toBe(4);
    expect(err).toContain(`sum.corp.test+${hash}`);
    expect(err).not.toContain('default');
    expect(existsSync(join(folder, 'static'))).toBe(false);
  });
});

describe('larder ledger verify', () => {
  test('says that all is right, and exits 0', async () => {
    await filled();
    const right = await larder('ledger', 'verify', '--data', 'data');
    expect(right).toMatchObject({ code: 0, err: '' });
    expect(right.out).toContain('sum.corp.test: 301 records, all as they should be');
    expect(right.out).toContain('no published head');
    const guarded = await larder('ledger', 'verify', '--data', 'data', '--set', 'ledger.headFile=head');
    expect(guarded.out).toContain('the published head of 301 records');
    const { out } = await larder('ledger', 'verify', '--data', 'data', '--set', 'ledger.headFile=head', '--json');
    expect(JSON.parse(out)).toMatchObject({ size: 301, checked: 301, published: 301, faults: [] });
  });

  test('names what is wrong, and exits 3', async () => {
    await filled();
    const tile = join(folder, 'data/ledger/tile/8/0/000');
    const bytes = readFileSync(tile);
    bytes[7]! ^= 1;
    rmSync(tile);
    writeFileSync(tile, bytes);
    const { code, out, err } = await larder('ledger', 'verify', '--data', 'data');
    expect(code).toBe(3);
    expect(out).toContain('tile/8/0/000: its hashes are not those of the records');
    expect(err).toMatch(/^larder: the ledger is wrong in one place\nwhat to do: .*\n$/);
  });

  test('exits 4 where there is none, and makes none', async () => {
    expect(await larder('ledger', 'verify', '--data', 'data')).toMatchObject({ code: 4, out: '' });
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });
});

describe('larder ledger export', () => {
  test('writes what a static server gives out', async () => {
    await init();
    const { code, out } = await larder('ledger', 'export', 'static', '--key', 'keys/ledger.key', '--data', 'data');
    expect([code, readdirSync(join(folder, 'static'))]).toEqual([0, ['latest']]);
    expect(out).toContain('serve it at https://sum.corp.test');
  });

  test('needs the key', async () => {
    await filled();
    const { code, err } = await larder('ledger', 'export', 'static', '--data', 'data');
    expect([code, existsSync(join(folder, 'static'))]).toEqual([4, false]);
    expect(err).toContain('nothing says where the key of the ledger is\nwhat to do: ');
  });
});
