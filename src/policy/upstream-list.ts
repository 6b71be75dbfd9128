/** The operator's chain: a GOPROXY list in which a word may stand for a pool of upstreams. */
import { parseProxyList, proxyListTexts, type ProxyEntry } from '../gomod/goenv.ts';

/** A pool, named by its word. */
export interface PoolEntry {
  readonly kind: 'pool';
  readonly name: string;
  /** What follows the entry, as in a GOPROXY list. */
  readonly separator: ',' | '|';
}

/** One entry of the chain: of Go's, or a pool. */
export type UpstreamEntry = ProxyEntry | PoolEntry;

/** The pool of all peers. */
export const PEERS_POOL = 'peers';

/** Words that mean something else where a pool or an upstream could be named. */
const RESERVED_NAMES: readonly string[] = ['direct', 'off', 'noproxy', 'none', 'default', 'private', PEERS_POOL];

/** Whether `text` can name an upstream, a pool, a peer or a route: letters, digits, `-` and `_`, at most 63, and none of the words that mean something else. Go takes no such word for a URL. */
export function isUpstreamName(text: string): boolean {
  return isPlainWord(text) && !RESERVED_NAMES.includes(text);
}

/** Whether `text` has the form of a name. */
export function isPlainWord(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(text);
}

/**
 * The entries of the chain; `direct` and `off` end it. What is no name of a pool is read exactly as the go command reads it. Throws CONFIG_INVALID, as
 * parseProxyList does. Whether there is such a pool is not known here.
 */
export function parseUpstreamList(chain: string): readonly UpstreamEntry[] {
  const entries: UpstreamEntry[] = [];
  for (const [text, separator] of proxyListTexts(chain)) {
    if (isUpstreamName(text)) {
      entries.push({ kind: 'pool', name: text, separator });
      continue;
    }
    const read = parseProxyList(text).map((entry) => (entry.kind === 'proxy' ? { ...entry, separator } : entry));
    entries.push(...read);
    if (read.some(({ kind }) => kind !== 'proxy')) break;
  }
  return entries.length > 0 ? entries : parseProxyList(chain);
}

/** The URLs among the entries of `chain`, in order. Throws as parseUpstreamList does. */
export function proxyUrlsOf(chain: string): readonly string[] {
  return parseUpstreamList(chain).flatMap((entry) => (entry.kind === 'proxy' ? [entry.url] : []));
}
