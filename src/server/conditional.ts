/**
 * What conditional and range headers ask of an entity whose tag and size are known. Pure; RFC 9110 sections 13 and 14.
 * There is no Last-Modified, so dates in conditions never match.
 */

/** Bytes from `start` up to, not including, `end`. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** The header values that matter here, as received. */
export interface Conditions {
  readonly ifNoneMatch?: string | undefined;
  readonly ifRange?: string | undefined;
  readonly range?: string | undefined;
}

export type Selection =
  | { readonly status: 200 }
  | { readonly status: 206; readonly span: ByteSpan }
  | { readonly status: 304 }
  | { readonly status: 416 };

const whole: Selection = { status: 200 };
const notModified: Selection = { status: 304 };
const unsatisfiable: Selection = { status: 416 };

/** The strong entity tag of a body with this hex SHA-256. */
export function entityTag(sha256: string): string {
  return `"${sha256}"`;
}

/** What to send of the entity. `mayRange` is false for HEAD and for everything but zips: then Range is ignored, as the RFC allows. */
export function select(asked: Conditions, etag: string, sizeBytes: number, mayRange: boolean): Selection {
  if (asked.ifNoneMatch !== undefined && matchesAny(asked.ifNoneMatch, etag)) return notModified;
  if (!mayRange || asked.range === undefined) return whole;
  // If-Range compares strongly: a weak tag or a date never agrees, and then the whole is sent.
  if (asked.ifRange !== undefined && asked.ifRange.trim() !== etag) return whole;
  return selectRange(asked.range, sizeBytes);
}

/** Whether an If-None-Match value names `etag` by the weak comparison, or is `*`. */
export function matchesAny(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === etag) return true;
  const value = ifNoneMatch.trim();
  if (value === '*') return true;
  // Our tags hold only hex digits, so a comma inside somebody else's tag can split it but never make it equal ours.
  return value.split(',').some((part) => stripWeak(part.trim()) === etag);
}

function stripWeak(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

/** One range gives 206; several give the whole, which is always allowed and never amplifies; other units are ignored. */
function selectRange(value: string, sizeBytes: number): Selection {
  const equals = value.indexOf('=');
  if (equals < 0 || value.slice(0, equals).trim().toLowerCase() !== 'bytes') return whole;
  const spec = value.slice(equals + 1).trim();
  if (spec.includes(',')) return whole;
  const span = parseSpan(spec, sizeBytes);
  return span === undefined ? unsatisfiable : { status: 206, span };
}

function parseSpan(spec: string, sizeBytes: number): ByteSpan | undefined {
  const match = /^(\d{0,15})-(\d{0,15})$/.exec(spec);
  const [, first = '', last = ''] = match ?? [];
  if (match === null || (first === '' && last === '')) return undefined;
  if (first === '') return suffixSpan(Number(last), sizeBytes);
  const start = Number(first);
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  return start < end ? { start, end } : undefined;
}

function suffixSpan(length: number, sizeBytes: number): ByteSpan | undefined {
  const start = Math.max(0, sizeBytes - length);
  return start < sizeBytes ? { start, end: sizeBytes } : undefined;
}
