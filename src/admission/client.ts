import { isIPv6 } from 'node:net';

/**
 * Who counts as one client, by the address that a connection comes from: an IPv4 address, in either notation; of an IPv6 address its first 64 bits, since whoever
 * has one address there has all of them. What is no address is returned as it is.
 */
export function clientOf(address: string): string {
  if (address.startsWith(MAPPED)) return address.slice(MAPPED.length);
  if (!isIPv6(address)) return address;
  if (address === '::1') return address;
  return `${firstGroups(address).join(':')}::/64`;
}

/** Whether `client` is this machine. */
export function isLoopback(client: string): boolean {
  return client === '::1' || client.startsWith('127.');
}

const MAPPED = '::ffff:';
const GROUPS = 8;
const OF_THE_NETWORK = 4;

/** Without leading zeros, as Node writes them. */
function firstGroups(address: string): string[] {
  const [plain = ''] = address.split('%');
  const [before = '', after] = plain.split('::');
  const left = groupsOf(before);
  const right = groupsOf(after ?? '');
  const gap = after === undefined ? 0 : GROUPS - left.length - right.length;
  return [...left, ...Array<string>(Math.max(0, gap)).fill('0'), ...right].slice(0, OF_THE_NETWORK);
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':').map((group) => group.replace(/^0+(?=.)/, '').toLowerCase());
}
