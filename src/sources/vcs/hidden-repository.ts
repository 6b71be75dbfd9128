import { decodedEscapes } from '../../gomod/url-syntax.ts';

/**
 * The names under which the repository at `url` could be private: its host and path, as `private` patterns name them, however the URL spells them. Pages of anybody may claim
 * that a public module is kept there; with our credentials, and at an address that is open to us alone, it would be given to whoever asks for that module.
 */
export function namesOfRepository(url: string): readonly string[] {
  const { hostname, pathname } = new URL(url.replace(/^git\+ssh:/i, 'ssh:'));
  const host = hostname.toLowerCase().replace(/\.$/, '');
  const path = decodedEscapes(pathname)
    .split('/')
    .filter((element) => element !== '');
  const name = [host, ...path].join('/');
  const names = [name, name.replace(/\.git$/i, '')];
  // Some hosts take paths in whatever case.
  return [...new Set([...names, ...names.map((one) => one.toLowerCase())])];
}
