import { takeTurn } from '../admission/take-turn.ts';
import type { EndTurn, Turns } from '../admission/turns.ts';
import type { Level } from '../ladder/level.ts';
import type { DatabaseAnswer } from '../resolver/checksum-databases.ts';
import type { ArtifactAnswer, MutableAnswer } from '../resolver/resolver.ts';
import type { BufferPool } from './body-sender.ts';
import { sendBody } from './body-sender.ts';
import { type ByteSpan, type Conditions, type Selection, select } from './conditional.ts';
import type { Exchange } from './exchange.ts';
import {
  AGE_AT,
  type BodyKind,
  CACHE_CONTROL_AT,
  CACHE_RESULT_AT,
  IMMUTABLE,
  LEVEL_AT,
  type PreparedHead,
  type PreparedHeads,
  prepareHead,
  REQUEST_ID_AT,
} from './prepared.ts';
import { sendText } from './reply.ts';

/** What sending needs besides the answer. */
export interface Outbox {
  /** What answers that may change vary by; undefined when by nothing. */
  readonly varyBy?: string | undefined;
  readonly heads: PreparedHeads;
  readonly pool: BufferPool;
  /** Turns for sending stored files; absent = as many as ask. */
  readonly sendings?: Turns | undefined;
}

/** Sends an artifact whose body is in memory. Synchronous: this is the hot path. */
export function sendInMemory(
  x: Exchange,
  kind: BodyKind,
  answer: ArtifactAnswer,
  bytes: Uint8Array,
  out: Outbox,
): void {
  if (!x.mayReply) return;
  const prepared = out.heads.of(kind, bytes, answer.sha256);
  noteLevel(x, answer, prepared);
  prepared.headers[CACHE_CONTROL_AT] = IMMUTABLE;
  sendPrepared(x, kind, prepared, bytes);
}

/**
 * Sends a mutable answer. A shared cache subtracts Age from max-age, so max-age is the whole time the answer is fresh from the
 * moment a source confirmed it: what is left of it is then freshForMs.
 */
export function sendMutable(x: Exchange, kind: BodyKind, answer: MutableAnswer, out: Outbox): void {
  if (!x.mayReply) return;
  const ageSeconds = Math.floor(answer.ageMs / 1000);
  const maxAge = answer.freshForMs <= 0 ? 0 : ageSeconds + Math.floor(answer.freshForMs / 1000);
  const prepared = out.heads.of(kind, answer.bytes, answer.sha256);
  noteLevel(x, answer, prepared);
  prepared.headers[CACHE_CONTROL_AT] = `public, max-age=${maxAge}, must-revalidate`;
  prepared.headers[AGE_AT] = String(ageSeconds);
  sendPrepared(x, kind, out.varyBy === undefined ? prepared : varying(prepared, out.varyBy), answer.bytes);
}

/** Sends what a checksum database said. */
export function sendDatabaseAnswer(x: Exchange, answer: DatabaseAnswer, out: Outbox): void {
  if (!x.mayReply) return;
  note(x, answer);
  const kind: BodyKind = `sumdb-${answer.form}`;
  const prepared = out.heads.of(kind, answer.bytes, answer.sha256);
  const { keepSeconds } = answer;
  prepared.headers[CACHE_CONTROL_AT] = keepSeconds === Infinity ? IMMUTABLE : `public, max-age=${keepSeconds}`;
  sendPrepared(x, kind, prepared, answer.bytes);
}

/** Sends an artifact from the store, or one that is still arriving, through pooled buffers. Rejects as sendBody does, before or after the head. */
export async function sendStored(
  x: Exchange,
  kind: BodyKind,
  answer: ArtifactAnswer,
  signal: AbortSignal,
  out: Outbox,
): Promise<void> {
  if (!x.mayReply) return;
  const { sizeBytes } = answer;
  const prepared = prepareHead(kind, answer.sha256, sizeBytes);
  noteLevel(x, answer, prepared);
  fill(x, prepared);
  const selection = selectFor(x, kind, prepared.etag, sizeBytes);
  if (x.isHead || selection.status === 304 || selection.status === 416 || sizeBytes === 0) {
    return sendBodiless(x, selection, prepared, sizeBytes);
  }
  const span = selection.status === 206 ? selection.span : { start: 0, end: sizeBytes };
  const headers = selection.status === 206 ? partial(prepared.headers, span, sizeBytes) : prepared.headers;
  const endTurn = await turnFor(x, answer, signal, out);
  try {
    const reader = await answer.open(selection.status === 206 ? { signal, range: span } : { signal });
    await sendBody({
      res: x.res,
      connection: x.req.socket,
      reader,
      sizeBytes: span.end - span.start,
      pool: out.pool,
      begin: () => {
        x.begin(selection.status, headers);
        x.cutOffWhenStalled();
      },
      onSent: (bytes) => {
        x.sentBytes += bytes;
      },
    });
  } finally {
    endTurn?.('found');
  }
}

/** What is still arriving takes none: a fetch that nobody reads any more would be given up. */
async function turnFor(
  x: Exchange,
  answer: ArtifactAnswer,
  signal: AbortSignal,
  out: Outbox,
): Promise<EndTurn | undefined> {
  if (out.sendings === undefined || answer.sha256 === undefined) return undefined;
  return await takeTurn(out.sendings, { client: x.client, signal });
}

/** What changes is another answer on another route. */
function varying({ etag, headers }: PreparedHead, by: string): PreparedHead {
  return { etag, headers: [...headers, 'Vary', by] };
}

function sendPrepared(x: Exchange, kind: BodyKind, prepared: PreparedHead, bytes: Uint8Array): void {
  fill(x, prepared);
  const { head } = x;
  if (head.ifNoneMatch === undefined && head.range === undefined) {
    x.begin(200, prepared.headers);
    x.finish(bytes);
    return;
  }
  const selection = selectFor(x, kind, prepared.etag, bytes.byteLength);
  if (selection.status === 206) {
    x.begin(206, partial(prepared.headers, selection.span, bytes.byteLength));
    x.finish(bytes.subarray(selection.span.start, selection.span.end));
  } else if (selection.status === 200) {
    x.begin(200, prepared.headers);
    x.finish(bytes);
  } else sendBodiless(x, selection, prepared, bytes.byteLength);
}

/** What is still arriving has no tag and only goes out whole. */
function selectFor(x: Exchange, kind: BodyKind, etag: string | undefined, sizeBytes: number): Selection {
  const asked: Conditions = x.head;
  if (etag === undefined) return { status: 200 };
  return select(asked, etag, sizeBytes, kind === 'zip' && !x.isHead);
}

function sendBodiless(x: Exchange, selection: Selection, prepared: PreparedHead, sizeBytes: number): void {
  if (selection.status === 416) {
    const headers = ['Content-Range', `bytes */${sizeBytes}`];
    return sendText(x, { status: 416, body: `range not satisfiable: the body has ${sizeBytes} bytes\n`, headers });
  }
  x.begin(selection.status, selection.status === 304 ? withoutEntity(prepared.headers) : prepared.headers);
  x.finish('');
}

function fill(x: Exchange, prepared: PreparedHead): void {
  prepared.headers[REQUEST_ID_AT] = x.id;
  prepared.headers[CACHE_RESULT_AT] = x.result ?? 'miss';
}

function note(x: Exchange, answer: { readonly result: Exchange['result']; readonly source: string }): void {
  x.result = answer.result;
  x.source = answer.source;
}

/** Tells also on which level it was answered: while nothing outside is touched on the last; else what was fetched on that where it was, what was here on 0, or 1 where it had to be. */
function noteLevel(x: Exchange, answer: ArtifactAnswer | MutableAnswer, prepared: PreparedHead): void {
  note(x, answer);
  const { level: stands = 0 } = x;
  x.level = stands === OFFLINE ? OFFLINE : (answer.level ?? (stands === 0 ? 0 : 1));
  prepared.headers[LEVEL_AT] = LEVEL_TEXTS[x.level];
}

const OFFLINE: Level = 5;
const LEVEL_TEXTS = ['0', '1', '2', '3', '4', '5'] as const;

/** A 304 says what the 200 would, without what describes a body. */
function withoutEntity(headers: readonly string[]): string[] {
  const at = headers.indexOf('Content-Type');
  return [...headers.slice(0, at), ...headers.slice(at + 4)];
}

function partial(headers: readonly string[], span: ByteSpan, sizeBytes: number): string[] {
  const at = headers.indexOf('Content-Length');
  const own = ['Content-Length', String(span.end - span.start)];
  own.push('Content-Range', `bytes ${span.start}-${span.end - 1}/${sizeBytes}`);
  return [...headers.slice(0, at), ...own, ...headers.slice(at + 2)];
}
