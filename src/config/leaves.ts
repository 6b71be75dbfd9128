import * as z from 'zod';
import { parseGosumdb } from '../gomod/sumdb/database.ts';
import { parseVerifierKey } from '../gomod/sumdb/key.ts';
import { parsePrefixPatterns } from '../gomod/goenv.ts';
import { parseGovcs } from '../gomod/govcs.ts';
import { isAddressRange } from '../std/address-range.ts';
import type { Expected } from './problem.ts';
import { type Members, rowsRead } from './rows.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

/** What a key's schema says about itself: the docs table, `--help`, the environment names and "what to write instead" are made from it. */
export interface KeyFacts {
  readonly expected: Expected;
  /** One sentence, English. */
  readonly description: string;
  /** The default as one would write it, or in words when it depends on the machine. */
  readonly defaultText: string;
  /** A value that would be right. */
  readonly example: string;
  /** Lowest and highest value, as one would write them. */
  readonly range?: string;
  readonly choices?: readonly string[];
  /** Of the rows that it takes, when it takes rows. */
  readonly members?: Members;
  /** The command-line flag of its own, if it has one. */
  readonly flag?: string;
  /** The environment variable, where it is not the one that the key's name makes. */
  readonly variable?: string;
}

/** Where a server listens. */
export interface Address {
  /** A name, an IPv4 address or an IPv6 address without brackets; empty = every address of the machine. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
}

type Facts = Omit<KeyFacts, 'expected' | 'defaultText' | 'example' | 'range' | 'choices'> & {
  readonly example?: string;
};

/** `host:port`, `[::1]:8080` or `:8080`; undefined for anything else. */
function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{0,253})):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match === null || port > 65_535 ? undefined : { host: match[1] ?? match[2] ?? '', port };
}

/** A key that holds an address to listen on. */
export function address(defaultText: string, facts: Facts) {
  return stringRead(parseAddress)
    .prefault(defaultText)
    .meta({ example: defaultText, ...facts, expected: 'address', defaultText });
}

/** A key that holds one path, absolute once it is loaded. */
export function path(defaultText: string, facts: Facts & { readonly example: string }) {
  return text()
    .optional()
    .meta({ ...facts, expected: 'path', defaultText });
}

/** A key that holds any number of paths; a single text is a list of one. */
export function paths(facts: Facts & { readonly example: string }) {
  return listOf(text(), [0, 1000])
    .default([])
    .meta({ ...facts, expected: 'paths', defaultText: 'none' });
}

/** A key that holds a chain in the form of GOPROXY, or a list of its entries, which are joined by commas. */
export function upstream(defaultText: string, facts: Facts & { readonly example: string }) {
  const joined = z
    .array(text())
    .min(1)
    .max(100)
    .transform((entries) => entries.join(','));
  return z
    .union([text(), joined])
    .optional()
    .meta({ ...facts, expected: 'upstream', defaultText });
}

/**
 * A key that holds comma-separated globs of module path prefixes, or a list of them; loaded as one text. Blanks around them are taken away and malformed ones are refused:
 * the go command lets both match nothing, and what should stay private would not.
 */
export function globs(defaultText: string, facts: Facts & { readonly example: string }) {
  const one = z
    .string()
    .max(65_536)
    .regex(/^\P{Cc}*$/u);
  return z
    .union([one, z.array(one).max(10_000)])
    .transform((value, context): string => {
      const all = (typeof value === 'string' ? value : value.join(',')).split(',').map((glob) => glob.trim());
      const written = all.filter((glob) => glob !== '');
      if (written.every((glob) => parsePrefixPatterns(glob).length > 0)) return written.join(',');
      context.addIssue({ code: 'custom', message: 'not understood' });
      return z.NEVER;
    })
    .prefault('')
    .meta({ ...facts, expected: 'globs', defaultText });
}

/** A key that holds rules in the form of GOVCS. */
export function govcs(defaultText: string, facts: Facts) {
  return stringRead((value) => (rulesIn(value) === undefined ? undefined : value))
    .prefault(defaultText)
    .meta({ example: defaultText, ...facts, expected: 'govcs', defaultText });
}

/** A key that holds any number of host names, addresses and ranges of them; a single text is a list of one. */
export function hosts(facts: Facts & { readonly example: string }) {
  const one = text().regex(/^\S+$/);
  return listOf(one, [0, 1000])
    .default([])
    .meta({ ...facts, expected: 'hosts', defaultText: 'none' });
}

/** A key that holds addresses and ranges of them; a single one is a list of one. */
export function ranges(facts: Facts & { readonly example: string }) {
  const one = stringRead((value) => (isAddressRange(value) ? value : undefined));
  return listOf(one, [0, 1000])
    .default([])
    .meta({ ...facts, expected: 'ranges', defaultText: 'none' });
}

/** A key that holds port numbers; a single one is a list of one. */
export function ports(byDefault: readonly number[], facts: Facts) {
  const one = z.int().min(1).max(65_535);
  const defaultText = byDefault.join(', ');
  return listOf(one, [1, 100])
    .default([...byDefault])
    .meta({ example: byDefault.join(','), ...facts, expected: 'ports', defaultText, range: '1 to 65535' });
}

/** A key that holds one word of the operator's own; undefined where none is written. */
export function optionalText(facts: Facts & { readonly example: string }) {
  return text()
    .optional()
    .meta({ ...facts, expected: 'text', defaultText: 'none' });
}

/** A key that holds rows of named members. */
export function rows<T>(members: Members, facts: Facts & { readonly example: string }) {
  return rowsRead<T>(members)
    .prefault([])
    .meta({ ...facts, expected: 'rows', defaultText: 'none', members });
}

/** A key that holds one checksum database in the form of GOSUMDB, or `off`. */
export function database(defaultText: string, facts: Facts) {
  return stringRead((value) => (settingIn(value) === undefined ? undefined : value))
    .prefault(defaultText)
    .meta({ example: defaultText, ...facts, expected: 'database', defaultText });
}

/** A key that holds any number of checksum databases in the form of GOSUMDB; a single text is a list of one. */
export function databases(facts: Facts & { readonly example: string }) {
  const one = stringRead((value) => (typeof settingIn(value) === 'object' ? value : undefined));
  return listOf(one, [0, 16])
    .default([])
    .meta({ ...facts, expected: 'databases', defaultText: 'none' });
}

/** A key that holds any number of verifier keys; a single text is a list of one. */
export function verifierKeys(facts: Facts & { readonly example: string }) {
  const one = stringRead((value) => (isVerifierKey(value) ? value : undefined));
  return listOf(one, [0, 100])
    .default([])
    .meta({ ...facts, expected: 'verifierKeys', defaultText: 'none' });
}

/** A list of what `one` takes; a single one is a list of one. */
function listOf<T>(one: z.ZodType<T>, [least, most]: readonly [number, number]) {
  return z.union([z.array(one).min(least).max(most), one.transform((value) => [value])]);
}

function isVerifierKey(text: string): boolean {
  try {
    parseVerifierKey(text);
    return true;
  } catch {
    return false;
  }
}

function rulesIn(text: string): ReturnType<typeof parseGovcs> | undefined {
  try {
    return parseGovcs(text);
  } catch {
    return undefined;
  }
}

function settingIn(text: string): ReturnType<typeof parseGosumdb> | undefined {
  try {
    return parseGosumdb(text);
  } catch {
    return undefined;
  }
}

/** A key that is on or off. */
export function flag(byDefault: boolean, facts: Facts) {
  return z
    .boolean()
    .default(byDefault)
    .meta({ example: String(!byDefault), ...facts, expected: 'boolean', defaultText: String(byDefault) });
}

/** A key that holds a whole number between `min` and `max`. */
export function count(byDefault: number, [min, max]: readonly [number, number], facts: Facts) {
  const defaultText = String(byDefault);
  return z
    .int()
    .min(min)
    .max(max)
    .default(byDefault)
    .meta({ example: defaultText, ...facts, expected: 'count', defaultText, range: `${min} to ${max}` });
}

/** A key that holds a duration; loaded as milliseconds. */
export function duration(defaultText: string, [min, max]: readonly [string, string], facts: Facts) {
  return bounded(parseDuration, min, max)
    .prefault(defaultText)
    .meta({ example: defaultText, ...facts, expected: 'duration', defaultText, range: `${min} to ${max}` });
}

/** A key that holds a size; loaded as bytes. */
export function size(defaultText: string, [min, max]: readonly [string, string], facts: Facts) {
  return bounded(parseSize, min, max)
    .prefault(defaultText)
    .meta({ example: defaultText, ...facts, expected: 'size', defaultText, range: `${min} to ${max}` });
}

/** A key that holds one of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(choices: T, byDefault: T[number], facts: Facts) {
  return z
    .enum(choices)
    .default(byDefault)
    .meta({ example: byDefault, ...facts, expected: 'choice', defaultText: byDefault, choices });
}

/** Text that can stand in one line: no control characters, not empty, at most 4,096 characters. */
function text() {
  return z
    .string()
    .min(1)
    .max(4096)
    .regex(/^\P{Cc}*$/u);
}

function stringRead<T>(read: (text: string) => T | undefined) {
  return text().transform((value, context): T => {
    const result = read(value);
    if (result !== undefined) return result;
    context.addIssue({ code: 'custom', message: 'not understood' });
    return z.NEVER;
  });
}

function bounded(read: (text: string) => number | undefined, min: string, max: string) {
  const [lowest, highest] = [read(min) ?? Number.NaN, read(max) ?? Number.NaN];
  const within = stringRead((value) => {
    const amount = read(value);
    return amount !== undefined && amount >= lowest && amount <= highest ? amount : undefined;
  });
  // Nothing is the only amount that needs no unit, so YAML's number for it is as good as the text.
  return z.preprocess((value) => (value === 0 ? '0' : value), within);
}

/** A loaded value as one would write it in the file. */
export function writtenAs(expected: Expected, value: unknown): unknown {
  if (expected === 'duration' && typeof value === 'number') return formatDuration(value);
  if (expected === 'size' && typeof value === 'number') return formatSize(value);
  if (expected !== 'address') return value;
  const { host, port } = value as Address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
