/** `.info` answers: read as Go's decoder reads them where that is harmless, strict where a decision hangs on them. */
import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';
import { AppError, messageOf } from '../std/errors.ts';
import type { Version } from './module.ts';
import { isPseudoVersion } from './pseudo.ts';
import { parseRfc3339 } from './rfc3339.ts';
import { shown } from './shown.ts';
import { isCanonicalVersion } from './version.ts';

/** Where a version came from, as the go command writes it. Members in Go's order; all optional. */
export interface Origin {
  readonly VCS?: string;
  readonly URL?: string;
  readonly Subdir?: string;
  readonly Hash?: string;
  readonly TagPrefix?: string;
  readonly TagSum?: string;
  readonly Ref?: string;
  readonly RepoSum?: string;
}

/** The content of an `.info` answer. */
export interface RevInfo {
  readonly version: Version;
  /** RFC 3339 in the zone and the words of who told it, at most nanoseconds; unauthenticated, so never a basis for a decision about age. */
  readonly time?: string;
  readonly origin?: Origin;
}

const INFO_MEMBERS = ['Version', 'Time', 'Origin'] as const;
const ORIGIN_MEMBERS = [
  'VCS',
  'URL',
  'Subdir',
  'Hash',
  'TagPrefix',
  'TagSum',
  'Ref',
  'RepoSum',
] as const satisfies (keyof Origin)[];

/** More than any honest answer; bytes. */
const MAX_INFO_BYTES = 1 << 20;

/**
 * The answer in `bytes` (attacker-controlled, at most 1 MiB). Unknown members are ignored, member names match in any case, `null` is absence.
 * Throws UPSTREAM_BAD_RESPONSE when it is not one JSON object, a member has the wrong type or occurs under two spellings, the version is not
 * canonical, or the time is not RFC 3339.
 */
export function parseRevInfo(bytes: Uint8Array): RevInfo {
  const info = membersOf(parseJson(bytes), 'the answer', INFO_MEMBERS);
  const version = stringMember(info, 'Version') ?? '';
  if (!isCanonicalVersion(version)) throw bad(`version ${shown(version)} is not canonical`);
  const time = stringMember(info, 'Time');
  const kept = time === undefined ? undefined : checkedTime(time);
  const origin = member(info, 'Origin');
  return {
    version: version as Version,
    ...(kept === undefined ? {} : { time: kept }),
    ...(origin === undefined ? {} : { origin: parseOrigin(origin) }),
  };
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_INFO_BYTES) throw bad(`longer than ${MAX_INFO_BYTES} bytes`);
  const text = decodeUtf8(bytes);
  if (text === undefined) throw bad('not UTF-8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw bad(`not JSON: ${shown(messageOf(error))}`);
  }
}

function bad(reason: string): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', `parse version info: ${reason}`);
}

type Members = ReadonlyMap<string, unknown>;

/** The members with one of `names`, under their folded names. Two spellings of one name are refused: readers would disagree about which counts. */
function membersOf(value: unknown, what: string, names: readonly string[]): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(`${what} is not an object`);
  const wanted = new Set(names.map(fold));
  const members = new Map<string, unknown>();
  for (const [name, content] of Object.entries(value)) {
    const folded = fold(name);
    if (!wanted.has(folded)) continue;
    if (members.has(folded)) throw bad(`member ${shown(name)} occurs in two spellings`);
    members.set(folded, content);
  }
  return members;
}

/** Simple case folding as far as it can reach ASCII letters: the long s and the Kelvin sign count as s and k. */
function fold(name: string): string {
  return name.replaceAll('\u017f', 's').toLowerCase();
}

/** Undefined when absent or null. */
function member(members: Members, name: string): unknown {
  return members.get(fold(name)) ?? undefined;
}

function stringMember(members: Members, name: string): string | undefined {
  const value = member(members, name);
  if (value !== undefined && typeof value !== 'string') throw bad(`${name} is not a string`);
  return value;
}

/** The text itself: the go command prints the zone that it says. Digits past the ninth say nothing to it. */
function checkedTime(text: string): string {
  if (parseRfc3339(text) === undefined) throw bad(`time ${shown(text)} is not RFC 3339`);
  return text.replace(/(\.\d{9})\d+/, '$1');
}

/** Members that are absent or empty are left out, as Go leaves them out when it prints. */
function parseOrigin(value: unknown): Origin {
  const members = membersOf(value, 'Origin', ORIGIN_MEMBERS);
  const entries = ORIGIN_MEMBERS.map((name) => [name, stringMember(members, name)] as const);
  return Object.fromEntries(entries.filter(([, text]) => text !== undefined && text !== '')) as Origin;
}

/** The answer's bytes as the go command writes them: compact JSON, Go's member order, no newline. */
export function formatRevInfo(info: RevInfo): Uint8Array {
  const origin = info.origin === undefined ? undefined : originInOrder(info.origin);
  const text = JSON.stringify({ Version: info.version, Time: info.time, Origin: origin });
  return encodeUtf8(text.replace(ESCAPED_BY_GO, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

/** Go's encoder escapes these so that its output may stand in HTML and JavaScript; all of them occur only inside strings. */
const ESCAPED_BY_GO = /[<>&\u2028\u2029]/g;

function originInOrder(origin: Origin): Origin {
  return Object.fromEntries(ORIGIN_MEMBERS.map((name) => [name, origin[name] || undefined])) as Origin;
}

/** `info` as it is kept under its own version: without the parts of Origin that speak of the state of the repository at the time of the question. */
export function withoutVolatileOrigin(info: RevInfo): RevInfo {
  if (info.origin === undefined) return info;
  const { TagPrefix: _prefix, TagSum: _tags, RepoSum: _repo, Ref, ...lasting } = info.origin;
  const keepsRef = Ref !== undefined && !isPseudoVersion(info.version);
  return { ...info, origin: keepsRef ? { ...lasting, Ref } : lasting };
}
