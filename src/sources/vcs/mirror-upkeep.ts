import type { Ask } from '../../std/ask.ts';
import type { Git } from './git.ts';
import { countPacks } from './mirror-folder.ts';

/** Every fetch that brings something leaves a pack. */
const MOST_PACKS = 40;
/** Refs that have come one by one are files of their own. */
const MOST_LOOSE_REFS = 200;

/** What a mirror may need after a fetch. */
export interface Upkeep extends Ask {
  readonly git: Git;
  readonly path: string;
  /** Refs that changed since they were last packed, as far as is known. */
  readonly looseRefs: number;
  readonly wallMs: number;
}

/** Puts many packs and many loose refs of a mirror together; readers are not disturbed, and no object is lost. Resolves with how many refs are loose then. Rejects with nothing but an abort: it can wait. */
export async function keepUp({ git, path, looseRefs, wallMs, signal }: Upkeep): Promise<number> {
  const limits = { wallMs, idleMs: wallMs, outputBytes: 1 << 20 };
  const isOften = looseRefs > MOST_LOOSE_REFS;
  if (isOften) await git.run(['pack-refs', '--all'], { repository: path, limits, signal });
  if ((await countPacks(path)) > MOST_PACKS)
    await git.run(['repack', '-a', '-d', '-k', '--quiet'], { repository: path, limits, signal });
  return isOften ? 0 : looseRefs;
}
