import type { Commit } from '../../gomod/coderepo/repository.ts';
import type { GitObject } from './object-reader.ts';

/** 31 December 9999, the last day that Go's time formats can say. */
const LAST_SECOND = 253_402_300_799;

/** What a commit object says; undefined when it has no tree or no time, which git calls a commit all the same. */
export function commitIn({ hash, bytes }: GitObject): Commit | undefined {
  const text = Buffer.from(bytes).toString('latin1');
  const end = text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end);
  const tree = /^tree ([0-9a-f]+)$/m.exec(head)?.[1];
  const seconds = Number(/^committer [^\n]*> *(\d{1,15})(?: [^\n>]*)?$/m.exec(head)?.[1] ?? Number.NaN);
  if (tree === undefined || !(seconds <= LAST_SECOND)) return undefined;
  return { hash, tree, time: new Date(seconds * 1000) };
}
