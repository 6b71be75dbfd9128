import { pipeline } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Ask } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import type { GitBody, RelayedAnswer } from './relayed-repository.ts';

/** Longest list of branches and tags that git gets to see: some half a million. It keeps all of them in memory at once. */
const LISTING_BYTES = 64 << 20;
/** git asks so in the second version of its protocol; in older ones the list is the advertisement. */
const LIST_REFS = 'command=ls-refs';

/** Whether git asks for a list of refs: a short question that begins so. */
export function isListQuestion(body: GitBody): boolean {
  return body instanceof Uint8Array && Buffer.from(body.subarray(0, 64)).includes(LIST_REFS);
}

/** Sends a list of refs to git, unpacked: a packed one may be any size. Rejects with TOO_LARGE past 64 MiB, as `attempt`, and when either side breaks off. */
export async function sendListing(
  { headers, body }: RelayedAnswer,
  into: Writable,
  { attempt, signal }: Ask & { readonly attempt: string },
): Promise<void> {
  const bounded = (pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
    upTo(LISTING_BYTES, pieces, attempt);
  if (headers['content-encoding'] === 'gzip') await pipeline(body, createGunzip(), bounded, into, { signal });
  else await pipeline(body, bounded, into, { signal });
}

/** The headers of an answer that sendListing sends. */
export function listingHeaders({ headers }: RelayedAnswer): Readonly<Record<string, string>> {
  const { 'content-encoding': encoding, 'content-length': length, ...rest } = headers;
  return encoding === undefined && length !== undefined ? { ...rest, 'content-length': length } : rest;
}

async function* upTo(
  maxBytes: number,
  pieces: AsyncIterable<Uint8Array>,
  attempt: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = maxBytes;
  for await (const piece of pieces) {
    left -= piece.length;
    if (left < 0)
      throw new AppError('TOO_LARGE', `${attempt}: the list of branches and tags is larger than ${maxBytes} bytes`);
    yield piece;
  }
}
