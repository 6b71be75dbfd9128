import { readdir, readFile, stat } from 'node:fs/promises';
import { isAbsence } from '../../io/disk-failure.ts';
import { HEAD_REF } from './mirror-refs.ts';

/** Opening more files than that takes longer than asking git. */
const MOST_FILES = 64;
const PACKED_BYTES = 8 << 20;
const VALUE = /^([0-9a-f]{40}|[0-9a-f]{64})\n$/;
const PACKED = /^([0-9a-f]{40}|[0-9a-f]{64}) (refs\/.+)$/s;
/** What git allows in no name of a ref. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are among it.
const NO_NAME = /[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\.|\/\/|\.(?:$|\/)|\.lock(?:$|\/)/;

/** Names of refs, each byte a character, and their values. */
export type RefValues = ReadonlyMap<string, string>;

/**
 * HEAD, branches and tags of the mirror `path` as git keeps them in files: one by one, over those that were packed. Undefined when anything is not as git writes it, or when
 * there is much to read: git itself has to be asked then. Rejects never.
 */
export async function readRefFiles(path: string): Promise<RefValues | undefined> {
  try {
    // In this order: what is packed meanwhile is found twice, not missed.
    const loose = await Promise.all(['refs/heads', 'refs/tags'].map((folder) => looseBelow(path, folder)));
    const head = await valueOf(path, HEAD_REF).catch(absent);
    const values = new Map(packedIn(await textOf(path, 'packed-refs', PACKED_BYTES).catch(absent)));
    for (const [name, value] of loose.flat()) values.set(name, value);
    if (head !== undefined) values.set(HEAD_REF, head);
    return [...values.keys()].some((name) => NO_NAME.test(name)) ? undefined : values;
  } catch {
    return undefined;
  }
}

type Row = readonly [name: string, value: string];

async function looseBelow(path: string, top: string): Promise<Row[]> {
  const names = await namesBelow(path, top).catch((error: unknown) => absent(error) ?? []);
  return await Promise.all(names.map(async (name): Promise<Row> => [name, await valueOf(path, name)]));
}

async function namesBelow(path: string, folder: string): Promise<string[]> {
  const entries = await readdir(placeOf(path, folder), { withFileTypes: true, encoding: 'latin1' });
  const found: string[] = [];
  for (const entry of entries) {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await namesBelow(path, name)));
    // Somebody is writing it: it counts when it has its name.
    else if (!name.endsWith('.lock')) found.push(name);
    if (found.length > MOST_FILES) throw new Error('too many');
  }
  return found;
}

async function valueOf(path: string, name: string): Promise<string> {
  const [, value] = VALUE.exec(await textOf(path, name, 1024)) ?? [];
  if (value === undefined) throw new Error('no value of a ref');
  return value;
}

function packedIn(text: string | undefined): Row[] {
  const lines = (text ?? '').split('\n').filter((line) => !/^(?:[#^]|$)/.test(line));
  const rows = lines.map((line): Row => {
    const [, value = '', name = ''] = PACKED.exec(line) ?? [];
    if (name === '') throw new Error('no packed ref');
    return [name, value];
  });
  return rows.filter(([name]) => name === HEAD_REF || /^refs\/(?:heads|tags)\//.test(name));
}

async function textOf(path: string, name: string, mostBytes: number): Promise<string> {
  const place = placeOf(path, name);
  const facts = await stat(place);
  if (!facts.isFile() || facts.size > mostBytes) throw new Error('too large');
  return await readFile(place, 'latin1');
}

function placeOf(path: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name, 'latin1')]);
}

function absent(error: unknown): undefined {
  if (!isAbsence(error)) throw error;
}
