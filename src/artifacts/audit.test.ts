import { chmod, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashGoMod } from '../gomod/dirhash.ts';
import { parseGoSum } from '../gomod/gosum.ts';
import {
  type ArtifactId,
  type ArtifactKind,
  type ModuleVersion,
  parseModulePath,
  type Version,
} from '../gomod/module.ts';
import { createSpoolDirectory, spooledBytes } from '../io/spool.ts';
import { openTempDirectory, type TempDirectory } from '../io/temp-directory.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { checkedStore } from '../storage/checked.ts';
import { DiskStore } from '../storage/disk/disk-store.ts';
import type { BlobStore } from '../storage/store.ts';
import { markVerified, type Verification } from '../verify/verified.ts';
import { ArtifactStore } from './artifact-store.ts';
import { Audit, type AuditOptions } from './audit.ts';
import { auditAll, auditGoSum, auditModules } from './audit-store.ts';
import { dataKey, recordKey } from './layout.ts';

const o = { signal: new AbortController().signal };
const GO_MOD = 'module example.com/m\n';
const MOD_H1 = hashGoMod(Buffer.from(GO_MOD));
const ZIP_H1 = `h1:${'Z'.repeat(43)}=`;
const OTHER = `h1:${'A'.repeat(43)}=`;
const OFF: Verification = { by: 'exemption', because: 'off' };
const PROVEN: Verification = { by: 'sumdb', database: 'sum.example', record: 7, treeSize: 10 };

let root: string;
let temp: TempDirectory;
let store: BlobStore;
let artifacts: ArtifactStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-audit-'));
  temp = await openTempDirectory(root);
  store = checkedStore(new DiskStore({ root, temp }));
  artifacts = new ArtifactStore({ store, spool: spool(), clock: systemClock, observer: { onDamage: () => undefined } });
});
afterEach(async () => {
  await artifacts.close();
  await temp.close();
  await rm(root, { recursive: true, force: true });
});

const spool = () => createSpoolDirectory({ temp }).spool(1 << 20);

function idOf(kind: ArtifactKind, path = 'example.com/m', version = 'v1.0.0'): ArtifactId {
  return { module: { path: parseModulePath(path), version: version as Version }, kind };
}

async function stored(id: ArtifactId, verification: Verification, scope = 'public'): Promise<void> {
  const body = spooledBytes(Buffer.from(id.kind === 'mod' ? GO_MOD : `the ${id.kind}`));
  const h1 = id.kind === 'info' ? {} : { h1: id.kind === 'mod' ? MOD_H1 : ZIP_H1 };
  await artifacts.commit(scope, markVerified({ id, body, source: 'upstream', verification, ...h1 }), o);
}

/** All three, each with its record. */
async function module(verification: Verification, path?: string): Promise<void> {
  await stored(idOf('info', path), { by: 'form' });
  await stored(idOf('mod', path), verification);
  await stored(idOf('zip', path), verification);
}

function audit(more: Partial<AuditOptions> = {}): Audit {
  const pinVerdict = () => ({ verdict: 'unknown' }) as const;
  return new Audit({ store, spool: spool(), provers: [], pinVerdict, zipHash: async () => ZIP_H1, ...more });
}

/** A database that has one record, of `of`, with these hashes. */
function database({ zip = ZIP_H1, mod = MOD_H1, of = 'example.com/m' } = {}): AuditOptions['provers'][number] {
  const text = `${of} v1.0.0 ${zip}\n${of} v1.0.0/go.mod ${mod}\n`;
  return {
    name: 'sum.example',
    proveStored: async ({ path }: ModuleVersion) =>
      path === of ? { database: 'sum.example', record: 7, treeSize: 90, text } : undefined,
  };
}

const file = (id: ArtifactId): string => join(root, dataKey({ scope: 'public', id }));

async function overwrite(path: string, text: string): Promise<void> {
  await chmod(path, 0o644);
  await writeFile(path, text);
}

describe('an audit of everything', () => {
  test('counts what is proven, exempt and neither, in every scope', async () => {
    await module(PROVEN);
    await module(OFF, 'example.com/exempt');
    await stored(idOf('mod', 'example.com/old'), PROVEN);
    await stored(idOf('mod'), { by: 'exemption', because: 'pattern', pattern: 'x' }, 'team-a');
    const report = await auditAll(store, { audit: audit({ provers: [database()] }), ...o });
    expect(report).toMatchObject({
      checked: 8,
      counts: { proven: 3, pinned: 0, exempt: 2, unproven: 1, form: 2, wrong: 0, missing: 0 },
    });
    expect(report.findings).toEqual([
      { module: 'example.com/exempt@v1.0.0', kind: 'mod', is: 'exempt', because: 'off' },
      { module: 'example.com/exempt@v1.0.0', kind: 'zip', is: 'exempt', because: 'off' },
      {
        module: 'example.com/old@v1.0.0',
        kind: 'mod',
        is: 'unproven',
        why: 'proof-not-stored',
        database: 'sum.example',
      },
    ]);
  });

  test('finds damaged bytes, missing bytes and damaged records, and puts them before the rest', async () => {
    await module(OFF, 'example.com/a');
    await module(PROVEN);
    await overwrite(file(idOf('mod')), GO_MOD.replace('m\n', 'n\n'));
    await unlink(file(idOf('zip')));
    await overwrite(join(root, recordKey({ scope: 'public', id: idOf('info') })), '{}');
    const { counts, findings } = await auditAll(store, { audit: audit({ provers: [database()] }), ...o });
    expect(counts).toMatchObject({ wrong: 3, exempt: 2 });
    expect(findings.map(({ kind, is, ...rest }) => [kind, is, 'what' in rest ? rest.what : ''])).toEqual([
      ['info', 'wrong', expect.stringContaining('not a provenance record')],
      ['mod', 'wrong', expect.stringContaining('its SHA-256 is')],
      ['zip', 'wrong', 'it has a record but no data'],
      ['mod', 'exempt', ''],
      ['zip', 'exempt', ''],
    ]);
  });

  test('finds records whose hash is not that of their bytes', async () => {
    await module(OFF);
    const { findings } = await auditAll(store, { audit: audit({ zipHash: async () => OTHER }), ...o });
    expect(findings[0]).toMatchObject({ kind: 'zip', is: 'wrong', fault: 'damaged' });
  });

  test('checks against the stored proof also what its record calls exempt', async () => {
    await module(OFF);
    const { findings } = await auditAll(store, { audit: audit({ provers: [database({ zip: OTHER })] }), ...o });
    expect(findings).toMatchObject([{ kind: 'zip', is: 'wrong', fault: 'mismatch' }]);
  });

  test.each(['SUMDB_INCONSISTENT', 'STORE_CORRUPT'] as const)('calls a proof wrong that ends in %s', async (code) => {
    await stored(idOf('mod'), PROVEN);
    const prover = {
      name: 'sum.example',
      proveStored: () => Promise.reject(new AppError(code, 'a tile is not right')),
    };
    const { findings } = await auditAll(store, { audit: audit({ provers: [prover] }), ...o });
    expect(findings).toMatchObject([
      { is: 'wrong', fault: 'proof', what: 'its proof by sum.example does not hold: a tile is not right' },
    ]);
  });

  test('calls nothing wrong when a proof cannot be read: then nobody knows', async () => {
    await stored(idOf('mod'), PROVEN);
    const prover = { name: 'x', proveStored: () => Promise.reject(new AppError('STORE_UNAVAILABLE', 'no disk')) };
    await expect(auditAll(store, { audit: audit({ provers: [prover] }), ...o })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
  });

  test('asks a database once for what belongs together', async () => {
    await module(PROVEN);
    let asked = 0;
    const counted = database();
    const prover = {
      ...counted,
      proveStored: (...args: Parameters<typeof counted.proveStored>) => {
        asked++;
        return counted.proveStored(...args);
      },
    };
    await auditAll(store, { audit: audit({ provers: [prover] }), ...o });
    expect(asked).toBe(1);
  });

  test('looks again at what was replaced while it was read', async () => {
    await stored(idOf('mod'), OFF);
    await overwrite(file(idOf('mod')), 'mod');
    let opened = 0;
    const healing: BlobStore = Object.assign(Object.create(store) as BlobStore, {
      open: async (...args: Parameters<BlobStore['open']>) => {
        const blob = await store.open(...args);
        if (args[0].startsWith('download/') && opened++ === 0) await overwrite(file(idOf('mod')), GO_MOD);
        return blob;
      },
    });
    const { counts } = await auditAll(store, { audit: audit({ store: healing }), ...o });
    expect(counts).toMatchObject({ wrong: 0, exempt: 1 });
  });

  test('ends with its signal', async () => {
    await module(OFF);
    const stop = new AbortController();
    const run = { audit: audit(), signal: stop.signal, onProgress: () => stop.abort() };
    await expect(auditAll(store, run)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('an audit of modules', () => {
  test('looks at what is stored of them, and tells of those of which nothing is', async () => {
    await module(PROVEN);
    await module(OFF, 'example.com/other');
    const modules = [idOf('zip').module, idOf('zip', 'example.com/gone').module];
    const run = { audit: audit({ provers: [database()] }), ...o };
    expect(await auditModules({ modules, scopeOf: () => 'public' }, run)).toMatchObject({
      checked: 3,
      counts: { proven: 2, form: 1, missing: 1 },
      findings: [{ module: 'example.com/gone@v1.0.0', is: 'missing', why: 'not-stored' }],
    });
  });
});

describe('an audit by a go.sum', () => {
  async function audited(text: string, more: Partial<AuditOptions> = {}) {
    const lines = parseGoSum(text, 'go.sum');
    return await auditGoSum({ name: 'go.sum', lines, scopeOf: () => 'public' }, { audit: audit(more), ...o });
  }

  test('finds every line that is not what is stored', async () => {
    await module(OFF);
    const right = await audited(`example.com/m v1.0.0 ${ZIP_H1}\nexample.com/m v1.0.0/go.mod ${MOD_H1}\n`);
    expect(right).toMatchObject({ checked: 2, counts: { exempt: 2, wrong: 0, missing: 0 } });
    const wrong = await audited(`example.com/m v1.0.0 ${OTHER}\nexample.com/m v1.0.0/go.mod ${OTHER}\n`);
    expect(wrong.counts).toMatchObject({ wrong: 2, exempt: 0 });
    expect(wrong.findings[0]).toEqual({
      module: 'example.com/m@v1.0.0',
      kind: 'zip',
      is: 'wrong',
      fault: 'mismatch',
      what: `its h1 is ${ZIP_H1}, go.sum has ${OTHER}`,
    });
  });

  test('finds every line that is not what is proven, also of what is not stored', async () => {
    const text = `example.com/m v1.0.0 ${ZIP_H1}\nexample.com/m v1.0.0/go.mod ${OTHER}\nexample.com/n v1.0.0 ${ZIP_H1}\n`;
    const { checked, counts, findings } = await audited(text, { provers: [database()] });
    expect([checked, counts]).toEqual([0, expect.objectContaining({ wrong: 1, missing: 2 })]);
    expect(findings).toMatchObject([
      {
        kind: 'mod',
        is: 'wrong',
        fault: 'mismatch',
        what: `record 7 of sum.example has ${MOD_H1}, go.sum has ${OTHER}`,
      },
      { kind: 'zip', is: 'missing', why: 'not-stored', proven: { record: 7 } },
      { module: 'example.com/n@v1.0.0', kind: 'zip', is: 'missing', why: 'not-stored' },
    ]);
  });

  test('passes over algorithms that it does not know, and tells of names that no module can have', async () => {
    await module(OFF);
    const { counts, findings } = await audited(
      'example.com/m v1.0.0 h2:abc\nm v1.0.0 h1:abc\nexample.com/m v2.0.0 h1:abc\n',
    );
    expect(counts).toMatchObject({ exempt: 1, wrong: 0, missing: 2 });
    expect(findings.slice(1)).toMatchObject([
      { module: 'm@v1.0.0', is: 'missing', why: 'not-a-module' },
      { module: 'example.com/m@v2.0.0', is: 'missing', why: 'not-a-module' },
    ]);
  });
});

test('a glance reads no bytes, and sees only that they are there and as many as they should be', async () => {
  await module(OFF);
  await overwrite(file(idOf('zip')), 'THE zip');
  await overwrite(file(idOf('mod')), 'x');
  const one = audit();
  const glance = async (kind: ArtifactKind) => (await one.glance({ scope: 'public', id: idOf(kind) }, o))?.standing;
  expect(await glance('zip')).toEqual({ is: 'exempt', because: 'off' });
  expect(await glance('mod')).toMatchObject({ is: 'wrong', fault: 'damaged' });
  await unlink(file(idOf('info')));
  expect(await glance('info')).toMatchObject({ is: 'wrong', what: 'it has a record but no data' });
  expect(await one.glance({ scope: 'public', id: idOf('zip', 'example.com/n') }, o)).toBeUndefined();
});
