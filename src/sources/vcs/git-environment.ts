/** What git is told before every command. Nothing of the machine's or a user's configuration is read, and nothing that a repository brings is executed (spec: "Security of running git"). */
import type { Setting } from './git.ts';

/** What `git fetch` and its like are told about checking objects: old public repositories have these faults, and they harm nobody who checks nothing out. */
const HARMLESS_FAULTS = [
  'zeroPaddedFilemode',
  'badTimezone',
  'badDate',
  'badDateOverflow',
  'zeroPaddedDate',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'missingNameBeforeEmail',
  'missingEmail',
  'badEmail',
  'badName',
  'missingTaggerEntry',
  'nulInCommit',
  'gitmodulesMissing',
  'gitmodulesBlob',
  'gitmodulesLarge',
  'gitmodulesParse',
  'gitmodulesName',
  'gitmodulesSymlink',
  'gitmodulesUrl',
  'gitmodulesPath',
  'gitmodulesUpdate',
] as const;

const NO_PROGRAMS: readonly Setting[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.askPass', '/bin/false'],
  ['core.pager', 'cat'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['core.symlinks', 'false'],
  ['credential.helper', ''],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['filter.lfs.smudge', ''],
  ['filter.lfs.clean', ''],
  ['filter.lfs.process', ''],
  ['filter.lfs.required', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
];

const NETWORK: readonly Setting[] = [
  ['protocol.version', '2'],
  ['transfer.bundleURI', 'false'],
  ['http.followRedirects', 'false'],
  ['http.proxy', ''],
  ['sideband.allowControlCharacters', 'false'],
  ['fetch.fsckObjects', 'true'],
  ...HARMLESS_FAULTS.map((fault): Setting => [`fetch.fsck.${fault}`, 'ignore']),
];

/** One pack per fetch, whose growth can be watched; a mirror lost to a power cut is made again, so nothing is synced. */
const STORE: readonly Setting[] = [
  ['fetch.unpackLimit', '1'],
  ['fetch.writeCommitGraph', 'false'],
  ['fetch.showForcedUpdates', 'false'],
  ['advice.fetchShowForcedUpdates', 'false'],
  ['core.fsync', 'none'],
  ['pack.threads', '1'],
  ['pack.windowMemory', '64m'],
];

/** Before every command. */
export const GIT_SETTINGS: readonly Setting[] = [...NO_PROGRAMS, ...NETWORK, ...STORE];

/** Before commands that write the files of a commit: as the go command has them. */
export const ARCHIVE_SETTINGS: readonly Setting[] = [
  ['core.autocrlf', 'input'],
  ['core.eol', 'lf'],
];

/**
 * Largest piece of memory that git may ask for: a pack of some kilobytes can say that it unpacks to as many gigabytes as it likes. More than the largest file that git holds in
 * memory as a whole (512 MiB, and no module may be larger), and enough for the index of nine million objects. A bomb takes two or three such pieces.
 */
const GIT_ALLOC_LIMIT = '640m';

/** All that a git process gets, but for what its connection needs. `path`: where programs are searched; `protocols` as GIT_ALLOW_PROTOCOL has them. */
export function gitEnvironment(path: string, protocols: readonly string[]): Readonly<Record<string, string>> {
  return {
    PATH: path,
    // Not an empty folder: nothing can be put there.
    HOME: '/dev/null',
    XDG_CONFIG_HOME: '/dev/null',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: protocols.join(':'),
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    SSH_ASKPASS_REQUIRE: 'never',
    GCM_INTERACTIVE: 'never',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_PAGER: 'cat',
    GIT_ALLOC_LIMIT,
  };
}
