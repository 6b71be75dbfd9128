import type { Readable } from 'node:stream';
import type { Ask } from '../std/ask.ts';
import { type BodyFacts, boundedBody } from './http-body.ts';
import type { HttpCredential } from './http-client.ts';
import { checkHead, type ReplyHead, single } from './http-head.ts';
import type { Watch } from './watch.ts';

export interface PageAsk extends Ask {
  /** For messages, without secrets. */
  readonly attempt: string;
  /** How much of the page is read; the rest is left out. */
  readonly maxBytes: number;
  readonly credential?: HttpCredential;
  readonly totalTimeoutMs?: number;
  /** A redirect from https to http is followed: only where the operator said that the host is asked without protection. */
  readonly mayDowngrade?: boolean;
}

/** An answer with whatever status, as far as it was read. Attacker-controlled. */
export interface HttpPage {
  readonly status: number;
  /** Whose answer it is, after redirects; without userinfo. */
  readonly url: URL;
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** Whether the page is longer than `bytes`. */
  readonly isCut: boolean;
}

interface PageReply extends ReplyHead {
  readonly body: Readable;
}

/** Reads the body of `reply` up to `maxBytes` and gives the rest up. Rejects as the body of an HttpOk does. */
export async function readPage(reply: PageReply, url: URL, facts: BodyFacts, watch: Watch): Promise<HttpPage> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of boundedBody(reply.body, { ...facts, maxBytes: Number.POSITIVE_INFINITY }, watch)) {
    pieces.push(piece);
    length += piece.byteLength;
    if (length > facts.maxBytes) break;
  }
  const shownUrl = new URL(url);
  shownUrl.username = shownUrl.password = '';
  return {
    status: reply.statusCode,
    url: shownUrl,
    contentType: single(reply, 'content-type'),
    bytes: isReadable(reply, facts.attempt)
      ? Buffer.concat(pieces, Math.min(length, facts.maxBytes))
      : new Uint8Array(),
    isCut: length > facts.maxBytes,
  };
}

/** A page in an encoding that nobody asked for is a wrong answer, but what it says with its status it has said. Throws UPSTREAM_BAD_RESPONSE. */
function isReadable(reply: PageReply, attempt: string): boolean {
  try {
    checkHead(reply, { attempt, maxBytes: Number.POSITIVE_INFINITY });
    return true;
  } catch (error) {
    if (reply.statusCode === 200) throw error;
    return false;
  }
}
