import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { KeySpec } from './key-specs.ts';
import { nearest } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';
import type { Written } from './written.ts';

/** The longest config file that is read, in characters. */
export const LONGEST_FILE = 262_144;
/** Deepest nesting that is handed to the parser, which recurses. */
const DEEPEST = 32;
const PROTOTYPE_NAMES = new Set(['__proto__', 'constructor', 'prototype']);

interface Reading {
  /** The file's name, as it is shown. */
  readonly name: string;
  readonly folder: string;
  readonly specs: ReadonlyMap<string, KeySpec>;
  readonly lines: LineCounter;
  readonly written: Written[];
  readonly problems: ConfigProblem[];
}

/**
 * The keys that a YAML text sets, each with its line, and what is wrong with its form. Core schema only: no aliases, anchors,
 * tags or merge keys, no key twice, no name of the object prototype. Values are not checked here.
 */
export function readYaml(
  text: string,
  o: { readonly name: string; readonly folder: string; readonly specs: readonly KeySpec[] },
): Pick<Reading, 'written' | 'problems'> {
  const specs = new Map(o.specs.map((spec) => [spec.key, spec]));
  const reading: Reading = {
    name: o.name,
    folder: o.folder,
    specs,
    lines: new LineCounter(),
    written: [],
    problems: [],
  };
  if (text.length > LONGEST_FILE) report(reading, undefined, `longer than ${LONGEST_FILE} characters`);
  else if (nestsTooDeep(text)) report(reading, undefined, `nested deeper than ${DEEPEST}`);
  else readDocument(text, reading);
  return reading;
}

function readDocument(text: string, reading: Reading): void {
  const document = parse(text, reading);
  if (document === undefined) return report(reading, undefined, `nested deeper than ${DEEPEST}`);
  for (const error of [...document.errors, ...document.warnings])
    report(reading, error.pos[0], firstLine(error.message));
  if (reading.problems.length > 0 || document.contents === null) return;
  if (isMap(document.contents)) readSection(document.contents, '', reading);
  else if (!isEmpty(document.contents)) report(reading, 0, 'not a list of keys');
}

/** Undefined when the parser, which recurses, ran out of stack. */
function parse(text: string, reading: Reading): ReturnType<typeof parseDocument> | undefined {
  const options = {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: true,
    stringKeys: true,
    lineCounter: reading.lines,
    prettyErrors: false,
    logLevel: 'error',
  } as const;
  try {
    const document = parseDocument(text, options);
    // Some of its recursion turns the RangeError into an error of the document.
    return document.errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION') ? undefined : document;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readSection(section: YAMLMap, prefix: string, reading: Reading): void {
  checkPlain(section, reading);
  for (const pair of section.items) readPair(pair, prefix, reading);
}

function readPair(pair: Pair, prefix: string, reading: Reading): void {
  const node = pair.key as Node;
  const name = isScalar(node) ? String(node.value) : '';
  const key = prefix + name;
  const at = node.range?.[0];
  checkPlain(node, reading);
  if (name === '<<') return report(reading, at, 'a merge key (<<)');
  if (PROTOTYPE_NAMES.has(name)) return report(reading, at, `the key ${name}`);
  const value = pair.value as Node | null;
  if (reading.specs.has(key)) return readLeaf(key, value, at, reading);
  const inside = [...reading.specs.keys()].filter((one) => one.startsWith(`${key}.`));
  if (inside.length === 0) return reportUnknown(key, at, reading);
  if (value === null || isEmpty(value)) return;
  if (isMap(value)) return readSection(value, `${key}.`, reading);
  reading.problems.push({ kind: 'is-a-section', origin: originOf(reading, at), key, example: inside[0] ?? key });
}

function readLeaf(key: string, value: Node | null, at: number | undefined, reading: Reading): void {
  const origin = originOf(reading, at);
  const spec = reading.specs.get(key);
  const example = spec?.example ?? '';
  if (spec?.members !== undefined && (isSeq(value) || isMap(value))) return readRows(key, value, origin, reading);
  if (isMap(value)) return void reading.problems.push({ kind: 'not-a-section', origin, key, example });
  if (value !== null) checkPlain(value, reading);
  if (isSeq(value)) for (const item of value.items) checkPlain(item as Node, reading);
  reading.written.push({ key, value: plainValue(value), origin, folder: reading.folder });
}

/** One map alone is a list of one. Members are checked by the schema. */
function readRows(key: string, value: YAMLSeq | YAMLMap, origin: string, reading: Reading): void {
  checkPlain(value, reading);
  const nodes = isMap(value) ? [value] : (value.items as readonly Node[]);
  const rows = nodes.map((node) => rowOf(node, reading));
  const rowOrigins = nodes.map((node) => originOf(reading, node.range?.[0]));
  reading.written.push({ key, value: rows, origin, folder: reading.folder, rowOrigins });
}

/** What is no map becomes null, which no schema takes for a row. */
function rowOf(node: Node, reading: Reading): unknown {
  checkPlain(node, reading);
  if (!isMap(node)) return null;
  const row = new Map<string, unknown>();
  for (const pair of node.items) {
    const [name, value] = [pair.key as Node, pair.value as Node | null];
    checkPlain(name, reading);
    if (value !== null) checkPlain(value, reading);
    if (isSeq(value)) for (const item of value.items) checkPlain(item as Node, reading);
    if (isScalar(name)) row.set(String(name.value), plainValue(value));
  }
  return row;
}

function plainValue(node: Node | null): unknown {
  if (isScalar(node)) return node.value;
  // What is no scalar becomes undefined inside a list, which no schema accepts.
  return isSeq(node) ? node.items.map((item) => (isScalar(item) ? item.value : undefined)) : null;
}

/** Reports what core YAML without reuse does not have: aliases, anchors, tags. */
function checkPlain(node: Node, reading: Reading): void {
  const at = node.range?.[0];
  if (isAlias(node)) return report(reading, at, `an alias (*${node.source})`);
  const marked = node as { anchor?: string; tag?: string };
  if (marked.anchor !== undefined) report(reading, at, `an anchor (&${marked.anchor})`);
  if (marked.tag !== undefined && !marked.tag.startsWith('tag:yaml.org,2002:'))
    report(reading, at, `a tag (${marked.tag})`);
  if (marked.tag?.startsWith('tag:yaml.org,2002:'))
    report(reading, at, `a tag (!!${marked.tag.slice('tag:yaml.org,2002:'.length)})`);
}

function reportUnknown(key: string, at: number | undefined, reading: Reading): void {
  const near = nearest(key, [...reading.specs.keys()]) ?? nearestSection(key, reading.specs);
  reading.problems.push({
    kind: 'unknown-key',
    origin: originOf(reading, at),
    key,
    ...(near === undefined ? {} : { nearest: near }),
  });
}

function nearestSection(key: string, specs: ReadonlyMap<string, KeySpec>): string | undefined {
  return nearest(key, [
    ...new Set([...specs.keys()].flatMap((one) => (one.includes('.') ? [one.slice(0, one.lastIndexOf('.'))] : []))),
  ]);
}

function report(reading: Reading, at: number | undefined, what: string): void {
  reading.problems.push({ kind: 'bad-yaml', origin: originOf(reading, at), what });
}

function originOf(reading: Reading, at: number | undefined): string {
  return at === undefined ? `file ${reading.name}` : `file ${reading.name}:${reading.lines.linePos(at).line}`;
}

function isEmpty(node: unknown): boolean {
  return isScalar(node) && node.value === null;
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.replace(/:$/, '') ?? '';
}

/**
 * A rough count that errs on the safe side, in one walk over the text; a real file is three levels deep. Brackets in quotes can mislead it,
 * which then shows in the parser.
 */
function nestsTooDeep(text: string): boolean {
  let brackets = 0;
  /** The columns at which the sections begin that the line stands in. */
  const columns: number[] = [];
  for (const line of text.split(/\r\n?|\n/)) {
    const { column, marks } = startOf(line);
    if (column < line.length && line[column] !== '#') {
      while ((columns.at(-1) ?? -1) >= column) columns.pop();
      columns.push(column);
    }
    if (columns.length + marks > DEEPEST) return true;
    for (const character of line) {
      if (character === '[' || character === '{') brackets++;
      if (character === ']' || character === '}') brackets = Math.max(0, brackets - 1);
      if (brackets > DEEPEST) return true;
    }
  }
  return false;
}

/** Where the text of `line` begins, and how many marks of one more level (`- `, `? `, `: `) it begins with. */
function startOf(line: string): { readonly column: number; readonly marks: number } {
  let at = afterBlanks(line, 0);
  const column = at;
  let marks = 0;
  while (at < line.length && '-?:'.includes(line.charAt(at)) && afterBlanks(line, at + 1) > at + 1) {
    marks++;
    at = afterBlanks(line, at + 1);
  }
  return { column, marks };
}

function afterBlanks(line: string, from: number): number {
  let at = from;
  while (line[at] === ' ' || line[at] === '\t') at++;
  return at;
}
