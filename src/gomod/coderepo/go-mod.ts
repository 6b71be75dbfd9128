import { synthesizedGoMod } from '../modfile/module-path.ts';
import type { FoundRevision } from './find-revision.ts';
import type { CodePlace } from './place.ts';

/** The go.mod of a version (spec: "go.mod bytes"): the repository's, unmodified, or the one made up for a module that has none. */
export function goModOf(place: CodePlace, found: FoundRevision): Uint8Array {
  return found.goMod ?? synthesizedGoMod(place.module);
}
