import type { Ended, Exit } from '../../io/subprocess.ts';
import type { Ask } from '../../std/ask.ts';
import type { Clock } from '../../std/clock.ts';
import { AppError, isAppError } from '../../std/errors.ts';
import { badRepository, DamagedMirror, remoteFailure } from './git-failure.ts';
import type { GitRemote } from './git-network.ts';
import { checkedRemote, type Git } from './git.ts';
import { dropMirror, makeMirror, mirrorBytes, type ObjectFormat } from './mirror-folder.ts';
import { HEAD_REF, LISTING_BYTES, MIRRORED } from './mirror-refs.ts';

/** One refresh of one mirror. */
export interface MirrorFetch extends Ask {
  readonly git: Git;
  readonly clock: Clock;
  /** Of the bare repository, which need not be there. */
  readonly path: string;
  /** `fetch https://host/path`: for messages. */
  readonly attempted: string;
  /** A connection for one command. */
  readonly connect: (o: Ask) => Promise<GitRemote>;
  /** Of one command. */
  readonly wallMs: number;
  readonly idleMs: number;
  /** Of all packs, also while they arrive. */
  readonly maxBytes: number;
}

const LOOK_EVERY_MS = 200;
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
 * Brings the mirror to what the remote says now: HEAD, branches and tags, in one command that costs what `ls-remote` does when nothing changed, and one connection when something did.
 * False when the repository has nothing: then there is no mirror either. Rejects with what the connection or git says about the remote; with DamagedMirror when it may be
 * the mirror that is wrong, which was there before. A mirror that is made by this call and does not succeed is taken away.
 */
export async function fetchMirror(fetch: MirrorFetch): Promise<boolean> {
  const isNew = await makeMirror(fetch.path, 'sha1');
  try {
    const hasRefs = await fetchHead(fetch, isNew);
    if (!hasRefs) await dropMirror(fetch.path);
    return hasRefs;
  } catch (error) {
    // What went past the limit may be what the remote had once: the next attempt begins with nothing.
    if (isNew || isAppError(error, 'TOO_LARGE')) await dropMirror(fetch.path);
    throw error;
  }
}

async function fetchHead(fetch: MirrorFetch, isNew: boolean): Promise<boolean> {
  const ended = await fetchRefs(fetch, [`+HEAD:${HEAD_REF}`, ...MIRRORED]);
  if (ended.exitCode === 0) return true;
  if (/couldn't find remote ref HEAD/i.test(ended.stderr)) return await fetchWithoutHead(fetch, isNew);
  const format = /mismatched algorithms: client \w+; server (sha1|sha256)\b/.exec(ended.stderr)?.[1];
  if (format === undefined) throw whatFailed(fetch, ended, isNew);
  await dropMirror(fetch.path);
  await makeMirror(fetch.path, format as ObjectFormat);
  return await fetchOnce(fetch, [`+HEAD:${HEAD_REF}`, ...MIRRORED]);
}

/** A repository without commits, or one whose HEAD names a branch that is not there. */
async function fetchWithoutHead(fetch: MirrorFetch, isNew: boolean): Promise<boolean> {
  const listed = await overNetwork(fetch, ['ls-remote', '--quiet'], [], fetch);
  if (listed.exitCode !== 0) throw whatFailed(fetch, listed, isNew);
  const names = Buffer.from(listed.stdout)
    .toString('latin1')
    .match(/(?<=\t).*/g);
  const has = (name: RegExp): boolean => (names ?? []).some((one) => name.test(one));
  if (!has(/^refs\/(?:heads|tags)\//)) return false;
  const isBranchless = !has(/^HEAD$/);
  await fetchOnce(fetch, isBranchless ? MIRRORED : [`+HEAD:${HEAD_REF}`, ...MIRRORED]);
  if (isBranchless) await forgetHead(fetch);
  return true;
}

async function fetchOnce(fetch: MirrorFetch, refs: readonly string[]): Promise<boolean> {
  const ended = await fetchRefs(fetch, refs);
  if (ended.exitCode !== 0) throw whatFailed(fetch, ended, true);
  return true;
}

async function forgetHead({ git, path, signal, wallMs }: MirrorFetch): Promise<void> {
  const limits = { wallMs, idleMs: wallMs, outputBytes: LISTING_BYTES };
  const ended = await git.run(['update-ref', '-d', HEAD_REF], { repository: path, limits, signal });
  if (ended.exitCode !== 0) throw new DamagedMirror(ended);
}

async function fetchRefs(fetch: MirrorFetch, refs: readonly string[]): Promise<Exit> {
  const size = watchSize(fetch);
  try {
    const ended = await overNetwork(fetch, FETCH, refs, { signal: AbortSignal.any([fetch.signal, size.signal]) });
    await size.look();
    return ended;
  } finally {
    size.stop();
  }
}

/** One command that talks with the remote. The connection knows best why it failed. */
async function overNetwork(
  fetch: MirrorFetch,
  command: readonly string[],
  refs: readonly string[],
  o: Ask,
): Promise<Ended> {
  const remote = await fetch.connect(o);
  const limits = { wallMs: fetch.wallMs, idleMs: fetch.idleMs, outputBytes: LISTING_BYTES };
  try {
    const args = [...command, '--end-of-options', checkedRemote(remote.url), ...refs];
    const { environment } = remote;
    const ended = await fetch.git.run(args, { repository: fetch.path, limits, environment, signal: o.signal });
    if (ended.exitCode === 0) return ended;
    const failure = remote.failure();
    if (failure !== undefined) throw failure;
    // Where git was sent to instead is nobody's affair.
    return { ...ended, stderr: ended.stderr.replaceAll(remote.url.replace(/\/$/, ''), 'the repository') };
  } catch (error) {
    throw isAppError(error, 'UPSTREAM_TIMEOUT', 'TOO_LARGE') ? tooMuch(fetch, error) : error;
  } finally {
    remote.close();
  }
}

function tooMuch({ attempted }: MirrorFetch, cause: AppError): AppError {
  if (cause.message.startsWith(attempted)) return cause;
  return new AppError(cause.code, `${attempted}: ${cause.message.replace(/^run \S+: /, '')}`, { cause });
}

/** A new mirror has no faults of its own. */
function whatFailed({ attempted }: MirrorFetch, exit: Exit, isNew: boolean): Error {
  return remoteFailure(attempted, exit) ?? (isNew ? badRepository(attempted, exit) : new DamagedMirror(exit));
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
