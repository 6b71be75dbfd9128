/**
 * Semantic versions as Go reads them: a leading `v`, short forms `v1` and `v1.2`, numbers of any length.
 * Pure text: no number is ever turned into a JavaScript number. Linear in the length of the input.
 */
import { compareBytewise } from '../std/bytes.ts';

/** Where the parts of a valid version end. Offsets, not texts: most questions need only one or two of the parts. */
interface SemverEnds {
  readonly major: number;
  /** 0 when the version is short (`v1`). */
  readonly minor: number;
  /** 0 when the version is short (`v1`, `v1.2`). */
  readonly patch: number;
  /** End of the pre-release and start of the build metadata; either may be empty. */
  readonly prerelease: number;
}

/** Whether `v` is a version: `v1`, `v1.2` and `v1.2.3[-pre][+build]`. */
export function isValid(v: string): boolean {
  return parse(v) !== undefined;
}

/** `v` with missing numbers filled in and without build metadata: `v1` gives `v1.0.0`. Empty when `v` is not valid. */
export function canonical(v: string): string {
  const ends = parse(v);
  if (ends === undefined) return '';
  if (ends.patch > 0) return v.slice(0, ends.prerelease);
  return ends.minor > 0 ? `${v}.0` : `${v}.0.0`;
}

/** `v1` of `v1.2.3`; empty when `v` is not valid. */
export function major(v: string): string {
  const ends = parse(v);
  return ends === undefined ? '' : v.slice(0, ends.major);
}

/** `v1.2` of `v1.2.3`, `v1.0` of `v1`; empty when `v` is not valid. */
export function majorMinor(v: string): string {
  const ends = parse(v);
  if (ends === undefined) return '';
  return ends.minor > 0 ? v.slice(0, ends.minor) : `${v}.0`;
}

/** `-rc.1` of `v1.2.3-rc.1+meta`; empty when there is none or `v` is not valid. */
export function prerelease(v: string): string {
  const ends = parse(v);
  return ends === undefined ? '' : prereleaseIn(v, ends);
}

/** `+meta` of `v1.2.3-rc.1+meta`; empty when there is none or `v` is not valid. */
export function build(v: string): string {
  const ends = parse(v);
  return ends === undefined ? '' : v.slice(ends.prerelease);
}

/** Whether `v` is valid and complete, not short; any build metadata may follow. */
export function isComplete(v: string): boolean {
  const ends = parse(v);
  return ends !== undefined && ends.patch > 0;
}

/** Whether `v` is valid but short: `v1` or `v1.2`. */
export function isShort(v: string): boolean {
  const ends = parse(v);
  return ends !== undefined && ends.patch === 0;
}

/** Negative, zero or positive by semantic version order. Build metadata does not count; invalid versions are equal to each other and below all valid ones. */
export function compare(a: string, b: string): number {
  return compareParsed(a, parse(a), b, parse(b));
}

function compareParsed(a: string, x: SemverEnds | undefined, b: string, y: SemverEnds | undefined): number {
  if (x === undefined || y === undefined) return Number(x !== undefined) - Number(y !== undefined);
  return (
    compareDecimals(a.slice(1, x.major), b.slice(1, y.major)) ||
    compareDecimals(numberIn(a, x.major, x.minor), numberIn(b, y.major, y.minor)) ||
    compareDecimals(numberIn(a, x.minor, x.patch), numberIn(b, y.minor, y.patch)) ||
    comparePrereleases(prereleaseIn(a, x), prereleaseIn(b, y))
  );
}

/** The number between the dot at `dot` and `end`; what a short version leaves out is 0. */
function numberIn(v: string, dot: number, end: number): string {
  return end === 0 ? '0' : v.slice(dot + 1, end);
}

function prereleaseIn(v: string, ends: SemverEnds): string {
  return ends.patch === 0 ? '' : v.slice(ends.patch, ends.prerelease);
}

/** By `compare`, ties by the bytes of the whole string: a total order. */
export function compareVersions(a: string, b: string): number {
  return compare(a, b) || compareBytewise(a, b);
}

/** A sorted copy, lowest first, by `compareVersions`. Each version is parsed once. */
export function sortVersions<V extends string>(versions: readonly V[]): V[] {
  const parsed = versions.map((v) => ({ v, ends: parse(v) }));
  parsed.sort((a, b) => compareParsed(a.v, a.ends, b.v, b.ends) || compareBytewise(a.v, b.v));
  return parsed.map(({ v }) => v);
}

function parse(v: string): SemverEnds | undefined {
  if (v.charCodeAt(0) !== LOWER_V) return undefined;
  const majorEnd = endOfNumber(v, 1);
  if (majorEnd < 0) return undefined;
  if (majorEnd === v.length) return { major: majorEnd, minor: 0, patch: 0, prerelease: majorEnd };

  const minorEnd = v.charCodeAt(majorEnd) === DOT ? endOfNumber(v, majorEnd + 1) : -1;
  if (minorEnd < 0) return undefined;
  if (minorEnd === v.length) return { major: majorEnd, minor: minorEnd, patch: 0, prerelease: minorEnd };

  const patchEnd = v.charCodeAt(minorEnd) === DOT ? endOfNumber(v, minorEnd + 1) : -1;
  if (patchEnd < 0) return undefined;
  const preEnd = v.charCodeAt(patchEnd) === DASH ? endOfIdentifiers(v, patchEnd + 1, true) : patchEnd;
  if (preEnd < 0) return undefined;
  const end = v.charCodeAt(preEnd) === PLUS ? endOfIdentifiers(v, preEnd + 1, false) : preEnd;
  return end === v.length ? { major: majorEnd, minor: minorEnd, patch: patchEnd, prerelease: preEnd } : undefined;
}

const LOWER_V = 0x76;
const DOT = 0x2e;
const DASH = 0x2d;
const PLUS = 0x2b;
const ZERO = 0x30;

/** Index after the decimal number at `start`; -1 when there is none or it has a leading zero. */
function endOfNumber(v: string, start: number): number {
  let i = start;
  while (isDigit(v.charCodeAt(i))) i++;
  if (i === start || (i - start > 1 && v.charCodeAt(start) === ZERO)) return -1;
  return i;
}

/** Index after the dot-separated identifiers at `start`; -1 when one is empty or, for pre-releases, numeric with a leading zero. */
function endOfIdentifiers(v: string, start: number, isPrerelease: boolean): number {
  let from = start;
  let onlyDigits = true;
  for (let i = start; ; i++) {
    const c = v.charCodeAt(i);
    if (isIdentifierChar(c)) {
      onlyDigits &&= isDigit(c);
      continue;
    }
    if (i === from) return -1;
    if (isPrerelease && onlyDigits && i - from > 1 && v.charCodeAt(from) === ZERO) return -1;
    if (c !== DOT) return i;
    from = i + 1;
    onlyDigits = true;
  }
}

/** Whether `c` is the code of an ASCII digit. */
export function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function isIdentifierChar(c: number): boolean {
  return isDigit(c) || (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === DASH;
}

/** Numbers without leading zeros: the longer one is the larger. */
function compareDecimals(a: string, b: string): number {
  if (a.length !== b.length) return a.length < b.length ? -1 : 1;
  return compareAscii(a, b);
}

function compareAscii(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '') return 1;
  if (b === '') return -1;
  const x = a.slice(1).split('.');
  const y = b.slice(1).split('.');
  for (let i = 0; ; i++) {
    const p = x[i];
    const q = y[i];
    if (p === undefined) return q === undefined ? 0 : -1;
    if (q === undefined) return 1;
    const order = compareIdentifiers(p, q);
    if (order !== 0) return order;
  }
}

/** Numeric identifiers are below the others and in order of value; the others are in byte order. */
function compareIdentifiers(a: string, b: string): number {
  if (a === b) return 0;
  const aIsNumeric = isNumeric(a);
  if (aIsNumeric !== isNumeric(b)) return aIsNumeric ? -1 : 1;
  return aIsNumeric ? compareDecimals(a, b) : compareAscii(a, b);
}

function isNumeric(identifier: string): boolean {
  for (let i = 0; i < identifier.length; i++) if (!isDigit(identifier.charCodeAt(i))) return false;
  return true;
}
