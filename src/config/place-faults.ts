import { proxyUrlFault } from '../gomod/url-syntax.ts';
import { isPlainWord, isUpstreamName } from '../policy/upstream-list.ts';
import { type RowTrouble, when } from './row-trouble.ts';

/** Names that are taken, and by what: `upstreams`, `peers`. */
export type TakenNames = Map<string, string>;

/** What is wrong with the name of a row. One that is right is taken from now on. */
export function nameTroubles(name: string, taken: TakenNames, key: string): readonly RowTrouble[] {
  const unfit = wordTroubles(name, 'name');
  if (unfit.length > 0) return unfit;
  const by = taken.get(name);
  taken.set(name, by ?? key);
  return by === undefined ? [] : [{ member: 'name', reason: 'name-taken', other: by }];
}

/** What is wrong with the form of a name that stands in `member`. */
export function wordTroubles(word: string, member: 'name' | 'pool'): readonly RowTrouble[] {
  if (isUpstreamName(word)) return [];
  if (isPlainWord(word)) return [{ member, reason: 'name-reserved', other: word }];
  return [{ member, reason: member === 'pool' ? 'pool-unfit' : 'name-unfit' }];
}

/** What is wrong with where a row leads to. `isSelf`: whether a URL leads back to this server. */
export function urlTroubles(text: string, isSelf: (url: string) => boolean): readonly RowTrouble[] {
  const url = URL.parse(text);
  if (/^[^/?#]*\/\/[^/?#]*@/.test(text)) return [{ member: 'url', reason: 'url-has-userinfo' }];
  const isRight = /^https?:\/\/[^/]/i.test(text) && proxyUrlFault(text) === undefined && !/[\s\\#]/.test(text);
  if (url === null || url.hostname === '' || !isRight) return [{ member: 'url', reason: 'url-unfit' }];
  return when(isSelf(text), 'url', 'self-call');
}

/** A secret goes over TLS, or stays on this machine. */
export function secretTroubles(
  url: string,
  secrets: Readonly<Record<string, string | undefined>>,
): readonly RowTrouble[] {
  const [member] = Object.entries(secrets).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  return member === undefined ? [] : when(isOpen(url), member, 'secret-over-http');
}

function isOpen(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}
