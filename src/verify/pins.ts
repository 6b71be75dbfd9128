/** What go.sum files that the operator trusts say about modules. */
import { readFile, stat } from 'node:fs/promises';
import { textOfBytes } from '../gomod/go-text.ts';
import { GoSumIndex, parseGoSum } from '../gomod/gosum.ts';
import type { ModuleVersion } from '../gomod/module.ts';
import { AppError, messageOf } from '../std/errors.ts';

/** Answer about one hash. */
type PinVerdict =
  | { readonly verdict: 'unknown' }
  | { readonly verdict: 'match'; readonly file: string }
  | { readonly verdict: 'mismatch'; readonly file: string; readonly pinned: string };

/** Lookup of pinned hashes. A hash must agree with every file that knows the module. */
export interface GoSumPins {
  /** What the files say of `h1` as the hash of the zip, or of the go.mod, of `module`. */
  verdict(kind: 'zip' | 'mod', module: ModuleVersion, h1: string): PinVerdict;
}

/** A go.sum file: what it is called in records and messages, and its text. */
export interface GoSumFile {
  readonly name: string;
  readonly text: string;
}

/** Pins of `files`. Throws CONFIG_INVALID naming file and line when one is malformed. */
export function goSumPins(files: readonly GoSumFile[]): GoSumPins {
  const indexes = files.map(({ name, text }) => ({ file: name, index: new GoSumIndex(parseGoSum(text, name)) }));
  return {
    verdict: (kind, { path, version }, h1) => {
      const key = kind === 'mod' ? `${version}/go.mod` : version;
      let match: PinVerdict = { verdict: 'unknown' };
      for (const { file, index } of indexes) {
        const verdict = index.verdict(path, key, h1);
        if (verdict === 'mismatch') return { verdict, file, pinned: differing(index.hashesOf(path, key), h1) };
        if (verdict === 'match' && match.verdict === 'unknown') match = { verdict, file };
      }
      return match;
    },
  };
}

function differing(hashes: readonly string[], h1: string): string {
  return hashes.find((hash) => hash.startsWith('h1:') && hash !== h1) ?? '';
}

/** More than any go.sum has, bytes. */
const MAX_GO_SUM_BYTES = 256 * 1024 * 1024;

/** Pins of the files at `paths`, read once. Rejects with CONFIG_INVALID naming the file when one cannot be read, is too large or malformed. */
export async function readGoSumPins(paths: readonly string[]): Promise<GoSumPins> {
  const files: GoSumFile[] = [];
  for (const path of paths) files.push({ name: path, text: await readGoSum(path) });
  return goSumPins(files);
}

/** The text of the go.sum file at `path`. Rejects with CONFIG_INVALID naming the file when it cannot be read or is larger than any go.sum. */
export async function readGoSum(path: string): Promise<string> {
  try {
    if ((await stat(path)).size <= MAX_GO_SUM_BYTES) return textOfBytes(await readFile(path));
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `read go.sum ${path}: ${messageOf(error)}`, { cause: error });
  }
  throw new AppError('CONFIG_INVALID', `read go.sum ${path}: more than ${MAX_GO_SUM_BYTES} bytes`);
}
