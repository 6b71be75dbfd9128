import type { Ask } from '../../std/ask.ts';
import { scanModulePath } from '../modfile/module-path.ts';
import { declaresMajor, splitPathVersion } from '../module.ts';
import { major } from '../semver.ts';
import { shown } from '../shown.ts';
import { MAX_GO_MOD_BYTES } from '../zip/limits.ts';
import { type CodePlace, fileIn } from './place.ts';
import { readGoMod } from './read-go-mod.ts';
import { plain } from './refusal.ts';
import type { Repository } from './repository.ts';

/** Where a module is at a commit. */
export interface ModuleDirectory {
  /** Empty for the top of the repository. */
  readonly directory: string;
  /** Its go.mod, unmodified; undefined when it has none and none is needed. */
  readonly goMod: Uint8Array | undefined;
}

/** Where the module is, or why it is not at this commit. */
export type FoundDirectory = ModuleDirectory | { readonly fault: string };

/** What a commit is asked for. */
export interface AtCommit {
  /** Full hash. */
  readonly commit: string;
  /** The version in question, and the name that messages give the commit. */
  readonly version: string;
  readonly revision: string;
}

/**
 * Where the module is at a commit (spec: "findDir: where the module is at a commit"). A go.mod is taken by the major version that its module line declares and nothing
 * else of its path, so that forks with a foreign module line are served.
 */
export async function findDirectory(
  place: CodePlace,
  repository: Repository,
  at: AtCommit,
  o: Ask,
): Promise<FoundDirectory> {
  const upper = await readGoModAt(repository, at, place.codeDir, o);
  const lower = hasMajorFolder(place)
    ? await readGoModAt(repository, at, fileIn(place.codeDir, place.pathMajor.slice(1)), o)
    : undefined;
  const result = tooLarge(upper, lower) ?? decide(place, upper, lower, at.version);
  return 'fault' in result ? { fault: `${result.fault} at revision ${plain(at.revision)}` } : result;
}

/** Whether `vN/` may hold the module as well as the folder above it. */
function hasMajorFolder(place: CodePlace): boolean {
  return place.pathMajor.startsWith('/') && !place.isRoot;
}

interface GoModAt {
  readonly directory: string;
  /** Of the file, in messages. */
  readonly path: string;
  readonly bytes: Uint8Array | undefined;
  /** The path that its module line declares; empty for none. */
  readonly declared: string;
  readonly isTooLarge?: true;
}

async function readGoModAt(repository: Repository, at: AtCommit, directory: string, o: Ask): Promise<GoModAt> {
  const path = fileIn(directory, 'go.mod');
  const bytes = await readGoMod(repository, at.commit, path, o);
  if (bytes === 'too large')
    return { directory, path: plain(path), bytes: new Uint8Array(), declared: '', isTooLarge: true };
  return { directory, path: plain(path), bytes, declared: bytes === undefined ? '' : (scanModulePath(bytes) ?? '') };
}

/** A file that nobody has read decides nothing, and the go command would make no module with it. */
function tooLarge(...files: readonly (GoModAt | undefined)[]): { readonly fault: string } | undefined {
  const file = files.find((one) => one?.isTooLarge === true);
  return file && { fault: `${file.path} file too large (max size is ${MAX_GO_MOD_BYTES} bytes)` };
}

function decide(place: CodePlace, upper: GoModAt, lower: GoModAt | undefined, version: string): FoundDirectory {
  const { pathMajor } = place;
  const isUpper = upper.bytes !== undefined && isOfModule(place, upper.declared);
  if (lower?.bytes !== undefined) return decideLower(place, isUpper ? upper : undefined, lower);
  if (isUpper) return { directory: upper.directory, goMod: upper.bytes };
  if (upper.bytes !== undefined) return { fault: mismatch(place, upper, lower !== undefined, version) };
  if (place.codeDir === '' && !pathMajor.startsWith('/')) return { directory: '', goMod: undefined };
  const alternative = lower === undefined ? '' : ` and ...${pathMajor}/go.mod`;
  return { fault: `missing ${place.pathPrefix}/go.mod${alternative}` };
}

/** There is a `vN/go.mod`: then the module is there or nowhere. */
function decideLower(place: CodePlace, upper: GoModAt | undefined, lower: GoModAt): FoundDirectory {
  const { pathMajor } = place;
  if (!declaresMajor(lower.declared, pathMajor)) {
    const said = lower.declared === '' ? 'is missing' : `has non-...${pathMajor}`;
    const what = lower.declared === '' ? '' : ` ${shown(lower.declared)}`;
    return { fault: `${place.root}/${lower.path} ${said} module path${what}` };
  }
  if (upper === undefined) return { directory: lower.directory, goMod: lower.bytes };
  const files = `${place.pathPrefix}/${upper.path} and ...${pathMajor}/go.mod`;
  return { fault: `${files} both have ...${pathMajor} module paths` };
}

/** Whether a go.mod that declares `declared` may be the module's. The second case is a historic bug that has to stay: go.dev/issue/34254. */
function isOfModule(place: CodePlace, declared: string): boolean {
  return declaresMajor(declared, place.pathMajor) || (place.pathMajor === '' && declared.startsWith('gopkg.in/'));
}

/** Why the go.mod that is there does not count. */
function mismatch(place: CodePlace, file: GoModAt, couldBeLower: boolean, version: string): string {
  const also = couldBeLower ? ` (and ...${place.pathMajor}/go.mod does not exist)` : '';
  if (file.declared === '') return `${file.path} is missing module path${also}`;
  return `${file.path} has ${kindOfPath(place, file.declared, version)} module path ${shown(file.declared)}${also}`;
}

function kindOfPath(place: CodePlace, declared: string, version: string): string {
  if (place.pathMajor !== '') return `non-...${place.pathMajor}`;
  return splitPathVersion(declared) === undefined ? 'malformed' : `post-${major(version)}`;
}
