/** Signed notes, the log's tree and its proofs, tiles, and the texts of a checksum database, against the reference's answers. */
import { bytesOfText } from '../../src/gomod/go-text.ts';
import { type Hash, hashBase64, nodeHash, parseHashBase64, recordHash } from '../../src/gomod/sumdb/hash.ts';
import { generateKey, parseSignerKey, parseVerifierKey } from '../../src/gomod/sumdb/key.ts';
import { openNote, type Signature, signNote } from '../../src/gomod/sumdb/note.ts';
import { formatRecord, formatTreeHead, parseRecord, parseTreeHead } from '../../src/gomod/sumdb/text.ts';
import { newTiles, parseTilePath, tileBytes, tileForIndex, tilePath } from '../../src/gomod/sumdb/tile.ts';
import { tileHashReader } from '../../src/gomod/sumdb/tile-reader.ts';
import {
  checkRecord,
  checkTree,
  type HashReader,
  proveRecord,
  proveTree,
  splitStoredHashIndex,
  storedHashCount,
  storedHashesForRecord,
  storedHashIndex,
  treeHash,
} from '../../src/gomod/sumdb/tree.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/std/bytes.ts';
import { orUndefined, type Row, rowsOf, stringAt, type Suite, type Tally, textOf } from './suite.ts';

export const suites: readonly Suite[] = [
  { group: 'sumdb', file: 'note.json', run: runNotes },
  { group: 'sumdb', file: 'tlog/proofs.json', run: runProofs },
  { group: 'sumdb', file: 'tlog/tiles.json', run: runTiles },
  { group: 'sumdb', file: 'tlog/tile_hash_reader.json', run: runTileReader },
  { group: 'sumdb', file: 'tlog/text_formats.json', run: runTexts },
];

/** Compares by JSON. A row with an error must be refused; its wording is ours. */
function same(t: Tally, name: string, got: unknown, row: Row, want: unknown): void {
  const isRefusal = (row['error'] ?? null) !== null;
  const g = JSON.stringify(got ?? null);
  const w = JSON.stringify(isRefusal ? null : want);
  t.check(name, g === w, () => `got ${g}, want ${w}`);
}

function numberAt(row: Row, key: string): number {
  return Number(row[key]);
}

function hashAt(row: Row, key: string): Hash {
  return parseHashBase64(stringAt(row, key)) ?? new Uint8Array();
}

function hashesAt(row: Row, key: string): readonly Hash[] {
  return ((row[key] ?? []) as string[]).map((text) => parseHashBase64(text) ?? new Uint8Array());
}

// ------------------------------------------------------------------ notes

function runNotes(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'verifier_keys')) {
    const key = orUndefined(() => parseVerifierKey(textOf(row, 'vkey')));
    const got = key && { name: key.name, hash: hex(key.hash) };
    same(t, `verifier key ${textOf(row, 'vkey')}`, got, row, { name: row['name'], hash: row['hash'] });
  }
  for (const row of rowsOf(data, 'signer_keys')) {
    const got = orUndefined(() => parseSignerKey(textOf(row, 'skey')) !== undefined);
    same(t, `signer key ${textOf(row, 'skey')}`, got, row, true);
  }
  for (const row of rowsOf(data, 'generate')) runGenerate(row, t);
  for (const row of rowsOf(data, 'open')) runOpen(row, t);
  for (const row of rowsOf(data, 'sign')) runSign(row, t);
}

function runGenerate(row: Row, t: Tally): void {
  const made = generateKey(stringAt(row, 'name'), Buffer.from(stringAt(row, 'seed_hex'), 'hex'));
  const signed = signNote({ text: stringAt(row, 'text') }, parseSignerKey(made.signer));
  const got = { skey: made.signer, vkey: made.verifier, signed: decodeUtf8(signed) };
  same(t, `generate ${stringAt(row, 'name')}`, got, row, {
    skey: row['skey'],
    vkey: row['vkey'],
    signed: row['signed'],
  });
}

function runOpen(row: Row, t: Tally): void {
  const keys = (row['keys'] as string[]).map(parseVerifierKey);
  const note = orUndefined(() => openNote(bytesOfText(textOf(row, 'msg')), keys));
  const got = note && { text: note.text, sigs: note.signatures.map(plain), unverified: note.unverified.map(plain) };
  const want = { text: row['text'], sigs: plainRows(row['sigs']), unverified: plainRows(row['unverified']) };
  same(t, `open ${stringAt(row, 'name')}`, got, row, want);
}

function plain({ name, hash, base64 }: Signature): unknown {
  return { name, hash: hex(hash), base64 };
}

function plainRows(rows: unknown): unknown {
  return ((rows ?? []) as Row[]).map(({ name, hash, base64 }) => ({ name, hash, base64 }));
}

function runSign(row: Row, t: Tally): void {
  const signatures = rowsOf(row, 'existing').map((one) => ({
    name: stringAt(one, 'name'),
    hash: Number.parseInt(stringAt(one, 'hash'), 16),
    base64: stringAt(one, 'base64'),
  }));
  const got = orUndefined(() =>
    decodeUtf8(signNote({ text: stringAt(row, 'text'), signatures }, parseSignerKey(stringAt(row, 'skey')))),
  );
  same(t, `sign ${stringAt(row, 'name')}`, got, row, row['signed']);
}

function hex(hash: number): string {
  return hash.toString(16).padStart(8, '0');
}

// ------------------------------------------------------------------ the tree

/** A log of records `leaf <i>`, as the data were made from. */
async function logOf(size: number): Promise<{ readonly hashes: readonly Hash[]; readonly read: HashReader }> {
  const hashes: Hash[] = [];
  const read: HashReader = async (indexes) => indexes.map((index) => hashes[index] ?? new Uint8Array());
  for (let n = 0; n < size; n++)
    hashes.push(...(await storedHashesForRecord(n, recordHash(encodeUtf8(`leaf ${n}`)), read)));
  return { hashes, read };
}

async function runProofs(data: unknown, t: Tally): Promise<void> {
  const sizes = ['tree_hash', 'inclusion', 'consistency'].flatMap((key) => rowsOf(data, key));
  const largest = Math.max(64, ...sizes.map((row) => Number(row['n'] ?? row['size'] ?? row['new_size'])));
  const { hashes, read } = await logOf(largest);
  for (const row of rowsOf(data, 'record_hash'))
    same(
      t,
      `record hash of ${textOf(row, 'data')}`,
      hashBase64(recordHash(bytesOfText(textOf(row, 'data')))),
      row,
      row['hash'],
    );
  for (const row of rowsOf(data, 'node_hash'))
    same(t, 'node hash', hashBase64(nodeHash(hashAt(row, 'left'), hashAt(row, 'right'))), row, row['hash']);
  for (const row of rowsOf(data, 'stored_hash_index')) {
    const [level, n, index] = [numberAt(row, 'level'), numberAt(row, 'n'), numberAt(row, 'index')];
    same(t, `index of ${level},${n}`, [storedHashIndex(level, n), splitStoredHashIndex(index)], row, [
      index,
      { level, n },
    ]);
  }
  const stored = (data as Row)['stored_hashes_first_64'] as string[] | undefined;
  stored?.forEach((hash, i) => same(t, `stored hash ${i}`, hashBase64(hashes[i] ?? new Uint8Array()), {}, hash));
  for (const row of rowsOf(data, 'tree_hash')) {
    const n = numberAt(row, 'n');
    const got = [hashBase64(await treeHash(n, read)), storedHashCount(n)];
    same(t, `tree hash of ${n}`, got, row, [row['hash'], row['stored_count']]);
  }
  for (const row of rowsOf(data, 'inclusion')) await runInclusion(row, read, t);
  for (const row of rowsOf(data, 'consistency')) await runConsistency(row, read, t);
  for (const row of rowsOf(data, 'check')) runCheck(row, t);
}

async function runInclusion(row: Row, read: HashReader, t: Tally): Promise<void> {
  const [size, index] = [numberAt(row, 'size'), numberAt(row, 'index')];
  const proof = await proveRecord(size, index, read);
  same(t, `inclusion of ${index} in ${size}`, proof.map(hashBase64), row, row['proof']);
  const leaf = recordHash(encodeUtf8(`leaf ${index}`));
  t.check(
    `inclusion of ${index} in ${size} holds`,
    checkRecord(proof, { size, hash: await treeHash(size, read) }, index, leaf),
  );
}

async function runConsistency(row: Row, read: HashReader, t: Tally): Promise<void> {
  const [size, old] = [numberAt(row, 'new_size'), numberAt(row, 'old_size')];
  const proof = await proveTree(size, old, read);
  same(t, `consistency of ${old} with ${size}`, proof.map(hashBase64), row, row['proof']);
  const heads = [
    { size, hash: await treeHash(size, read) },
    { size: old, hash: await treeHash(old, read) },
  ] as const;
  t.check(`consistency of ${old} with ${size} holds`, checkTree(proof, ...heads));
}

function runCheck(row: Row, t: Tally): void {
  const proof = hashesAt(row, 'proof');
  const head = {
    size: numberAt(row, row['kind'] === 'record' ? 'size' : 'new_size'),
    hash: hashAt(row, row['kind'] === 'record' ? 'tree_hash' : 'new_hash'),
  };
  const holds =
    row['kind'] === 'record'
      ? checkRecord(proof, head, numberAt(row, 'index'), hashAt(row, 'record_hash'))
      : checkTree(proof, head, { size: numberAt(row, 'old_size'), hash: hashAt(row, 'old_hash') });
  same(t, `check ${stringAt(row, 'kind')}: ${stringAt(row, 'name')}`, holds ? true : undefined, row, true);
}

// ------------------------------------------------------------------ tiles

async function runTiles(data: unknown, t: Tally): Promise<void> {
  for (const row of rowsOf(data, 'tile_for_index')) {
    const tile = tileForIndex(numberAt(row, 'height'), numberAt(row, 'index'));
    const got = [tile.level, tile.index, tile.width, tilePath(tile)];
    same(t, `tile of hash ${numberAt(row, 'index')}`, got, row, [row['L'], row['N'], row['W'], row['path']]);
  }
  for (const row of rowsOf(data, 'parse_tile_path')) {
    const tile = orUndefined(() => parseTilePath(textOf(row, 'path')));
    const got = tile && [tile.height, tile.level === 'data' ? -1 : tile.level, tile.index, tile.width, tilePath(tile)];
    same(t, `tile path ${textOf(row, 'path')}`, got, row, [row['H'], row['L'], row['N'], row['W'], row['path']]);
  }
  for (const row of rowsOf(data, 'new_tiles')) {
    const tiles = newTiles(numberAt(row, 'height'), numberAt(row, 'old'), numberAt(row, 'new')).map(tilePath);
    const want = [row['count'], row['tiles'] ?? (row['count'] === 0 ? [] : tiles)];
    same(t, `new tiles ${numberAt(row, 'old')} to ${numberAt(row, 'new')}`, [tiles.length, tiles], row, want);
  }
  for (const row of rowsOf(data, 'tile_sets')) await runTileSet(row, t);
}

async function runTileSet(row: Row, t: Tally): Promise<void> {
  const { read } = await logOf(numberAt(row, 'size'));
  const want = row['tiles'] as Record<string, string>;
  const made: Record<string, string> = {};
  for (const tile of newTiles(numberAt(row, 'height'), 0, numberAt(row, 'size')))
    made[tilePath(tile)] = Buffer.from(await tileBytes(tile, read)).toString('base64');
  for (const path of new Set([...Object.keys(want), ...Object.keys(made)]))
    t.check(`tile set ${numberAt(row, 'size')}: ${path}`, made[path] === want[path]);
}

async function runTileReader(data: unknown, t: Tally): Promise<void> {
  for (const row of rowsOf(data, 'tests')) {
    const tiles = row['tiles'] as Record<string, string>;
    const saved: string[] = [];
    const read = tileHashReader(
      { size: numberAt(row, 'size'), hash: hashAt(row, 'tree_hash') },
      {
        height: numberAt(row, 'height'),
        tiles: async (wanted) => wanted.map((tile) => Buffer.from(tiles[tilePath(tile)] ?? '', 'base64')),
        saved: (proven) => void saved.push(...proven.map(tilePath)),
      },
    );
    const indexes = row['indexes'] as number[];
    const hashes = await read(indexes).catch(() => undefined);
    same(t, `hashes: ${stringAt(row, 'name')}`, hashes?.map(hashBase64), row, row['hashes']);
    t.check(
      `saved: ${stringAt(row, 'name')}`,
      equalSets(saved, hashes === undefined ? [] : (row['saved'] as string[])),
    );
  }
}

function equalSets(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join();
}

// ------------------------------------------------------------------ texts

function runTexts(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'parse_tree')) {
    const head = orUndefined(() => parseTreeHead(textOf(row, 'text')));
    const got = head && [head.size, hashBase64(head.hash), formatTreeHead(head)];
    same(t, `tree head ${textOf(row, 'text')}`, got, row, [row['n'], row['hash'], row['format']]);
  }
  for (const row of rowsOf(data, 'format_record')) {
    const bytes = orUndefined(() => formatRecord(numberAt(row, 'id'), textOf(row, 'text')));
    same(t, `format record ${textOf(row, 'text')}`, bytes && decodeUtf8(bytes), row, row['msg']);
  }
  for (const row of rowsOf(data, 'parse_record')) {
    const record = orUndefined(() => parseRecord(bytesOfText(textOf(row, 'msg'))));
    const got = record && [record.id, record.text, Buffer.from(record.rest).toString('base64')];
    const rest = Buffer.from(bytesOfText(textOf(row, 'rest'))).toString('base64');
    same(t, `parse record ${textOf(row, 'msg')}`, got, row, [row['id'], row['text'], rest]);
  }
}
