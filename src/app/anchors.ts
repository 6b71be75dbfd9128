import type { LookAt } from '../anchors/drift.ts';
import { roundMemory } from '../anchors/round.ts';
import { AnchorWatch } from '../anchors/watch.ts';
import { storedAnchors } from '../artifacts/stored-anchors.ts';
import type { AnchorLine } from '../gomod/anchor-file.ts';
import type { Register } from '../coordination/register.ts';
import type { Ask } from '../std/ask.ts';
import { systemClock } from '../std/clock.ts';
import type { BlobStore } from '../storage/store.ts';
import type { Closing } from './closing.ts';
import type { AnchorState } from './deep-health.ts';
import type { Repositories } from './git.ts';
import type { Observers } from './observers.ts';

/** The anchors in `store`. Rejects with STORE_UNAVAILABLE or ABORTED. */
export async function linesIn(
  store: BlobStore,
  o: Ask & { readonly onRecord?: () => void },
): Promise<readonly AnchorLine[]> {
  return await Array.fromAsync(storedAnchors(store, o));
}

/** Looks at repositories as they are now. */
export function lookingAt({ mirrors }: Pick<Repositories, 'mirrors'>): LookAt {
  return async (url, { signal }) => await mirrors.open(url).snapshot({ maxAgeMs: 0, signal });
}

/** What the scheduled comparison needs of the rest. */
interface WatchNeeds {
  readonly store: BlobStore;
  readonly registers: Register;
  readonly repositories: Pick<Repositories, 'mirrors'>;
  /** 0 = never. */
  readonly everyMs: number;
  readonly observers: Observers;
  readonly closing: Closing;
}

/** Compares what is stored with the repositories from time to time, until `closing`. Undefined when that is never. */
export function startAnchorWatch({
  store,
  registers,
  repositories,
  everyMs,
  observers,
  closing,
}: WatchNeeds): AnchorWatch | undefined {
  if (everyMs === 0) return undefined;
  const watch = new AnchorWatch({
    stored: (o) => linesIn(store, o),
    lookAt: lookingAt(repositories),
    memory: roundMemory(registers),
    everyMs,
    clock: systemClock,
    random: Math.random,
    observer: observers.verify,
    onTrouble: (why) => observers.logger.warn({ why }, 'a repository could not be compared with what is stored'),
  });
  closing.add(() => watch.close());
  for (const [state, what] of ANCHOR_GAUGES)
    observers.watch(`anchors_${state}`, `Stored versions ${what}, when they were last compared.`, () => {
      return watch.counts[state];
    });
  return watch;
}

const ANCHOR_GAUGES = [
  ['held', 'whose repositories still had what they were made from'],
  ['drifted', 'whose tag had moved or was gone, or whose commit no branch or tag led to any more'],
  ['unknown', 'whose repositories could not be asked'],
] as const;

/** What the last round found, if there was one. */
export function anchorStateOf(watch: AnchorWatch | undefined): AnchorState | undefined {
  return watch?.lastAt === undefined ? undefined : { ...watch.counts, at: watch.lastAt };
}
