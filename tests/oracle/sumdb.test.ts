import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { bytesOfText } from '../../src/gomod/go-text.ts';
import { type Hash, hashBase64, recordHash } from '../../src/gomod/sumdb/hash.ts';
import { generateKey, parseSignerKey, parseVerifierKey } from '../../src/gomod/sumdb/key.ts';
import { openNote, type Signature, signNote } from '../../src/gomod/sumdb/note.ts';
import { formatRecord, parseRecord, parseTreeHead } from '../../src/gomod/sumdb/text.ts';
import { newTiles, parseTilePath, type Tile, tileBytes, tileForIndex, tilePath } from '../../src/gomod/sumdb/tile.ts';
import { tileHashReader } from '../../src/gomod/sumdb/tile-reader.ts';
import {
  type HashReader,
  MAX_TREE_SIZE,
  proveRecord,
  proveTree,
  splitStoredHashIndex,
  storedHashCount,
  storedHashesForRecord,
  storedHashIndex,
  treeHash,
} from '../../src/gomod/sumdb/tree.ts';
import { encodeUtf8 } from '../../src/std/bytes.ts';
import { skipUnless } from '../skip.ts';
import { expectAgreement, REFUSED, seed } from './compare.ts';
import { damaged } from './inputs.ts';
import { type Answer, buildReference } from './reference.ts';

const reference = await buildReference();
const { unavailable } = reference;

afterAll(() => reference.remove());

/**
 * Where we are stricter on purpose, inputs are left out: base64 with unused bits set or with line ends in it, and tiles and trees that are
 * larger than any log. One signature could otherwise be written in several ways.
 */
const KEY_ALPHABET = [' ', '+', '=', '/', 'A', '0', '1', '-', '\u0001', '\u0085', '\u00a0', 'é', '\udcff'] as const;
const ALPHABET = [...KEY_ALPHABET, '\n', '\n\n', '—', '\u007f'] as const;
const LARGEST_LOG = 600;

const PAIRS = ['sum.example.org', 'a', 'host.test/sub/日本'].map((name, i) =>
  generateKey(name, Buffer.alloc(32, i + 1)),
);
const hashTexts = fc.nat(9).map((n) => hashBase64(recordHash(Uint8Array.of(n))));
const treeTexts = fc
  .tuple(fc.oneof(fc.nat(300), fc.maxSafeNat()), hashTexts, fc.constantFrom('', '', 'more\n', '\n', 'more'))
  .map(([size, hash, more]) => `go.sum database tree\n${size}\n${hash}\n${more}`);
const LINES = ['m.test/x v1.0.0 h1:abc=\n', 'm.test/x v1.0.0/go.mod h1:def=\n', 'é\n', '\n', 'a'] as const;
const recordTexts = fc.array(fc.constantFrom(...LINES), { maxLength: 4 }).map((lines) => lines.join(''));
const records = fc
  .tuple(fc.oneof(fc.nat(999), fc.bigInt(-(2n ** 63n) - 2n, 2n ** 63n + 2n)), recordTexts, treeTexts)
  .map(([id, text, rest]) => `${id}\n${text}\n${rest}`);

/** Notes signed by one key or more, some with repeated lines. */
const notes = fc
  .tuple(fc.oneof(treeTexts, recordTexts), fc.subarray(PAIRS, { minLength: 1 }), fc.boolean())
  .map(([text, signers, isRepeated]) => {
    const note = Buffer.from(signNote({ text: `${text}\n` }, ...signers.map(({ signer }) => parseSignerKey(signer))));
    const lines = note.subarray(note.lastIndexOf('\n\n') + 2);
    return (isRepeated ? Buffer.concat([note, lines]) : note).toString();
  });

/** Whether every word of `text` that could be base64 is how its bytes are written. */
function isCanonical(text: string): boolean {
  const words = text.match(/[A-Za-z0-9+/]{20,}={0,2}/g) ?? [];
  return words.every((word) => word.length % 4 !== 0 || Buffer.from(word, 'base64').toString('base64') === word);
}

/** Half of them as they are, half damaged. */
function some(base: fc.Arbitrary<string>, alphabet: readonly string[] = ALPHABET): fc.Arbitrary<string> {
  return fc.oneof(base, damaged(base, alphabet)).filter(isCanonical);
}

/** Refused, where the reference takes a number larger than we do. */
function upTo(largest: number, position: number): (answer: Answer) => unknown {
  return (answer) => {
    if ('error' in answer) return REFUSED;
    const number = (answer.value as readonly number[])[position] ?? Number.NaN;
    return Math.abs(number) > largest ? REFUSED : answer.value;
  };
}

function listOf({ name, hash, base64 }: Signature): readonly unknown[] {
  return [name, hash, base64];
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

describe('notes and texts of checksum databases agree with golang.org/x/mod', () => {
  skipUnless(unavailable === undefined, unavailable ?? '');

  test('note.NewVerifier', async () => {
    await expectAgreement(reference, {
      op: 'note.NewVerifier',
      inputs: some(fc.constantFrom(...PAIRS.map(({ verifier }) => verifier)), KEY_ALPHABET),
      count: 3000,
      args: (text) => [text],
      ours: (text) => {
        const { name, hash } = parseVerifierKey(text);
        return [name, hash];
      },
    });
  });

  test('note.NewSigner', async () => {
    await expectAgreement(reference, {
      op: 'note.NewSigner',
      inputs: some(fc.constantFrom(...PAIRS.map(({ signer }) => signer)), KEY_ALPHABET),
      count: 3000,
      args: (text) => [text],
      ours: (text) => {
        const { name, hash } = parseSignerKey(text);
        return [name, hash];
      },
    });
  });

  test('note.Open', async () => {
    const keys = fc.subarray(PAIRS.map(({ verifier }) => verifier));
    await expectAgreement(reference, {
      op: 'note.Open',
      inputs: fc.tuple(some(notes), keys),
      count: 4000,
      args: ([message, known]) => [message, ...known],
      ours: ([message, known]) => {
        const note = openNote(bytesOfText(message), known.map(parseVerifierKey));
        return [note.text, note.signatures.map(listOf), note.unverified.map(listOf)];
      },
    });
  });

  test('note.Sign', async () => {
    await expectAgreement(reference, {
      op: 'note.Sign',
      inputs: fc.tuple(recordTexts, fc.subarray(PAIRS.map(({ signer }) => signer))),
      count: 500,
      args: ([text, signers]) => [text, ...signers],
      ours: ([text, signers]) => base64Of(signNote({ text }, ...signers.map(parseSignerKey))),
    });
  });

  test('tlog.ParseTree', async () => {
    await expectAgreement(reference, {
      op: 'tlog.ParseTree',
      inputs: some(treeTexts).filter((text) => text.isWellFormed()),
      count: 4000,
      args: (text) => [text],
      ours: (text) => {
        const { size, hash } = parseTreeHead(text);
        return [size, hashBase64(hash)];
      },
      theirs: upTo(MAX_TREE_SIZE, 0),
    });
  });

  test('tlog.FormatRecord', async () => {
    await expectAgreement(reference, {
      op: 'tlog.FormatRecord',
      inputs: fc.tuple(fc.nat(), some(recordTexts)),
      count: 3000,
      args: ([id, text]) => [String(id), text],
      ours: ([id, text]) => base64Of(formatRecord(id, text)),
    });
  });

  test('tlog.ParseRecord', async () => {
    await expectAgreement(reference, {
      op: 'tlog.ParseRecord',
      inputs: some(records),
      count: 4000,
      args: (message) => [message],
      ours: (message) => {
        const { id, text, rest } = parseRecord(bytesOfText(message));
        return [id, text, base64Of(rest)];
      },
    });
  });
});

/** The log that the reference makes too. */
const read: HashReader = async (indexes) => indexes.map((index) => stored[index] as Hash);
const stored: Hash[] = [];
for (let n = 0; n < LARGEST_LOG; n++)
  stored.push(...(await storedHashesForRecord(n, recordHash(encodeUtf8(`record ${n}\n`)), read)));

describe('trees and tiles agree with golang.org/x/mod', () => {
  skipUnless(unavailable === undefined, unavailable ?? '');
  const heights = fc.integer({ min: 1, max: 30 });

  test('tlog.ParseTilePath', async () => {
    const level = fc.oneof(fc.nat(6), fc.nat(), fc.constant('data' as const));
    const index = fc.oneof(fc.nat(2000), fc.maxSafeNat());
    const tiles = fc
      .tuple(heights, level, index, fc.nat())
      .map(([height, level, index, width]) => tilePath({ height, level, index, width: 1 + (width % 2 ** height) }));
    await expectAgreement(reference, {
      op: 'tlog.ParseTilePath',
      inputs: some(tiles, ['/', 'x', '0', '00', '1', '-', '.p/', '.', 'data', '.p/256', '+']),
      count: 4000,
      args: (path) => [path],
      ours: (path) => {
        const tile = parseTilePath(path);
        return [tile.height, tile.level === 'data' ? -1 : tile.level, tile.index, tile.width];
      },
      theirs: upTo(Number.MAX_SAFE_INTEGER, 2),
    });
  });

  test('tlog.TileForIndex, SplitStoredHashIndex, StoredHashIndex', async () => {
    await expectAgreement(reference, {
      op: 'tlog.TileForIndex',
      inputs: fc.tuple(
        heights,
        fc.oneof(
          fc.nat(1000),
          fc.maxSafeNat().map((n) => Math.floor(n / 4)),
        ),
      ),
      count: 3000,
      args: (numbers) => numbers.map(String),
      ours: ([height, index]) => {
        const { level, n } = splitStoredHashIndex(index);
        return [tilePath(tileForIndex(height, index)), level, n, storedHashIndex(level, n)];
      },
    });
  });

  test('tlog.NewTiles', async () => {
    const growth = fc.tuple(heights, fc.oneof(fc.nat(5000), fc.nat()), fc.nat(3000));
    await expectAgreement(reference, {
      op: 'tlog.NewTiles',
      inputs: growth,
      count: 1000,
      args: ([height, old, more]) => [height, old, old + more].map(String),
      ours: ([height, old, more]) => newTiles(height, old, old + more).map(tilePath),
    });
  });

  test('tlog.TreeHash, ProveTree, ProveRecord', async () => {
    const trees = fc
      .integer({ min: 1, max: LARGEST_LOG })
      .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 1, max: size }), fc.nat(size - 1)));
    await expectSame({
      op: 'tlog.Prove',
      inputs: fc.sample(trees, { seed, numRuns: 400 }),
      ours: async ([size = 0, old = 0, n = 0]) => [
        storedHashCount(size),
        hashBase64(await treeHash(size, read)),
        (await proveTree(size, old, read)).map(hashBase64),
        (await proveRecord(size, n, read)).map(hashBase64),
      ],
    });
  });

  test('tlog.TileHashReader asks for the same tiles and gives the same hashes', async () => {
    const readings = fc
      .tuple(fc.integer({ min: 1, max: LARGEST_LOG }), fc.integer({ min: 1, max: 9 }))
      .chain(([size, height]) =>
        fc
          .array(fc.nat(storedHashCount(size) - 1), { minLength: 1, maxLength: 6 })
          .map((indexes) => [size, height, ...indexes]),
      );
    await expectSame({
      op: 'tlog.TileHashReader',
      inputs: fc.sample(readings, { seed, numRuns: 400 }),
      ours: readThroughTiles,
    });
  });
});

async function readThroughTiles([size = 0, height = 0, ...indexes]: readonly number[]): Promise<unknown> {
  const [asked, saved]: [string[], string[]] = [[], []];
  const body = (tile: Tile): Promise<Uint8Array> => {
    asked.push(tilePath(tile));
    return tileBytes(tile, read);
  };
  const reader = tileHashReader(
    { size, hash: await treeHash(size, read) },
    {
      height,
      tiles: (wanted) => Promise.all(wanted.map(body)),
      saved: (tiles) => void saved.push(...tiles.map(tilePath)),
    },
  );
  return [(await reader(indexes)).map(hashBase64), asked, saved];
}

/** As expectAgreement, for answers of ours that are promised. */
async function expectSame(c: {
  readonly op: string;
  readonly inputs: readonly (readonly number[])[];
  ours(input: readonly number[]): Promise<unknown>;
}): Promise<void> {
  const answers = await reference.ask(c.inputs.map((input) => ({ op: c.op, args: input.map(String) })));
  for (const [i, input] of c.inputs.entries())
    expect({ value: await c.ours(input) }, `${c.op} of ${input.join(' ')}, seed ${seed}`).toEqual(answers[i]);
}
