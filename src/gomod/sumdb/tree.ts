/**
 * The Merkle tree of a log and its proofs (RFC 6962). Each hash of a complete subtree is stored once and never changes; its number
 * says where: record after record, each followed by the subtrees that it completes.
 */
import { AppError } from '../../std/errors.ts';
import { EMPTY_TREE_HASH, equalHashes, type Hash, HASH_BYTES, nodeHash } from './hash.ts';

/** The stored hashes with these numbers, in the order asked. May reject; what it resolves with must be right. */
export type HashReader = (indexes: readonly number[]) => Promise<readonly Hash[]>;

/** A signed tree, or what one says: how many records, and the hash over them. */
export interface TreeHead {
  readonly size: number;
  readonly hash: Hash;
}

/** Numbers of records and sizes of trees are exact up to here, and no log comes near it. */
export const MAX_TREE_SIZE = 2 ** 52;

/** Whether the tree has a record with this number, which may be anything that somebody sent. */
export function hasRecord({ size }: TreeHead, id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < size;
}

/** The number of the stored hash at tree level `level` (0 = records), `n`th of that level. Throws INTERNAL beyond MAX_TREE_SIZE records. */
export function storedHashIndex(level: number, n: number): number {
  requireNumbers(level >= 0 && n >= 0 && (n + 1) * 2 ** level <= MAX_TREE_SIZE, `number the hash ${level},${n}`);
  let first = n;
  for (let l = level; l > 0; l--) first = 2 * first + 1;
  let before = 0;
  for (let rest = first; rest > 0; rest = Math.floor(rest / 2)) before += rest;
  return before + level;
}

/** The inverse of storedHashIndex. Throws INTERNAL for numbers that it does not give. */
export function splitStoredHashIndex(index: number): { readonly level: number; readonly n: number } {
  requireNumbers(index >= 0 && index < 2 * MAX_TREE_SIZE, `find the hash with number ${index}`);
  // Record n begins at about 2n, so the record that wrote `index` is one of the few from here on.
  let n = Math.floor(index / 2);
  let begin = storedHashIndex(0, n);
  while (begin > index) begin = storedHashIndex(0, --n);
  for (;;) {
    const next = begin + 1 + trailingOnes(n);
    if (next > index) break;
    n++;
    begin = next;
  }
  const level = index - begin;
  return { level, n: Math.floor(n / 2 ** level) };
}

/** How many hashes are stored for `size` records. */
export function storedHashCount(size: number): number {
  return size === 0 ? 0 : storedHashIndex(0, size - 1) + 1 + trailingOnes(size - 1);
}

/** What appending record number `n` with hash `leaf` stores, in the order of the numbers. */
export async function storedHashesForRecord(n: number, leaf: Hash, read: HashReader): Promise<readonly Hash[]> {
  const levels = trailingOnes(n);
  const lefts = await read(
    Array.from({ length: levels }, (_, level) => storedHashIndex(level, Math.floor(n / 2 ** level) - 1)),
  );
  const added = [leaf];
  let hash = leaf;
  for (const left of lefts) added.push((hash = nodeHash(left, hash)));
  return added;
}

/** How many subtrees record `n` completes: one for each 1 at the end of its number. */
function trailingOnes(n: number): number {
  let count = 0;
  for (let rest = n; rest % 2 === 1; rest = (rest - 1) / 2) count++;
  return count;
}

// ------------------------------------------------------------------ the hash of a tree

/** The stored hashes of the largest complete subtrees that make up a tree of `size` records, from left to right. */
export function subtreeIndexes(size: number): readonly number[] {
  return coveringIndexes(0, size);
}

/** The same for the records from `low` up to, not including, `high`; `low` is a multiple of the first subtree's size. */
function coveringIndexes(low: number, high: number): number[] {
  const indexes: number[] = [];
  for (let at = low; at < high; ) {
    const { size, level } = largestPower(high - at);
    indexes.push(storedHashIndex(level, at / size));
    at += size;
  }
  return indexes;
}

/** The largest power of two that is at most `n` (n > 0). */
function largestPower(n: number): { readonly size: number; readonly level: number } {
  let size = 1;
  let level = 0;
  while (size * 2 <= n) {
    size *= 2;
    level++;
  }
  return { size, level };
}

/** The hash of the tree of the first `size` records. */
export async function treeHash(size: number, read: HashReader): Promise<Hash> {
  return size === 0 ? EMPTY_TREE_HASH : foldSubtrees(await read(subtreeIndexes(size)));
}

/** One hash of subtrees that stand side by side, the largest on the left; at least one. */
export function foldSubtrees(hashes: readonly Hash[]): Hash {
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** Where the tree over `low` to `high` (at least two records) is cut: the left side is a complete subtree. */
function middle(low: number, high: number): number {
  return low + largestPower(high - low - 1).size;
}

// ------------------------------------------------------------------ proofs

/** Hashes from the leaf to the root. */
export type Proof = readonly Hash[];

/** A piece of a proof: the hash over `low` to `high`, made of stored hashes. */
interface Span {
  readonly low: number;
  readonly high: number;
}

/** That record `n` is in the tree of `size` records. Throws INTERNAL unless 0 <= n < size. */
export async function proveRecord(size: number, n: number, read: HashReader): Promise<Proof> {
  requireNumbers(n >= 0 && n < size, `prove record ${n} of ${size}`);
  return await hashesOf(recordSpans(0, size, n), read);
}

function recordSpans(low: number, high: number, n: number): Span[] {
  if (low + 1 === high) return [];
  const cut = middle(low, high);
  return n < cut
    ? [...recordSpans(low, cut, n), { low: cut, high }]
    : [...recordSpans(cut, high, n), { low, high: cut }];
}

/** Whether `proof` shows that the record `n` of the tree with `head` has hash `leaf`. */
export function checkRecord(proof: Proof, head: TreeHead, n: number, leaf: Hash): boolean {
  if (!hasRecord(head, n) || !proof.every(isHash)) return false;
  const root = rootOver(proof, 0, head.size, n, leaf);
  return root !== undefined && equalHashes(root, head.hash);
}

function rootOver(proof: Proof, low: number, high: number, n: number, leaf: Hash): Hash | undefined {
  const last = proof.at(-1);
  if (low + 1 === high) return last === undefined ? leaf : undefined;
  if (last === undefined) return undefined;
  const cut = middle(low, high);
  const isLeft = n < cut;
  const inner = isLeft
    ? rootOver(proof.slice(0, -1), low, cut, n, leaf)
    : rootOver(proof.slice(0, -1), cut, high, n, leaf);
  if (inner === undefined) return undefined;
  return isLeft ? nodeHash(inner, last) : nodeHash(last, inner);
}

/** That the tree of `oldSize` records is the beginning of the tree of `size`. Throws INTERNAL unless 1 <= oldSize <= size. */
export async function proveTree(size: number, oldSize: number, read: HashReader): Promise<Proof> {
  requireNumbers(oldSize >= 1 && oldSize <= size, `prove tree ${oldSize} in ${size}`);
  return await hashesOf(treeSpans(0, size, oldSize), read);
}

function treeSpans(low: number, high: number, old: number): Span[] {
  if (old === high) return low === 0 ? [] : [{ low, high }];
  const cut = middle(low, high);
  return old <= cut
    ? [...treeSpans(low, cut, old), { low: cut, high }]
    : [...treeSpans(cut, high, old), { low, high: cut }];
}

/** Whether `proof` shows that the tree with `old` is the beginning of the tree with `head`. */
export function checkTree(proof: Proof, head: TreeHead, old: TreeHead): boolean {
  if (old.size < 1 || old.size > head.size || !proof.every(isHash)) return false;
  const roots = rootsOver(proof, 0, head.size, old);
  return roots !== undefined && equalHashes(roots.old, old.hash) && equalHashes(roots.new, head.hash);
}

/** The hashes that `proof` gives for the old and for the new tree over the same records; undefined when it has the wrong length. */
function rootsOver(
  proof: Proof,
  low: number,
  high: number,
  old: TreeHead,
): { readonly old: Hash; readonly new: Hash } | undefined {
  const last = proof.at(-1);
  if (old.size === high) {
    const whole = low === 0 ? old.hash : last;
    const isRightLength = proof.length === (low === 0 ? 0 : 1);
    return isRightLength && whole !== undefined ? { old: whole, new: whole } : undefined;
  }
  if (last === undefined) return undefined;
  const cut = middle(low, high);
  const isLeft = old.size <= cut;
  const inner = rootsOver(proof.slice(0, -1), isLeft ? low : cut, isLeft ? cut : high, old);
  if (inner === undefined) return undefined;
  return isLeft
    ? { old: inner.old, new: nodeHash(inner.new, last) }
    : { old: nodeHash(last, inner.old), new: nodeHash(last, inner.new) };
}

/** Proofs come from others. */
function isHash(hash: Hash): boolean {
  return hash.length === HASH_BYTES;
}

async function hashesOf(spans: readonly Span[], read: HashReader): Promise<Proof> {
  const parts = spans.map(({ low, high }) => coveringIndexes(low, high));
  const hashes = await read(parts.flat());
  let at = 0;
  return parts.map((indexes) => foldSubtrees(hashes.slice(at, (at += indexes.length))));
}

function requireNumbers(isGood: boolean, attempted: string): void {
  if (!isGood) throw new AppError('INTERNAL', `${attempted}: there is none such`);
}
