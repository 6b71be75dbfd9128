import type { Ask } from '../../std/ask.ts';
import { isAppError } from '../../std/errors.ts';
import type { Git } from './git.ts';
import { listRefs, OBJECT_BYTES, REF_LINE } from './mirror-refs.ts';
import type { ObjectReader } from './object-reader.ts';
import { readRefFiles, type RefValues } from './ref-files.ts';

/** A mirror whose refs were listed before. */
export interface KnownRefs {
  readonly repository: string;
  readonly git: Git;
  readonly reader: ObjectReader;
  /** The listing of then; empty when there was none. */
  readonly known: string;
  readonly wallMs: number;
}

/** The same as `listRefs`, without a process when few refs have changed since. Rejects as that does, and as `ObjectReader.read`. */
export async function listRefsAgain(o: KnownRefs, ask: Ask): Promise<Buffer> {
  const values = o.known === '' ? undefined : await readRefFiles(o.repository);
  const listing = values && (await listingOf(values, o, ask));
  return listing ?? (await listRefs(o.git, { ...o, ...ask }));
}

/** Objects that are looked at one by one; for more, git is asked for all. */
const MOST_NEW = 32;

async function listingOf(values: RefValues, { known, reader }: KnownRefs, o: Ask): Promise<Buffer | undefined> {
  const facts = new Map<string, string>();
  for (const line of known.split('\n')) {
    const [, hash = '', ...more] = REF_LINE.exec(line) ?? [];
    facts.set(hash, more.slice(0, 3).join(' '));
  }
  const added = [...new Set(values.values())].filter((hash) => !facts.has(hash));
  if (added.length > MOST_NEW) return undefined;
  for (const hash of added) {
    const fact = await factsOf(hash, reader, o);
    if (fact === undefined) return undefined;
    facts.set(hash, fact);
  }
  const rows = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(rows.map(([name, hash]) => `${hash} ${facts.get(hash)} ${name}\n`).join(''), 'latin1');
}

/** Type, and what a tag is on; undefined for what git has to be asked about. */
async function factsOf(hash: string, reader: ObjectReader, o: Ask): Promise<string | undefined> {
  const object = await reader.read(hash, { ...o, maxBytes: OBJECT_BYTES }).catch((error: unknown) => {
    if (isAppError(error, 'TOO_LARGE')) return undefined;
    throw error;
  });
  if (object === undefined) return undefined;
  if (object.type !== 'tag') return `${object.type}  `;
  const text = Buffer.from(object.bytes).toString('latin1');
  const [, next, type] = /^object ([0-9a-f]{40,64})\ntype (commit|tree|blob|tag)\n/.exec(text) ?? [];
  return next && `tag ${next} ${type}`;
}
