import { BlockList, isIP, isIPv4 } from 'node:net';
import { clientOf, isLoopback } from '../admission/client.ts';

/** Whom a connection speaks for. */
export interface Proxies {
  /** Whether `address` is a reverse proxy: many clients behind one address. */
  isProxy(address: string): boolean;
  /** The client of a request that came from `address` with this X-Forwarded-For, which is believed as far as known proxies wrote it. */
  clientOf(address: string, forwardedFor: string | undefined): string;
}

/** Proxies at `ranges`, each an address or `ADDRESS/BITS`, and on this machine. */
export function proxiesAt(ranges: readonly string[]): Proxies {
  const known = new BlockList();
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    const family = isIPv4(network) ? 'ipv4' : 'ipv6';
    if (bits === undefined) known.addAddress(network, family);
    else known.addSubnet(network, Number(bits), family);
  }
  const isProxy = (address: string): boolean => {
    const client = clientOf(address);
    return (
      isLoopback(client) ||
      (isIP(address) !== 0 && known.check(plain(address), isIPv4(plain(address)) ? 'ipv4' : 'ipv6'))
    );
  };
  return {
    isProxy,
    clientOf: (address, forwardedFor) =>
      clientOf(isProxy(address) ? writtenBefore(address, forwardedFor, isProxy) : address),
  };
}

/** Each proxy writes at the end whom it heard: the last one that is no proxy of ours is the client. What is no address ends the search. */
function writtenBefore(
  address: string,
  forwardedFor: string | undefined,
  isProxy: (address: string) => boolean,
): string {
  let client = address;
  for (const written of (forwardedFor ?? '').split(',').reverse()) {
    const hop = written.trim();
    if (isIP(hop) === 0) return client;
    client = hop;
    if (!isProxy(hop)) return client;
  }
  return client;
}

const MAPPED = '::ffff:';

function plain(address: string): string {
  return address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address;
}
