import type { Ask } from '../../std/ask.ts';
import { synthesizedGoMod } from '../modfile/module-path.ts';
import { parseModFileLax } from '../modfile/parse.ts';
import type { Version } from '../module.ts';
import { isRetracted, retractionSource } from '../query.ts';
import { findDirectory } from './find-dir.ts';
import type { CodePlace } from './place.ts';
import type { Repository } from './repository.ts';
import { taggedVersions } from './versions.ts';

/**
 * Whether a version is retracted by the go.mod of the highest release (else pre-release) among those that fit the path. Nothing is where that file cannot be found or
 * read; failures to reach the repository reject.
 */
export async function retractedIn(
  place: CodePlace,
  repository: Repository,
  o: Ask,
): Promise<(version: string) => boolean> {
  const version = retractionSource(taggedVersions(place, repository.refs).compatible as readonly Version[]);
  const goMod = version === undefined ? undefined : await goModAtTag(place, repository, version, o);
  const parsed = goMod === undefined ? undefined : parseModFileLax(goMod);
  const retractions = parsed?.ok === true ? parsed.file.retract : [];
  return (v) => isRetracted(v, retractions);
}

async function goModAtTag(
  place: CodePlace,
  repository: Repository,
  version: Version,
  o: Ask,
): Promise<Uint8Array | undefined> {
  const tag = place.tagPrefix + version;
  const commit = await repository.commit(repository.refs.tags.get(tag) ?? '', o);
  if (commit === undefined) return undefined;
  const found = await findDirectory(place, repository, { commit: commit.hash, version, revision: tag }, o);
  return 'fault' in found ? undefined : (found.goMod ?? synthesizedGoMod(place.module));
}
