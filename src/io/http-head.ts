import { AppError } from '../std/errors.ts';

/** The head of an answer, as it came. */
export interface ReplyHead {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The rest of a body whose beginning is there already. */
export interface RestAsk {
  /** The first byte that is wanted. */
  readonly startAt: number;
  /** Of the whole body. */
  readonly sizeBytes: number;
  /** What the first answer said names exactly these bytes (`validatorOf`). */
  readonly validator: string;
}

interface HeadAsk {
  readonly attempt: string;
  readonly maxBytes: number;
  readonly rest?: RestAsk;
}

/** The value of a header; '' when absent; all values joined when repeated, which no check for one value accepts. */
export function single({ headers }: ReplyHead, name: string): string {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

/**
 * Content-Length, after the checks that need no body. `Accept-Encoding: identity` was sent, so an encoded body is a wrong answer. Throws
 * UPSTREAM_BAD_RESPONSE, also for another part than the one that was asked for, or TOO_LARGE.
 */
export function checkHead(reply: ReplyHead, { attempt, maxBytes, rest }: HeadAsk): number | undefined {
  const encoding = single(reply, 'content-encoding').trim().toLowerCase();
  if (encoding !== '' && encoding !== 'identity') {
    const said = JSON.stringify(encoding.slice(0, 40));
    throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: encoded as ${said} although identity was asked for`);
  }
  const length = lengthOf(reply, attempt);
  if (rest !== undefined) return checkRest(reply, rest, length, attempt);
  if (length !== undefined && length > maxBytes)
    throw new AppError('TOO_LARGE', `${attempt}: ${length} bytes, at most ${maxBytes} are taken`);
  return length;
}

/** The request headers that ask for the rest, and for nothing when the body has become another one. */
export function restHeaders(rest: RestAsk | undefined): Readonly<Record<string, string>> {
  return rest === undefined ? {} : { range: `bytes=${rest.startAt}-`, 'if-range': rest.validator };
}

/** What names exactly the bytes of an answer: its strong entity tag, else when it was last modified; undefined when it says neither. */
export function validatorOf(reply: ReplyHead): string | undefined {
  const tag = single(reply, 'etag').trim();
  if (/^"[\x21\x23-\x7e]*"$/.test(tag)) return tag;
  const modified = single(reply, 'last-modified').trim();
  return /^[\x20-\x7e]+ GMT$/.test(modified) && !Number.isNaN(Date.parse(modified)) ? modified : undefined;
}

function lengthOf(reply: ReplyHead, attempt: string): number | undefined {
  const length = single(reply, 'content-length');
  if (length === '') return undefined;
  if (!/^[0-9]{1,15}$/.test(length)) throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: bad Content-Length`);
  return Number(length);
}

/** Exactly the part that was asked for, of a body of the same size that, as far as it says, is still the same one. */
function checkRest(reply: ReplyHead, rest: RestAsk, length: number | undefined, attempt: string): number {
  const { startAt, sizeBytes, validator } = rest;
  const tag = single(reply, 'etag').trim();
  const isSame = tag === '' || !validator.startsWith('"') || tag === validator;
  const isPart = single(reply, 'content-range').trim() === `bytes ${startAt}-${sizeBytes - 1}/${sizeBytes}`;
  if (!isSame || !isPart || (length ?? sizeBytes - startAt) !== sizeBytes - startAt)
    throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: not the rest that was asked for`);
  return sizeBytes - startAt;
}
