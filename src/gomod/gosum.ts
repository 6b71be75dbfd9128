/** go.sum and go.work.sum files: which hashes a build pins. */
import { AppError } from '../std/errors.ts';
import { fieldsOf } from './go-text.ts';
import { compareModuleVersions } from './module.ts';
import { shown } from './shown.ts';

/** One line of a go.sum file. */
export interface GoSumLine {
  readonly path: string;
  /** The version; with `/go.mod` after it when the hash is that of the go.mod alone. */
  readonly version: string;
  /** `h1:` and base64, or a hash of an algorithm that is not known here. */
  readonly hash: string;
}

/** What an old go command wrote for a missing go.mod, by mistake; it stands for nothing and is dropped. */
const EMPTY_GO_MOD_HASH = 'h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=';

/** More lines than any go.sum has. */
const MAX_LINES = 1_000_000;

/**
 * The lines of a go.sum file, in its order, repeats included. `name` is what messages call the file.
 * Throws CONFIG_INVALID naming the line when one has not exactly three fields, or when there are more than a million.
 */
export function parseGoSum(text: string, name: string): GoSumLine[] {
  const lines: GoSumLine[] = [];
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    const [path, version, hash, ...more] = fieldsOf(line);
    if (path === undefined) continue;
    if (version === undefined || hash === undefined || more.length > 0) throw malformed(name, number, line);
    if (number > MAX_LINES) throw new AppError('CONFIG_INVALID', `parse ${name}: more than ${MAX_LINES} lines`);
    if (hash !== EMPTY_GO_MOD_HASH) lines.push({ path, version, hash });
  }
  return lines;
}

function malformed(name: string, number: number, line: string): AppError {
  return new AppError(
    'CONFIG_INVALID',
    `parse ${name}:${number}: malformed go.sum line ${shown(line)}: not PATH VERSION HASH`,
  );
}

/** The text of a go.sum file with `lines`: sorted as the go command sorts, without repeats. */
export function formatGoSum(lines: readonly GoSumLine[]): string {
  const sorted = lines.toSorted(
    (a, b) => compareModuleVersions(a, b) || (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0),
  );
  const texts = sorted.map(({ path, version, hash }) => `${path} ${version} ${hash}\n`);
  return texts.filter((text, i) => text !== texts[i - 1]).join('');
}

/** The hashes of go.sum files by path and version. */
export class GoSumIndex {
  readonly #hashes = new Map<string, string[]>();

  /** Repeats and contradictions among `lines` are kept: a contradiction makes every hash a mismatch. */
  constructor(lines: Iterable<GoSumLine>) {
    for (const { path, version, hash } of lines) {
      const key = `${path} ${version}`;
      const hashes = this.#hashes.get(key);
      if (hashes === undefined) this.#hashes.set(key, [hash]);
      else if (!hashes.includes(hash)) hashes.push(hash);
    }
  }

  /** How many (path, version) pairs are pinned. */
  get size(): number {
    return this.#hashes.size;
  }

  /** All hashes for `path` and `version` (with `/go.mod` for the go.mod's); of every algorithm, each once. */
  hashesOf(path: string, version: string): readonly string[] {
    return this.#hashes.get(`${path} ${version}`) ?? [];
  }

  /** What the files say about `h1`: `mismatch` when any `h1:` hash they have differs from it, `unknown` when they have none. */
  verdict(path: string, version: string, h1: string): 'match' | 'mismatch' | 'unknown' {
    const known = this.hashesOf(path, version).filter((hash) => hash.startsWith('h1:'));
    if (known.length === 0) return 'unknown';
    return known.every((hash) => hash === h1) ? 'match' : 'mismatch';
  }
}
