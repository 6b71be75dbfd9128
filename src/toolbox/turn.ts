/** One process at a time where folders are switched, and what those that were killed left. */
import { readdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFailure } from '../io/disk-failure.ts';
import { newProcessMark, stateOfProcess } from '../io/process-mark.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';

/** Names are `.larder.MARK.KIND`; this kind is that of whoever is, or wants to be, on turn. */
const CLAIM = 'turn';
/** How often who is on turn says that it lives, for those who cannot see its process. */
const BEAT_MS = 10_000;
/** Who cannot be seen from here (another machine or container) and was silent for so long is taken for dead. By the clock of the file system alone. */
const SILENT_MS = 60_000;
const SHORTEST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 200;
/** Who has its turn that long hangs, or was stopped. */
const PATIENCE_MS = 10 * 60_000;

/** How long a turn is waited for; default ten minutes. */
type Patience = Ask & { readonly patienceMs?: number };

/** Being the only one at work in a folder. */
export interface Turn {
  /** A path in the folder for something that is on its way; when this process is killed, the next on turn finds it. */
  passing(kind: string): string;
  /** What those who were killed left: whose process is gone, or cannot be seen from here. */
  readonly leftovers: readonly Leftover[];
}

/** Something that is on nobody's way any more. */
export interface Leftover {
  readonly kind: string;
  /** Of the process. */
  readonly mark: string;
  readonly path: string;
}

/**
 * Does `act` while no other process has its turn in `folder`, waiting for that: who is killed is waited for no longer. Resolves and rejects as `act` does; with STORE_UNAVAILABLE when the
 * folder cannot be written, or another has it too long, or ABORTED.
 */
export async function inTurn<T>(folder: string, o: Patience, act: (turn: Turn) => Promise<T>): Promise<T> {
  const mark = await claimed(folder, o);
  const own = join(folder, nameOf(mark, CLAIM));
  // Not to be made again when it has just been taken away.
  const beat = setInterval(() => void writeFile(own, '.', { flag: 'r+' }).catch(() => undefined), BEAT_MS).unref();
  try {
    const others = (await entriesOf(folder)).filter((one) => one.mark !== mark);
    for (const one of others)
      if (one.kind === CLAIM && (await isDead(one, own))) await unlink(one.path).catch(() => {});
    const leftovers = await ownerless(others.filter(({ kind }) => kind !== CLAIM));
    return await act({ passing: (kind) => join(folder, nameOf(mark, kind)), leftovers });
  } finally {
    clearInterval(beat);
    await unlink(own).catch(() => undefined);
  }
}

/** A name for something that is on its way into a folder before its turn; the next on turn finds it among the leftovers when this process was killed. */
export async function passingName(kind: string): Promise<string> {
  return nameOf(await newProcessMark(), kind);
}

/** What those left in `folder` who were killed, or cannot be seen from here. Without a turn another may be about to end it. Rejects with the system's error. */
export async function leftoversIn(folder: string): Promise<readonly Leftover[]> {
  return await ownerless((await entriesOf(folder)).filter(({ kind }) => kind !== CLAIM));
}

/** Whether there are any. Never rejects. */
export async function hasLeftovers(folder: string): Promise<boolean> {
  return (await leftoversIn(folder).catch(() => [])).length > 0;
}

async function ownerless(left: readonly Leftover[]): Promise<readonly Leftover[]> {
  const states = await Promise.all(left.map(({ mark }) => stateOfProcess(mark)));
  return left.filter((_, i) => states[i] !== 'running');
}

/**
 * A mark whose claim stands in the folder, and no other's. Each says that it wants before it looks whether others do, so of two at least one sees the other; who sees one takes its own claim away and tries again a
 * little later. No claim is ever taken from another: two that did so at a time would both have it.
 */
async function claimed(folder: string, { signal, patienceMs = PATIENCE_MS }: Patience): Promise<string> {
  const end = systemClock.monotonic() + patienceMs;
  while (systemClock.monotonic() < end) {
    throwIfAborted(signal);
    const mark = await newProcessMark();
    const own = join(folder, nameOf(mark, CLAIM));
    try {
      await writeFile(own, '', { flag: 'wx' });
      if (!(await hasRival(folder, mark))) return mark;
    } catch (error) {
      await unlink(own).catch(() => undefined);
      throw diskFailure(error, `take turns in ${folder}`, folder);
    }
    await unlink(own).catch(() => undefined);
    await systemClock.sleep(SHORTEST_WAIT_MS + Math.random() * (LONGEST_WAIT_MS - SHORTEST_WAIT_MS), { signal });
  }
  throw new AppError('STORE_UNAVAILABLE', `take turns in ${folder}: another larder is at work there, or hangs`);
}

async function hasRival(folder: string, ownMark: string): Promise<boolean> {
  const own = join(folder, nameOf(ownMark, CLAIM));
  for (const one of await entriesOf(folder))
    if (one.kind === CLAIM && one.mark !== ownMark && !(await isDead(one, own))) return true;
  return false;
}

/** Whether who made this claim is gone; `own` is a claim of ours, which has the time of the file system. */
async function isDead({ mark, path }: Leftover, own: string): Promise<boolean> {
  const state = await stateOfProcess(mark);
  if (state !== 'unseen') return state === 'gone';
  const [theirs, ours] = await Promise.all([stat(path).catch(() => undefined), stat(own)]);
  return theirs === undefined || ours.mtimeMs - theirs.mtimeMs > SILENT_MS;
}

async function entriesOf(folder: string): Promise<readonly Leftover[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => {
    const [, mark, kind] = /^\.larder\.([0-9a-f]{16}-\d+-\d+-[0-9a-f]{8})\.(.+)$/.exec(name) ?? [];
    return mark === undefined || kind === undefined ? [] : [{ mark, kind, path: join(folder, name) }];
  });
}

function nameOf(mark: string, kind: string): string {
  return `.larder.${mark}.${kind}`;
}
