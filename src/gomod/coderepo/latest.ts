import type { Ask } from '../../std/ask.ts';
import { isAppError } from '../../std/errors.ts';
import { chooseLatest } from '../choose-latest.ts';
import { type FoundRevision, findHead, findRevision } from './find-revision.ts';
import { goModOf } from './go-mod.ts';
import { mergedOrigin } from './origin.ts';
import type { CodePlace } from './place.ts';
import type { Repository } from './repository.ts';
import { listVersions } from './versions.ts';

/**
 * What `latest` means for the module (spec: "How `latest` is chosen"): the highest release that is not retracted, else pre-release, else the commit that HEAD points to.
 * Its Origin also says which tags decided. NOT_FOUND as `findRevision`: the version that was chosen is answered, or none.
 */
export async function findLatest(place: CodePlace, repository: Repository, o: Ask): Promise<FoundRevision> {
  const listed = await listVersions(place, repository, o);
  const version = await chooseLatest(place.module, listed.versions, (v) => readableGoMod(place, repository, v, o));
  const found =
    version === undefined ? await findHead(place, repository, o) : await findRevision(place, repository, version, o);
  const { origin: own, ...info } = found.info;
  const origin = own === undefined ? undefined : mergedOrigin(listed.origin, own);
  return { ...found, info: origin === undefined ? info : { ...info, origin } };
}

async function readableGoMod(
  place: CodePlace,
  repository: Repository,
  version: string,
  o: Ask,
): Promise<Uint8Array | undefined> {
  try {
    return goModOf(place, await findRevision(place, repository, version, o));
  } catch (error) {
    if (isAppError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}
