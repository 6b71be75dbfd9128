/** Where artifacts, their records and their views stand: the one place that knows the names on disk. */
import { type ArtifactId, type ArtifactKind, escapePath, type ModulePath } from '../gomod/module.ts';
import { artifactTarget, moduleVersionOf } from '../gomod/protocol.ts';

/** The part of the store that everyone may read: its data is DATA/download, a valid GOPROXY tree. Every other scope is private. */
const PUBLIC_SCOPE = 'public';

/** One artifact in one scope, as a file of the store. */
export interface Place {
  readonly scope: string;
  readonly id: ArtifactId;
}

/** `download/rsc.io/quote/@v/v1.5.2.zip`; of a private scope below `scopes/<scope>/`, never under the public tree. */
export function dataKey({ scope, id }: Place): string {
  return `${scopeFolder(scope)}download/${artifactTarget(id)}`;
}

/** `meta/rsc.io/quote/@v/v1.5.2.zip.json`: the provenance record. What has none does not exist for readers. */
export function recordKey({ scope, id }: Place): string {
  return `${scopeFolder(scope)}meta/${artifactTarget(id)}.json`;
}

/** Beginning of the record keys of one module's versions. */
export function recordsPrefix(scope: string, module: ModulePath): string {
  return `${scopeFolder(scope)}meta/${escapePath(module)}/@v/`;
}

/** The version list that static file servers give out. */
export function listFileKey(scope: string, module: ModulePath): string {
  return `${scopeFolder(scope)}download/${escapePath(module)}/@v/list`;
}

/** Beginning of the keys of bytes that were put aside because something was wrong with them. */
export function quarantinePrefix({ scope, id }: Place): string {
  return `quarantine/${scope}/${artifactTarget(id)}/`;
}

/** What a key of the store is about. */
export type KeyMeaning =
  | { readonly what: 'data' | 'record'; readonly place: Place }
  /** A view for static servers that can be made again. */
  | { readonly what: 'list' }
  /** Another part of the store: registers, quarantine, checksum databases. */
  | { readonly what: 'other' }
  /** Nothing this program writes. */
  | { readonly what: 'foreign' };

const OTHER_FOLDERS: readonly string[] = ['mutable', 'sumdb', 'ledger', 'anchors', 'audit', 'quarantine'];

/** Reads a key back: the inverse of the functions above. */
export function meaningOf(key: string): KeyMeaning {
  const scoped = /^scopes\/([^/]+)\/(.+)$/.exec(key);
  const scope = scoped?.[1] ?? PUBLIC_SCOPE;
  const inside = scoped?.[2] ?? key;
  const slash = inside.indexOf('/');
  const folder = inside.slice(0, Math.max(0, slash));
  const target = inside.slice(slash + 1);
  if (folder === 'download') return /^.+\/@v\/list$/.test(target) ? { what: 'list' } : placed('data', scope, target);
  if (folder === 'meta' && target.endsWith('.json')) return placed('record', scope, target.slice(0, -'.json'.length));
  return { what: OTHER_FOLDERS.includes(folder) ? 'other' : 'foreign' };
}

function placed(what: 'data' | 'record', scope: string, target: string): KeyMeaning {
  const id = artifactOf(target);
  return id === undefined ? { what: 'foreign' } : { what, place: { scope, id } };
}

/** `rsc.io/!q/@v/v1.0.0.info` -> the artifact it names, or undefined. */
function artifactOf(target: string): ArtifactId | undefined {
  const [, path = '', version = '', kind = ''] = /^(.+)\/@v\/([^/]+)\.(info|mod|zip)$/.exec(target) ?? [];
  const module = moduleVersionOf(path, version);
  return module === undefined ? undefined : { module, kind: kind as ArtifactKind };
}

function scopeFolder(scope: string): string {
  return scope === PUBLIC_SCOPE ? '' : `scopes/${scope}/`;
}
