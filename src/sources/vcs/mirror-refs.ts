import type { RepositoryRefs } from '../../gomod/coderepo/repository.ts';
import type { Ask } from '../../std/ask.ts';
import { decodeUtf8 } from '../../std/bytes.ts';
import { DamagedMirror } from './git-failure.ts';
import type { Git } from './git.ts';
import type { ObjectReader } from './object-reader.ts';

/** The refs of a mirror at one moment. */
export interface MirrorRefs extends RepositoryRefs {
  /** Those of their values that are commits, each once: what is reachable from these is what there is. */
  readonly tips: ReadonlySet<string>;
  /** As git listed them: equal text, equal refs. */
  readonly listing: string;
}

/** Where a mirror keeps what HEAD of the remote points to. */
export const HEAD_REF = 'refs/larder/HEAD';

/** What a mirror fetches beside HEAD: never refs of pull requests (spec: "Refs and Stat"). */
export const MIRRORED = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'] as const;

/** Of a repository without commits. */
export const NO_REFS: MirrorRefs = { branches: new Map(), tags: new Map(), tips: new Set(), listing: '' };

/** Longest listing: some half a million refs. */
export const LISTING_BYTES = 64 << 20;

const FORMAT = '%(objectname) %(objecttype) %(*objectname) %(*objecttype) %(refname)';
/** One line of a listing: value, type, and of an annotated tag what it is on. */
export const REF_LINE = /^([0-9a-f]+) (\w+) ([0-9a-f]*) (\w*) (.+)$/s;
/** An annotated tag is a few lines, a commit's message may be long: neither is read as a whole. */
export const OBJECT_BYTES = 16 << 20;

/** What git lists of the refs of `repository`. Rejects with DamagedMirror when git is not content with its files. */
export async function listRefs(
  git: Git,
  { repository, wallMs, signal }: Ask & { readonly repository: string; readonly wallMs: number },
): Promise<Buffer> {
  const limits = { wallMs, idleMs: wallMs, outputBytes: LISTING_BYTES };
  const args = ['for-each-ref', `--format=${FORMAT}`, 'refs/heads', 'refs/tags', HEAD_REF];
  const ended = await git.run(args, { repository, limits, signal });
  // A ref that cannot be read is left out of the list with a warning: a tag that vanishes.
  if (ended.exitCode !== 0 || ended.stderr !== '') throw new DamagedMirror(ended);
  return Buffer.from(ended.stdout);
}

/** The refs in a listing, tags of tags peeled to their end. Rejects with DamagedMirror, TOO_LARGE, ABORTED. */
export async function refsIn(listing: Buffer, reader: ObjectReader, o: Ask): Promise<MirrorRefs> {
  const refs = { branches: new Map<string, string>(), tags: new Map<string, string>(), tips: new Set<string>() };
  let head: string | undefined;
  for (const line of linesOf(listing)) {
    const peeled = await peel(line, reader, o);
    if (peeled.type === 'commit') refs.tips.add(peeled.hash);
    if (line.name === HEAD_REF) head = peeled.hash;
    else if (line.name?.startsWith(HEADS)) refs.branches.set(line.name.slice(HEADS.length), peeled.hash);
    else if (line.name?.startsWith(TAGS)) refs.tags.set(line.name.slice(TAGS.length), peeled.hash);
  }
  return { ...refs, ...(head !== undefined && { head }), listing: listing.toString('latin1') };
}

const HEADS = 'refs/heads/';
const TAGS = 'refs/tags/';

interface RefLine {
  readonly hash: string;
  readonly type: string;
  /** Of an annotated tag: what it is on. */
  readonly next?: { readonly hash: string; readonly type: string };
  /** Undefined for a name that is no UTF-8: nobody can ask for it, but its commits are there. */
  readonly name: string | undefined;
}

function linesOf(listing: Buffer): RefLine[] {
  const lines = listing
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => {
    const [, hash = '', type = '', nextHash = '', nextType = '', name = ''] = REF_LINE.exec(line) ?? [];
    const next = nextHash === '' ? {} : { next: { hash: nextHash, type: nextType } };
    return { hash, type, ...next, name: decodeUtf8(Buffer.from(name, 'latin1')) };
  });
}

async function peel(
  { hash, type, next }: RefLine,
  reader: ObjectReader,
  o: Ask,
): Promise<{ hash: string; type: string }> {
  if (type !== 'tag') return { hash, type };
  if (next !== undefined && next.type !== 'tag') return next;
  const end = await reader.read(`${hash}^{}`, { ...o, maxBytes: OBJECT_BYTES });
  if (end === undefined) throw new DamagedMirror({ exitCode: 0, stderr: `the tag ${hash} is on nothing` });
  return end;
}
