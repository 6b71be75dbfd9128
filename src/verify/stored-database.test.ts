import { describe, expect, test } from 'vitest';
import { ClientRig, o } from '../../tests/fakes/sumdb-rig.ts';
import { testModule } from '../../tests/fakes/test-log.ts';
import { formatRecord } from '../gomod/sumdb/text.ts';
import { placeOf } from './database-place.ts';
import { StoredDatabase } from './stored-database.ts';

const FOLDER = 'sumdb/sum.example.org';
const TILE = `${FOLDER}/tile/8/0/000`;
const LOOKUP = placeOf('sum.example.org').lookup(testModule(7));

/** What a client has stored after it proved record 7 of 300. */
async function rigWithProof(): Promise<ClientRig> {
  const rig = await ClientRig.of(300);
  await rig.client().prove(testModule(7), o);
  return rig;
}

function stored({ log, store, register, clock }: ClientRig): StoredDatabase {
  return new StoredDatabase({
    setting: { name: log.name, key: log.key },
    store,
    registers: register,
    clock,
    observer: { onSecurityEvent: () => undefined },
    limits: { tileMemoryBytes: 1024 * 1024 },
  });
}

describe('what is stored of a checksum database', () => {
  test('proves again what a client proved, and nothing else', async () => {
    const rig = await rigWithProof();
    const database = stored(rig);
    const proven = { database: 'sum.example.org', record: 7, treeSize: 300, text: rig.log.text(7) };
    expect(await database.proveStored(testModule(7), o)).toEqual(proven);
    expect(await database.proveStored(testModule(8), o)).toBeUndefined();
  });

  test('proves what a server proved since it was opened, in a larger tree', async () => {
    const rig = await rigWithProof();
    const database = stored(rig);
    await database.proveStored(testModule(7), o);
    await rig.log.growTo(1000);
    await rig.client().prove(testModule(900), o);
    expect(await database.proveStored(testModule(900), o)).toMatchObject({ record: 900, treeSize: 1000 });
  });

  test.each([
    ['the record is another one', LOOKUP, (bytes: Buffer) => Buffer.from(bytes.toString().replace('h1:', 'h1:x'))],
    ['the record has another number', LOOKUP, (bytes: Buffer) => Buffer.from(bytes.toString().replace(/^7/, '8'))],
    ['the record is none', LOOKUP, () => Buffer.from('rubbish')],
    ['a tile is damaged', TILE, (bytes: Buffer) => flipped(bytes, 7 * 32)],
    ['a tile beside the record is damaged', TILE, (bytes: Buffer) => flipped(bytes, 200 * 32)],
  ])('tells when %s', async (_, key, damage) => {
    const rig = await rigWithProof();
    await rig.store.publish(key, damage(Buffer.from(await rig.blob(key))), o);
    await expect(stored(rig).proveStored(testModule(7), o)).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
  });

  test('tells when the record of another module lies there, though the log has it', async () => {
    const rig = await rigWithProof();
    await rig.store.publish(LOOKUP, formatRecord(8, rig.log.text(8)), o);
    await expect(stored(rig).proveStored(testModule(7), o)).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
  });

  test('proves nothing without its tiles', async () => {
    const rig = await rigWithProof();
    await rig.store.delete(TILE, o);
    expect(await stored(rig).proveStored(testModule(7), o)).toBeUndefined();
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}
