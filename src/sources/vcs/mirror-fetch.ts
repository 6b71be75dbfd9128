import { rm } from 'node:fs/promises';
import type { Ended } from '../../io/subprocess.ts';
import type { Ask } from '../../std/ask.ts';
import type { Clock } from '../../std/clock.ts';
import { AppError, isAppError } from '../../std/errors.ts';
import { badRepository, DamagedMirror, type RemoteExit, remoteFailure, toldBy } from './git-failure.ts';
import type { GitRemote, OpenAsk } from './git-network.ts';
import { checkedRemote, type Git } from './git.ts';
import {
  dropMirror,
  makeMirror,
  mirrorBytes,
  mirrorIdentity,
  type ObjectFormat,
  passingPath,
  placeMirror,
} from './mirror-folder.ts';
import { HEAD_REF, LISTING_BYTES, listRefs, MIRRORED } from './mirror-refs.ts';

/** One refresh of one mirror. */
export interface MirrorFetch extends Ask {
  readonly git: Git;
  readonly clock: Clock;
  /** Of the bare repository, which need not be there. */
  readonly path: string;
  /** `fetch https://host/path`: for messages. */
  readonly attempted: string;
  /** A connection for one command. */
  readonly connect: (o: Ask & Pick<OpenAsk, 'isFresh'>) => Promise<GitRemote>;
  /** What git lists of the refs of the mirror in its place. */
  readonly list: (o: Ask) => Promise<Buffer>;
  /** Of one command. */
  readonly wallMs: number;
  readonly idleMs: number;
  /** Of all packs, also while they arrive. */
  readonly maxBytes: number;
}

const LOOK_EVERY_MS = 200;
/** How often a refresh is begun again because another process was at the same mirror, and after how long. */
const MOST_ATTEMPTS = 4;
const OVERTAKEN_MS = 150;
const FETCH = [
  'fetch',
  '--progress',
  '--prune',
  '--force',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-recurse-submodules',
];

/**
 * Brings the mirror to what the remote says now: HEAD, branches and tags, in one command that costs what `ls-remote` does when nothing changed, and one connection when
 * something did. A new one is made aside: whoever finds a mirror in its place finds a whole one. Other processes may do the same: git's own locks and the identity of the
 * folder say so, and then it is done again. Resolves with what git lists of its refs; undefined when the repository has none: then there is no mirror either. Rejects with
 * what the connection or git says about the remote; with DamagedMirror when it may be the mirror that is wrong.
 */
export async function fetchMirror(fetch: MirrorFetch): Promise<Buffer | undefined> {
  for (let attempt = 1; ; attempt++) {
    const identity = await mirrorIdentity(fetch.path);
    try {
      const listing = identity === undefined ? await makeWhole(fetch, 'sha1') : await fetchInPlace(fetch, identity);
      if (listing !== 'overtaken') return listing;
      if (attempt >= MOST_ATTEMPTS) throw tooBusy(fetch);
    } catch (error) {
      if (attempt >= MOST_ATTEMPTS || !(await isOvertaken(fetch, identity, error))) throw error;
    }
    await fetch.clock.sleep(OVERTAKEN_MS, fetch);
  }
}

async function makeWhole(fetch: MirrorFetch, format: ObjectFormat): Promise<Buffer | undefined | 'overtaken'> {
  const path = passingPath(fetch.path);
  try {
    await makeMirror(path, format);
    const fetched = await fetchHead({ ...fetch, path }, 'new');
    if (fetched === 'nothing') return undefined;
    if (fetched !== 'refs') return await makeWhole(fetch, fetched);
    const listing = await listRefs(fetch.git, { ...fetch, repository: path });
    return (await placeMirror(path, fetch.path)) ? listing : 'overtaken';
  } finally {
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function fetchInPlace(fetch: MirrorFetch, identity: string): Promise<Buffer | undefined | 'overtaken'> {
  const { path } = fetch;
  try {
    const fetched = await fetchHead(fetch, 'known');
    if (fetched === 'refs') {
      const listing = await fetch.list(fetch);
      return (await mirrorIdentity(path)) === identity ? listing : 'overtaken';
    }
    await dropMirror(path);
    return fetched === 'nothing' ? undefined : await makeWhole(fetch, fetched);
  } catch (error) {
    // What went past the limit may be what the remote had once: the next attempt begins with nothing.
    if (isAppError(error, 'TOO_LARGE')) await dropMirror(path);
    throw error;
  }
}

/** Whether another process was at the same mirror, so that what looks like damage is none. */
async function isOvertaken({ path }: MirrorFetch, identity: string | undefined, error: unknown): Promise<boolean> {
  if (!(error instanceof DamagedMirror)) return false;
  const isLocked = /\.lock'?: File exists|cannot lock ref/i.test(error.exit.stderr);
  return isLocked || (await mirrorIdentity(path)) !== identity;
}

/** A new mirror has no faults of its own. */
type Kind = 'new' | 'known';

/** What there was to fetch; or what hashes the remote is made of, when they are others than the mirror's. */
async function fetchHead(fetch: MirrorFetch, kind: Kind): Promise<'refs' | 'nothing' | ObjectFormat> {
  const ended = await fetchRefs(fetch, [`+HEAD:${HEAD_REF}`, ...MIRRORED]);
  if (ended.exitCode === 0) return 'refs';
  if (/couldn't find remote ref HEAD/i.test(ended.stderr)) return await fetchWithoutHead(fetch, kind);
  const [, ours, theirs] = /mismatched algorithms: client (\w+); server (sha1|sha256)\b/.exec(ended.stderr) ?? [];
  if (theirs === undefined || theirs === ours) throw whatFailed(fetch, ended, kind);
  return theirs as ObjectFormat;
}

/** A repository without commits, or one whose HEAD names a branch that is not there. */
async function fetchWithoutHead(fetch: MirrorFetch, kind: Kind): Promise<'refs' | 'nothing'> {
  const listed = await overNetwork(fetch, ['ls-remote', '--quiet'], [], fetch);
  if (listed.exitCode !== 0) throw whatFailed(fetch, listed, kind);
  const names = Buffer.from(listed.stdout)
    .toString('latin1')
    .match(/(?<=\t).*/g);
  const has = (name: RegExp): boolean => (names ?? []).some((one) => name.test(one));
  if (!has(/^refs\/(?:heads|tags)\//)) return 'nothing';
  const isHeadless = !has(/^HEAD$/);
  const ended = await fetchRefs(fetch, isHeadless ? MIRRORED : [`+HEAD:${HEAD_REF}`, ...MIRRORED]);
  if (ended.exitCode !== 0) throw whatFailed(fetch, ended, kind);
  if (isHeadless) await forgetHead(fetch);
  return 'refs';
}

async function forgetHead({ git, path, signal, wallMs }: MirrorFetch): Promise<void> {
  const limits = { wallMs, idleMs: wallMs, outputBytes: LISTING_BYTES };
  const ended = await git.run(['update-ref', '-d', HEAD_REF], { repository: path, limits, signal });
  if (ended.exitCode !== 0) throw new DamagedMirror(ended);
}

async function fetchRefs(fetch: MirrorFetch, refs: readonly string[]): Promise<RemoteExit> {
  const size = watchSize(fetch);
  try {
    const ended = await overNetwork(fetch, FETCH, refs, { signal: AbortSignal.any([fetch.signal, size.signal]) });
    await size.look();
    return ended;
  } finally {
    size.stop();
  }
}

/** One command that talks with the remote; once more when it failed with what was known of the remote: the reason may be that it is not so any more. */
async function overNetwork(
  fetch: MirrorFetch,
  command: readonly string[],
  refs: readonly string[],
  o: Ask,
): Promise<Ended & RemoteExit> {
  const args = (remote: GitRemote): string[] => [...command, '--end-of-options', checkedRemote(remote.url), ...refs];
  const known = await tryRemote(fetch, await fetch.connect(o), args, o);
  return (
    known ?? ((await tryRemote(fetch, await fetch.connect({ ...o, isFresh: true }), args, o)) as Ended & RemoteExit)
  );
}

/** What git says of a remote that has answered. */
const NOTHING_THERE = /couldn't find remote ref/i;
const TOO_MUCH = ['UPSTREAM_TIMEOUT', 'TOO_LARGE'] as const;

/** The connection knows best why a command failed. Undefined when that may be due to what was known of the remote. */
async function tryRemote(
  fetch: MirrorFetch,
  remote: GitRemote,
  argsFor: (remote: GitRemote) => readonly string[],
  { signal }: Ask,
): Promise<(Ended & RemoteExit) | undefined> {
  const limits = { wallMs: fetch.wallMs, idleMs: fetch.idleMs, outputBytes: LISTING_BYTES };
  let wentWell = false;
  try {
    const { environment } = remote;
    const ended = await fetch.git.run(argsFor(remote), { repository: fetch.path, limits, environment, signal });
    wentWell = ended.exitCode === 0 || NOTHING_THERE.test(ended.stderr);
    if (ended.exitCode === 0) return ended;
    const failure = remote.failure();
    if (!wentWell && remote.usedMemory?.() === true && !isAppError(failure, ...TOO_MUCH)) return undefined;
    if (failure !== undefined) throw failure;
    // Where git was sent to instead is nobody's affair.
    const stderr = ended.stderr.replaceAll(remote.url.replace(/\/$/, ''), 'the repository');
    return toldBy(remote, { ...ended, stderr });
  } finally {
    remote.close({ wentWell });
  }
}

function whatFailed({ attempted }: MirrorFetch, exit: RemoteExit, kind: Kind): Error {
  return remoteFailure(attempted, exit) ?? (kind === 'new' ? badRepository(attempted, exit) : new DamagedMirror(exit));
}

function tooBusy({ attempted }: MirrorFetch): AppError {
  return new AppError('OVERLOADED', `${attempted}: other processes use the same mirror all the time`);
}

/** Fires `signal` with TOO_LARGE when the packs grow past the limit; `look` throws it. */
function watchSize({ path, maxBytes, attempted, clock }: MirrorFetch) {
  const controller = new AbortController();
  const look = async (): Promise<void> => {
    if ((await mirrorBytes(path)) > maxBytes)
      controller.abort(new AppError('TOO_LARGE', `${attempted}: the repository is larger than ${maxBytes} bytes`));
    controller.signal.throwIfAborted();
  };
  let cancel = (): void => undefined;
  let isOver = false;
  const lookAgain = (): void => {
    if (!isOver) cancel = clock.after(LOOK_EVERY_MS, () => void look().then(lookAgain, () => undefined));
  };
  const stop = (): void => {
    isOver = true;
    cancel();
  };
  lookAgain();
  return { signal: controller.signal, look, stop };
}
