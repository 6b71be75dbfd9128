import { join } from 'node:path';
import { fieldsOf } from '../gomod/go-text.ts';
import { WatchedFile } from './watched-file.ts';

/** Credentials for one host, port included when it is not the default: `proxy.corp.example:8443`. Secret. */
export interface NetrcEntry {
  readonly machine: string;
  readonly login: string;
  readonly password: string;
}

/**
 * The complete entries of a netrc file, in order, read as the go command reads it: words in pairs, line by line; an entry may span lines
 * and ends with the word that completes it; `macdef` hides everything up to the next empty line; a line that ends in the lone word
 * `default` ends the file. Unknown pairs (comments among them) are passed over.
 */
export function parseNetrc(text: string): readonly NetrcEntry[] {
  const entries: NetrcEntry[] = [];
  let entry = { machine: '', login: '', password: '' };
  let isInMacro = false;
  for (const line of text.split('\n')) {
    if (isInMacro) {
      isInMacro = line !== '';
      continue;
    }
    const words = fieldsOf(line);
    for (let i = 0; i + 1 < words.length; i += 2) {
      const value = words[i + 1] ?? '';
      if (words[i] === 'machine') entry = { machine: value, login: '', password: '' };
      else if (words[i] === 'login') entry.login = value;
      else if (words[i] === 'password') entry.password = value;
      else if (words[i] === 'macdef') isInMacro = true;
      if (entry.machine === '' || entry.login === '' || entry.password === '') continue;
      entries.push(entry);
      entry = { machine: '', login: '', password: '' };
    }
    if (words.length % 2 === 1 && words.at(-1) === 'default') break;
  }
  return entries;
}

/** The first entry whose machine is exactly `host`, the URL's host with its port. */
export function findInNetrc(entries: readonly NetrcEntry[], host: string): NetrcEntry | undefined {
  return entries.find((entry) => entry.machine === host);
}

/** The netrc file at `path`. Reading it rejects with CONFIG_INVALID, naming the file, when it cannot be read. */
export function netrcFile(path: string): WatchedFile<readonly NetrcEntry[]> {
  return new WatchedFile(path, (bytes) => parseNetrc(bytes.toString('utf8')));
}

/** Where the process's own netrc may be, the first that is there counts: $NETRC, else `.netrc` in the home folder (`_netrc` first on Windows). */
export function netrcPaths(
  environment: Readonly<Record<string, string | undefined>>,
  home: string | undefined,
): readonly string[] {
  if (environment['NETRC']) return [environment['NETRC']];
  if (home === undefined) return [];
  return [...(process.platform === 'win32' ? [join(home, '_netrc')] : []), join(home, '.netrc')];
}
