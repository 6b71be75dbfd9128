import { isSynthesizedGoMod } from '../../src/gomod/modfile/module-path.ts';
import { parseModFileLax } from '../../src/gomod/modfile/parse.ts';
import { mergedOrigin } from '../../src/gomod/coderepo/origin.ts';
import type { ModulePath, Version } from '../../src/gomod/module.ts';
import {
  chooseVersion,
  decidingVersion,
  isRetracted,
  parseQuery,
  retractionSource,
  type VersionQuery,
} from '../../src/gomod/query.ts';
import type { Origin, RevInfo } from '../../src/gomod/rev-info.ts';
import { canonicalVersion } from '../../src/gomod/version.ts';
import { AppError, isAppError } from '../../src/std/errors.ts';

/** What answers for one module. Methods reject with NOT_FOUND where the go command would fail. */
export interface ModuleAnswers {
  readonly module: ModulePath;
  /** Versions that begin with `prefix`; the Origin of the list where it has one. */
  list(prefix: string): Promise<{ readonly versions: readonly Version[]; readonly origin?: Origin }>;
  stat(name: string): Promise<RevInfo>;
  /** The commit that HEAD points to. */
  head(): Promise<RevInfo>;
  mod(version: Version): Promise<Uint8Array>;
}

/** What a query was resolved to. */
export interface Resolved {
  /** As it would be stored, but for the parts of Origin that are trimmed then. */
  readonly info: RevInfo;
  /** What the go command prints as Origin: of all answers together. */
  readonly origin?: Origin;
}

/** Resolves `query` as `go mod download MODULE@QUERY` does. Rejects with NOT_FOUND or BAD_VERSION where that fails. */
export async function resolveQuery(answers: ModuleAnswers, query: string): Promise<Resolved> {
  const parsed = parseQuery(answers.module, query);
  if (parsed.kind === 'name') return withOwnOrigin(await statName(answers, query));
  const listed = await answers.list(prefixOf(query));
  const isAllowed = await allowedBy(answers);
  const version = await choose(answers, parsed.query, listed.versions, isAllowed);
  if (version !== undefined) return merged(await answers.stat(version), [listed.origin]);
  const head = parsed.query.mayAskLatest ? await answers.head() : undefined;
  if (head === undefined || !isAllowed(head.version)) throw new AppError('NOT_FOUND', 'no matching versions');
  return merged(await answers.stat(head.version), [listed.origin, head.origin]);
}

/** A version with metadata that is no tag may be there without it. */
async function statName(answers: ModuleAnswers, name: string): Promise<RevInfo> {
  try {
    return await answers.stat(name);
  } catch (error) {
    const canonical = canonicalVersion(name);
    if (!isAppError(error, 'NOT_FOUND') || canonical === '' || canonical === name) throw error;
    return answers.stat(canonical);
  }
}

/** The go command asks a repository only for tags that could fit `v1` or `v1.2`. */
function prefixOf(query: string): string {
  return /^v\d+(?:\.\d+)?$/.test(query) ? `${query}.` : '';
}

type IsAllowed = (version: Version) => boolean;

async function allowedBy(answers: ModuleAnswers): Promise<IsAllowed> {
  const { versions } = await answers.list('');
  const goMod = await goModOf(answers, retractionSource(versions));
  const parsed = goMod === undefined ? undefined : parseModFileLax(goMod);
  const retractions = parsed?.ok === true ? parsed.file.retract : [];
  return (version) => !isRetracted(version, retractions);
}

async function goModOf(answers: ModuleAnswers, version: Version | undefined): Promise<Uint8Array | undefined> {
  try {
    return version === undefined ? undefined : await answers.mod(version);
  } catch (error) {
    if (isAppError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

async function choose(
  answers: ModuleAnswers,
  query: VersionQuery,
  versions: readonly Version[],
  isAllowed: IsAllowed,
): Promise<Version | undefined> {
  const goMod = await goModOf(answers, decidingVersion(query, versions, isAllowed));
  const decidingHasGoMod = goMod !== undefined && !isSynthesizedGoMod(goMod, answers.module);
  const choice = chooseVersion(query, versions, { isAllowed, decidingHasGoMod });
  return choice.kind === 'version' ? choice.version : undefined;
}

function withOwnOrigin(info: RevInfo): Resolved {
  return info.origin === undefined ? { info } : { info, origin: info.origin };
}

function merged(info: RevInfo, others: readonly (Origin | undefined)[]): Resolved {
  const all = [...others, info.origin];
  const origin = all.reduce((a, b) => (a === undefined || b === undefined ? undefined : mergedOrigin(a, b)));
  return origin === undefined ? { info } : { info, origin };
}
