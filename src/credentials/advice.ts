import type { SshIdentity } from './credentials.ts';
import { placeOf, placeText } from './place.ts';
import type { OpenRow } from './row-ways.ts';

/** What to do so that `url` (https or http) lets us in, given the rows that are for it, the narrowest first, and what else was `tried`. */
export function httpAdvice(url: URL, rows: readonly OpenRow[], tried: string | undefined): string {
  const [row] = rows;
  if (row?.way !== undefined)
    return `the credentials for ${placeText(row.place)} (${row.way.text}) are not accepted: make them valid, or set others in credentials`;
  const at = placeOf(url);
  if (at === undefined) return 'there are no credentials for such a URL';
  const origin = placeText({ ...at, path: '/' });
  const set = `set credentials: [{url: ${origin}, token: env:NAME}] in the configuration`;
  if (url.protocol !== 'https:') return `nothing secret is sent to ${origin}, which does not encrypt: use https`;
  if (tried !== undefined) return `what ${tried} has for ${origin} is not accepted: make it valid, or ${set}`;
  return `${set}, or put "machine ${url.host} login ... password ..." into the netrc file`;
}

/** The same for ssh, given what there is. Says nothing of where files lie. */
export function sshAdvice(url: URL, { keyFile, knownHostsFile }: SshIdentity): string {
  const at = placeOf(url);
  if (at === undefined) return 'there are no credentials for such a URL';
  const origin = placeText({ ...at, path: '/' });
  const [key, hosts] = ['sshKey: /path/to/key', 'knownHosts: /path/to/known_hosts'];
  if (keyFile === undefined && knownHostsFile === undefined)
    return `set credentials: [{url: ${origin}, ${key}, ${hosts}}] in the configuration`;
  if (keyFile === undefined) return `add ${key} to the credentials for ${origin}`;
  if (knownHostsFile === undefined) return `add ${hosts} to the credentials for ${origin}`;
  return `let its key in, or set another sshKey in the credentials for ${origin}`;
}
