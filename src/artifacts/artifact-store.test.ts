import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashGoMod } from '../gomod/dirhash.ts';
import { type ArtifactId, type ArtifactKind, parseModulePath, type Version } from '../gomod/module.ts';
import { createSpoolDirectory, spooledBytes } from '../io/spool.ts';
import { openTempDirectory, type TempDirectory } from '../io/temp-directory.ts';
import { type Clock, systemClock } from '../std/clock.ts';
import { isAppError } from '../std/errors.ts';
import { checkedStore } from '../storage/checked.ts';
import { DiskStore } from '../storage/disk/disk-store.ts';
import type { BlobStore } from '../storage/store.ts';
import { markVerified, type Unproven, type Verification, type Verified } from '../verify/verified.ts';
import type { Artifact } from './artifact.ts';
import { ArtifactStore, type ArtifactStoreOptions } from './artifact-store.ts';
import type { Damage } from './observer.ts';

const o = { signal: new AbortController().signal };
const MODULE = parseModulePath('github.com/Azure/sdk');
const H1 = 'h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
const BASE = 'download/github.com/!azure/sdk/@v';
const SMALL_LIMIT = 1000;
const DAY_MS = 24 * 3_600_000;

let root: string;
let temp: TempDirectory;
let damages: Damage[];
let opened: string[];
let aheadMs: number;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-artifacts-'));
  temp = await openTempDirectory(root);
  damages = [];
  opened = [];
  aheadMs = 0;
});
afterEach(async () => {
  await temp.close();
  await rm(root, { recursive: true, force: true });
});

const clock: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() + aheadMs,
  now: () => systemClock.now() + aheadMs,
};
const at = (...names: string[]): string => join(root, ...names);
const idOf = (version: string, kind: ArtifactKind): ArtifactId => ({
  module: { path: MODULE, version: version as Version },
  kind,
});
const zip = (version = 'v1.0.0'): ArtifactId => idOf(version, 'zip');

/** A store as one process has it; call it again for another process, or the same one after a restart. */
function artifactStore(options: Partial<ArtifactStoreOptions> = {}): ArtifactStore {
  return new ArtifactStore({
    store: told(checkedStore(new DiskStore({ root, temp }))),
    spool: createSpoolDirectory({ temp }).spool(1 << 30),
    clock,
    observer: { onDamage: (damage) => damages.push(damage) },
    memoryArtifactBytes: SMALL_LIMIT,
    orphanGraceMs: 0,
    ...options,
  });
}

/** `store`, whose opened keys are noted. */
function told(store: BlobStore): BlobStore {
  return {
    head: (key, ask) => store.head(key, ask),
    open: (key, ask) => (opened.push(key), store.open(key, ask)),
    putIfAbsent: (key, body, ask) => store.putIfAbsent(key, body, ask),
    publish: (key, bytes, ask) => store.publish(key, bytes, ask),
    delete: (key, ask) => store.delete(key, ask),
    list: (prefix, ask) => store.list(prefix, ask),
  };
}

function verified(id: ArtifactId, bytes: string | Uint8Array, h1 = H1, verification?: Verification): Verified {
  const body = spooledBytes(Buffer.from(bytes));
  return markVerified({
    id,
    body,
    source: 'upstream',
    verification: verification ?? (id.kind === 'info' ? { by: 'form' } : { by: 'exemption', because: 'off' }),
    ...(id.kind === 'info' ? {} : { h1 }),
  });
}

async function textOf(
  artifact: Artifact | undefined,
  range?: { start: number; end: number },
): Promise<string | undefined> {
  if (artifact === undefined) return undefined;
  const reader = await artifact.open(range === undefined ? o : { ...o, range });
  const into = Buffer.alloc(1 << 20);
  let text = '';
  for (let n = await reader.pull(into); n > 0; n = await reader.pull(into)) text += into.toString('latin1', 0, n);
  await reader.close();
  return text;
}

async function overwrite(path: string, bytes: Uint8Array): Promise<void> {
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

const small = 'a small body';
const large = 'a large body '.repeat(500);

describe('what was committed', () => {
  test.each(['info', 'mod', 'zip'] as const)('is found again, now and after a restart (%s)', async (kind) => {
    const body = kind === 'zip' ? large : small;
    const store = artifactStore();
    expect(await textOf(await store.commit('public', verified(idOf('v1.0.0', kind), body), o))).toBe(body);
    expect(await textOf(await store.find('public', idOf('v1.0.0', kind), o))).toBe(body);
    const again = await artifactStore().find('public', idOf('v1.0.0', kind), o);
    expect(await textOf(again)).toBe(body);
    expect(await textOf(again, { start: 2, end: 7 })).toBe(body.slice(2, 7));
    expect(again?.record).toMatchObject({ version: 1, kind, sizeBytes: body.length, source: 'upstream' });
    expect(damages).toEqual([]);
  });

  test('lies in a GOPROXY tree with its record beside it', async () => {
    await artifactStore().commit('public', verified(idOf('v1.0.0-RC1', 'mod'), small), o);
    expect(await readFile(at(BASE, 'v1.0.0-!r!c1.mod'), 'utf8')).toBe(small);
    const record = await readFile(at('meta/github.com/!azure/sdk/@v/v1.0.0-!r!c1.mod.json'), 'utf8');
    expect(JSON.parse(record)).toMatchObject({
      version: 1,
      kind: 'mod',
      h1: H1,
      verification: { by: 'exemption', because: 'off' },
    });
  });

  test('of a private scope is not in the public tree, and not found in another scope', async () => {
    const store = artifactStore();
    await store.commit('team-a', verified(zip(), small), o);
    expect(await readdir(root)).not.toContain('download');
    expect(await readFile(at('scopes/team-a', BASE, 'v1.0.0.zip'), 'utf8')).toBe(small);
    for (const scope of ['public', 'team-b']) expect(await store.find(scope, zip(), o)).toBeUndefined();
    expect(await textOf(await store.find('team-a', zip(), o))).toBe(small);
  });

  test('is in memory when small, and the same object each time', async () => {
    const store = artifactStore();
    const committed = await store.commit('public', verified(zip(), small), o);
    expect(store.inMemory('public', zip())).toBe(committed);
    expect(await store.find('public', zip(), o)).toBe(committed);
    expect(Buffer.from(committed.bytes ?? []).toString()).toBe(small);
    await store.commit('public', verified(zip('v1.1.0'), large), o);
    expect(store.inMemory('public', zip('v1.1.0'))).toBeUndefined();
  });

  test('leaves memory when there is more than the bound, oldest first', async () => {
    const store = artifactStore({ memoryBytes: 10 * (900 + 1024) });
    for (let i = 0; i < 30; i++) await store.commit('public', verified(zip(`v1.${i}.0`), 'x'.repeat(900)), o);
    const kept = Array.from({ length: 30 }, (_, i) => store.inMemory('public', zip(`v1.${i}.0`)) !== undefined);
    expect(kept.filter(Boolean)).toHaveLength(10);
    expect(kept.at(-1)).toBe(true);
  });

  test('absence is undefined', async () => {
    expect(await artifactStore().find('public', zip(), o)).toBeUndefined();
    expect(damages).toEqual([]);
  });

  test('200 at once share one load', async () => {
    await artifactStore().commit('public', verified(zip(), large), o);
    const store = artifactStore();
    opened = [];
    const all = await Promise.all(Array.from({ length: 200 }, () => store.find('public', zip(), o)));
    expect(new Set(all).size).toBe(1);
    expect(opened).toHaveLength(2);
  });

  test('one who leaves a shared load does not end it for the others', async () => {
    await artifactStore().commit('public', verified(zip(), large), o);
    const store = artifactStore();
    const leaving = new AbortController();
    const [left, stayed] = [store.find('public', zip(), { signal: leaving.signal }), store.find('public', zip(), o)];
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await textOf(await stayed)).toBe(large);
  });
});

describe('a second commit of the same artifact', () => {
  test('changes nothing when the bytes are the same', async () => {
    const first = await artifactStore().commit('public', verified(zip(), small), o);
    const second = await artifactStore().commit('public', verified(zip(), small), o);
    expect(second.record).toEqual(first.record);
  });

  test('is a success and gets the first bytes when only the packing differs', async () => {
    await artifactStore().commit('public', verified(zip(), 'deflated well'), o);
    const second = await artifactStore().commit('public', verified(zip(), 'deflated badly'), o);
    expect(await textOf(second)).toBe('deflated well');
    expect(await textOf(await artifactStore().find('public', zip(), o))).toBe('deflated well');
  });

  test('of an info keeps the first, whatever the bytes', async () => {
    await artifactStore().commit('public', verified(idOf('v1.0.0', 'info'), '{"Version":"v1.0.0"}'), o);
    const second = await artifactStore().commit(
      'public',
      verified(idOf('v1.0.0', 'info'), '{"Version":"v1.0.0","Time":"x"}'),
      o,
    );
    expect(await textOf(second)).toBe('{"Version":"v1.0.0"}');
  });

  test('with another h1 is refused, told, and kept in quarantine', async () => {
    const store = artifactStore();
    await store.commit('public', verified(zip(), small), o);
    const other = hashGoMod(Buffer.from('other'));
    const refused = store.commit('public', verified(zip(), 'forged', other), o);
    await expect(refused).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH', detail: { got: other, stored: H1 } });
    expect(await textOf(await artifactStore().find('public', zip(), o))).toBe(small);
    const folder = at('quarantine/public/github.com/!azure/sdk/@v/v1.0.0.zip');
    const [copy = '', note = ''] = (await readdir(folder)).sort();
    expect(await readFile(join(folder, copy), 'utf8')).toBe('forged');
    expect(JSON.parse(await readFile(join(folder, note), 'utf8'))).toMatchObject({ source: 'upstream' });
    expect(damages.map((one) => one.kind)).toEqual(['mismatch']);
  });

  test('that lies again and again fills no disk', async () => {
    const store = artifactStore();
    await store.commit('public', verified(zip(), small), o);
    for (let i = 0; i < 20; i++) {
      const forged = verified(zip(), `forged ${i}`, hashGoMod(Buffer.from(`other ${i}`)));
      await expect(store.commit('public', forged, o)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    }
    expect(await readdir(at('quarantine/public/github.com/!azure/sdk/@v/v1.0.0.zip'))).toHaveLength(16);
  });

  test('by many processes at once with different packings ends with one truth for all', async () => {
    for (let round = 0; round < 20; round++) {
      const id = zip(`v1.${round}.0`);
      const bodies = ['packed one way'.repeat(200), 'packed another way'.repeat(200)];
      const processes = Array.from({ length: 6 }, () => artifactStore({ orphanGraceMs: 10_000 }));
      const results = await Promise.all(
        processes.map((one, i) => one.commit('public', verified(id, bodies[i % 2] ?? ''), o)),
      );
      expect(new Set(results.map((one) => one.record.sha256)).size).toBe(1);
      expect(bodies).toContain(await textOf(await artifactStore().find('public', id, o)));
    }
    expect(damages).toEqual([]);
  });
});

describe('after a crash between data and record', () => {
  const crash = async (id: ArtifactId, body: string): Promise<void> => {
    const disk = new DiskStore({ root, temp });
    await disk.putIfAbsent(`${BASE}/${id.module.version}.${id.kind}`, spooledBytes(Buffer.from(body)), o);
  };

  test('the data is invisible', async () => {
    await crash(zip(), small);
    expect(await artifactStore().find('public', zip(), o)).toBeUndefined();
    expect(await artifactStore().versions('public', MODULE, o)).toEqual([]);
  });

  test('the next commit adopts the same bytes', async () => {
    await crash(zip(), large);
    const { ino } = await stat(at(BASE, 'v1.0.0.zip'));
    await artifactStore().commit('public', verified(zip(), large), o);
    expect(await textOf(await artifactStore().find('public', zip(), o))).toBe(large);
    expect((await stat(at(BASE, 'v1.0.0.zip'))).ino).toBe(ino);
    expect(damages).toEqual([]);
  });

  test('the next commit puts other bytes aside', async () => {
    await crash(zip(), 'nobody vouches for these');
    await artifactStore().commit('public', verified(zip(), large), o);
    expect(await textOf(await artifactStore().find('public', zip(), o))).toBe(large);
    expect(damages.map((one) => one.kind)).toEqual(['orphan']);
    expect(await readdir(at('quarantine/public/github.com/!azure/sdk/@v/v1.0.0.zip'))).toHaveLength(2);
  });

  test('data that is young is first given time to get its record', async () => {
    await crash(zip(), 'another process, at work');
    const slow = artifactStore({ orphanGraceMs: 5000 }).commit('public', verified(zip(), large), o);
    const other = new DiskStore({ root, temp });
    const record = verified(zip(), 'another process, at work');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { provenanceOf, encodeProvenance } = await import('./provenance.ts');
    await other.putIfAbsent(
      'meta/github.com/!azure/sdk/@v/v1.0.0.zip.json',
      spooledBytes(encodeProvenance(provenanceOf(record, Date.now()))),
      o,
    );
    expect(await textOf(await slow)).toBe('another process, at work');
  });
});

describe('damage at rest', () => {
  test.each([
    ['small', small],
    ['large', large],
  ])(
    'a flipped bit in a %s artifact is never served: it counts as absent, is put aside, and the next commit heals it',
    async (_what, body) => {
      await artifactStore().commit('public', verified(zip(), body), o);
      const firstSeen = (await artifactStore().find('public', zip(), o))?.record.firstSeen;
      const bytes = Buffer.from(body);
      bytes[5] = (bytes[5] ?? 0) ^ 1;
      await overwrite(at(BASE, 'v1.0.0.zip'), bytes);
      const store = artifactStore();
      expect(await store.find('public', zip(), o)).toBeUndefined();
      expect(damages.map((one) => one.kind)).toEqual(['altered']);
      expect(await readdir(at('quarantine/public/github.com/!azure/sdk/@v/v1.0.0.zip'))).toHaveLength(2);
      const healed = await store.commit('public', verified(zip(), body), o);
      expect(await textOf(healed)).toBe(body);
      expect(await textOf(await artifactStore().find('public', zip(), o))).toBe(body);
      expect(healed.record.firstSeen).toBe(firstSeen);
    },
  );

  test('of 200 artifacts with one flipped bit each none is served', async () => {
    const store = artifactStore();
    for (let i = 0; i < 200; i++)
      await store.commit('public', verified(zip(`v1.${i}.0`), `${i} ${i % 2 === 0 ? small : large}`), o);
    for (let i = 0; i < 200; i++) {
      const path = at(BASE, `v1.${i}.0.zip`);
      const bytes = await readFile(path);
      const where = (i * 7919) % bytes.length;
      bytes[where] = (bytes[where] ?? 0) ^ (1 << (i % 8));
      await overwrite(path, bytes);
    }
    const after = artifactStore();
    for (let i = 0; i < 200; i++) expect(await after.find('public', zip(`v1.${i}.0`), o)).toBeUndefined();
    expect(damages).toHaveLength(200);
  });

  test('other bytes of the same h1 heal it too, under a new record that keeps when it was first seen', async () => {
    const first = await artifactStore().commit('public', verified(zip(), large), o);
    await unlink(at(BASE, 'v1.0.0.zip'));
    aheadMs = 5000;
    const store = artifactStore();
    const repacked = await store.commit('public', verified(zip(), `${large} packed anew`), o);
    expect(repacked.record.firstSeen).toBe(first.record.firstSeen);
    expect(repacked.record.fetchedAt).not.toBe(first.record.fetchedAt);
    expect(await textOf(await artifactStore().find('public', zip(), o))).toBe(`${large} packed anew`);
  });

  test('where in a repository it first came from holds when it is healed from another commit', async () => {
    const from = (commit: string, bytes: string): Verified => {
      const anchor = { url: 'https://git.example/m', commit: commit.repeat(40), tree: 'd'.repeat(40), tag: 'v1.0.0' };
      return markVerified({ ...verified(zip(), bytes), anchor });
    };
    const first = await artifactStore().commit('public', from('a', large), o);
    await unlink(at(BASE, 'v1.0.0.zip'));
    const healed = await artifactStore().commit('public', from('b', `${large} packed anew`), o);
    expect(healed.record.anchor).toEqual(first.record.anchor);
    expect((await artifactStore().find('public', zip(), o))?.record.anchor?.commit).toBe('a'.repeat(40));
  });

  test('bytes of another h1 do not heal it', async () => {
    await artifactStore().commit('public', verified(zip(), large), o);
    await unlink(at(BASE, 'v1.0.0.zip'));
    const forged = verified(zip(), 'forged', hashGoMod(Buffer.from('forged')));
    await expect(artifactStore().commit('public', forged, o)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    expect(await artifactStore().find('public', zip(), o)).toBeUndefined();
  });

  test('a record that cannot be read counts as none, and the next commit writes it anew', async () => {
    await artifactStore().commit('public', verified(zip(), large), o);
    const record = at('meta/github.com/!azure/sdk/@v/v1.0.0.zip.json');
    await overwrite(record, Buffer.alloc(200));
    const store = artifactStore();
    expect(await store.find('public', zip(), o)).toBeUndefined();
    expect(damages.map((one) => one.kind)).toEqual(['bad-record']);
    expect(await textOf(await store.commit('public', verified(zip(), large), o))).toBe(large);
  });

  test('a large artifact that is replaced between find and open is not served', async () => {
    const store = artifactStore();
    await store.commit('public', verified(zip(), large), o);
    const artifact = await store.find('public', zip(), o);
    await overwrite(at(BASE, 'v1.0.0.zip'), Buffer.alloc(large.length, 'evil '));
    await utimes(at(BASE, 'v1.0.0.zip'), 1, 1);
    await expect(artifact?.open(o)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await store.find('public', zip(), o)).toBeUndefined();
  });

  test('an artifact that was taken away is not served from the disk', async () => {
    const store = artifactStore();
    await store.commit('public', verified(zip(), large), o);
    const artifact = await store.find('public', zip(), o);
    await unlink(at(BASE, 'v1.0.0.zip'));
    await expect(artifact?.open(o)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await store.find('public', zip(), o)).toBeUndefined();
  });

  test('a large artifact is hashed once a day, not at each request', async () => {
    await artifactStore().commit('public', verified(zip(), large), o);
    const store = artifactStore();
    await store.find('public', zip(), o);
    opened = [];
    const { mtime } = await stat(at(BASE, 'v1.0.0.zip'));
    for (let i = 0; i < 5; i++) expect(await store.find('public', zip(), o)).toBeDefined();
    expect(opened).toEqual([]);
    // Rot does not change the time of the file, so only the daily look can find it.
    await overwrite(at(BASE, 'v1.0.0.zip'), Buffer.alloc(large.length, 'rotten '));
    await utimes(at(BASE, 'v1.0.0.zip'), mtime, mtime);
    aheadMs = DAY_MS + 1000;
    expect(await store.find('public', zip(), o)).toBeUndefined();
  });

  test('rot that no file time tells of is not served from a file of up to 8 MiB: its bytes are those that were hashed', async () => {
    const body = 'x'.repeat(8 * 1024 * 1024);
    await artifactStore().commit('public', verified(zip(), body), o);
    const [store, path] = [artifactStore({ memoryArtifactBytes: undefined }), at(BASE, 'v1.0.0.zip')];
    await store.find('public', zip(), o);
    const { mtime } = await stat(path);
    await overwrite(path, Buffer.alloc(body.length, 'y'));
    await utimes(path, mtime, mtime);
    expect(await textOf(await store.find('public', zip(), o))).toBe(body);
  });

  test('a truncated artifact is not served', async () => {
    await artifactStore().commit('public', verified(zip(), large), o);
    await chmod(at(BASE, 'v1.0.0.zip'), 0o644);
    await truncate(at(BASE, 'v1.0.0.zip'), 100);
    expect(await artifactStore().find('public', zip(), o)).toBeUndefined();
  });

  test('sound bytes that someone took for damaged stay where they are', async () => {
    const store = artifactStore();
    await store.commit('public', verified(zip(), large), o);
    await store.quarantine('public', zip(), 'a reader stumbled', o);
    expect(await textOf(await store.find('public', zip(), o))).toBe(large);
  });
});

describe('what a trusted go.sum pins to another hash', () => {
  const pinned = hashGoMod(Buffer.from('another'));
  const pinVerdict = (kind: string) =>
    kind === 'zip' ? { verdict: 'mismatch' as const, file: 'go.sum', pinned } : { verdict: 'match' as const };

  test.each([small, large])('is not served although it was stored before, is told, and stays', async (body) => {
    await artifactStore().commit('public', verified(zip(), body), o);
    const store = artifactStore({ pinVerdict });
    for (let i = 0; i < 2; i++) {
      const failure = { code: 'CHECKSUM_MISMATCH', detail: { stored: H1, pinned, file: 'go.sum' } };
      await expect(store.find('public', zip(), o)).rejects.toMatchObject(failure);
      expect(store.inMemory('public', zip())).toBeUndefined();
    }
    expect(damages.map((one) => one.kind)).toEqual(['mismatch', 'mismatch']);
    expect(await textOf(await artifactStore().find('public', zip(), o))).toBe(body);
  });

  test('is not given out by a second commit either', async () => {
    await artifactStore().commit('public', verified(zip(), large), o);
    const again = artifactStore({ pinVerdict }).commit('public', verified(zip(), large), o);
    await expect(again).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH', detail: { stored: H1, pinned } });
  });

  test('concerns that file alone', async () => {
    await artifactStore().commit('public', verified(idOf('v1.0.0', 'mod'), small), o);
    const store = artifactStore({ pinVerdict });
    expect(await textOf(await store.find('public', idOf('v1.0.0', 'mod'), o))).toBe(small);
  });
});

describe('versions and the list for static servers', () => {
  const commit = async (store: ArtifactStore, ...versions: string[]): Promise<void> => {
    for (const version of versions)
      await store.commit('public', verified(idOf(version, 'info'), `{"Version":"${version}"}`), o);
  };

  test('versions are those with a record of an info or a go.mod, in semver order', async () => {
    const store = artifactStore();
    await commit(store, 'v1.10.0', 'v1.9.0', 'v0.0.0-20240101000000-abcdefabcdef', 'v1.2.0-rc.1');
    await store.commit('public', verified(idOf('v1.11.0', 'mod'), small), o);
    await store.commit('public', verified(zip('v1.12.0'), small), o);
    expect(await store.versions('public', MODULE, o)).toEqual([
      'v0.0.0-20240101000000-abcdefabcdef',
      'v1.2.0-rc.1',
      'v1.9.0',
      'v1.10.0',
      'v1.11.0',
    ]);
  });

  test('the list file holds the tagged ones', async () => {
    const store = artifactStore();
    await commit(store, 'v1.10.0', 'v1.9.0', 'v0.0.0-20240101000000-abcdefabcdef');
    await store.flush();
    expect(await readFile(at(BASE, 'list'), 'utf8')).toBe('v1.9.0\nv1.10.0\n');
    await commit(store, 'v1.11.0');
    await store.flush();
    expect(await readFile(at(BASE, 'list'), 'utf8')).toBe('v1.9.0\nv1.10.0\nv1.11.0\n');
  });

  test('a list that is missing is written when something of its module is loaded, and then not looked for again', async () => {
    await commit(artifactStore(), 'v1.0.0', 'v1.1.0');
    const looks: string[] = [];
    const disk = told(checkedStore(new DiskStore({ root, temp })));
    const store = artifactStore({ store: { ...disk, head: (key, ask) => (looks.push(key), disk.head(key, ask)) } });
    for (const version of ['v1.0.0', 'v1.1.0']) await store.find('public', idOf(version, 'info'), o);
    await store.flush();
    expect(await readFile(at(BASE, 'list'), 'utf8')).toBe('v1.0.0\nv1.1.0\n');
    store.forget('public', idOf('v1.0.0', 'info'));
    await store.find('public', idOf('v1.0.0', 'info'), o);
    await store.flush();
    expect(looks).toEqual([`${BASE}/list`]);
  });

  test('closing does not wait long for a disk that hangs', async () => {
    const disk = told(checkedStore(new DiskStore({ root, temp })));
    const store = artifactStore({ store: { ...disk, publish: () => new Promise(() => undefined) } });
    await commit(store, 'v1.0.0');
    const started = performance.now();
    await store.close(50);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('a module without tagged versions gets no list file', async () => {
    const store = artifactStore();
    await commit(store, 'v0.0.0-20240101000000-abcdefabcdef');
    await store.flush();
    expect(await readdir(at(BASE))).toEqual(['v0.0.0-20240101000000-abcdefabcdef.info']);
  });

  test('100 commits of one module write its list a few times, not 100', async () => {
    let publishes = 0;
    const disk = told(checkedStore(new DiskStore({ root, temp })));
    const store = artifactStore({ store: { ...disk, publish: (...args) => (publishes++, disk.publish(...args)) } });
    await commit(store, ...Array.from({ length: 100 }, (_, i) => `v1.${i}.0`));
    await store.close();
    expect((await readFile(at(BASE, 'list'), 'utf8')).split('\n')).toHaveLength(101);
    expect(publishes).toBeLessThan(20);
  });

  test('a list that cannot be written is told and hurts nobody', async () => {
    const failures: string[] = [];
    const disk = told(checkedStore(new DiskStore({ root, temp })));
    const store = artifactStore({
      store: { ...disk, publish: () => Promise.reject(new Error('disk full')) },
      observer: { onDamage: () => undefined, onViewFailure: (key) => failures.push(key) },
    });
    await commit(store, 'v1.0.0');
    await store.flush();
    expect(failures).toEqual([`${BASE}/list`]);
    expect(isAppError(await store.find('public', idOf('v1.0.0', 'info'), o))).toBe(false);
  });
});

describe('what is stored unproven', () => {
  const UNPROVEN: Verification = { by: 'unproven', database: 'sum.example.org', why: 'nobody answers' };
  const PROVEN: Verification = { by: 'sumdb', database: 'sum.example.org', record: 7, treeSize: 9 };
  const id = idOf('v1.0.0', 'mod');
  const one: Unproven = { scope: 'public', id, h1: H1 };
  const other = hashGoMod(Buffer.from('other'));
  let heard: Unproven[];
  beforeEach(() => {
    heard = [];
  });

  function listening(): ArtifactStore {
    const onUnproven = (unproven: Unproven): void => void heard.push(unproven);
    return artifactStore({ observer: { onDamage: (damage) => damages.push(damage), onUnproven } });
  }

  const quarantined = async (): Promise<string[]> =>
    (await readdir(at('quarantine'), { recursive: true, withFileTypes: true }).catch(() => []))
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.json'))
      .map(({ name }) => name);

  test('is told of when it is committed and whenever it is read from the store; what is proven is not', async () => {
    await listening().commit('public', verified(id, small, H1, UNPROVEN), o);
    expect(heard).toEqual([one]);
    const restarted = listening();
    await restarted.find('public', id, o);
    await restarted.find('public', id, o);
    expect(heard).toEqual([one, one]);
    await listening().commit('public', verified(zip(), small, H1, PROVEN), o);
    await listening().commit('public', verified(idOf('v1.0.0', 'info'), small), o);
    expect(heard).toHaveLength(2);
  });

  test('has a record that says who vouched for it later, with all else as it was', async () => {
    const store = listening();
    const { record } = await store.commit('public', verified(id, small, H1, UNPROVEN), o);
    aheadMs = DAY_MS;
    await store.reverified(one, PROVEN, o);
    expect((await store.find('public', id, o))?.record).toEqual({ ...record, verification: PROVEN });
    expect((await artifactStore().find('public', id, o))?.record).toEqual({ ...record, verification: PROVEN });
  });

  test('is taken away when it turns out to be wrong, and the bytes that are right can be stored', async () => {
    const store = listening();
    await store.commit('public', verified(id, 'evil', H1, UNPROVEN), o);
    await store.refute(one, 'it is wrong', o);
    expect(await store.find('public', id, o)).toBeUndefined();
    expect(damages).toMatchObject([{ kind: 'mismatch', message: 'it is wrong' }]);
    expect(await quarantined()).toHaveLength(2);
    const right = await store.commit('public', verified(id, 'good', other, PROVEN), o);
    expect(await textOf(right)).toBe('good');
  });

  test('is left alone when something else is stored by then', async () => {
    const store = listening();
    const { record } = await store.commit('public', verified(id, small, other, PROVEN), o);
    await store.refute(one, 'it was wrong', o);
    await store.reverified(one, UNPROVEN, o);
    expect((await artifactStore().find('public', id, o))?.record).toEqual(record);
  });

  test('gives way to bytes that somebody vouches for; what was first come keeps its place else', async () => {
    const store = listening();
    await store.commit('public', verified(id, 'evil', H1, UNPROVEN), o);
    const again = store.commit('public', verified(id, 'other', other, UNPROVEN), o);
    await expect(again).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    const proven = await store.commit('public', verified(id, 'good', other, PROVEN), o);
    expect(await textOf(proven)).toBe('good');
    const late = store.commit('public', verified(id, 'evil', H1, PROVEN), o);
    await expect(late).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
  });
});
