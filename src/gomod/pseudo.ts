/**
 * Pseudo-versions: versions made from a commit. Three forms (TS = yyyymmddhhmmss of the commit in UTC, REV = 12 hex digits of its hash):
 * `vX.0.0-TS-REV` without base, `vX.Y.(Z+1)-0.TS-REV` after vX.Y.Z, `vX.Y.Z-pre.0.TS-REV` after vX.Y.Z-pre; the last two keep `+incompatible`.
 */
import { AppError } from '../std/errors.ts';
import { secondsOf } from './rfc3339.ts';
import { build, canonical, major, prerelease } from './semver.ts';
import { shown } from './shown.ts';

const TIMESTAMP_DIGITS = 14;

interface PseudoParts {
  /** All before the separator of the timestamp: `v0.0.0`, `v1.2.4-0`, `v1.2.3-pre.0`. */
  readonly base: string;
  readonly timestamp: string;
  readonly rev: string;
  readonly build: string;
}

/** Whether `v` has the form of a pseudo-version. Its time need not be a real one. */
export function isPseudoVersion(v: string): boolean {
  return parse(v) !== undefined;
}

/**
 * The pseudo-version of a commit. `majorVersion` (`v2`; empty means v0) counts only without `older`, the version it follows (empty or invalid for none).
 * `time` is the committer's; the years 0 to 9999 can be written.
 */
export function pseudoVersion(majorVersion: string, older: string, time: Date, rev: string): string {
  const stamp = `${formatTimestamp(time)}-${rev}`;
  const base = canonical(older);
  if (base === '') return `${majorVersion || 'v0'}.0.0-${stamp}`;
  if (prerelease(base) !== '') return `${base}.0.${stamp}${build(older)}`;
  const patchAt = base.lastIndexOf('.') + 1;
  return `${base.slice(0, patchAt)}${nextDecimal(base.slice(patchAt))}-0.${stamp}${build(older)}`;
}

function formatTimestamp(time: Date): string {
  return time.toISOString().replace(/\..*$|[-:T]/g, '');
}

/** The commit time, UTC. Throws BAD_VERSION when `v` is no pseudo-version or its time is no real date. */
export function pseudoVersionTime(v: string): Date {
  const { timestamp: ts } = mustParse(v);
  const fields = [ts.slice(0, 4), ts.slice(4, 6), ts.slice(6, 8), ts.slice(8, 10), ts.slice(10, 12), ts.slice(12)];
  const seconds = secondsOf(fields.map(Number));
  if (seconds === undefined) throw bad(v, `malformed time ${shown(ts)}`);
  return new Date(seconds * 1000);
}

/** The commit's short hash, as it stands in `v`. Throws BAD_VERSION when `v` is no pseudo-version. */
export function pseudoVersionRev(v: string): string {
  return mustParse(v).rev;
}

/** The version `v` follows, with its build suffix; empty when it follows none. Throws BAD_VERSION when `v` is no pseudo-version or can follow nothing. */
export function pseudoVersionBase(v: string): string {
  const { base, build: suffix } = mustParse(v);
  const pre = prerelease(base);
  if (pre === '') {
    if (suffix !== '') throw bad(v, `lacks a base version, but has build metadata ${shown(suffix)}`);
    return '';
  }
  if (pre !== '-0') return base.slice(0, -'.0'.length) + suffix;
  const release = base.slice(0, -pre.length);
  const patchAt = release.lastIndexOf('.') + 1;
  const patch = release.slice(patchAt);
  if (patch === '0') throw bad(v, `the version before ${shown(release)} would have a negative patch number`);
  return release.slice(0, patchAt) + previousDecimal(patch) + suffix;
}

/** The pseudo-version that stands for "no version" of a major: `v0.0.0-00010101000000-000000000000`. */
export function zeroPseudoVersion(majorVersion: string): string {
  return `${majorVersion || 'v0'}.0.0-00010101000000-000000000000`;
}

/** Whether `v` is the zero pseudo-version of its major. */
export function isZeroPseudoVersion(v: string): boolean {
  return v !== '' && v === zeroPseudoVersion(major(v));
}

/** `n` plus one, as decimal text: the numbers of a version have no upper bound. */
function nextDecimal(n: string): string {
  const keep = withoutTrailing('9', n);
  const zeros = '0'.repeat(n.length - keep.length);
  return keep === '' ? `1${zeros}` : keep.slice(0, -1) + (Number(keep.slice(-1)) + 1) + zeros;
}

/** `n` minus one, for `n` above zero. */
function previousDecimal(n: string): string {
  const keep = withoutTrailing('0', n);
  const nines = '9'.repeat(n.length - keep.length);
  const lowered = keep.slice(0, -1) + (Number(keep.slice(-1)) - 1);
  return lowered === '0' && nines !== '' ? nines : lowered + nines;
}

function withoutTrailing(digit: string, n: string): string {
  let end = n.length;
  while (end > 0 && n[end - 1] === digit) end--;
  return n.slice(0, end);
}

function mustParse(v: string): PseudoParts {
  const parts = parse(v);
  if (parts === undefined) throw bad(v, 'not a pseudo-version');
  return parts;
}

function bad(v: string, reason: string): AppError {
  return new AppError('BAD_VERSION', `check pseudo-version ${shown(v)}: ${reason}`);
}

const REV = /^[0-9A-Za-z]+$/;
const TIMESTAMP = /^\d{14}$/;

/** Read from the right: build suffix, revision after the last dash, timestamp before it, then what the form demands. */
function parse(v: string): PseudoParts | undefined {
  const pre = prerelease(v);
  if (pre === '') return undefined;
  const suffix = build(v);
  const stem = v.slice(0, v.length - suffix.length);
  const revAt = stem.lastIndexOf('-') + 1;
  const timeAt = revAt - 1 - TIMESTAMP_DIGITS;
  const preAt = stem.length - pre.length;
  if (timeAt <= preAt) return undefined;
  const parts = {
    base: stem.slice(0, timeAt - 1),
    timestamp: stem.slice(timeAt, revAt - 1),
    rev: stem.slice(revAt),
    build: suffix,
  };
  if (!REV.test(parts.rev) || !TIMESTAMP.test(parts.timestamp)) return undefined;
  const isWithoutBase = timeAt === preAt + 1;
  if (isWithoutBase) return parts.base.endsWith('.0.0') ? parts : undefined;
  return stem.slice(preAt, timeAt).endsWith('.0.') || stem.slice(preAt, timeAt) === '-0.' ? parts : undefined;
}
