/**
 * The value of the register `ledger/head`, which is the ledger's only changing state. It carries the records that are in no full tile yet next
 * to the size and root hash that they lead to, so that one compare-and-swap makes a batch and its tree head durable together.
 */
import { hashBase64, parseHashBase64 } from '../gomod/sumdb/hash.ts';
import { formatDataTile, parseDataTile } from '../gomod/sumdb/data-tile.ts';
import { parseVerifierKey } from '../gomod/sumdb/key.ts';
import type { TreeHead } from '../gomod/sumdb/tree.ts';
import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';
import { isAppError } from '../std/errors.ts';
import { TILE_RECORDS } from './records.ts';

/** Name of the register. */
export const HEAD_REGISTER = 'ledger/head';

/** What is durable. */
export interface LedgerState {
  /** Text of the verifier key that belongs to the log: `NAME+HASH+KEY`. */
  readonly key: string;
  /** Not signed: a signature is made when the head is given out, from data that are durable by then. */
  readonly head: TreeHead;
  /** Records whose full tiles, hashes and data, are all stored; a multiple of 256. */
  readonly settled: number;
  /** The records from `settled` to the end. */
  readonly texts: readonly string[];
}

/** Begins the value; the number is the version of this form. */
const MAGIC = 'larder-ledger 1';

/** Four lines (form, key, `SIZE ROOT`, settled), an empty one, and the records as in a data tile. */
export function encodeState({ key, head, settled, texts }: LedgerState): Uint8Array {
  const lines = `${MAGIC}\n${key}\n${head.size} ${hashBase64(head.hash)}\n${settled}\n\n`;
  return Buffer.concat([encodeUtf8(lines), formatDataTile(texts)]);
}

/** The state in `bytes`, or undefined unless they are exactly what encodeState writes for a possible one. The root hash is not checked here. */
export function decodeState(bytes: Uint8Array): LedgerState | undefined {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf('\n\n');
  const [magic, key = '', sizes = '', settled = '', ...more] = (decodeUtf8(bytes.subarray(0, end)) ?? '').split('\n');
  const records = bytes.subarray(end + 2);
  const texts = records.length === 0 ? [] : parseDataTile(records);
  const [size = '', root = ''] = sizes.split(' ');
  const hash = parseHashBase64(root);
  if (end < 0 || magic !== MAGIC || more.length > 0 || texts === undefined || hash === undefined) return undefined;
  const state = { key, head: { size: Number(size), hash }, settled: Number(settled), texts };
  return isPossible(state) && Buffer.compare(encodeState(state), bytes) === 0 ? state : undefined;
}

function isPossible({ key, head, settled, texts }: LedgerState): boolean {
  return (
    Number.isSafeInteger(head.size) &&
    settled >= 0 &&
    settled % TILE_RECORDS === 0 &&
    settled + texts.length === head.size &&
    isVerifierKey(key)
  );
}

function isVerifierKey(text: string): boolean {
  try {
    return parseVerifierKey(text).text === text;
  } catch (error) {
    if (isAppError(error)) return false;
    throw error;
  }
}
