import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contentOf, storeModules, versionOf } from '../../tests/fakes/stored-modules.ts';
import { TestLog } from '../../tests/fakes/test-log.ts';
import { run } from '../cli/run.ts';

const PROVEN = 'example.com/proven@v1.0.0';
const EXEMPT = 'corp.example/exempt@v1.0.0';
const PINNED = 'example.com/pinned@v1.0.0';
const UNPROVEN = 'example.com/unproven@v1.0.0';
const LEDGER = 'corp.example/logged@v1.0.0';
const OTHER_H1 = `h1:${'A'.repeat(43)}=`;

let folder = '';
let data = '';
let log: TestLog;

/** A data folder with a module of each standing. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-verify-'));
  data = join(folder, 'data');
  log = new TestLog();
  await log.growTo(300);
  await log.add(versionOf(PROVEN), contentOf(PROVEN).sums);
  const database = log.name;
  await storeModules(data, log, [
    { module: PROVEN, verification: { by: 'sumdb', database, record: 300, treeSize: 301 }, proof: 'database' },
    { module: EXEMPT, verification: { by: 'exemption', because: 'pattern', pattern: 'corp.example' } },
    { module: PINNED, verification: { by: 'go.sum', file: '/old/go.sum' } },
    { module: UNPROVEN, verification: { by: 'unproven', database, why: 'timed out\u001b[31m' } },
    {
      module: LEDGER,
      verification: { by: 'ledger', database: 'sum.corp.test', record: 0, treeSize: 1 },
      proof: 'ledger',
    },
  ]);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function verify(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return await larder({}, 'verify', '--data', data, '--set', `sumdb.database=${log.key.text}`, ...args);
}

async function larder(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const code = await run(args, {
    stdout: { write: (text) => void (texts.out += text) },
    stderr: { write: (text) => void (texts.err += text) },
    env: { GOENV: 'off', HOME: folder, ...env },
    cwd: () => folder,
  });
  return { code, ...texts };
}

interface Report {
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Readonly<Record<string, unknown>>[];
}

async function report(...args: string[]): Promise<Report & { readonly code: number }> {
  const { code, out } = await verify('--json', ...args);
  return { code, ...(JSON.parse(out) as Report) };
}

function overwrite(path: string, change: (text: string) => string): void {
  const file = join(data, path);
  chmodSync(file, 0o644);
  writeFileSync(file, change(readFileSync(file, 'latin1')), 'latin1');
}

const stored = (module: string, kind: string): string => `download/${module.replace('@', '/@v/')}.${kind}`;

function goSum(text: string): string {
  const path = join(folder, 'go.sum');
  writeFileSync(path, text);
  return path;
}

describe('larder verify', () => {
  test('says of everything what proves it, and of the rest why nothing does, and exits 0', async () => {
    const { code, out, err } = await verify();
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n')).toEqual([
      'exempt: corp.example/exempt@v1.0.0 .mod: exempt by corp.example (private, noSumdb)',
      'exempt: corp.example/exempt@v1.0.0 .zip: exempt by corp.example (private, noSumdb)',
      'pinned by go.sum only: example.com/pinned@v1.0.0 .mod: only /old/go.sum has its hash',
      'pinned by go.sum only: example.com/pinned@v1.0.0 .zip: only /old/go.sum has its hash',
      'unproven: example.com/unproven@v1.0.0 .mod: sum.example.org could not be asked when it came: timed out\\u{1b}[31m',
      'unproven: example.com/unproven@v1.0.0 .zip: sum.example.org could not be asked when it came: timed out\\u{1b}[31m',
      '        15  files read',
      '         4  proven',
      '         2  pinned by go.sum only',
      '         2  exempt',
      '         2  unproven',
      '         5  .info: nothing can vouch for those',
      '         0  wrong',
      '         0  not stored',
      expect.stringMatching(/^ +[\d.]+ {2}seconds$/),
      '',
    ]);
    expect(await verify('--all')).toMatchObject({ code: 0 });
  });

  test('looks for what is private now in the private part of the store', async () => {
    const module = 'corp.example/secret@v1.0.0';
    const verification = { by: 'exemption', because: 'pattern', pattern: 'corp.example' } as const;
    await storeModules(data, log, [{ module, verification, scope: 'private' }]);
    const isPrivate = ['--set', 'private=corp.example'] as const;
    const lines = goSum(`${module.replace('@', ' ')} ${/h1:\S+/.exec(contentOf(module).sums)?.[0]}\n`);
    for (const which of [[module], ['--from', lines]]) {
      expect(await report(...isPrivate, ...which)).toMatchObject({ code: 0, counts: { missing: 0, wrong: 0 } });
      expect(await report(...which)).toMatchObject({ checked: 0, counts: { missing: 1 } });
    }
    expect(await report(...isPrivate, EXEMPT)).toMatchObject({ checked: 0, counts: { missing: 1 } });
    expect((await report()).counts).toMatchObject({ exempt: 4, wrong: 0 });
  });

  test('asks nobody and changes nothing', async () => {
    const before = readdirSync(data, { recursive: true });
    await verify();
    expect(readdirSync(data, { recursive: true })).toEqual(before);
  });

  test('finds damaged bytes, and exits 3', async () => {
    overwrite(stored(PROVEN, 'mod'), (text) => text.replace('proven', 'pr0ven'));
    overwrite(stored(EXEMPT, 'zip'), (text) => text.slice(0, -1));
    const { code, out, err } = await verify();
    expect(code).toBe(3);
    expect(out).toContain(`wrong: ${PROVEN} .mod: its SHA-256 is`);
    expect(out).toMatch(/^wrong: corp\.example\/exempt@v1\.0\.0 \.zip: it has \d+ bytes, its record says \d+$/m);
    expect(err).toContain('larder explain MODULE@VERSION');
  });

  test('finds bytes whose record was changed with them, by the proof', async () => {
    const h1 = /example\.com\/proven v1\.0\.0\/go\.mod (\S+)/.exec(contentOf(PROVEN).sums)?.[1] ?? '';
    const record = `meta/${PROVEN.replace('@', '/@v/')}.mod.json`;
    overwrite(stored(PROVEN, 'mod'), () => 'module evil.example\n');
    const { hashGoMod } = await import('../gomod/dirhash.ts');
    const { sha256Hex } = await import('../gomod/sha256.ts');
    const evil = Buffer.from('module evil.example\n');
    overwrite(record, (text) =>
      text
        .replace(/"sha256":"[^"]*"/, `"sha256":"${sha256Hex(evil)}"`)
        .replace(/"sizeBytes":\d+/, `"sizeBytes":${evil.length}`)
        .replace(h1, hashGoMod(evil)),
    );
    const { code, findings } = await report(PROVEN);
    expect(code).toBe(3);
    expect(findings).toMatchObject([{ module: PROVEN, kind: 'mod', is: 'wrong', fault: 'mismatch' }]);
    // Nothing but the proof tells: by the record alone all is well.
    const other = await larder({}, 'verify', '--data', data, '--json', PROVEN);
    expect(JSON.parse(other.out)).toMatchObject({ counts: { wrong: 0, unproven: 2 } });
  });

  test.each([
    ['the record of the database', 'sumdb/sum.example.org/lookup/example.com/proven@v1.0.0'],
    ['a tile of the database', 'sumdb/sum.example.org/tile/8/0/001.p/45'],
  ])('finds that %s is damaged: the proof does not hold', async (_, path) => {
    overwrite(path, (text) => `${text.slice(0, 40)}${text[40] === 'x' ? 'y' : 'x'}${text.slice(41)}`);
    const { code, findings } = await report(PROVEN);
    expect(code).toBe(3);
    expect(findings).toMatchObject([
      { kind: 'mod', is: 'wrong', fault: 'proof' },
      { kind: 'zip', is: 'wrong', fault: 'proof' },
    ]);
  });

  test('calls unproven what was proven, and whose proof is gone', async () => {
    rmSync(join(data, 'sumdb/sum.example.org/lookup'), { recursive: true });
    const { code, counts, findings } = await report(PROVEN);
    expect([code, counts['unproven']]).toEqual([0, 2]);
    expect(findings[0]).toEqual({
      module: PROVEN,
      kind: 'mod',
      is: 'unproven',
      why: 'proof-not-stored',
      database: 'sum.example.org',
    });
  });

  test('compares with the go.sum files of the configuration', async () => {
    const path = goSum(contentOf(EXEMPT).sums.replace(/^(\S+ \S+ )h1:\S+/, `$1${OTHER_H1}`));
    const { code, findings, counts } = await report(EXEMPT, '--set', `verify.goSum=${path}`);
    expect([code, counts]).toEqual([3, expect.objectContaining({ wrong: 1, pinned: 1 })]);
    expect(findings[0]).toMatchObject({ kind: 'zip', is: 'wrong', what: expect.stringContaining(path) as string });
  });
});

describe('larder verify --from', () => {
  test('compares each line with what is stored and proven', async () => {
    const right = goSum(`${contentOf(PROVEN).sums}${contentOf(EXEMPT).sums}`);
    expect(await report('--from', right)).toMatchObject({ code: 0, checked: 4, counts: { proven: 2, exempt: 2 } });
    const wrong = goSum(contentOf(PROVEN).sums.replace(/^(\S+ \S+ )h1:\S+/, `$1${OTHER_H1}`));
    const { code, findings } = await report('--from', wrong);
    expect(code).toBe(3);
    expect(findings).toMatchObject([{ module: PROVEN, kind: 'zip', is: 'wrong', fault: 'mismatch' }]);
  });

  test('counts lines of what is not stored, and exits 0', async () => {
    const { code, out } = await verify('--from', goSum(contentOf('example.com/gone@v1.0.0').sums));
    expect(code).toBe(0);
    expect(out).toContain('not stored: example.com/gone@v1.0.0 .zip: not stored\n');
    expect(out).toMatch(/^ +2 {2}not stored$/m);
  });

  test.each([
    ['is none', 'rubbish\n', /go\.sum:1: malformed/],
    ['is not there', undefined, /read go\.sum .*ENOENT/],
  ])('a file that %s is told, and exits 4', async (_, text, words) => {
    const path = text === undefined ? join(folder, 'nowhere/go.sum') : goSum(text);
    const { code, err } = await verify('--from', path);
    expect([code, err]).toEqual([4, expect.stringMatching(words)]);
    expect(err).toContain('larder verify --from go.sum');
  });
});

describe('larder verify MODULE@VERSION', () => {
  test('exits 3 when nothing of it is stored: a misspelt name would pass as all well', async () => {
    const { code, out } = await verify(PROVEN, 'example.com/pr0ven@v1.0.0');
    expect(code).toBe(3);
    expect(out).toContain('not stored: example.com/pr0ven@v1.0.0: not stored\n');
  });

  test.each([
    [['example.com/!azure/x@v1.0.0'], 'write example.com/Azure/x@v1.0.0'],
    [['example.com/m'], 'write for example rsc.io/quote@v1.5.2'],
    [['example.com/m@latest'], 'larder asks nobody what a query means'],
    [['\u001b[2J@v1.0.0'], 'write path and version as in go.mod'],
    [[PROVEN, '--all'], 'larder verify --help'],
    [['--from', 'go.sum', '--all'], 'larder verify --help'],
  ])('%j is a mistake: exit 2', async (args, fix) => {
    const { code, out, err } = await verify(...args);
    expect([code, out, err]).toEqual([2, '', expect.stringContaining(fix)]);
    expect(err).not.toContain('\u001b');
  });
});

test('larder verify makes no data folder', async () => {
  const gone = join(folder, 'typo');
  const { code, err } = await larder({}, 'verify', '--data', gone);
  expect([code, err]).toEqual([4, expect.stringContaining('there is nothing to check')]);
  expect(existsSync(gone)).toBe(false);
});

test('larder verify ends kindly at a signal, and exits 130', async () => {
  const before = process.listenerCount('SIGINT');
  const verifying = verify();
  await expect.poll(() => process.listenerCount('SIGINT'), { interval: 1 }).toBeGreaterThan(before);
  process.emit('SIGINT');
  expect(await verifying).toMatchObject({ code: 130, out: '' });
  expect(process.listenerCount('SIGINT')).toBe(before);
});

test('larder verify says the same in Chinese', async () => {
  const { out } = await larder(
    { LANG: 'zh_CN.UTF-8' },
    'verify',
    '--data',
    data,
    '--set',
    `sumdb.database=${log.key.text}`,
  );
  expect(out).toContain(`豁免：${EXEMPT} .mod：由 corp.example 豁免（private、noSumdb）`);
  expect(out).not.toMatch(/exempt:|proven$/m);
});
