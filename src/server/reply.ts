import { AppError } from '../std/errors.ts';
import { errorText } from './error-text.ts';
import type { Exchange } from './exchange.ts';
import { toPrintable } from './printable.ts';
import { statusOf } from './status.ts';

/** A small body that is made for this one reply. */
export interface TextReply {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
  readonly cacheControl?: string;
  /** Further headers: name, value, name, value. */
  readonly headers?: readonly string[];
}

/** Sends `reply`, as text/plain and not to be stored unless it says otherwise. */
export function sendText(x: Exchange, reply: TextReply): void {
  if (!x.mayReply) return;
  const { status, body, contentType = 'text/plain; charset=utf-8', cacheControl = 'no-store', headers = [] } = reply;
  x.begin(status, [
    'X-Request-Id',
    x.id,
    'Cache-Control',
    cacheControl,
    'Content-Type',
    contentType,
    'Content-Length',
    String(Buffer.byteLength(body)),
    'X-Content-Type-Options',
    'nosniff',
    ...headers,
  ]);
  x.finish(body);
}

/**
 * Tells the client of `error` about `subject` (`PATH@VERSION`) and notes it for the log. When a body is already on its way there is nothing to tell:
 * the sender has cut the connection. `detail.result` says that the resolver remembered the answer. A miss of a question that was not allowed to fetch says so to caches.
 */
export function sendError(x: Exchange, error: AppError, subject?: string): void {
  x.code ??= error.code;
  const message = x.told(error.message);
  const told = message === error.message ? error : new AppError(error.code, message, { detail: error.detail });
  x.message ??= toPrintable(told.message, 512);
  if (error.detail['result'] === 'negative') x.result = 'negative';
  const row = statusOf(error.code);
  const isStoredOnlyMiss = row.fallsThrough && x.mayFetch === 'no';
  const headers = [
    ...(x.result === undefined ? [] : ['X-Cache', x.result]),
    ...(row.retryAfterSeconds === undefined ? [] : ['Retry-After', String(retryAfter(row.retryAfterSeconds, x.id))]),
    ...(x.level === undefined ? [] : ['Larder-Level', String(x.level)]),
    ...varyOf(x, isStoredOnlyMiss),
  ];
  const cacheControl = isStoredOnlyMiss ? 'no-store' : row.cacheControl;
  sendText(x, { status: row.status, body: errorText(told, subject, x.id), cacheControl, headers });
}

/** Within a range by the request's own number, so that those who were turned away together do not come back together. */
function retryAfter(seconds: number | readonly [number, number], id: string): number {
  if (typeof seconds === 'number') return seconds;
  const [least, most] = seconds;
  const sum = Array.from(id).reduce((all, letter) => (all * 31 + letter.charCodeAt(0)) % 65_521, 0);
  return least + (sum % (most - least + 1));
}

function varyOf({ varyBy }: Exchange, isStoredOnlyMiss: boolean): readonly string[] {
  const names = [...(isStoredOnlyMiss ? ['Disable-Module-Fetch'] : []), ...(varyBy === undefined ? [] : [varyBy])];
  return names.length === 0 ? [] : ['Vary', names.join(', ')];
}

/** Answers a request that is refused for its form and gives the connection up: what else comes over it cannot be trusted. */
export function refuse(x: Exchange, status: number, reason: string, headers: readonly string[] = []): void {
  x.message = reason;
  x.res.shouldKeepAlive = false;
  sendText(x, { status, body: `${reason}\n`, headers });
}
