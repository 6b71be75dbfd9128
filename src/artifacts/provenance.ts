import { type Anchor, isAnchor } from '../gomod/anchor.ts';
import type { ArtifactId, ArtifactKind } from '../gomod/module.ts';
import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';
import type { Verification, Verified } from '../verify/verified.ts';

/** Largest record that is read. */
export const MAX_RECORD_BYTES = 16 * 1024;

/** What is known of a committed artifact: where its bytes came from and why they are believed. */
export interface Provenance {
  /** Of the record's form. */
  readonly version: 1;
  readonly kind: ArtifactKind;
  /** Lower-case hex SHA-256 of the stored bytes. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** `h1:...` of the go.mod or the zip; absent for `.info`. */
  readonly h1?: string;
  /** Name of the source the bytes came from. */
  readonly source: string;
  /** Where in a repository the module came from when it was first stored; absent when its source is none. A tag that moves later does not change it. */
  readonly anchor?: Anchor;
  /** When these bytes came, RFC 3339 in UTC with milliseconds, by this machine's clock. */
  readonly fetchedAt: string;
  /** When the artifact was first stored: stays when damaged bytes are replaced, and no publisher can set it. */
  readonly firstSeen: string;
  readonly verification: Verification;
}

/** The record of an artifact committed at `at` (wall time in ms). */
export function provenanceOf({ id, body, h1, source, anchor, verification }: Verified, at: number): Provenance {
  const time = new Date(at).toISOString();
  return {
    version: 1,
    kind: id.kind,
    sha256: body.sha256,
    sizeBytes: body.sizeBytes,
    ...(h1 === undefined ? {} : { h1 }),
    source,
    ...(anchor === undefined ? {} : { anchor }),
    fetchedAt: time,
    firstSeen: time,
    verification,
  };
}

/** One JSON object with members in the order of the interface, and a newline. */
export function encodeProvenance(record: Provenance): Uint8Array {
  const { version, kind, sha256, sizeBytes, h1, source, fetchedAt, firstSeen, verification } = record;
  const anchor = record.anchor && inOrder(record.anchor);
  return encodeUtf8(
    `${JSON.stringify({ version, kind, sha256, sizeBytes, h1, source, anchor, fetchedAt, firstSeen, verification })}\n`,
  );
}

function inOrder({ url, commit, tree, tag }: Anchor): Anchor {
  return { url, commit, tree, ...(tag === undefined ? {} : { tag }) };
}

/** The record in `bytes`, or undefined unless they are exactly what encodeProvenance writes for an artifact of `id`'s kind. */
export function decodeProvenance(bytes: Uint8Array, id: ArtifactId): Provenance | undefined {
  const text = bytes.length <= MAX_RECORD_BYTES ? decodeUtf8(bytes) : undefined;
  const value = text === undefined ? undefined : parseJson(text);
  if (!isProvenance(value) || value.kind !== id.kind) return undefined;
  return Buffer.compare(encodeProvenance(value), bytes) === 0 ? value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProvenance(value: unknown): value is Provenance {
  if (typeof value !== 'object' || value === null) return false;
  const r = value as Partial<Record<keyof Provenance, unknown>>;
  return (
    r.version === 1 &&
    (r.kind === 'info'
      ? r.h1 === undefined
      : (r.kind === 'mod' || r.kind === 'zip') && matches(r.h1, /^h1:[A-Za-z0-9+/]{43}=$/)) &&
    matches(r.sha256, /^[0-9a-f]{64}$/) &&
    Number.isSafeInteger(r.sizeBytes) &&
    (r.sizeBytes as number) >= 0 &&
    typeof r.source === 'string' &&
    (r.anchor === undefined || isAnchor(r.anchor)) &&
    isTime(r.fetchedAt) &&
    isTime(r.firstSeen) &&
    isVerification(r.verification)
  );
}

function matches(value: unknown, form: RegExp): boolean {
  return typeof value === 'string' && form.test(value);
}

function isTime(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const at = Date.parse(value);
  return !Number.isNaN(at) && new Date(at).toISOString() === value;
}

/** A flat object that says by what; which words there are is the business of verify/. */
function isVerification(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || typeof (value as { by?: unknown }).by !== 'string') return false;
  return Object.values(value).every(
    (one) => typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean',
  );
}
