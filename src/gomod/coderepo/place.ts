import { type ModulePath, pathMajorPrefix, splitPathVersion } from '../module.ts';
import { cleanedInside, hasPathPrefix } from '../path-prefix.ts';
import { notHere } from './refusal.ts';

/** Where a module lies in its repository, as far as its path says (spec: "Code root, code directory, tag prefix"). */
export interface CodePlace {
  readonly module: ModulePath;
  /** Leading part of the module path that is the repository. */
  readonly root: string;
  /** The repository, as Origin names it. */
  readonly url: string;
  /** Folder of the module in the repository, without the major version's; empty for the top. */
  readonly codeDir: string;
  /** What the names of the module's tags begin with: `codeDir` and a slash, or nothing. The major version is no part of it. */
  readonly tagPrefix: string;
  /** Module path without its major suffix; the whole path when that is the root. For messages. */
  readonly pathPrefix: string;
  /** `/v2`, `.v2`, `.v2-unstable`, or empty. */
  readonly pathMajor: string;
  /** The major version of the pseudo-versions, `v2`; empty for v0. */
  readonly pseudoMajor: string;
  /** Whether the whole path is the root: then a folder of the major version is never looked at. */
  readonly isRoot: boolean;
}

/** What discovery says of a repository. */
export interface RootOfCode {
  readonly root: string;
  readonly url: string;
  /** Where in the repository `root` lies: clean, empty for its top. */
  readonly subdirectory: string;
}

/** The place of `module` in the repository that discovery found. Throws NOT_FOUND when a repository with that root cannot hold it, or the folder would be outside. */
export function codePlace(module: ModulePath, found: RootOfCode): CodePlace {
  const { root, url } = found;
  if (!hasPathPrefix(module, root)) throw notHere(module, `mismatched repository: found ${root}`);
  const isRoot = root === module;
  const split = splitPathVersion(module) ?? { prefix: module, pathMajor: '' };
  const pathPrefix = isRoot ? module : split.prefix;
  if (!hasPathPrefix(pathPrefix, root)) throw notHere(module, `repository rooted at ${root} cannot contain the module`);
  const parts = [pathPrefix.slice(root.length + 1), found.subdirectory];
  const codeDir = cleanedInside(parts.filter((part) => part !== '').join('/'));
  if (codeDir === undefined) throw notHere(module, 'its folder would be outside the repository');
  const tagPrefix = codeDir === '' ? '' : `${codeDir}/`;
  const { pathMajor } = split;
  const pseudoMajor = pathMajorPrefix(pathMajor);
  return { module, root, url, codeDir, tagPrefix, pathPrefix, pathMajor, pseudoMajor, isRoot };
}

/** Path of a file below a folder of the repository; an empty folder is its top. */
export function fileIn(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
