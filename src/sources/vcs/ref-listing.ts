import { pipeline } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Ask } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import type { GitBody, RelayedAnswer } from './relayed-repository.ts';

/** Longest list of branches and tags that git gets to see. It keeps all of them in memory at once, */
const LISTING_BYTES = 64 << 20;
/** and makes a file of each. Measured with 200,000: 800 MB on disk, and 39 s. The largest Go repositories have a third of that. */
const MOST_REFS = 200_000;
/** git asks so in the second version of its protocol; in older ones the list is the advertisement. */
const LIST_REFS = 'command=ls-refs';

/** Whether git asks for a list of refs: a short question that begins so. */
export function isListQuestion(body: GitBody): boolean {
  return body instanceof Uint8Array && Buffer.from(body.subarray(0, 64)).includes(LIST_REFS);
}

/** Sends a list of refs to git, unpacked: a packed one may be any size. Rejects with TOO_LARGE past 64 MiB or 200,000 refs, as `attempt`, and when either side breaks off. */
export async function sendListing(
  { headers, body }: RelayedAnswer,
  into: Writable,
  { attempt, signal }: Ask & { readonly attempt: string },
): Promise<void> {
  const bounded = (pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
    upTo({ bytes: LISTING_BYTES, refs: MOST_REFS }, pieces, attempt);
  if (headers['content-encoding'] === 'gzip') await pipeline(body, createGunzip(), bounded, into, { signal });
  else await pipeline(body, bounded, into, { signal });
}

/** The headers of an answer that sendListing sends. */
export function listingHeaders({ headers }: RelayedAnswer): Readonly<Record<string, string>> {
  const { 'content-encoding': encoding, 'content-length': length, ...rest } = headers;
  return encoding === undefined && length !== undefined ? { ...rest, 'content-length': length } : rest;
}

async function* upTo(
  most: { readonly bytes: number; readonly refs: number },
  pieces: AsyncIterable<Uint8Array>,
  attempt: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let [bytes, refs] = [0, 0];
  const fault = (what: string): AppError =>
    new AppError('TOO_LARGE', `${attempt}: the list of branches and tags is larger than ${what}`);
  for await (const piece of pieces) {
    bytes += piece.length;
    refs += linesIn(piece);
    if (bytes > most.bytes) throw fault(`${most.bytes} bytes`);
    if (refs > most.refs) throw fault(`${most.refs} of them`);
    yield piece;
  }
}

function linesIn(piece: Uint8Array): number {
  let lines = 0;
  for (let at = piece.indexOf(0x0a); at >= 0; at = piece.indexOf(0x0a, at + 1)) lines++;
  return lines;
}
