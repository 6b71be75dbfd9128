import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { bundler, DAMAGES, flip, LIES, lie, stranger, sumsOf, writeTree } from '../../../tests/fakes/bundles.ts';
import { versionOf } from '../../../tests/fakes/stored-modules.ts';
import { parseGoSum } from '../../gomod/gosum.ts';
import { newProcessMark } from '../../io/process-mark.ts';
import { createZipInspector } from '../../verify/zip-inspector.ts';
import { type BundleOrder, createBundle } from './create.ts';
import { installBundle } from './install.ts';
import { listBundles, rollbackBundle } from './switch.ts';
import { verifyBundle } from './verify.ts';

const MODULES = ['x.test/a@v1.0.0', 'x.test/a@v1.1.0', 'x.test/b@v0.0.0-20240102030405-0123456789ab'];
const root = mkdtempSync(join(tmpdir(), 'larder-bundles-'));
const inspector = createZipInspector();
const o = { signal: new AbortController().signal };
const needs = { ...o, inspector, keys: [bundler.verifier] };
const tree = join(root, 'tree/cache/download');
writeTree(tree, MODULES);

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(root, 'case-'));
});
afterAll(async () => {
  await inspector.close();
  rmSync(root, { recursive: true, force: true });
});

/** Makes a bundle of all MODULES unless told otherwise. Returns its folder. */
async function make(name: string, more: Partial<BundleOrder> = {}): Promise<string> {
  const to = join(scratch, name);
  const order = {
    from: join(root, 'tree'),
    to,
    modules: MODULES.map(versionOf),
    goSum: [],
    signer: bundler,
    inspector,
  };
  await createBundle({ ...order, id: name, purpose: 'a test', now: new Date(0), onMissing: 'refuse', ...more }, o);
  return to;
}

describe('a bundle', () => {
  test('is a GOPROXY tree, signed and whole', async () => {
    const folder = await make('one');
    expect(readFileSync(join(folder, 'download/x.test/a/@v/list'), 'utf8')).toBe('v1.0.0\nv1.1.0\n');
    expect(readFileSync(join(folder, 'download/x.test/b/@v/list'), 'utf8')).toBe('');
    const report = await verifyBundle(folder, needs);
    expect(report).toMatchObject({
      faults: [],
      signers: ['bundles.corp.test'],
      manifest: { id: 'one', purpose: 'a test' },
    });
    expect(report.manifest?.files).toHaveLength(11);
  });

  test('of a go.sum has what its lines pin, and refuses a tree with other bytes', async () => {
    const goSum = parseGoSum(sumsOf(MODULES.slice(0, 1)), 'go.sum');
    const folder = await make('pinned', { modules: [], goSum });
    expect((await verifyBundle(folder, needs)).manifest?.modules).toHaveLength(1);
    const wrong = goSum.map((line) => ({ ...line, hash: goSum.find(({ hash }) => hash !== line.hash)?.hash ?? '' }));
    await expect(make('wrong', { modules: [], goSum: wrong })).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    expect(readdirSync(scratch)).toEqual(['pinned']);
  });

  test('names what the tree lacks, or leaves it out', async () => {
    const modules = [...MODULES, 'x.test/none@v1.0.0'].map(versionOf);
    await expect(make('lacks', { modules })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('x.test/none@v1.0.0.mod'),
    });
    await make('lacks', { modules, onMissing: 'leave-out' });
    await expect(make('lacks')).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('that was killed while it was made goes with the next one; what others have on their way beside it stays', async () => {
    const own = await newProcessMark();
    const dead = own.replace(/-\d+-\d+-/, '-1-1-');
    const others = [`.larder.${own}.bundle`, `.larder.${dead}.vendor.old`];
    for (const name of [...others, `.larder.${dead}.bundle`]) {
      mkdirSync(join(scratch, name, 'download'), { recursive: true });
      writeFileSync(join(scratch, name, 'download/file'), '');
    }
    await make('one');
    expect(readdirSync(scratch).toSorted()).toEqual([...others, 'one'].toSorted());
  });

  test('with a zip that is none of its module is not made', async () => {
    const bad = join(scratch, 'bad');
    cpSync(tree, bad, { recursive: true });
    cpSync(join(bad, 'x.test/a/@v/v1.1.0.zip'), join(bad, 'x.test/a/@v/v1.0.0.zip'));
    await expect(make('bad-zip', { from: bad })).rejects.toMatchObject({ code: 'ZIP_INVALID' });
  });
});

describe('what is wrong with a bundle is found, and never switched to:', () => {
  const store = (): string => join(scratch, 'store');

  async function goodOneInstalled(): Promise<void> {
    expect(await installBundle(store(), await make('good'), needs)).toEqual({ current: 'good' });
  }

  async function expectRefused(folder: string): Promise<void> {
    expect((await verifyBundle(folder, needs)).faults).not.toEqual([]);
    await expect(installBundle(store(), folder, needs)).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
    expect(readdirSync(store()).sort()).toEqual(['current', 'good']);
    expect(readlinkSync(join(store(), 'current'))).toBe('good');
  }

  test.each(DAMAGES)('%s', async (_, damage) => {
    await goodOneInstalled();
    const folder = await make('bad');
    expect((await verifyBundle(folder, needs)).faults).toEqual([]);
    damage(folder);
    await expectRefused(folder);
  });

  test.each(LIES)('%s, though signed', async (_, tell) => {
    await goodOneInstalled();
    const folder = await make('bad');
    lie(folder, tell);
    await expectRefused(folder);
  });

  test('any, without a trusted key', async () => {
    await goodOneInstalled();
    const folder = await make('bad');
    await expect(installBundle(store(), folder, { ...needs, keys: [] })).rejects.toMatchObject({
      code: 'UPSTREAM_BAD_RESPONSE',
    });
    await expect(installBundle(store(), folder, { ...needs, keys: [stranger.verifier] })).rejects.toMatchObject({
      code: 'UPSTREAM_BAD_RESPONSE',
    });
    expect(readlinkSync(join(store(), 'current'))).toBe('good');
  });

  test('a stored bundle that was damaged is not switched to again before its files are as they should be', async () => {
    await goodOneInstalled();
    const [good, stored] = [join(scratch, 'good'), join(store(), 'good')];
    await installBundle(store(), await make('second'), needs);
    writeFileSync(join(stored, 'download/x.test/a/@v/list'), 'v9.9.9\n', { flag: 'r+' });
    rmSync(join(stored, 'manifest.sig'));
    writeFileSync(join(stored, 'stranger'), '');
    await expect(installBundle(store(), good, needs)).rejects.toThrow('"stranger" is not in the manifest');
    expect(readlinkSync(join(store(), 'current'))).toBe('second');
    rmSync(join(stored, 'stranger'));
    expect(await installBundle(store(), good, needs)).toEqual({ current: 'good', previous: 'second' });
    expect(await verifyBundle(stored, needs)).toMatchObject({ faults: [] });
    expect(readdirSync(store()).sort()).toEqual(['current', 'good', 'previous', 'second']);
  });
});

describe('a store', () => {
  test('switches, rolls back within a second and forth again, and lists', async () => {
    const store = join(scratch, 'store');
    await installBundle(store, await make('one'), needs);
    expect(await installBundle(store, await make('two'), needs)).toEqual({ current: 'two', previous: 'one' });
    const startedAt = performance.now();
    expect(await rollbackBundle(store, needs)).toEqual({ current: 'one', previous: 'two', unread: 0 });
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await listBundles(store, needs)).toMatchObject([
      { id: 'one', role: 'current', modules: 3, purpose: 'a test' },
      { id: 'two', role: 'previous' },
    ]);
    expect(await rollbackBundle(store, needs)).toMatchObject({ current: 'two', previous: 'one' });
    expect(existsSync(join(store, 'current/download/x.test/a/@v/v1.0.0.zip'))).toBe(true);
  });

  test('installing the same again changes nothing; another of the same id is refused', async () => {
    const store = join(scratch, 'store');
    const one = await make('one');
    await installBundle(store, one, needs);
    await installBundle(store, await make('two'), needs);
    expect(await installBundle(store, join(scratch, 'two'), needs)).toEqual({ current: 'two', previous: 'one' });
    rmSync(one, { recursive: true });
    await expect(installBundle(store, await make('one', { purpose: 'other' }), needs)).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });

  test('takes many at once: all are whole, one counts, and another one before', async () => {
    const store = join(scratch, 'store');
    const names = ['one', 'two', 'two', 'two', 'three'];
    for (const name of new Set(names)) await make(name);
    await installBundle(store, await make('first'), needs);
    await Promise.all(names.map((name) => installBundle(store, join(scratch, name), needs)));
    const listed = await listBundles(store, needs);
    expect(listed.map(({ id, fault }) => [id, fault])).toEqual(
      ['first', 'one', 'three', 'two'].map((id) => [id, undefined]),
    );
    expect(listed.flatMap(({ role }) => role ?? []).toSorted()).toEqual(['current', 'previous']);
    expect(readdirSync(store).sort()).toEqual(['current', 'first', 'one', 'previous', 'three', 'two']);
  });

  test.each([
    ['a file is missing', (folder: string) => rmSync(join(folder, 'download/x.test/a/@v/v1.0.0.zip'))],
    ['a file is shorter', (folder: string) => truncateSync(join(folder, 'download/x.test/a/@v/v1.0.0.zip'), 10)],
    ['a zip has other bytes', (folder: string) => flip(join(folder, 'download/x.test/a/@v/v1.0.0.zip'), 9)],
    ['a list has other bytes', (folder: string) => flip(join(folder, 'download/x.test/a/@v/list'), 2)],
    ['another one has its name', (folder: string) => cpSync(join(folder, '../two'), folder, { recursive: true })],
  ])('does not roll back to a bundle of which %s', async (_, damage) => {
    const store = join(scratch, 'store');
    await installBundle(store, await make('one'), needs);
    await installBundle(store, await make('two'), needs);
    damage(join(store, 'one'));
    await expect(rollbackBundle(store, { ...needs, readMs: 60_000 })).rejects.toMatchObject({
      code: 'UPSTREAM_BAD_RESPONSE',
    });
    expect(readlinkSync(join(store, 'current'))).toBe('two');
  });

  test('without the time to read a bundle rolls back to it, and tells; not where a length is wrong', async () => {
    const store = join(scratch, 'store');
    await installBundle(store, await make('one'), needs);
    await installBundle(store, await make('two'), needs);
    const hurried = { ...needs, readMs: 0 };
    expect(await rollbackBundle(store, hurried)).toEqual({ current: 'one', previous: 'two', unread: 11 });
    truncateSync(join(store, 'two/download/x.test/a/@v/v1.0.0.zip'), 10);
    await expect(rollbackBundle(store, hurried)).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
    expect(readlinkSync(join(store, 'current'))).toBe('one');
  });

  test('does not roll back to nothing, nor to what nobody signed', async () => {
    const store = join(scratch, 'store');
    await installBundle(store, await make('one'), needs);
    await expect(rollbackBundle(store, needs)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await installBundle(store, await make('two'), needs);
    lie(join(store, 'one'), (text) => text.replace('a test', 'a lie'));
    await expect(rollbackBundle(store, { ...needs, keys: [stranger.verifier] })).rejects.toMatchObject({
      code: 'UPSTREAM_BAD_RESPONSE',
    });
    expect(readlinkSync(join(store, 'current'))).toBe('two');
    expect(await listBundles(store, { ...o, keys: [stranger.verifier] })).toMatchObject([
      { fault: expect.stringContaining('no signature') },
      { id: 'two' },
    ]);
  });
});
