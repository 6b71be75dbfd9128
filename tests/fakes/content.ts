/** What a fake upstream has to give: by target, the path below its base without leading slash (`rsc.io/quote/@v/list`, escaped, not percent-encoded). */
import { createCipheriv, createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { check, unescapePath, unescapeVersion } from '../../src/gomod/module.ts';
import { isPseudoVersion } from '../../src/gomod/pseudo.ts';
import { compare, prerelease } from '../../src/gomod/semver.ts';
import { type PlainZipFile, plainZip } from './plain-zip.ts';
import { parseTextArchive, type TextArchive } from './txtar.ts';

export interface Content {
  /** The body for `target`, or undefined when there is none. */
  get(target: string): Uint8Array | undefined;
}

// ------------------------------------------------------------------ module archives

/** A folder of archives, and what a checksum database would say of them. */
export interface ModuleArchives extends Content {
  /** `escaped/path@version`, in byte order of the files. */
  readonly modules: readonly string[];
  /** The record of one of them: the two go.sum lines; undefined for all others. */
  sumsOf(module: string): string | undefined;
}

interface ArchivedVersion {
  /** `escaped/path@version`. */
  readonly name: string;
  readonly path: string;
  readonly version: string;
  readonly archive: TextArchive;
}

/**
 * The module archives of a folder (`example.com_a_v1.0.0.txt`), given out as the go command's own test proxy gives them out: lists without pseudo-versions,
 * a revision that is all hexadecimal finds the highest version with that commit, other revisions have to be there as a file.
 */
export function moduleArchives(folder: string): ModuleArchives {
  const versions = readdirSync(folder)
    .sort()
    .flatMap((file) => archivedVersion(folder, file));
  const byName = new Map(versions.map((one) => [`${one.path}@${one.version}`, one]));
  const zips = new Map<ArchivedVersion, Buffer>();
  const zipOf = (one: ArchivedVersion): Buffer => {
    const zip = zips.get(one) ?? archiveZip(one);
    zips.set(one, zip);
    return zip;
  };
  return {
    modules: versions.map(({ name }) => name),
    sumsOf(module) {
      const found = versions.find(({ name }) => name === module);
      return found && sumLinesOf(found);
    },
    get(target) {
      const asked = parseTarget(target);
      if (asked === undefined) return undefined;
      const own = versions.filter((one) => one.path === asked.path);
      if (asked.file === 'list') return listOf(own);
      const name =
        asked.file === '@latest'
          ? latestOf(own)
          : /^\p{Hex_Digit}+$/u.test(asked.version)
            ? (versionOfCommit(own, asked.version) ?? asked.version)
            : asked.version;
      const found = byName.get(`${asked.path}@${name}`);
      if (found === undefined) return undefined;
      return asked.extension === 'zip' ? zipOf(found) : memberOf(found, `.${asked.extension}`);
    },
  };
}

function archivedVersion(folder: string, file: string): ArchivedVersion[] {
  const at = file.lastIndexOf('_v');
  if (!file.endsWith('.txt') || at < 0) return [];
  const [path, version] = [file.slice(0, at).replaceAll('_', '/'), file.slice(at + 1, -'.txt'.length)];
  const names = namesOf(path, version);
  const name = `${path}@${version}`;
  return names === undefined
    ? []
    : [{ name, ...names, archive: parseTextArchive(readFileSync(join(folder, file), 'utf8')) }];
}

function namesOf(escapedPath: string, escapedVersion: string): { path: string; version: string } | undefined {
  try {
    return { path: unescapePath(escapedPath), version: unescapeVersion(escapedVersion) };
  } catch {
    return undefined;
  }
}

interface Asked {
  readonly path: string;
  readonly file: string;
  readonly version: string;
  readonly extension: string;
}

function parseTarget(target: string): Asked | undefined {
  const isLatest = target.endsWith('/@latest');
  const at = isLatest ? target.lastIndexOf('/@latest') : target.indexOf('/@v/');
  const file = isLatest ? '@latest' : target.slice(at + '/@v/'.length);
  const dot = file.lastIndexOf('.');
  const names =
    at < 0
      ? undefined
      : namesOf(target.slice(0, at), file === 'list' || isLatest || dot < 0 ? 'v0.0.0' : file.slice(0, dot));
  if (names === undefined || (dot < 0 && file !== 'list' && !isLatest)) return undefined;
  return { ...names, file, extension: isLatest ? 'info' : file.slice(dot + 1) };
}

function listOf(own: readonly ArchivedVersion[]): Buffer | undefined {
  const listed = own.filter(({ path, version }) => !isPseudoVersion(version) && fits(path, version));
  return own.length === 0 ? undefined : Buffer.from(listed.map(({ version }) => `${version}\n`).join(''));
}

function fits(path: string, version: string): boolean {
  try {
    check(path, version);
    return true;
  } catch {
    return false;
  }
}

/**
 * Three places, for releases, pre-releases and pseudo-versions, each holding the lowest version it was given; a version that its own place does not take
 * goes on to the next one. Not what `@latest` should be, but what the recorded traces were made with.
 */
function latestOf(own: readonly ArchivedVersion[]): string {
  let [release, pre, pseudo] = ['', '', ''];
  const takes = (held: string, version: string): boolean => held === '' || compare(held, version) > 0;
  for (const { version } of own) {
    if (isPseudoVersion(version) && takes(pseudo, version)) pseudo = version;
    else if (prerelease(version) !== '' && takes(pre, version)) pre = version;
    else if (takes(release, version)) release = version;
  }
  return release || pre || pseudo;
}

function versionOfCommit(own: readonly ArchivedVersion[], hash: string): string | undefined {
  let best: string | undefined;
  for (const one of own) {
    const commit = isPseudoVersion(one.version)
      ? one.version.slice(one.version.lastIndexOf('-') + 1)
      : shortHashOf(one);
    const isSame = commit.startsWith(hash) || hash.startsWith(commit);
    if (isSame && (best === undefined || compare(best, one.version) < 0)) best = one.version;
  }
  return best;
}

/** Empty when the archive names no commit, and then any hash finds it: the recorded traces were made so. */
function shortHashOf(one: ArchivedVersion): string {
  try {
    const info = JSON.parse(Buffer.from(memberOf(one, '.info') ?? []).toString()) as { Short?: unknown };
    return typeof info.Short === 'string' ? info.Short : '';
  } catch {
    return '';
  }
}

function memberOf({ archive }: ArchivedVersion, name: string): Buffer | undefined {
  const file = archive.files.find((one) => one.name === name);
  return file && Buffer.from(file.content);
}

function zipFiles({ path, version, archive }: ArchivedVersion): PlainZipFile[] {
  return archive.files
    .filter(({ name }) => !['.info', '.mod', '.zip'].includes(name))
    .map(({ name, content }) => ({
      name: name.startsWith('/') ? name.slice(1) : `${path}@${version}/${name}`,
      content,
    }));
}

function archiveZip(one: ArchivedVersion): Buffer {
  return plainZip(zipFiles(one));
}

function sumLinesOf(one: ArchivedVersion): string {
  return sumLines(one.path, one.version, zipFiles(one), memberOf(one, '.mod') ?? '');
}

/** Made here from the format of `h1:`, as all in this folder is. */
function sumLines(path: string, version: string, zip: readonly PlainZipFile[], goMod: PlainZipFile['content']): string {
  const mod = treeSum([{ name: 'go.mod', content: goMod }]);
  return `${path} ${version} ${treeSum(zip)}\n${path} ${version}/go.mod ${mod}\n`;
}

function treeSum(files: readonly PlainZipFile[]): string {
  const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  const whole = createHash('sha256');
  for (const { name, content } of sorted)
    whole.update(`${createHash('sha256').update(content).digest('hex')}  ${name}\n`);
  return `h1:${whole.digest('base64')}`;
}

// ------------------------------------------------------------------ checksum databases

/** Databases by the place they are found at: `sumdb/NAME` in a proxy, or any other for those who think they talk to a database itself. */
export function checksumDatabases(byPlace: Readonly<Record<string, Content>>): Content {
  const places = Object.entries(byPlace);
  return {
    get(target) {
      const [place, database] = places.find(([one]) => target.startsWith(`${one}/`)) ?? [];
      if (place === undefined || database === undefined) return undefined;
      const path = target.slice(place.length + 1);
      return path === 'supported' && place.startsWith('sumdb/') ? Buffer.alloc(0) : database.get(path);
    },
  };
}

// ------------------------------------------------------------------ other content

/** The files of a download tree: `GOMODCACHE/cache/download`, or anything with its layout. */
export function downloadTree(folder: string): Content {
  return {
    get(target) {
      const path = join(folder, ...target.split('/').filter((element) => element !== '..'));
      return existsSync(path) && statSync(path).isFile() ? readFileSync(path) : undefined;
    },
  };
}

/** Bodies given one by one. */
export function bodies(byTarget: Readonly<Record<string, string | Uint8Array>>): Content {
  const map = new Map(Object.entries(byTarget).map(([target, body]) => [target, Buffer.from(body as Uint8Array)]));
  return { get: (target) => map.get(target) };
}

/** A module, and what a checksum database would say of it. */
export interface MadeUpModule extends Content {
  /** `path@version` */
  readonly name: string;
  /** Its record: the two go.sum lines. */
  readonly sums: string;
}

/** A module made up from its name: for tests that need many, or large ones. `version` and `path` are lower case and valid. */
export function madeUpModule(
  path: string,
  version: string,
  options: { zipBytes?: number; files?: readonly PlainZipFile[]; goMod?: string } = {},
): MadeUpModule {
  const goMod = options.goMod ?? `module ${path}\n`;
  const prefix = `${path}@${version}/`;
  const filler =
    options.zipBytes === undefined
      ? []
      : [{ name: `${prefix}filler.txt`, content: noise(options.zipBytes, path + version) }];
  const files = [
    { name: `${prefix}go.mod`, content: goMod },
    ...(options.files ?? []).map((file) => ({ ...file, name: prefix + file.name })),
    ...filler,
  ];
  const content = bodies({
    [`${path}/@v/list`]: `${version}\n`,
    [`${path}/@latest`]: JSON.stringify({ Version: version }),
    [`${path}/@v/${version}.info`]: JSON.stringify({ Version: version, Time: '2024-01-02T03:04:05Z' }),
    [`${path}/@v/${version}.mod`]: goMod,
    [`${path}/@v/${version}.zip`]: plainZip(files),
  });
  return {
    name: `${path}@${version}`,
    sums: sumLines(path, version, files, goMod),
    get: (target) => content.get(target),
  };
}

/** Bytes that no compression shrinks, the same for the same seed. */
function noise(size: number, seed: string): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}
