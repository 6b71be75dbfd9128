import type { Anchor } from '../gomod/anchor.ts';
import type { ArtifactKind, ModuleVersion } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import type { Artifacts } from './needs.ts';

/** Cheapest first. */
const KINDS: readonly ArtifactKind[] = ['info', 'mod', 'zip'];

/** Where the files of a version that are stored came from; undefined when none is, or none says. A store that cannot tell keeps no source from being asked. */
export async function storedAnchor(
  artifacts: Pick<Artifacts, 'find'>,
  scope: string,
  module: ModuleVersion,
  o: Ask,
): Promise<Anchor | undefined> {
  for (const kind of KINDS) {
    const stored = await artifacts.find(scope, { module, kind }, o).catch(() => undefined);
    if (stored?.record.anchor !== undefined) return stored.record.anchor;
  }
  return undefined;
}
