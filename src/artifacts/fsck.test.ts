import { chmod, mkdir, mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashGoMod } from '../gomod/dirhash.ts';
import { type ArtifactId, type ArtifactKind, parseModulePath, type Version } from '../gomod/module.ts';
import { createSpoolDirectory, spooledBytes } from '../io/spool.ts';
import { openTempDirectory, type TempDirectory } from '../io/temp-directory.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { Spooled } from '../std/spooled.ts';
import { checkedStore } from '../storage/checked.ts';
import { DiskStore } from '../storage/disk/disk-store.ts';
import { markVerified } from '../verify/verified.ts';
import { ArtifactStore } from './artifact-store.ts';
import { type FsckOptions, fsck } from './fsck.ts';
import { decodeProvenance, encodeProvenance } from './provenance.ts';

const o = { signal: new AbortController().signal };
const MODULE = parseModulePath('rsc.io/quote');
const BASE = 'download/rsc.io/quote/@v';
const GO_MOD = 'module rsc.io/quote\n';

let root: string;
let temp: TempDirectory;
let disk: DiskStore;
let artifacts: ArtifactStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-fsck-'));
  temp = await openTempDirectory(root);
  disk = new DiskStore({ root, temp });
  artifacts = newStore();
  for (const version of ['v1.0.0', 'v1.1.0', 'v1.2.0'])
    for (const kind of ['info', 'mod', 'zip'] as const) await commit(version, kind);
  await commit('v1.0.0', 'mod', 'team-a');
  await artifacts.flush();
});
afterEach(async () => {
  await artifacts.close();
  await temp.close();
  await rm(root, { recursive: true, force: true });
});

const at = (name: string): string => join(root, name);
const spool = () => createSpoolDirectory({ temp }).spool(1 << 30);

function newStore(): ArtifactStore {
  return new ArtifactStore({
    store: checkedStore(disk),
    spool: spool(),
    clock: systemClock,
    observer: { onDamage: () => undefined },
    orphanGraceMs: 0,
  });
}

function verified(id: ArtifactId, body: Spooled) {
  const h1 = id.kind === 'info' ? {} : { h1: hashGoMod(Buffer.from(GO_MOD)) };
  return markVerified({
    id,
    body,
    source: 'upstream',
    verification: id.kind === 'info' ? { by: 'form' } : { by: 'exemption', because: 'off' },
    ...h1,
  });
}

async function commit(version: string, kind: ArtifactKind, scope = 'public'): Promise<void> {
  const id: ArtifactId = { module: { path: MODULE, version: version as Version }, kind };
  await artifacts.commit(scope, verified(id, spooledBytes(Buffer.from(bodyOf(id)))), o);
}

function bodyOf({ module, kind }: ArtifactId): string {
  return kind === 'mod' ? GO_MOD : `the ${kind} of ${module.version}`;
}

async function check(options: Partial<FsckOptions> = {}) {
  return await fsck({
    ...o,
    store: checkedStore(disk),
    spool: spool(),
    clock: systemClock,
    repair: false,
    recentMs: 0,
    strangers: disk.strangers(o),
    ...options,
  });
}

/** What the application gives to --repair. */
function repairing(): Partial<FsckOptions> {
  const fresh = newStore();
  return {
    repair: true,
    refetch: async (scope, id) => fresh.commit(scope, verified(id, spooledBytes(Buffer.from(bodyOf(id)))), o),
    adopt: async (scope, id, body) => {
      if (body.kind === 'memory' && !Buffer.from(body.bytes).equals(Buffer.from(bodyOf(id))))
        throw new Error('not what it should be');
      await fresh.commit(scope, verified(id, body), o);
    },
  };
}

async function overwrite(name: string, bytes: string | Uint8Array): Promise<void> {
  await mkdir(dirname(at(name)), { recursive: true });
  await chmod(at(name), 0o644).catch(() => undefined);
  await writeFile(at(name), bytes);
}

const META = 'meta/rsc.io/quote/@v';

/** What is done to a sound store, and what fsck must say of it. */
const DAMAGES: readonly (readonly [what: string, kind: string, path: string, damage: () => Promise<void>])[] = [
  ['a record without data', 'partial', `${BASE}/v1.1.0.zip`, () => unlink(at(`${BASE}/v1.1.0.zip`))],
  [
    'data cut short',
    'partial',
    `${BASE}/v1.1.0.mod`,
    async () => (await chmod(at(`${BASE}/v1.1.0.mod`), 0o644), truncate(at(`${BASE}/v1.1.0.mod`), 5)),
  ],
  [
    'data with something behind it',
    'altered',
    `${BASE}/v1.1.0.info`,
    () => overwrite(`${BASE}/v1.1.0.info`, 'the info of v1.1.0 '),
  ],
  ['a flipped bit', 'altered', `${BASE}/v1.2.0.info`, () => overwrite(`${BASE}/v1.2.0.info`, 'the info of v1.2.1')],
  [
    'a flipped bit in a private scope',
    'altered',
    `scopes/team-a/${BASE}/v1.0.0.mod`,
    () => overwrite(`scopes/team-a/${BASE}/v1.0.0.mod`, 'module rsc.io/quotf\n'),
  ],
  [
    'a file of zeros',
    'altered',
    `${BASE}/v1.2.0.zip`,
    () => overwrite(`${BASE}/v1.2.0.zip`, Buffer.alloc('the zip of v1.2.0'.length)),
  ],
  ['a list for static servers that is missing', 'partial', `${BASE}/list`, () => unlink(at(`${BASE}/list`))],
  [
    'a list for static servers that tells of too little',
    'altered',
    `scopes/team-a/${BASE}/list`,
    () => overwrite(`scopes/team-a/${BASE}/list`, 'v0.9.0\n'),
  ],
  ['data without a record', 'orphaned', `${BASE}/v1.3.0.mod`, () => overwrite(`${BASE}/v1.3.0.mod`, GO_MOD)],
  [
    'unsound data without a record',
    'orphaned',
    `${BASE}/v1.3.0.zip`,
    () => overwrite(`${BASE}/v1.3.0.zip`, 'half a z'),
  ],
];

describe('fsck', () => {
  test('finds nothing in a sound store, and counts what it looked at', async () => {
    const seen: number[] = [];
    const report = await check({ onProgress: (checked) => seen.push(checked) });
    expect(report).toMatchObject({
      checked: 20,
      findings: [],
      counts: { partial: 0, altered: 0, orphaned: 0, foreign: 0, repaired: 0 },
    });
    expect(report.sizeBytes).toBe(
      Buffer.byteLength(GO_MOD) * 4 + 'the info of v1.0.0'.length * 3 + 'the zip of v1.0.0'.length * 3,
    );
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test.each(DAMAGES)('finds %s (%s)', async (_what, kind, path, damage) => {
    await damage();
    const report = await check();
    expect(report.findings).toEqual([{ kind, path, what: expect.any(String), repaired: false }]);
  });

  test.each(DAMAGES)('repairs %s, and is content afterwards', async (_what, kind, path, damage) => {
    await damage();
    const report = await check(repairing());
    expect(report.findings).toEqual([{ kind, path, what: expect.any(String), repaired: true }]);
    expect((await check()).findings).toEqual([]);
  });

  test('without --repair it changes nothing', async () => {
    for (const [, , , damage] of DAMAGES) await damage();
    const before = await readdir(root, { recursive: true });
    const report = await check();
    expect(report.findings).toHaveLength(DAMAGES.length);
    expect((await readdir(root, { recursive: true })).sort()).toEqual(before.sort());
  });

  test('repairs everything at once', async () => {
    for (const [, , , damage] of DAMAGES) await damage();
    expect((await check(repairing())).counts.repaired).toBe(DAMAGES.length);
    expect((await check()).findings).toEqual([]);
    expect(await readdir(at('quarantine/public/rsc.io/quote/@v'))).toEqual(
      expect.arrayContaining(['v1.1.0.mod', 'v1.2.0.info', 'v1.2.0.zip', 'v1.3.0.zip']),
    );
  });

  test('puts an unreadable record aside, and adopts its data again', async () => {
    await overwrite(`${META}/v1.0.0.zip.json`, '{}');
    const report = await check(repairing());
    expect(report.findings.map((one) => [one.kind, one.path, one.repaired])).toEqual([
      ['altered', `${META}/v1.0.0.zip.json`, true],
      ['orphaned', `${BASE}/v1.0.0.zip`, true],
    ]);
    expect((await check()).findings).toEqual([]);
  });

  test('leaves data without a record where it is while nobody can say whether it is right', async () => {
    await overwrite(`${META}/v1.0.0.zip.json`, '{}');
    const adopt = (): Promise<never> => Promise.reject(new AppError('SUMDB_UNAVAILABLE', 'prove it: nobody answers'));
    const report = await check({ ...repairing(), adopt });
    expect(report.findings.map((one) => [one.kind, one.path, one.repaired])).toEqual([
      ['altered', `${META}/v1.0.0.zip.json`, true],
      ['orphaned', `${BASE}/v1.0.0.zip`, false],
    ]);
    expect((await check(repairing())).findings).toMatchObject([{ kind: 'orphaned', repaired: true }]);
  });

  test('finds a record whose h1 was changed', async () => {
    const path = `${META}/v1.0.0.mod.json`;
    const id: ArtifactId = { module: { path: MODULE, version: 'v1.0.0' as Version }, kind: 'mod' };
    const record = decodeProvenance(await readFile(at(path)), id);
    if (record === undefined) throw new Error('no record');
    await overwrite(path, encodeProvenance({ ...record, h1: hashGoMod(Buffer.from('other')) }));
    expect((await check()).findings).toMatchObject([
      { kind: 'altered', path: `${BASE}/v1.0.0.mod`, what: /its h1 is/ },
    ]);
  });

  test('compares the h1 of zips when it is told how', async () => {
    const report = await check({
      zipHash: async (id) => (id.module.version === 'v1.1.0' ? 'h1:other' : hashGoMod(Buffer.from(GO_MOD))),
    });
    expect(report.findings.map((one) => one.path)).toEqual([`${BASE}/v1.1.0.zip`]);
  });

  test('tells of what a trusted go.sum pins to another hash, and leaves it where it is', async () => {
    const pinned = hashGoMod(Buffer.from('other'));
    const pinVerdict: FsckOptions['pinVerdict'] = (kind, { version }) =>
      kind === 'zip' && version === 'v1.1.0' ? { verdict: 'mismatch', file: 'go.sum', pinned } : { verdict: 'unknown' };
    const what = `its h1 is ${hashGoMod(Buffer.from(GO_MOD))}, pinned is ${pinned} in go.sum`;
    expect((await check({ ...repairing(), pinVerdict })).findings).toMatchObject([
      { kind: 'altered', path: `${BASE}/v1.1.0.zip`, what: expect.stringContaining(what), repaired: false },
    ]);
    expect((await check()).findings).toEqual([]);
  });

  test('says so when what is damaged cannot be fetched again, and keeps its record', async () => {
    await overwrite(`${BASE}/v1.2.0.info`, 'the info of v1.2.1');
    const offline = { ...repairing(), refetch: () => Promise.reject(new Error('upstream is down')) };
    expect((await check(offline)).findings).toMatchObject([
      { kind: 'altered', repaired: false, what: /upstream is down/ },
    ]);
    expect((await check(repairing())).findings).toMatchObject([{ kind: 'partial', repaired: true }]);
  });

  test('tells of files that Larder did not write, and leaves them', async () => {
    const strangers = [
      'download/rsc.io/quote/@v/Thumbs.db',
      'download/notes.txt',
      'meta/rsc.io/quote/@v/v1.0.0.zip.sig',
      'download/rsc.io/quote/@v/v1.info',
    ];
    for (const name of strangers) await overwrite(name, 'x');
    const report = await check(repairing());
    expect(report.findings.map((one) => one.path).sort()).toEqual(strangers.sort());
    expect(report.findings.every((one) => one.kind === 'foreign' && !one.repaired)).toBe(true);
    for (const name of strangers) expect(await readFile(at(name), 'utf8')).toBe('x');
  });

  test('leaves alone what a server is just writing', async () => {
    await overwrite(`${BASE}/v1.3.0.mod`, GO_MOD);
    expect((await check({ recentMs: 60_000, repair: true })).findings).toEqual([]);
    expect(await readFile(at(`${BASE}/v1.3.0.mod`), 'utf8')).toBe(GO_MOD);
  });

  test('stops when its signal fires', async () => {
    const stop = new AbortController();
    await expect(
      check({ signal: stop.signal, onProgress: (checked) => checked === 3 && stop.abort() }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
