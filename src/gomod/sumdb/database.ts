/** Which checksum database is meant, in the form of GOSUMDB. */
import { AppError } from '../../std/errors.ts';
import { isKeyName, parseVerifierKey, type VerifierKey } from './key.ts';
import { isAskable } from './request.ts';

/** A checksum database and the key that its tree heads are signed with. */
export interface DatabaseSetting {
  readonly name: string;
  readonly key: VerifierKey;
  /** The one place to ask it at; absent = through a proxy that relays it, or at https://NAME. */
  readonly url?: string;
}

/** The database of Go's public modules. Its key is Go's own. */
export const SUM_GOLANG_ORG = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';

/** What stands for a database without its key. */
const KNOWN: ReadonlyMap<string, { readonly key: string; readonly url?: string }> = new Map([
  ['sum.golang.org', { key: SUM_GOLANG_ORG }],
  // The same database where the first name cannot be reached.
  ['sum.golang.google.cn', { key: SUM_GOLANG_ORG, url: 'https://sum.golang.google.cn' }],
]);

/** `off`, `NAME` of a known database, or `NAME+HASH+KEY`; each database with a URL behind it, after white space, if it has one. Throws CONFIG_INVALID. */
export function parseGosumdb(text: string): DatabaseSetting | 'off' {
  const [first = '', url, ...more] = text.split(/\p{White_Space}+/u).filter((field) => field !== '');
  if (first === 'off' && url === undefined) return 'off';
  if (first === '' || more.length > 0) throw unusable('it must be NAME+HASH+KEY, or that and a URL');
  const known = KNOWN.get(first);
  const key = keyOf(known?.key ?? first);
  if (!isDatabaseName(key.name)) throw unusable('its name must be host[/path], without a scheme');
  const place = url ?? known?.url;
  if (place === undefined) return { name: key.name, key };
  if (!/^https?:$/.test(URL.parse(place)?.protocol ?? ''))
    throw unusable('its URL must begin with https:// or http://');
  return { name: key.name, key, url: place.replace(/\/+$/, '') };
}

function keyOf(text: string): VerifierKey {
  try {
    return parseVerifierKey(text);
  } catch {
    throw unusable(text.includes('+') ? 'its key is malformed' : 'no key is known for this name: write NAME+HASH+KEY');
  }
}

/** Whether `name` can name a database: `host[/path]` as it stands after `https://`, that notes can carry and that can be asked through a proxy. */
export function isDatabaseName(name: string): boolean {
  const url = URL.parse(`https://${name}`);
  const isPlain = url !== null && url.search === '' && url.hash === '' && url.username === '';
  return isPlain && `https://${name}` === url.href.replace(/\/$/, '') && isKeyName(name) && isAskable(name);
}

/** Neither text nor cause is shown: what was written may be a key that signs, or a URL with a password. */
function unusable(why: string): AppError {
  return new AppError('CONFIG_INVALID', `use a checksum database: ${why}`);
}
