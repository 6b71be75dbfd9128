import { gzipSync } from 'node:zlib';
import { AppError } from '../std/errors.ts';
import type { AnswerFault } from './fault.ts';
import type { OriginAnswer } from './origin.ts';

/** How an answer is sent, beyond what it says. */
export interface Sending {
  readonly answer: OriginAnswer;
  /** Header lines once more. */
  readonly repeated: readonly { readonly name: string; readonly value?: string }[];
  /** What Content-Length says, where that is not the truth. */
  readonly claimedLength?: number | 'none';
  /** After so many bytes of the body the connection is closed. */
  readonly cutAfter?: number;
  /** Nothing after the head. */
  readonly hangs?: boolean;
  readonly trickle?: { readonly bytes: number; readonly everyMs: number };
  /** 103 answers before this one. */
  readonly informational: number;
}

/** Largest body that is taken into memory to be spoiled as a whole. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;
const LIE_BYTES = 7;

/** The answer with the faults in it, in their order. Rejects with TOO_LARGE for a body that would have to be taken whole and is too large. */
export async function spoil(answer: OriginAnswer, faults: readonly AnswerFault[]): Promise<Sending> {
  let sending: Sending = { answer, repeated: [], informational: 0 };
  for (const fault of faults) sending = await spoilBy(fault, sending);
  return sending;
}

async function spoilBy(fault: AnswerFault, sending: Sending): Promise<Sending> {
  const { answer } = sending;
  switch (fault.kind) {
    case 'truncate': {
      const known = await sized(answer);
      return { ...sending, answer: known, cutAfter: fault.bytes ?? Math.floor(known.sizeBytes / 2) };
    }
    case 'content-length': {
      const known = await sized(answer);
      const lie = { short: Math.max(0, known.sizeBytes - LIE_BYTES), long: known.sizeBytes + LIE_BYTES, none: 'none' };
      return { ...sending, answer: known, claimedLength: lie[fault.is] as number | 'none' };
    }
    case 'corrupt': {
      const known = await sized(answer);
      const at = fault.at ?? Math.floor(known.sizeBytes / 2);
      return { ...sending, answer: { ...known, body: flipped(known.body, at) } };
    }
    case 'encoding':
      return { ...sending, answer: await encoded(answer, fault.is) };
    case 'duplicate-header':
      return { ...sending, answer: await sized(answer), repeated: [...sending.repeated, fault] };
    case 'informational':
      return { ...sending, informational: sending.informational + fault.count };
    case 'trickle':
      return { ...sending, trickle: fault };
    case 'hang':
      return fault.after === 'head' ? { ...sending, answer: await sized(answer), hangs: true } : sending;
    default:
      // Decided before there was an answer.
      return sending;
  }
}

/** With its size known: taken whole where the target did not tell. */
async function sized(answer: OriginAnswer): Promise<OriginAnswer & { readonly sizeBytes: number }> {
  const { sizeBytes } = answer;
  return sizeBytes === undefined ? withBody(answer, await whole(answer)) : { ...answer, sizeBytes };
}

function withBody(answer: OriginAnswer, bytes: Uint8Array): OriginAnswer & { readonly sizeBytes: number } {
  return { ...answer, sizeBytes: bytes.length, body: inOnePiece(bytes) };
}

/** A body of these bytes. */
export async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** The body in memory. Rejects with TOO_LARGE past 64 MiB. */
export async function whole({ body }: Pick<OriginAnswer, 'body'>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > MAX_WHOLE_BYTES) throw new AppError('TOO_LARGE', 'spoil an answer: its body is too large for that');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** One byte is another one: never ASCII, so that no text becomes another text that could be meant. */
async function* flipped(body: AsyncIterable<Uint8Array>, at: number): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const piece of body) {
    const place = at - seen;
    seen += piece.length;
    if (place < 0 || place >= piece.length) yield piece;
    else yield Uint8Array.from(piece, (byte, i) => (i === place ? byte ^ 0xff : byte));
  }
}

async function encoded(answer: OriginAnswer, is: 'gzip' | 'double' | 'claimed'): Promise<OriginAnswer> {
  const plain = await whole(answer);
  const bytes = is === 'claimed' ? plain : is === 'gzip' ? gzipSync(plain) : gzipSync(gzipSync(plain));
  const header = ['content-encoding', is === 'double' ? 'gzip, gzip' : 'gzip'] as const;
  return withBody({ ...answer, headers: [...answer.headers, header] }, bytes);
}
