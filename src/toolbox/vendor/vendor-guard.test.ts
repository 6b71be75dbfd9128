import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { vendorFault } from './consistency.ts';
import { formatVendorSum, parseVendorSum } from './vendor-sum.ts';
import { restoreVendor, takeSnapshot, verifyVendor } from './vendor-guard.ts';

const root = mkdtempSync(join(tmpdir(), 'larder-vendor-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const o = { signal: new AbortController().signal };
const safely = { ...o, onDamage: 'refuse' } as const;
const MODULES = '# x.test/a v1.0.0\n## explicit\nx.test/a\n';

/** A project that requires x.test/a v1.0.0, with `more` files in its vendor/. */
function project(more: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(root, 'project-'));
  write(folder, 'go.mod', 'module x.test/p\n\ngo 1.19\n\nrequire x.test/a v1.0.0\n');
  const files = { 'modules.txt': MODULES, 'x.test/a/a.go': 'package a\n', ...more };
  for (const [name, content] of Object.entries(files)) write(folder, `vendor/${name}`, content);
  return folder;
}

function write(folder: string, name: string, content: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
}

/** What stands in a project: nothing temporary may stay. */
function namesIn(folder: string): string[] {
  return readdirSync(folder).sort();
}

const WHOLE = ['go.mod', 'vendor', 'vendor.offline', 'vendor.sum'];

describe('a snapshot of vendor/', () => {
  test('is a copy and a list, and vendor/ is intact', async () => {
    const folder = project();
    const taken = await takeSnapshot(folder, safely);
    expect(taken.files).toBe(2);
    expect(await verifyVendor(folder, o)).toEqual({ kind: 'intact', ...taken });
    expect(readFileSync(join(folder, 'vendor.sum'), 'utf8')).toMatch(
      /^larder-vendor\/1 h1:\S{44}\n[0-9a-f]{64} - modules\.txt\n[0-9a-f]{64} - x\.test\/a\/a\.go\nsum [0-9a-f]{64}\n$/,
    );
    expect(namesIn(folder)).toEqual(WHOLE);
  });

  test('without vendor.sum nothing can be said, nor restored', async () => {
    const folder = project();
    expect(await verifyVendor(folder, o)).toEqual({ kind: 'no-sum' });
    await expect(restoreVendor(folder, o)).rejects.toMatchObject({ detail: { reason: 'vendor-no-sum' } });
  });

  test.each([
    ['changed', (folder: string) => write(folder, 'vendor/x.test/a/a.go', 'package b\n'), '"x.test/a/a.go"'],
    ['missing', (folder: string) => rmSync(join(folder, 'vendor/x.test/a/a.go')), '"x.test/a/a.go"'],
    ['extra', (folder: string) => write(folder, 'vendor/x.test/a/b.go', 'package a\n'), '"x.test/a/b.go"'],
    ['mode', (folder: string) => chmodSync(join(folder, 'vendor/x.test/a/a.go'), 0o755), '"x.test/a/a.go"'],
    ['other', (folder: string) => symlinkSync('/etc/passwd', join(folder, 'vendor/x.test/a/l.go')), '"x.test/a/l.go"'],
    ['other', (folder: string) => write(folder, 'vendor/x.test/a/n\nn', ''), '"x.test/a/n\\nn"'],
    ['missing', (folder: string) => rmSync(join(folder, 'vendor'), { recursive: true }), '"x.test/a/a.go"'],
    ['missing', (folder: string) => linkVendor(folder), '"x.test/a/a.go"'],
  ])('finds a file that is %s, and brings back what was', async (kind, damage, name) => {
    const folder = project();
    const taken = await takeSnapshot(folder, safely);
    damage(folder);
    expect(await verifyVendor(folder, o)).toMatchObject({
      kind: 'damaged',
      faults: expect.arrayContaining([{ kind, name }]),
    });
    expect(await restoreVendor(folder, o)).toEqual(taken);
    expect(await verifyVendor(folder, o)).toMatchObject({ kind: 'intact' });
    expect(namesIn(folder).filter((one) => one !== 'aside')).toEqual(WHOLE);
  });

  test('holds every name, executable bits and empty files, and many files', async () => {
    const folder = project({ 'x.test/a/  spaced  ': 'x', 'x.test/a/Ünïcode ☃.go': 'y', 'x.test/a/empty': '' });
    const raw = Buffer.concat([Buffer.from(`${folder}/vendor/x.test/a/`), Buffer.from([0xff, 0x41, 0x80])]);
    writeFileSync(raw, 'not UTF-8');
    chmodSync(join(folder, 'vendor/x.test/a/a.go'), 0o755);
    writeFileSync(join(folder, 'vendor/x.test/a/large'), Buffer.alloc(40 << 20, 7));
    for (let i = 0; i < 3000; i++) write(folder, `vendor/x.test/a/many/${i}`, String(i));
    const { files } = await takeSnapshot(folder, safely);
    expect(files).toBe(3007);
    rmSync(raw);
    expect(await verifyVendor(folder, o)).toMatchObject({ kind: 'damaged', faults: [{ kind: 'missing' }] });
    rmSync(join(folder, 'vendor'), { recursive: true });
    await restoreVendor(folder, o);
    expect(readFileSync(raw, 'utf8')).toBe('not UTF-8');
    expect(statSync(join(folder, 'vendor/x.test/a/a.go')).mode & 0o111).toBe(0o111);
    expect(await verifyVendor(folder, o)).toMatchObject({ kind: 'intact', files: 3007 });
  });

  test.each([
    ['a link', (folder: string) => symlinkSync('a.go', join(folder, 'vendor/x.test/a/l.go'))],
    ['a pipe', (folder: string) => execFileSync('mkfifo', [join(folder, 'vendor/x.test/a/pipe')])],
    ['a line break in a name', (folder: string) => write(folder, 'vendor/x.test/a/n\nn', '')],
  ])('is not taken with %s in it', async (_, damage) => {
    const folder = project();
    damage(folder);
    await expect(takeSnapshot(folder, safely)).rejects.toMatchObject({ detail: { reason: 'vendor-strange' } });
    expect(namesIn(folder)).toEqual(['go.mod', 'vendor']);
  });

  test('is not taken of a vendor/ that is a link: it would be one of nothing', async () => {
    const folder = project();
    linkVendor(folder);
    await expect(takeSnapshot(folder, safely)).rejects.toMatchObject({ detail: { reason: 'vendor-strange' } });
    expect(existsSync(join(folder, 'vendor.sum'))).toBe(false);
  });

  test('is restored by many at once, and by one of them: a vendor/ that is whole again is not touched', async () => {
    const folder = project();
    const taken = await takeSnapshot(folder, safely);
    write(folder, 'vendor/x.test/a/a.go', 'package damaged\n');
    const restored = await Promise.all([1, 2, 3, 4].map(() => restoreVendor(folder, o)));
    expect(restored).toEqual([taken, taken, taken, taken]);
    const { ino } = statSync(join(folder, 'vendor'));
    await restoreVendor(folder, o);
    expect(statSync(join(folder, 'vendor')).ino).toBe(ino);
    expect(namesIn(folder)).toEqual(WHOLE);
  });

  test('is not taken of damage, in the place of the last good one, unless told to', async () => {
    const folder = project();
    await takeSnapshot(folder, safely);
    write(folder, 'vendor/x.test/a/a.go', 'package evil\n');
    await expect(takeSnapshot(folder, safely)).rejects.toMatchObject({ detail: { reason: 'vendor-damaged' } });
    expect(readFileSync(join(folder, 'vendor.offline/x.test/a/a.go'), 'utf8')).toBe('package a\n');
    await takeSnapshot(folder, { ...o, onDamage: 'take' });
    expect(readFileSync(join(folder, 'vendor.offline/x.test/a/a.go'), 'utf8')).toBe('package evil\n');
  });

  test('of a vendor/ that go mod vendor made anew takes the place of the old one', async () => {
    const folder = project();
    await takeSnapshot(folder, safely);
    write(folder, 'go.mod', 'module x.test/p\n\ngo 1.19\n\nrequire x.test/a v1.1.0\n');
    write(folder, 'vendor/modules.txt', MODULES.replace('v1.0.0', 'v1.1.0'));
    write(folder, 'vendor/x.test/a/a.go', 'package a // 1.1\n');
    await takeSnapshot(folder, safely);
    expect(await verifyVendor(folder, o)).toMatchObject({ kind: 'intact' });
  });
});

function linkVendor(folder: string): void {
  renameSync(join(folder, 'vendor'), join(folder, 'aside'));
  symlinkSync('aside', join(folder, 'vendor'));
}

describe('a snapshot that is not as vendor.sum says is never restored:', () => {
  test.each([
    ['a changed file', (folder: string) => write(folder, 'vendor.offline/x.test/a/a.go', 'package b\n')],
    ['a missing file', (folder: string) => rmSync(join(folder, 'vendor.offline/x.test/a/a.go'))],
    ['an extra file', (folder: string) => write(folder, 'vendor.offline/x.test/a/b.go', 'package a\n')],
    ['an executable bit', (folder: string) => chmodSync(join(folder, 'vendor.offline/x.test/a/a.go'), 0o755)],
    ['a link', (folder: string) => symlinkSync('a.go', join(folder, 'vendor.offline/x.test/a/l.go'))],
    ['no snapshot', (folder: string) => rmSync(join(folder, 'vendor.offline'), { recursive: true })],
    ['a byte of vendor.sum', (folder: string) => spoilSum(folder)],
  ])('%s', async (_, damage) => {
    const folder = project();
    await takeSnapshot(folder, safely);
    write(folder, 'vendor/x.test/a/a.go', 'package damaged\n');
    damage(folder);
    await expect(restoreVendor(folder, o)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(readFileSync(join(folder, 'vendor/x.test/a/a.go'), 'utf8')).toBe('package damaged\n');
    expect(namesIn(folder).filter((one) => one.startsWith('.'))).toEqual([]);
  });
});

function spoilSum(folder: string): void {
  const file = join(folder, 'vendor.sum');
  writeFileSync(file, readFileSync(file, 'utf8').replace('a.go', 'b.go'));
}

describe('vendor.sum', () => {
  test('is read exactly as it is written', () => {
    const files = [
      { name: 'b', sha256: 'a'.repeat(64), isExecutable: false },
      { name: 'a', sha256: 'b'.repeat(64), isExecutable: true },
    ];
    const text = formatVendorSum(files);
    expect([...parseVendorSum(text).keys()]).toEqual(['a', 'b']);
    for (let i = 0; i < text.length; i++) {
      const spoilt = Buffer.from(text);
      spoilt[i] = (spoilt[i] ?? 0) ^ 1;
      expect(() => parseVendorSum(spoilt)).toThrow('damaged');
    }
    for (const cut of [0, 1, 20, text.length - 1])
      expect(() => parseVendorSum(text.subarray(0, cut))).toThrow('damaged');
  });
});

describe('vendor/ and go.mod', () => {
  const check = async (goMod: string, modules: string): Promise<string | undefined> => {
    const folder = project();
    write(folder, 'go.mod', goMod);
    write(folder, 'vendor/modules.txt', modules);
    return await vendorFault(folder);
  };
  const MOD = 'module x.test/p\n\ngo 1.19\n\nrequire x.test/a v1.0.0\n';

  test.each([
    ['agree', MOD, MODULES, undefined],
    ['differ in a version', MOD.replace('v1.0.0', 'v1.1.0'), MODULES, 'x.test/a@v1.1.0'],
    ['differ in a requirement more', `${MOD}require x.test/b v1.0.0\n`, MODULES, 'x.test/b@v1.0.0'],
    ['differ in a requirement less', 'module x.test/p\n\ngo 1.19\n', MODULES, 'x.test/a@v1.0.0'],
    ['differ in a replacement', `${MOD}replace x.test/a => ./a\n`, MODULES, 'replaced by ./a'],
    [
      'agree in a replacement',
      `${MOD}replace x.test/a => ./a\n`,
      '# x.test/a v1.0.0 => ./a\n## explicit\nx.test/a\n# x.test/a => ./a\n',
      undefined,
    ],
    ['differ in a package', MOD, `${MODULES}x.test/a/more\n`, 'vendor/x.test/a/more is missing'],
    ['are of an old go', MOD.replace('1.19', '1.13'), '# x.test/a v1.0.0\nx.test/a\n', undefined],
    ['are of a workspace', MOD, `## workspace\n${MODULES}`, 'go work vendor'],
    ['cannot be read', 'rubbish\n', MODULES, 'cannot be read'],
  ])('%s', async (_, goMod, modules, fault) => {
    const found = await check(goMod, modules);
    if (fault === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(fault);
  });

  test('agree in a workspace that names a module by its absolute path', async () => {
    const folder = project();
    const elsewhere = mkdtempSync(join(root, 'module-'));
    renameSync(join(folder, 'go.mod'), join(elsewhere, 'go.mod'));
    write(folder, 'go.work', `go 1.22\n\nuse ${elsewhere}\n`);
    write(folder, 'vendor/modules.txt', `## workspace\n${MODULES}`);
    expect(await vendorFault(folder)).toBeUndefined();
  });

  test('is no vendor/ without modules.txt', async () => {
    const folder = project();
    rmSync(join(folder, 'vendor/modules.txt'));
    await expect(takeSnapshot(folder, safely)).rejects.toMatchObject({ detail: { reason: 'vendor-inconsistent' } });
    expect(existsSync(join(folder, 'vendor.sum'))).toBe(false);
  });
});
