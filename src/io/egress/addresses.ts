import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * What an address is for. `public` is all that a stranger may send us to; `translated` stands for an IPv4 address inside an IPv6 one (NAT64, 6to4, Teredo,
 * IPv4-compatible), which something on the way would turn back.
 */
export type AddressClass =
  | 'public'
  | 'private'
  | 'loopback'
  | 'shared'
  | 'benchmarking'
  | 'link-local'
  | 'metadata'
  | 'unspecified'
  | 'multicast'
  | 'reserved'
  | 'translated';

/** One address, however it was spelled. */
export interface Address {
  /** The one spelling to connect to and to compare: an IPv4-mapped address as the IPv4 address that it is, IPv6 compressed, with the zone it came with. */
  readonly text: string;
  readonly family: 4 | 6;
  readonly class: AddressClass;
  /** Of a translated address: the IPv4 address that it stands for, where the rules of that translation fix it. */
  readonly inner?: Address;
}

/** A host as somebody wrote it: an address in any spelling, or a name in lower case, ASCII, without a dot at its end. */
export type Host = { readonly address: Address } | { readonly name: string };

/** First match wins: the single addresses of cloud metadata before the ranges that hold them. */
const RANGES: readonly (readonly [AddressClass, readonly string[]])[] = [
  ['metadata', ['169.254.169.254/32', '169.254.170.2/32', '169.254.170.23/32', 'fe80::a9fe:a9fe/128']],
  ['metadata', ['100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32', 'fd00:ec2::/32', 'fd20:ce::254/128']],
  ['unspecified', ['0.0.0.0/8', '::/128']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  ['shared', ['100.64.0.0/10']],
  ['benchmarking', ['198.18.0.0/15', '2001:2::/48']],
  ['multicast', ['224.0.0.0/4', 'ff00::/8']],
  ['translated', ['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '2001::/32', '2002::/16']],
  ['reserved', ['192.0.0.0/24', '192.88.99.0/24', '240.0.0.0/4', '100::/64', '2001:10::/28', '2001:20::/28']],
];
const LISTS = RANGES.map(([name, ranges]) => [name, listOf(ranges)] as const);
/** Nothing outside is handed out to anybody on the internet. */
const GLOBAL_UNICAST = listOf(['2000::/3']);

/**
 * `text` as an address, whichever way it is spelled: dotted, short, decimal, octal, hexadecimal, with digits of other scripts or percent-encoded ones, IPv6 with
 * or without brackets and zone. Undefined for names and for what is neither. Attacker-controlled.
 */
export function readAddress(text: string): Address | undefined {
  const host = readHost(text);
  return host !== undefined && 'address' in host ? host.address : undefined;
}

/** `text` as the host that URL parsers and getaddrinfo would make of it; undefined when it cannot be one. Attacker-controlled. */
export function readHost(text: string): Host | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (bare.includes(':')) return isIPv6(bare) ? { address: addressOfV6(bare) } : undefined;
  // The URL parser would drop or understand these; nothing of a host.
  if (bare !== text || text.length > 1024 || /[\s\\/?#@<>^|[\]]/.test(text)) return undefined;
  const name = URL.parse(`http://${text}/`)?.hostname;
  if (name === undefined) return undefined;
  return isIPv4(name) ? { address: { text: name, family: 4, class: classOf(name, 'ipv4') } } : nameOf(name);
}

/** Exact match of ranges with addresses; entries are `ADDRESS/BITS`. Throws for others. */
export function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    list.addSubnet(network, Number(bits), isIPv4(network) ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** Whether `list` holds `address`. */
export function holds(list: BlockList, { text, family }: Address): boolean {
  return list.check(text.replace(/%.*/s, ''), family === 4 ? 'ipv4' : 'ipv6');
}

function nameOf(hostname: string): Host | undefined {
  const name = hostname.replace(/\.$/, '');
  const isName = name.length <= 253 && /^(?!-)[a-z0-9_-]+(\.(?!-)[a-z0-9_-]+)*$/.test(name);
  return isName ? { name } : undefined;
}

function addressOfV6(spelling: string): Address {
  const [bare, zone] = cut(spelling);
  const text = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const groups = groupsOf(text);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return v4(groups[6], groups[7]);
  const inner = innerOf(groups);
  return {
    text: zone === undefined ? text : `${text}%${zone}`,
    family: 6,
    class: classOf(text, 'ipv6'),
    ...(inner && { inner }),
  };
}

function cut(spelling: string): readonly [string, string?] {
  const at = spelling.indexOf('%');
  return at < 0 ? [spelling] : [spelling.slice(0, at), spelling.slice(at + 1)];
}

/** The IPv4 address inside; the local NAT64 prefix has no fixed place for it. */
function innerOf(g: readonly number[]): Address | undefined {
  if (g[0] === 0x2002) return v4(g[1], g[2]);
  if (g[0] === 0x2001 && g[1] === 0) return v4((g[6] ?? 0) ^ 0xffff, (g[7] ?? 0) ^ 0xffff);
  const isWellKnown = g[0] === 0x64 && g[1] === 0xff9b;
  const isTail = g.slice(isWellKnown ? 2 : 0, 6).every((group) => group === 0);
  return isTail && (isWellKnown || (g[6] ?? 0) > 0) ? v4(g[6], g[7]) : undefined;
}

function v4(high = 0, low = 0): Address {
  const text = [high >> 8, high & 255, low >> 8, low & 255].join('.');
  return { text, family: 4, class: classOf(text, 'ipv4') };
}

/** Eight groups of a compressed address without a dotted tail. */
function groupsOf(text: string): readonly number[] {
  const [left = [], right = []] = text.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

function classOf(text: string, family: 'ipv4' | 'ipv6'): AddressClass {
  for (const [name, list] of LISTS) if (list.check(text, family)) return name;
  return family === 'ipv4' || GLOBAL_UNICAST.check(text, family) ? 'public' : 'reserved';
}
