import { BlockList, isIP } from 'node:net';
import type { Address } from './leaves.ts';

/**
 * Whether `url` leads to the port that we listen on, on this machine, however it is spelt. A port of ours on another address of this
 * machine counts too: telling them apart is not worth a server that asks itself for ever.
 */
export function isSelf(url: string, listen: Address, localNames: readonly string[]): boolean {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || listen.port === 0) return false;
  const port = parsed.port === '' ? (parsed.protocol === 'https:' ? 443 : 80) : Number(parsed.port);
  return port === listen.port && isLocal(parsed.hostname, [...localNames, listen.host]);
}

function isLocal(hostname: string, localNames: readonly string[]): boolean {
  const host = hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
  const family = isIP(host);
  if (family === 0)
    return (
      host === 'localhost' || host.endsWith('.localhost') || localNames.some((name) => name.toLowerCase() === host)
    );
  return localAddresses(localNames).check(host, family === 6 ? 'ipv6' : 'ipv4');
}

function localAddresses(localNames: readonly string[]): BlockList {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('0.0.0.0', 'ipv4');
  list.addAddress('::1', 'ipv6');
  list.addAddress('::', 'ipv6');
  for (const name of localNames) if (isIP(name) !== 0) list.addAddress(name, isIP(name) === 6 ? 'ipv6' : 'ipv4');
  return list;
}
