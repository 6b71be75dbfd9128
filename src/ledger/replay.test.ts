import { describe, expect, test } from 'vitest';
import { formatDataTile } from '../gomod/sumdb/data-tile.ts';
import { parseSignerKey } from '../gomod/sumdb/key.ts';
import { PlainLog } from '../../tests/fakes/plain-log.ts';
import { exportedFiles } from './export.ts';
import { appendMany, Ground, KEYS, moduleNumber, o, textOf } from '../../tests/fakes/ledger-ground.ts';
import { Log } from './log.ts';
import { type ReplayReport, replayLog } from './replay.ts';
import { RecordIndex } from './record-index.ts';
import { decodeState, encodeState } from './state.ts';

async function grown(size: number): Promise<Ground> {
  const ground = new Ground();
  const ledger = await ground.open();
  await appendMany(ledger, 0, size);
  await ledger.close();
  // What became full with the last batch is stored with the next one.
  await (await Log.open(ground, o))?.settle(o);
  return ground;
}

async function replay(ground: Ground): Promise<ReplayReport> {
  const { store, registers, copy } = ground;
  const report = await replayLog({ store, registers, copy, index: new RecordIndex(':memory:'), ...o });
  if (report === undefined) throw new Error('no log');
  return report;
}

async function change(ground: Ground, key: string, edit: (bytes: Buffer) => Uint8Array): Promise<void> {
  const blob = await ground.store.open(key, o);
  const bytes = Buffer.alloc(blob!.info.sizeBytes);
  await blob!.reader.pull(bytes);
  await ground.store.publish(key, edit(bytes), o);
}

function flip(bytes: Buffer): Buffer {
  bytes[33]! ^= 1;
  return bytes;
}

describe('a replay of the log', () => {
  test.each([0, 1, 256, 800])('of %i records finds nothing wrong', async (size) => {
    const report = await replay(await grown(size));
    expect(report).toEqual({
      name: 'sum.corp.test',
      verifierKey: KEYS.verifier,
      size,
      checked: size,
      published: size,
      faults: [],
    });
  });

  test.each([
    ['ledger/tile/8/data/000', /./],
    ['ledger/tile/8/data/001', /./],
    ['ledger/tile/8/0/001', /hashes are not those/],
  ])('tells of a changed byte in %s', async (key, fault) => {
    const ground = await grown(800);
    await (await ground.reopen()).append(moduleNumber(800), textOf(800), o);
    await change(ground, key, flip);
    expect((await replay(ground)).faults.join('\n')).toMatch(fault);
  });

  test('tells of a missing tile', async () => {
    const ground = await grown(800);
    await (await ground.reopen()).append(moduleNumber(800), textOf(800), o);
    await ground.store.delete('ledger/tile/8/data/001', o);
    expect((await replay(ground)).faults.join('\n')).toContain('missing');
  });

  test('tells of a version with two records, though every hash is right', async () => {
    const ground = new Ground();
    await ground.open();
    const held = await ground.registers.read('ledger/head', o);
    const texts = [textOf(1), textOf(2), textOf(1, 'moved tag')];
    const log = new PlainLog({ signerKey: KEYS.signer, textOf: () => undefined });
    for (const text of texts) log.append(text);
    const root = Buffer.from(String(log.get('latest')).split('\n')[2] ?? '', 'base64');
    const state = { ...decodeState(held!.value)!, texts, head: { size: 3, hash: root } };
    await ground.registers.replace(held!, encodeState(state), o);
    expect((await replay(ground)).faults).toEqual([expect.stringContaining('records 0 and 2')]);
  });

  test('tells of a published head that the log does not have', async () => {
    const ground = await grown(20);
    const longer = await grown(21);
    ground.copy.bytes = longer.copy.bytes;
    expect((await replay(ground)).faults).toEqual([expect.stringContaining('21')]);
    const other = new Ground();
    await appendMany(await other.open(), 5, 15);
    ground.copy.bytes = other.copy.bytes;
    expect((await replay(ground)).faults).toEqual([expect.stringContaining('first 10 records')]);
    ground.copy.bytes = Buffer.from('rubbish');
    expect((await replay(ground)).faults).toHaveLength(1);
  });

  test('takes what a server logs meanwhile for no fault', async () => {
    const ground = await grown(10);
    const server = await ground.reopen();
    const read: typeof ground.registers.read = async (...args) => {
      const held = await ground.registers.read(...args);
      await appendMany(server, 10, 12);
      return held;
    };
    const registers = { ...ground.registers, read };
    const { store, copy } = ground;
    const report = await replayLog({ store, copy, registers, index: new RecordIndex(':memory:'), ...o });
    expect(report).toMatchObject({ size: 10, published: 10, faults: [] });
  });

  test('tells of records that lead to another root', async () => {
    const ground = await grown(10);
    const held = (await ground.registers.read('ledger/head', o))!;
    const swapped = Buffer.from(held.value);
    const [first, last] = [Buffer.from(formatDataTile([textOf(1)])), Buffer.from(formatDataTile([textOf(1, 'x')]))];
    const at = swapped.indexOf(first.subarray(0, 60));
    last.copy(swapped, at, 0, first.length);
    await ground.registers.replace(held, swapped, o);
    expect((await replay(ground)).faults).toContainEqual(expect.stringContaining('root hash'));
  });
});

test('an export is every file that a client asks a static server for', async () => {
  const ground = await grown(600);
  const log = await Log.open(ground, o);
  const files = new Map<string, string>();
  for await (const { path, bytes } of exportedFiles(log!, parseSignerKey(KEYS.signer), o))
    files.set(path, Buffer.from(bytes).toString('base64'));
  const plain = new PlainLog({ signerKey: KEYS.signer, textOf: (name) => textOf(Number(/m(\d+)@/.exec(name)?.[1])) });
  for (let n = 0; n < 600; n++) plain.get(`lookup/corp.test/m${n}@v1.0.0`);
  // Two full tiles of hashes and of records, and what follows them at each width: a client may come back with any older head.
  expect(files.size).toBe(600 + (2 + 88) + 2 + (2 + 88) + 1);
  for (const path of ['tile/8/0/002.p/1', 'tile/8/0/002.p/87', 'tile/8/1/000.p/1', 'tile/8/data/002.p/5'])
    expect(files.has(path), path).toBe(true);
  expect([...files.keys()].at(-1)).toBe('latest');
  for (const [path, bytes] of files) expect(bytes, path).toBe(plain.get(path)?.toString('base64'));
});
