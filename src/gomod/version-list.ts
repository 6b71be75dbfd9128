/** Answers to `@v/list`, read as the go command reads them. */
import { AppError } from '../std/errors.ts';
import { textOfBytes } from './go-text.ts';
import { isCanonicalFor, type ModulePath, type Version } from './module.ts';
import { isPseudoVersion, pseudoVersionTime } from './pseudo.ts';
import { parseRfc3339 } from './rfc3339.ts';
import { sortVersions } from './semver.ts';

/** Largest list that is read; bytes. */
export const MAX_LIST_BYTES = 4 << 20;
const MAX_LIST_LINES = 100_000;
const FIRST_WORDS = /^\p{White_Space}*(\P{White_Space}+)(?:\p{White_Space}+(\P{White_Space}+))?/u;
/** A longer first word is no version. */
const LONGEST_LINE_READ = 1024;

/**
 * The tagged versions in a `@v/list` answer (attacker-controlled), sorted, without repeats: the first word of each line, where it is a canonical
 * version that fits the module and no pseudo-version. All other lines are passed over, so a page of HTML is an empty list, as it is for the go
 * command. Throws TOO_LARGE past 100,000 lines.
 */
export function parseVersionList(bytes: Uint8Array, module: ModulePath): readonly Version[] {
  const listed = listedVersions(bytes, module).map(({ version }) => version);
  return sortVersions([...new Set(listed.filter((version) => !isPseudoVersion(version)))]);
}

/**
 * The newest commit in a `@v/list` answer (attacker-controlled) that has no tagged version in it: what the go command takes for the latest version when
 * the proxy has no `@latest`. A line may say the time after the version; else the pseudo-version says it. Undefined when there is none, or a
 * tagged version. Throws as parseVersionList does.
 */
export function newestListedCommit(bytes: Uint8Array, module: ModulePath): Version | undefined {
  const listed = listedVersions(bytes, module);
  if (!listed.every(({ version }) => isPseudoVersion(version))) return undefined;
  const told = new Map(listed.map(({ version, time }) => [version, parseRfc3339(time)]));
  return newestCommit([...told.keys()], (version) => told.get(version) ?? commitSeconds(version));
}

/** The pseudo-version whose commit is the newest, in seconds since 1970; the last of those that are. Undefined when there are none. */
export function newestCommit(
  pseudoVersions: readonly Version[],
  secondsOf: (version: Version) => number = commitSeconds,
): Version | undefined {
  return pseudoVersions.reduce<Version | undefined>(
    (best, one) => (best !== undefined && secondsOf(best) > secondsOf(one) ? best : one),
    undefined,
  );
}

/** A pseudo-version's time need not be a real date. */
function commitSeconds(version: Version): number {
  try {
    return pseudoVersionTime(version).getTime() / 1000;
  } catch {
    return Number.NEGATIVE_INFINITY;
  }
}

interface Listed {
  readonly version: Version;
  /** The second word of the line; may be anything, or nothing. */
  readonly time: string;
}

/** The lines that begin with a canonical version of the module, pseudo-versions among them. */
function listedVersions(bytes: Uint8Array, module: ModulePath): readonly Listed[] {
  const lines = textOfBytes(bytes).split('\n');
  if (lines.length > MAX_LIST_LINES + 1) {
    throw new AppError('TOO_LARGE', `read the version list of ${module}: more than ${MAX_LIST_LINES} lines`);
  }
  const listed: Listed[] = [];
  for (const line of lines) {
    const [, version = '', time = ''] = FIRST_WORDS.exec(line.slice(0, LONGEST_LINE_READ)) ?? [];
    if (version.startsWith('v') && isCanonicalFor(module, version)) listed.push({ version, time });
  }
  return listed;
}
