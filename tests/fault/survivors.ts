import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { meaningOf, type Place } from '../../src/artifacts/layout.ts';
import { decodeProvenance } from '../../src/artifacts/provenance.ts';
import { sha256Hex } from '../../src/gomod/sha256.ts';
import { isPseudoVersion } from '../../src/gomod/pseudo.ts';
import { isValid } from '../../src/gomod/semver.ts';
import { bodyOf } from './known-artifacts.ts';

/** What a crash left behind. Only `orphans` may be other than none. */
export interface Survivors {
  /** Data files whose bytes are not whole and right, records that cannot be read or say something else, lists that are not lists. */
  readonly corrupt: readonly string[];
  /** Artifacts that were acknowledged and are not there, with record and right bytes. */
  readonly lost: readonly string[];
  /** Data without a record: allowed, invisible to readers. */
  readonly orphans: number;
  readonly files: number;
}

/** Looks at every visible file of `root`, without the code that wrote them where that is possible. */
export async function survivorsIn(root: string, acknowledged: ReadonlySet<string>): Promise<Survivors> {
  const corrupt: string[] = [];
  const sound = new Set<string>();
  const keys = await keysIn(root);
  for (const key of keys) {
    if (await isSound(root, key)) sound.add(key);
    else corrupt.push(key);
  }
  const complete = (key: string): boolean =>
    sound.has(key) && sound.has(key.replace(/^download\/(.*)$/, 'meta/$1.json'));
  const lost = [...acknowledged].filter((key) => !complete(key));
  const data = keys.filter((key) => meaningOf(key).what === 'data');
  return { corrupt, lost, orphans: data.filter((key) => !complete(key)).length, files: keys.length };
}

async function keysIn(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['download', 'meta']) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries)
      if (!entry.isDirectory()) found.push(join(entry.parentPath, entry.name).slice(root.length + 1));
  }
  return found;
}

async function isSound(root: string, key: string): Promise<boolean> {
  const bytes = await readFile(join(root, key));
  const meaning = meaningOf(key);
  if (meaning.what === 'data') return bytes.equals(bodyOf(meaning.place.id));
  if (meaning.what === 'record') return isSoundRecord(bytes, meaning.place);
  return meaning.what === 'list' && isSoundList(bytes.toString());
}

function isSoundRecord(bytes: Uint8Array, { id }: Place): boolean {
  return decodeProvenance(bytes, id)?.sha256 === sha256Hex(bodyOf(id));
}

function isSoundList(text: string): boolean {
  const lines = text.split('\n');
  return lines.pop() === '' && lines.length > 0 && lines.every((line) => isValid(line) && !isPseudoVersion(line));
}
