/**
 * What a lying database or network can change: every byte of what a lookup fetches, one at a time. The log, its tiles and its notes are made with our own
 * code, so this shows that what we read is bound to the key, not that others agree; for that see tests/conformance and tests/oracle.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../../std/bytes.ts';
import { isAppError } from '../../std/errors.ts';
import { parseModulePath, type Version } from '../module.ts';
import { sha256Base64 } from '../sha256.ts';
import { equalHashes, HASH_BYTES, type Hash, recordHash } from './hash.ts';
import { generateKey, parseSignerKey, parseVerifierKey } from './key.ts';
import { openNote, signNote } from './note.ts';
import { formatRecord, formatTreeHead, parseRecord, parseTreeHead, sumLines } from './text.ts';
import { type Tile, tileBytes, tileForIndex, tilePath } from './tile.ts';
import { tileHashReader } from './tile-reader.ts';
import {
  type HashReader,
  storedHashCount,
  storedHashesForRecord,
  storedHashIndex,
  subtreeIndexes,
  type TreeHead,
  treeHash,
} from './tree.ts';

const SIZE = 2100;
/** Older heads that lookups may be answered with; the sizes differ in which tiles are partial and in how many subtrees share one. */
const SIZES = [1337, 1536, 1999, 2047, 2048, SIZE] as const;
const HEIGHT = 3;
const LOOKUPS = 1000;
/** Which bits of a byte are changed: the lowest, the one between small and capital letters, the one that UTF-8 never has alone. */
const MASKS = [0x01, 0x20, 0x80] as const;

const known = generateKey('sum.log.example', new Uint8Array(32).fill(7));
const stranger = generateKey('witness.example', new Uint8Array(32).fill(9));
const KEYS = [parseVerifierKey(known.verifier)];

// ------------------------------------------------------------------ an honest log

interface Log {
  readonly texts: readonly string[];
  readonly read: HashReader;
}

async function logOf(size: number): Promise<Log> {
  const texts = Array.from({ length: size }, (_, id) => recordText(id));
  const stored: Hash[] = [];
  const read: HashReader = async (indexes) => indexes.map((index) => stored[index] as Hash);
  for (const [id, text] of texts.entries())
    stored.push(...(await storedHashesForRecord(id, recordHash(encodeUtf8(text)), read)));
  return { texts, read };
}

function recordText(id: number): string {
  const h1 = (what: string): string => `h1:${sha256Base64(`${what} ${id}`)}`;
  return sumLines(
    { path: parseModulePath(`m.test/p${id}`), version: 'v1.0.0' as Version },
    { zip: h1('zip'), mod: h1('go.mod') },
  );
}

async function noteOf(log: Log, size: number): Promise<Uint8Array> {
  const text = formatTreeHead({ size, hash: await treeHash(size, log.read) });
  return signNote({ text }, parseSignerKey(known.signer));
}

/** All tiles of a log by path, made when they are asked for and then kept. */
function tilesOf(log: Log): (tile: Tile) => Promise<Uint8Array> {
  const made = new Map<string, Promise<Uint8Array>>();
  return (tile) => {
    const path = tilePath(tile);
    const body = made.get(path) ?? tileBytes(tile, log.read);
    made.set(path, body);
    return body;
  };
}

// ------------------------------------------------------------------ a client without memory

type Fetch = (tile: Tile) => Promise<Uint8Array>;

/** Why the client of this test says no, where the core leaves it to its caller. */
class NotProven extends Error {}

/** What a client believes after a lookup: the record's text. Throws NotProven or SUMDB_INCONSISTENT. */
async function lookup(reply: Uint8Array, open: (note: Uint8Array) => TreeHead, leafOf: LeafOf): Promise<string> {
  const { id, text, rest } = parseRecord(reply);
  const head = open(rest);
  if (id < 0 || id >= head.size) throw new NotProven('the record is not in the tree');
  if (!equalHashes(await leafOf(head, id), recordHash(encodeUtf8(text)))) throw new NotProven('not that record');
  return text;
}

type LeafOf = (head: TreeHead, id: number) => Promise<Hash>;

function openHead(note: Uint8Array): TreeHead {
  return parseTreeHead(openNote(note, KEYS).text);
}

function provenLeaf(fetch: Fetch): LeafOf {
  return async (head, id) => {
    const tiles = (wanted: readonly Tile[]): Promise<Uint8Array[]> => Promise.all(wanted.map(fetch));
    const [leaf] = await tileHashReader(head, { height: HEIGHT, tiles, saved: () => undefined })([
      storedHashIndex(0, id),
    ]);
    return leaf as Hash;
  };
}

/** The control: takes the leaf from its tile without asking whether the tile is of the tree. */
function unprovenLeaf(fetch: Fetch): LeafOf {
  return async (_, id) => {
    const tile = tileForIndex(HEIGHT, storedHashIndex(0, id));
    return (await fetch(tile)).subarray((tile.width - 1) * HASH_BYTES, tile.width * HASH_BYTES);
  };
}

/** Remembers what was proven, by exactly the same question: it saves time where the flipped byte is elsewhere. */
function remembering<K, V>(keyOf: (question: K) => string, answer: (question: K) => V): (question: K) => V {
  const answers = new Map<string, V>();
  return (question) => {
    const key = keyOf(question);
    const found = answers.get(key) ?? answer(question);
    answers.set(key, found);
    return found;
  };
}

/** `bytes` with the bits of `mask` changed in the byte at `at`. */
function flipped(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}

/** Whether what was read was refused, for a reason that is ours and not an accident. */
async function isRefused(read: Promise<unknown>): Promise<boolean> {
  try {
    await read;
    return false;
  } catch (error) {
    if (error instanceof NotProven || isAppError(error, 'SUMDB_INCONSISTENT')) return true;
    throw error;
  }
}

const log = await logOf(SIZE);
const honest = tilesOf(log);
const notes = await Promise.all(SIZES.map((size) => noteOf(log, size)));
/** A thousand records drawn at random, each answered with one of the notes that contain it. */
const lookups = fc.sample(fc.uniqueArray(fc.nat(SIZE - 1), { minLength: LOOKUPS, maxLength: LOOKUPS }), {
  seed: 20_261_121,
  numRuns: 1,
})[0] as number[];

/** What the database answers: the record, and one of the notes that contain it. */
function partsOf(id: number): { readonly record: Uint8Array; readonly note: Uint8Array } {
  const fitting = SIZES.flatMap((size, i) => (size > id ? [notes[i] as Uint8Array] : []));
  return { record: formatRecord(id, log.texts[id] as string), note: fitting[id % fitting.length] as Uint8Array };
}

function replyTo(id: number): Uint8Array {
  const { record, note } = partsOf(id);
  return Buffer.concat([record, note]);
}

/** The tiles that the lookup of `id` fetches. */
async function fetchedFor(id: number): Promise<readonly Tile[]> {
  const fetched: Tile[] = [];
  await lookup(
    replyTo(id),
    openHead,
    provenLeaf((tile) => (fetched.push(tile), honest(tile))),
  );
  return fetched;
}

/** Tiles that make up the hash of a tree, and tiles that are held against their parent, are checked by different rules. */
function roleOf(tile: Tile, { size }: TreeHead): 'root' | 'below' {
  const isRoot = subtreeIndexes(size).some((index) => {
    const root = tileForIndex(HEIGHT, index);
    return root.level === tile.level && root.index === tile.index;
  });
  return isRoot ? 'root' : 'below';
}

describe(`${LOOKUPS} lookups in a log of ${SIZE} records`, () => {
  test('are believed as they are', async () => {
    for (const id of lookups) expect(await lookup(replyTo(id), openHead, provenLeaf(honest))).toBe(log.texts[id]);
  });

  test('are refused with one byte changed of a tile: every byte of every tile that is fetched, once for each role that the tile has', async () => {
    const roles = new Set<string>();
    let [flips, accepted] = [0, 0];
    for (const id of lookups) {
      const reply = replyTo(id);
      const open = remembering((note: Uint8Array) => Buffer.from(note).toString('latin1'), openHead);
      for (const tile of await fetchedFor(id)) {
        const role = `${roleOf(tile, openHead(partsOf(id).note))} ${tilePath(tile)}`;
        if (roles.has(role)) continue;
        roles.add(role);
        const body = await honest(tile);
        for (let at = 0; at < body.length; at++, flips++) {
          const lie = flipped(body, at, MASKS[at % MASKS.length] ?? 1);
          const fetch: Fetch = async (one) => (tilePath(one) === tilePath(tile) ? lie : await honest(one));
          if (!(await isRefused(lookup(reply, open, provenLeaf(fetch))))) accepted++;
        }
      }
    }
    expect(accepted).toBe(0);
    expect(flips).toBeGreaterThan(60_000);
  }, 120_000);

  test('are refused with any of three changes to any byte of a record', async () => {
    const open = remembering((note: Uint8Array) => Buffer.from(note).toString('latin1'), openHead);
    const prove = provenLeaf(honest);
    const leaves = new Map<string, Promise<Hash>>();
    const leafOf: LeafOf = (head, id) => {
      const key = `${head.size} ${id}`;
      const leaf = leaves.get(key) ?? prove(head, id);
      leaves.set(key, leaf);
      return leaf;
    };
    const accepted: string[] = [];
    for (const id of lookups) {
      const { record, note } = partsOf(id);
      for (let at = 0; at < record.length; at++)
        for (const mask of MASKS) {
          const reply = Buffer.concat([flipped(record, at, mask), note]);
          if (!(await isRefused(lookup(reply, open, leafOf)))) accepted.push(`record ${id} byte ${at} mask ${mask}`);
        }
    }
    expect(accepted).toEqual([]);
  }, 120_000);

  test('are refused with any bit changed of the signed note: of every note that is fetched', async () => {
    const accepted: string[] = [];
    for (const note of new Set(lookups.map((id) => partsOf(id).note))) {
      const id = lookups.find((one) => partsOf(one).note === note) as number;
      for (let bit = 0; bit < 8 * note.length; bit++) {
        const reply = Buffer.concat([partsOf(id).record, flipped(note, bit >> 3, 1 << (bit & 7))]);
        if (!(await isRefused(lookup(reply, openHead, provenLeaf(honest))))) accepted.push(`bit ${bit}`);
      }
    }
    expect(accepted).toEqual([]);
  });
});

test('a byte changed in the line of an unknown key changes nothing that is believed, or the note is refused', () => {
  const text = openNote(notes[0] as Uint8Array, KEYS).text;
  const alone = Buffer.from(signNote({ text }, parseSignerKey(known.signer)));
  const both = Buffer.from(signNote({ text }, parseSignerKey(known.signer), parseSignerKey(stranger.signer)));
  const believed = new Set<string>();
  for (let at = alone.length; at < both.length; at++) {
    try {
      const note = openNote(flipped(both, at, 0x01), KEYS);
      believed.add(JSON.stringify([note.text, note.signatures]));
    } catch (error) {
      expect(error).toMatchObject({ code: 'SUMDB_INCONSISTENT' });
    }
  }
  expect([...believed]).toEqual([JSON.stringify([text, openNote(alone, KEYS).signatures])]);
});

test('a forged record with a forged tile is refused; without the proof it would be believed', async () => {
  const id = 123;
  const forged = encodeUtf8(recordText(SIZE + 1));
  const leaf = tileForIndex(HEIGHT, storedHashIndex(0, id));
  const fetch: Fetch = async (tile) => {
    const body = Buffer.from(await honest(tile));
    if (tile.level === 0 && tile.index === leaf.index) body.set(recordHash(forged), (leaf.width - 1) * HASH_BYTES);
    return body;
  };
  const reply = Buffer.concat([formatRecord(id, recordText(SIZE + 1)), partsOf(id).note]);
  expect(await isRefused(lookup(reply, openHead, unprovenLeaf(fetch)))).toBe(false);
  expect(await isRefused(lookup(reply, openHead, provenLeaf(fetch)))).toBe(true);
});

test('whichever tile is forged, no hash is given out and no tile is kept: in trees of every shape, for every set of hashes', async () => {
  const readings = fc
    .record({ size: fc.integer({ min: 1, max: SIZE }), height: fc.integer({ min: 1, max: 8 }) })
    .chain(({ size, height }) =>
      fc.record({
        size: fc.constant(size),
        height: fc.constant(height),
        indexes: fc.array(fc.nat(storedHashCount(size) - 1), { minLength: 1, maxLength: 5 }),
        at: fc.nat(),
      }),
    );
  await fc.assert(
    fc.asyncProperty(readings, async ({ size, height, indexes, at }) => {
      const head = { size, hash: await treeHash(size, log.read) };
      const wanted = await reading(head, height, indexes);
      expect(wanted.hashes).toEqual(await log.read(indexes));
      expect(wanted.saved).toEqual(wanted.fetched);
      for (const path of wanted.fetched) {
        const lied = await reading(head, height, indexes, { path, at });
        expect(lied.hashes, path).toBeUndefined();
        expect(lied.saved, path).toEqual([]);
      }
    }),
    { numRuns: 300, seed: 20_261_121 },
  );
}, 120_000);

/** What one reading fetched, kept and gave; `hashes` is undefined when it was refused. */
interface Reading {
  readonly fetched: readonly string[];
  readonly saved: readonly string[];
  readonly hashes: readonly Hash[] | undefined;
}

async function reading(
  head: TreeHead,
  height: number,
  indexes: readonly number[],
  lie?: { readonly path: string; readonly at: number },
): Promise<Reading> {
  const fetched: string[] = [];
  const saved: string[] = [];
  const body = async (tile: Tile): Promise<Uint8Array> => {
    const path = tilePath(tile);
    fetched.push(path);
    const bytes = await tileBytes(tile, log.read);
    return lie?.path === path ? flipped(bytes, lie.at % bytes.length, 0x01) : bytes;
  };
  const read = tileHashReader(head, {
    height,
    tiles: (wanted) => Promise.all(wanted.map(body)),
    saved: (tiles) => void saved.push(...tiles.map(tilePath)),
  });
  const hashes = await read(indexes).catch((error: unknown) => {
    if (isAppError(error, 'SUMDB_INCONSISTENT')) return undefined;
    throw error;
  });
  return { fetched, saved, hashes };
}
