/** Answers to `@v/list`, read as the go command reads them. */
import { AppError } from '../std/errors.ts';
import { textOfBytes } from './go-text.ts';
import { isCanonicalFor, type ModulePath, type Version } from './module.ts';
import { isPseudoVersion } from './pseudo.ts';
import { sortVersions } from './semver.ts';

/** Largest list that is read; bytes. */
export const MAX_LIST_BYTES = 4 << 20;
const MAX_LIST_LINES = 100_000;
const FIRST_WORD = /^\p{White_Space}*(\P{White_Space}+)/u;
/** A longer first word is no version. */
const LONGEST_LINE_READ = 1024;

/**
 * The tagged versions in a `@v/list` answer (attacker-controlled), sorted, without repeats: the first word of each line, where it is a canonical
 * version that fits the module and no pseudo-version. All other lines are passed over, so a page of HTML is an empty list, as it is for the go
 * command. Throws TOO_LARGE past 100,000 lines.
 */
export function parseVersionList(bytes: Uint8Array, module: ModulePath): readonly Version[] {
  const lines = textOfBytes(bytes).split('\n');
  if (lines.length > MAX_LIST_LINES + 1) {
    throw new AppError('TOO_LARGE', `read the version list of ${module}: more than ${MAX_LIST_LINES} lines`);
  }
  const versions = new Set<Version>();
  for (const line of lines) {
    const word = FIRST_WORD.exec(line.slice(0, LONGEST_LINE_READ))?.[1] ?? '';
    if (word.startsWith('v') && isCanonicalFor(module, word) && !isPseudoVersion(word)) versions.add(word);
  }
  return sortVersions([...versions]);
}
