import { entityTag } from './conditional.ts';

/** Where in a head's list the values stand that differ from one reply to the next. */
export const REQUEST_ID_AT = 1;
export const CACHE_RESULT_AT = 3;
export const CACHE_CONTROL_AT = 5;
/** Only of what the resolver answers. */
export const LEVEL_AT = 7;
/** Only of what may change. */
export const AGE_AT = 9;

/** The head of a 200 for a body that is in memory, ready but for the slots above. */
export interface PreparedHead {
  /** Undefined while the body is still arriving: its hash is not known yet. */
  readonly etag: string | undefined;
  /** Flat list of names and values. Written into just before use: Node turns it into text at once, so replies can share it. */
  readonly headers: string[];
}

const CONTENT_TYPES = {
  info: 'application/json',
  mod: 'text/plain; charset=utf-8',
  zip: 'application/zip',
  list: 'text/plain; charset=utf-8',
  latest: 'application/json',
  query: 'application/json',
  // As databases write it.
  'sumdb-text': 'text/plain; charset=UTF-8',
  'sumdb-hashes': 'application/octet-stream',
} as const;

/** The kinds of bodies that come from the resolver. */
export type BodyKind = keyof typeof CONTENT_TYPES;

export const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Head of a 200 for a body of `kind`; the slots hold what an immutable answer needs, without Age. */
export function prepareHead(kind: BodyKind, sha256: string | undefined, sizeBytes: number): PreparedHead {
  const etag = sha256 === undefined ? undefined : entityTag(sha256);
  const headers = ['X-Request-Id', '', 'X-Cache', '', 'Cache-Control', IMMUTABLE];
  if (isOfModule(kind)) headers.push('Larder-Level', '0');
  if (isMutable(kind)) headers.push('Age', '0');
  headers.push('Content-Type', CONTENT_TYPES[kind], 'Content-Length', String(sizeBytes));
  if (etag !== undefined) headers.push('ETag', etag);
  headers.push('X-Content-Type-Options', 'nosniff');
  if (kind === 'zip') headers.push('Accept-Ranges', 'bytes');
  return { etag, headers };
}

function isOfModule(kind: BodyKind): boolean {
  return !kind.startsWith('sumdb-');
}

function isMutable(kind: BodyKind): boolean {
  return kind === 'list' || kind === 'latest' || kind === 'query';
}

/** Remembers heads for as long as the bodies they belong to are kept. One map per kind: two kinds may share one body. */
export class PreparedHeads {
  readonly #byKind: Readonly<Record<BodyKind, WeakMap<Uint8Array, PreparedHead>>> = {
    info: new WeakMap(),
    mod: new WeakMap(),
    zip: new WeakMap(),
    list: new WeakMap(),
    latest: new WeakMap(),
    query: new WeakMap(),
    'sumdb-text': new WeakMap(),
    'sumdb-hashes': new WeakMap(),
  };

  /** The head for `bytes`, whose hex SHA-256 is `sha256`. */
  of(kind: BodyKind, bytes: Uint8Array, sha256: string | undefined): PreparedHead {
    const heads = this.#byKind[kind];
    const known = heads.get(bytes);
    if (known !== undefined) return known;
    const head = prepareHead(kind, sha256, bytes.byteLength);
    heads.set(bytes, head);
    return head;
  }
}
