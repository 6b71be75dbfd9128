import { isSynthesizedGoMod } from './modfile/module-path.ts';
import { parseModFileLax } from './modfile/parse.ts';
import type { ModulePath, Version } from './module.ts';
import { chooseVersion, decidingVersion, isRetracted, parseQuery, retractionSource } from './query.ts';

/**
 * The version that `latest` means among `versions`, as a go command chooses it: not retracted by the go.mod of the highest, releases
 * before pre-releases, +incompatible ones only when no compatible version has a go.mod of its own. Undefined when none may be chosen.
 * `goModOf` gives undefined when the file cannot be had: what it would have said is then left out of account.
 */
export async function chooseLatest(
  module: ModulePath,
  versions: readonly Version[],
  goModOf: (version: Version) => Promise<Uint8Array | undefined>,
): Promise<Version | undefined> {
  const parsed = parseQuery(module, 'latest');
  if (parsed.kind !== 'choice') return undefined;
  const retractions = await retractionsOf(retractionSource(versions), goModOf);
  const isAllowed = (version: Version): boolean => !isRetracted(version, retractions);
  const deciding = decidingVersion(parsed.query, versions, isAllowed);
  const goMod = deciding === undefined ? undefined : await goModOf(deciding);
  const decidingHasGoMod = goMod !== undefined && !isSynthesizedGoMod(goMod, module);
  const choice = chooseVersion(parsed.query, versions, { isAllowed, decidingHasGoMod });
  return choice.kind === 'version' ? choice.version : undefined;
}

type Retractions = Parameters<typeof isRetracted>[1];

async function retractionsOf(
  source: Version | undefined,
  goModOf: (version: Version) => Promise<Uint8Array | undefined>,
): Promise<Retractions> {
  const goMod = source === undefined ? undefined : await goModOf(source);
  const parsed = goMod === undefined ? undefined : parseModFileLax(goMod);
  return parsed?.ok === true ? parsed.file.retract : [];
}
