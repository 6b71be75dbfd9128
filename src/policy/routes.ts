import { matchesAnyPrefix, parsePrefixPatterns } from '../gomod/goenv.ts';
import type { ModulePath } from '../gomod/module.ts';
import { sha256Bytes } from '../gomod/sha256.ts';

/** What a request says that a route may go by. */
export interface RouteRequest {
  /** The value of a header; the name is in lower case. Undefined when it is not there, or is there twice. */
  readonly header: (name: string) => string | undefined;
  /** The value of `Authorization`. Attacker-controlled. */
  readonly authorization: string | undefined;
}

/** Which requests a route is for: those that fit all that is named. */
export interface RouteRule {
  readonly name: string;
  /** Comma-separated globs of module path prefixes. */
  readonly modules?: string;
  /** The name is in lower case. */
  readonly header?: { readonly name: string; readonly value: string };
  /** SHA-256 of the token or password. */
  readonly credentialHash?: Uint8Array;
}

/** A request without headers: of our own parts, which ask for no client. */
export const NO_REQUEST: RouteRequest = { header: () => undefined, authorization: undefined };

/**
 * What finds the route of a question: the name of the first rule that fits; undefined for the default route. Pure. Private modules must not come here: they take no route.
 * Credentials are compared as hashes, in the same time for every one.
 */
export function createRoutes(
  rules: readonly RouteRule[],
): (module: ModulePath, request: RouteRequest) => string | undefined {
  const matchers = rules.map((rule) => ({ name: rule.name, fits: matcherOf(rule) }));
  const isAboutCredentials = rules.some((rule) => rule.credentialHash !== undefined);
  return (module, request) => {
    if (matchers.length === 0) return undefined;
    const hashes = isAboutCredentials ? hashesOf(request.authorization) : [];
    return matchers.find(({ fits }) => fits(module, request, hashes))?.name;
  };
}

type Fits = (module: ModulePath, request: RouteRequest, hashes: readonly Uint8Array[]) => boolean;

function matcherOf({ modules, header, credentialHash }: RouteRule): Fits {
  const patterns = modules === undefined ? undefined : parsePrefixPatterns(withoutBlanks(modules));
  return (module, request, hashes) =>
    (patterns === undefined || matchesAnyPrefix(patterns, module)) &&
    (header === undefined || request.header(header.name) === header.value) &&
    (credentialHash === undefined || hashes.some((hash) => isSame(hash, credentialHash)));
}

function withoutBlanks(globs: string): string {
  return globs.replaceAll(/\s+/g, '');
}

const LONGEST_AUTHORIZATION = 8192;

/** Of what may be the credential: the token of `Bearer`, the password of `Basic`. */
function hashesOf(authorization: string | undefined): readonly Uint8Array[] {
  if (authorization === undefined || authorization.length > LONGEST_AUTHORIZATION) return [];
  const [, scheme = '', value = ''] = /^(bearer|basic) +([\x21-\x7e]+)$/i.exec(authorization) ?? [];
  if (value === '') return [];
  if (scheme.toLowerCase() === 'bearer') return [sha256Bytes(value)];
  const pair = Buffer.from(value, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? [] : [sha256Bytes(pair.slice(colon + 1))];
}

/** Looks at every byte, wherever the first difference is. Both are hashes, and so of one length. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (const [at, byte] of one.entries()) difference |= byte ^ (other[at] ?? 0);
  return difference === 0;
}
