import * as z from 'zod';
import { nearest } from './nearest.ts';

/**
 * What a member takes: `text` in one line · `path` absolute once it is loaded · `secret` the secret itself, `env:NAME` or `file:PATH` ·
 * `words` several texts without blanks, as a list or as one text with blanks between them · `list` a list or one text with commas, loaded as the latter ·
 * `choice` one of a few words · `count` a whole number · `flag` true or false.
 */
type Takes = 'text' | 'path' | 'secret' | 'words' | 'list' | 'choice' | 'count' | 'flag';

/** One member of the rows of a key. */
export interface MemberFacts {
  readonly takes: Takes;
  /** One sentence, English. */
  readonly description: string;
  /** A value that would be right. */
  readonly example: string;
  readonly isRequired?: true;
  readonly choices?: readonly string[];
  /** Of a count: the lowest and the highest. */
  readonly range?: readonly [number, number];
  /** Whether a text that is one line and not empty can be meant. Default: every one. */
  readonly isRight?: (text: string) => boolean;
}

/** The members that rows of a key may have, by name, in the order in which they are told of. */
export type Members = Readonly<Record<string, MemberFacts>>;

/** A row as somebody wrote it: nothing is checked yet. A map, so that no name becomes a property. */
export type WrittenRow = ReadonlyMap<string, unknown>;

/** What is wrong with one row. `row` counts from 1. */
export type RowFault =
  | { readonly fault: 'not-a-row' }
  | { readonly fault: 'unknown-member'; readonly member: string; readonly nearest?: string }
  | { readonly fault: 'missing-member'; readonly member: string }
  | { readonly fault: 'bad-member'; readonly member: string };

const MOST_ROWS = 1000;
const MOST_WORDS = 64;
const LONGEST_TEXT = 4096;

/** Reads a list of rows, or one row alone. Each fault is an issue at the row's index with a RowFault as its params; a value that is no list of rows is one without. */
export function rowsRead<T>(members: Members) {
  return z.unknown().transform((value, context): readonly T[] => {
    const written = Array.isArray(value) ? value : [value];
    if (written.length > MOST_ROWS || written.some((row) => typeof row === 'string')) {
      context.addIssue({ code: 'custom', message: 'no rows' });
      return z.NEVER;
    }
    return written.map((row, at) => {
      for (const fault of faultsOf(row, members))
        context.addIssue({ code: 'custom', path: [at], params: { rowFault: fault } });
      return row instanceof Map ? (rowOf(row, members) as T) : z.NEVER;
    });
  });
}

function faultsOf(row: unknown, members: Members): readonly RowFault[] {
  if (!(row instanceof Map)) return [{ fault: 'not-a-row' }];
  const names = Object.keys(members);
  const unknown = [...(row as WrittenRow).keys()].filter((name) => !names.includes(name));
  return [
    ...unknown.map((member): RowFault => {
      const near = nearest(member, names);
      return { fault: 'unknown-member', member, ...(near === undefined ? {} : { nearest: near }) };
    }),
    ...Object.entries(members).flatMap(([member, facts]): readonly RowFault[] => {
      if (!row.has(member)) return facts.isRequired ? [{ fault: 'missing-member', member }] : [];
      return valueOf(row.get(member), facts) === undefined ? [{ fault: 'bad-member', member }] : [];
    }),
  ];
}

function rowOf(row: WrittenRow, members: Members): object {
  const known = Object.entries(members).filter(([name]) => row.has(name));
  return Object.fromEntries(known.map(([name, facts]) => [name, valueOf(row.get(name), facts)]));
}

/** The value of a member; undefined when it cannot be one. */
function valueOf(value: unknown, facts: MemberFacts): MemberValue | undefined {
  if (facts.takes === 'words') return wordsOf(value);
  if (facts.takes === 'count') return countOf(value, facts.range);
  if (facts.takes === 'flag') return flagOf(value);
  const text = facts.takes === 'list' ? joined(value) : value;
  // A choice such as 1.2 is a number to YAML.
  if (facts.takes === 'choice') return facts.choices?.find((choice) => choice === String(text));
  if (!isLine(text)) return undefined;
  return facts.isRight === undefined || facts.isRight(text) ? text : undefined;
}

type MemberValue = string | number | boolean | readonly string[];

function countOf(value: unknown, [min, max]: readonly [number, number] = [0, Number.MAX_SAFE_INTEGER]) {
  const count = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(count) && Number(count) >= min && Number(count) <= max ? Number(count) : undefined;
}

function flagOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

function joined(value: unknown): unknown {
  return Array.isArray(value) && value.length > 0 && value.every(isLine) ? value.join(',') : value;
}

function wordsOf(value: unknown): readonly string[] | undefined {
  const words: unknown = typeof value === 'string' ? value.split(/\s+/).filter((word) => word !== '') : value;
  if (!Array.isArray(words) || words.length === 0 || words.length > MOST_WORDS) return undefined;
  return words.every(isLine) ? words : undefined;
}

function isLine(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_TEXT && /^\P{Cc}+$/u.test(value);
}

/**
 * Rows in one line, as variables and `--set` have them: rows are separated by `;`, members by `,` (`url=https://git.corp.example,token=env:TOKEN`). A row that
 * names no member has the first two: `corp.example/lib=https://git.corp.example/lib`. What has neither form stays text. A member that takes a list may have several
 * items: what follows it up to the next member.
 */
export function rowsFromText(text: string, members: Members): readonly WrittenRow[] | string {
  const parts = text.split(';').map((part) => part.trim());
  const rows = parts.filter((part) => part !== '').map((part) => rowFromText(part, members));
  return rows.some((row) => row === undefined) ? text : rows.filter((row) => row !== undefined);
}

function rowFromText(text: string, members: Members): WrittenRow | undefined {
  const names = Object.keys(members);
  const [first = ''] = text.split('=', 1);
  const [key = '', value = ''] = names;
  if (first.trim() === '') return undefined;
  const pairs = names.includes(first.trim()) ? text.split(',') : [`${key}=${first}`, text.replace(first, value)];
  const row = new Map<string, unknown>();
  for (const pair of pairs) {
    const cut = pair.indexOf('=');
    const [last] = [...row.keys()].slice(-1);
    const isItem =
      last !== undefined && members[last]?.takes === 'list' && !names.includes(pair.slice(0, Math.max(cut, 0)).trim());
    if (isItem) row.set(last, `${String(row.get(last))},${pair.trim()}`);
    else if (cut < 1) return undefined;
    else row.set(pair.slice(0, cut).trim(), pair.slice(cut + 1).trim());
  }
  return row;
}

/** `row` with its paths made absolute by `absolute`, those of `file:` among them. */
export function withPaths(row: unknown, members: Members, absolute: (path: string) => string): unknown {
  if (!(row instanceof Map)) return row;
  return new Map([...(row as WrittenRow)].map(([name, value]) => [name, located(value, members[name], absolute)]));
}

function located(value: unknown, facts: MemberFacts | undefined, absolute: (path: string) => string): unknown {
  if (typeof value !== 'string' || value === '') return value;
  if (facts?.takes === 'path') return absolute(value);
  const isFile = facts?.takes === 'secret' && value.startsWith('file:') && value !== 'file:';
  return isFile ? `file:${absolute(value.slice('file:'.length))}` : value;
}
