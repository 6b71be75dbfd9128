/** What a checksum database is asked through a proxy: the request path below `/sumdb/`, in both directions. */
import { AppError, isAppError } from '../../std/errors.ts';
import {
  escapePath,
  escapeVersion,
  isCanonicalFor,
  type ModuleVersion,
  unescapePath,
  unescapeVersion,
} from '../module.ts';
import { shown } from '../shown.ts';
import { parseTilePath, type Tile, tilePath } from './tile.ts';

/** A question to the checksum database `name`, which may contain slashes and is not yet known to be allowed. */
export type SumdbRequest = { readonly kind: 'sumdb'; readonly name: string } & SumdbQuestion;

type SumdbQuestion =
  | { readonly endpoint: 'supported' | 'latest' }
  | { readonly endpoint: 'lookup'; readonly module: ModuleVersion }
  | { readonly endpoint: 'tile'; readonly tile: Tile }
  /** Not of the form that the endpoint `of` takes. Databases tell that apart from what they do not know. `rest` is what followed the endpoint. */
  | { readonly endpoint: 'malformed'; readonly of: 'lookup' | 'tile'; readonly rest: string };

const NAME_ELEMENT = /^[A-Za-z0-9._~:-]*[A-Za-z0-9]$/;
const ENDPOINTS: ReadonlySet<string | undefined> = new Set(['supported', 'latest', 'lookup', 'tile']);

/**
 * What `path` (below `/sumdb/`, percent-decoded, attacker-controlled) asks; undefined when it leads to no endpoint. The name ends before the first element
 * that is one, so a database whose name has such an element cannot be asked through a proxy. Throws BAD_MODULE_PATH or BAD_VERSION for a lookup of
 * names that cannot be unescaped, NOT_FOUND for one of a version that no module of that path can have.
 */
export function parseSumdbPath(path: string): SumdbRequest | undefined {
  const elements = path.split('/');
  const at = elements.findIndex((element, i) => i > 0 && ENDPOINTS.has(element));
  const name = elements.slice(0, at);
  if (at < 0 || !name.every((element) => NAME_ELEMENT.test(element))) return undefined;
  const question = questionOf(elements[at], elements.slice(at + 1));
  return question === undefined ? undefined : { kind: 'sumdb', name: name.join('/'), ...question };
}

/** The inverse: `sum.golang.org/lookup/rsc.io/!quote@v1.5.2`. */
export function sumdbPath(request: SumdbRequest): string {
  switch (request.endpoint) {
    case 'lookup': {
      const { path, version } = request.module;
      return `${request.name}/lookup/${escapePath(path)}@${escapeVersion(version)}`;
    }
    case 'tile':
      return `${request.name}/${tilePath(request.tile)}`;
    case 'malformed':
      return `${request.name}/${request.of}/${request.rest}`;
    default:
      return `${request.name}/${request.endpoint}`;
  }
}

function questionOf(endpoint: string | undefined, elements: readonly string[]): SumdbQuestion | undefined {
  const hasRest = elements.length > 0;
  if (endpoint === 'supported' || endpoint === 'latest') return hasRest ? undefined : { endpoint };
  if (!hasRest) return undefined;
  return endpoint === 'lookup' ? lookupOf(elements.join('/')) : tileOf(elements.join('/'));
}

/** Complete versions alone can be in a database: no branch, no `v1.5`, no `V/go.mod`. */
const LOOKUP = /^([^@]+)@(v[0-9]+\.[0-9]+\.[0-9]+(?:-[^@]*)?(?:\+incompatible)?)$/;

function lookupOf(rest: string): SumdbQuestion {
  const [, escapedPath, escapedVersion] = LOOKUP.exec(rest) ?? [];
  if (escapedPath === undefined || escapedVersion === undefined) return { endpoint: 'malformed', of: 'lookup', rest };
  const path = unescapePath(escapedPath);
  const version = unescapeVersion(escapedVersion);
  if (isCanonicalFor(path, version)) return { endpoint: 'lookup', module: { path, version } };
  throw new AppError('NOT_FOUND', `look up ${path}@${shown(version)}: not a canonical version of this module`);
}

function tileOf(rest: string): SumdbQuestion {
  try {
    return { endpoint: 'tile', tile: parseTilePath(`tile/${rest}`) };
  } catch (error) {
    if (isAppError(error, 'NOT_FOUND')) return { endpoint: 'malformed', of: 'tile', rest };
    throw error;
  }
}

/** Whether the database `name` can be asked through a proxy: its elements are plain, and none after the first is an endpoint. */
export function isAskable(name: string): boolean {
  return name.split('/').every((element, i) => NAME_ELEMENT.test(element) && !(i > 0 && ENDPOINTS.has(element)));
}
