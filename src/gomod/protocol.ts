/**
 * The paths a go command asks a proxy for, in both directions: raw request path to request, request to path.
 * Nothing here touches the file system or the network; a path that gets through names one thing in exactly one way.
 */
import { AppError } from '../std/errors.ts';
import type { ArtifactId, ArtifactKind, EscapedPath, EscapedVersion, ModulePath, ModuleVersion } from './module.ts';
import { escapePath, escapeVersion, isCanonicalFor, unescapePath, unescapeVersion } from './module.ts';
import { shown } from './shown.ts';
import { parseSumdbPath, type SumdbRequest, sumdbPath } from './sumdb/request.ts';

/** One question to a proxy. */
export type ProxyRequest = ListRequest | LatestRequest | ArtifactRequest | QueryRequest | SumdbRequest;

/** `@v/list`: the tagged versions. */
export interface ListRequest {
  readonly kind: 'list';
  readonly module: ModulePath;
}

/** `@latest`. */
export interface LatestRequest {
  readonly kind: 'latest';
  readonly module: ModulePath;
}

/** `.info`, `.mod` or `.zip` of a canonical version that fits its path: immutable. */
export interface ArtifactRequest {
  readonly kind: 'artifact';
  readonly id: ArtifactId;
}

/** `.info` of any other name: branch, tag, revision, or a version that is not canonical for the path. Mutable. */
export interface QueryRequest {
  readonly kind: 'query';
  readonly module: ModulePath;
  readonly query: string;
}

const SUMDB = '/sumdb/';

/**
 * What `rawPath` asks. `rawPath` is the request path as received, still percent-encoded, starting with `/`, without query string and without any prefix of ours.
 * Attacker-controlled; linear in its length. Throws BAD_MODULE_PATH, BAD_VERSION, or NOT_FOUND for what is no endpoint (a `.mod` or `.zip` of a name
 * that is no canonical version of the path among them).
 */
export function parseRequestPath(rawPath: string): ProxyRequest {
  const path = rawPath.includes('%') ? decodeOnce(rawPath) : rawPath;
  if (!path.startsWith('/')) throw noEndpoint(path);
  if (path.startsWith(SUMDB)) return parseSumdb(path);
  const at = path.lastIndexOf('/@v/');
  if (at >= 0) return parseVersionFile(path, at);
  if (!path.endsWith('/@latest')) throw noEndpoint(path);
  return { kind: 'latest', module: unescapePath(path.slice(1, -'/@latest'.length)) };
}

function parseSumdb(path: string): SumdbRequest {
  const request = parseSumdbPath(path.slice(SUMDB.length));
  if (request === undefined) throw noEndpoint(path);
  return request;
}

function parseVersionFile(path: string, at: number): ProxyRequest {
  const file = path.slice(at + '/@v/'.length);
  if (file === 'list') return { kind: 'list', module: unescapePath(path.slice(1, at)) };
  const dot = file.lastIndexOf('.');
  const kind = artifactKind(file.slice(dot + 1));
  if (dot < 0 || kind === undefined) throw noEndpoint(path);
  const module = unescapePath(path.slice(1, at));
  const version = unescapeVersion(file.slice(0, dot));
  if (isCanonicalFor(module, version)) return { kind: 'artifact', id: { module: { path: module, version }, kind } };
  if (kind === 'info') return { kind: 'query', module, query: version };
  throw new AppError(
    'NOT_FOUND',
    `find .${kind} of ${module}@${shown(version)}: not a canonical version of this module`,
  );
}

function artifactKind(extension: string): ArtifactKind | undefined {
  return extension === 'info' || extension === 'mod' || extension === 'zip' ? extension : undefined;
}

function noEndpoint(path: string): AppError {
  return new AppError('NOT_FOUND', `route ${shown(path)}: no such endpoint`);
}

// ------------------------------------------------------------------ percent-encoding

/** Percent-decodes exactly once; `+` stays. What decodes to a slash, a backslash or NUL, or to anything outside ASCII, is refused: no valid name has it encoded. */
function decodeOnce(raw: string): string {
  let text = '';
  let from = 0;
  for (let i = raw.indexOf('%'); i >= 0; i = raw.indexOf('%', from)) {
    const code = hexValue(raw.charCodeAt(i + 1)) * 16 + hexValue(raw.charCodeAt(i + 2));
    // NaN fails both comparisons.
    if (!(code > 0 && code < 0x80) || code === 0x2f || code === 0x5c) {
      throw new AppError(
        'BAD_MODULE_PATH',
        `decode request path ${shown(raw)}: bad escape ${shown(raw.slice(i, i + 3))}`,
      );
    }
    text += raw.slice(from, i) + String.fromCharCode(code);
    from = i + 3;
  }
  return text + raw.slice(from);
}

/** Value of a hexadecimal digit, else NaN. */
function hexValue(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

const PERCENT_ENCODED = /[^A-Za-z0-9\-._~$&+=:@/]/g;

/** `target` as Go's client writes it in a URL: `!` becomes `%21`, `+` and `@` stay. For ASCII targets made by this file. */
export function toWire(target: string): string {
  return target.replace(PERCENT_ENCODED, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

// ------------------------------------------------------------------ the other direction

/** The path of an artifact below a proxy's base and in a download tree, escaped, not percent-encoded, without leading slash: `rsc.io/!q/@v/v1.0.0.info`. */
export function artifactTarget(id: ArtifactId): string {
  return `${versionTarget(id.module)}.${id.kind}`;
}

/** The same without extension: where the files of one version stand. */
function versionTarget(module: ModuleVersion): string {
  return `${escapePath(module.path)}/@v/${escapeVersion(module.version)}`;
}

/** The path of `request` below a proxy's base: the inverse of parseRequestPath, without leading slash and not percent-encoded (see toWire). Throws BAD_VERSION for a query that cannot be asked over HTTP (with `/`, `!`, ...). */
export function escapedTarget(request: ProxyRequest): string {
  switch (request.kind) {
    case 'list':
      return `${escapePath(request.module)}/@v/list`;
    case 'latest':
      return `${escapePath(request.module)}/@latest`;
    case 'artifact':
      return artifactTarget(request.id);
    case 'query':
      return `${escapePath(request.module)}/@v/${escapeVersion(request.query)}.info`;
    case 'sumdb':
      return `sumdb/${sumdbPath(request)}`;
  }
}

/** The module path and version of a file of a download tree (`rsc.io/!q`, `v1.0.0`), or undefined when the names are not those of a canonical version of a valid path. */
export function moduleVersionOf(
  path: EscapedPath | string,
  version: EscapedVersion | string,
): ModuleVersion | undefined {
  try {
    const module = unescapePath(path);
    const v = unescapeVersion(version);
    return isCanonicalFor(module, v) ? { path: module, version: v } : undefined;
  } catch {
    return undefined;
  }
}
