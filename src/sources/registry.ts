import { fileURLToPath } from 'node:url';
import type { ProxyUrl } from '../gomod/goenv.ts';
import { AppError } from '../std/errors.ts';
import { GoproxySource, type GoproxyOptions } from './goproxy/goproxy.ts';
import { ModcacheSource } from './modcache/modcache.ts';
import type { Source } from './source.ts';

/** The name of the source that takes modules from their own repositories: what `direct` stands for. */
export const REPOSITORIES = 'direct';
/** Names that no upstream gets, whatever its host is called. */
const RESERVED = [REPOSITORIES, 'off'];

/** What sources share. */
export interface SourceDependencies {
  /** Asks upstreams over HTTP; the caller closes it. */
  readonly client: GoproxyOptions['client'];
  /** Credentials of the operator. */
  readonly credentials: GoproxyOptions['credentials'];
}

/** A source that stands for a URL in the list of upstreams. */
export interface RegisteredSource {
  readonly entry: ProxyUrl;
  readonly source: Source;
}

/**
 * A Source for each entry, in order, each with its own name: the host of a URL (with its port), or `file:` and the folder; a name that is taken,
 * by another entry or among `names`, gets `#2`. Does no IO. Throws CONFIG_INVALID, without secrets, for an entry that cannot be used.
 */
export function createSources(
  entries: readonly ProxyUrl[],
  dependencies: SourceDependencies,
  names: Iterable<string> = [],
): readonly RegisteredSource[] {
  const taken = new Set<string>([...RESERVED, ...names]);
  return entries.map((entry) => {
    const name = unusedName(nameOf(entry), taken);
    taken.add(name);
    return { entry, source: createSource(entry.url, name, dependencies) };
  });
}

/** The Source at an https, http or file URL, under the given name. Throws as createSources does. */
export function createSource(text: string, name: string, { client, credentials }: SourceDependencies): Source {
  const url = parseUrl(text);
  if (url.protocol === 'file:') return new ModcacheSource({ name, directory: pathOf(url) });
  return new GoproxySource({ name, base: url, client, credentials });
}

/** Nothing but the host: userinfo, query string and path may each hold a token. A folder of this machine is no secret, and has no other name. */
function nameOf(entry: ProxyUrl): string {
  const url = parseUrl(entry.url);
  if (url.protocol === 'file:') return `file:${pathOf(url)}`;
  return url.host;
}

function unusedName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let n = 2; taken.has(name); n++) name = `${wanted}#${n}`;
  return name;
}

/** The text is never printed: it may hold a password. */
function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^(https?|file):$/.test(url.protocol)) return url;
  throw new AppError('CONFIG_INVALID', 'use an upstream: not an https, http or file URL');
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `use the upstream ${url.href}: a file URL is file:///absolute/path`, {
      cause: error,
    });
  }
}
