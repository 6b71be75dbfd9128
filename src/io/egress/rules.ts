import { type BlockList, isIPv4, isIPv6 } from 'node:net';
import { AppError } from '../../std/errors.ts';
import { type Address, type AddressClass, type Host, holds, listOf, readAddress, readHost } from './addresses.ts';

/** A host that the operator named somewhere else in the configuration: an upstream, a checksum database, a repository. */
export interface NamedTarget {
  /** A name, an address as a URL has it, or `*.suffix` for all names below a suffix. */
  readonly host: string;
  /** Only this port; absent = any. */
  readonly port?: number;
}

export interface EgressSettings {
  /** `host`, `*.suffix`, an address or a range `10.0.0.0/8`, each perhaps with `:port`; IPv6 in brackets before a port, `[fd00::]/8` or `fd00::/8`. */
  readonly allow: readonly string[];
  /** Where hosts may be asked that nobody configured. */
  readonly ports: readonly number[];
  readonly named?: readonly NamedTarget[];
}

/** Why a connection may not be made. */
export type EgressFault = { readonly kind: 'port' } | { readonly kind: 'address'; readonly byAddressOnly: boolean };

/** Who may be connected to. Immutable. */
export interface EgressRules {
  /** Why `host` (as asked for) may not be reached at `address` (what it is) and `port`; undefined when it may. For strangers `named` does not count. */
  fault(host: Host, address: Address, port: number, isStrangers?: boolean): EgressFault | undefined;
}

interface Entry {
  readonly covers: (host: Host, address: Address) => boolean;
  /** Names what an address is, so it speaks for addresses that no name may stand for. */
  readonly isByAddress: boolean;
  readonly port: number | 'any' | 'usual';
}

/** What a name of the operator's may stand for. Link-local and metadata addresses are not among them: a name can be made to point there. */
const BY_NAME: ReadonlySet<AddressClass> = new Set(['public', 'private', 'loopback', 'shared', 'benchmarking']);

/** Reads the lists of the configuration. Throws CONFIG_INVALID naming the entry that is none. */
export function readEgressRules({ allow, ports, named = [] }: EgressSettings): EgressRules {
  const allowed = allow.map(readEntry);
  const entries = [...allowed, ...named.map(namedEntry)];
  const usual = new Set(ports);
  return {
    fault(host, address, port, isStrangers = false) {
      const covering = (isStrangers ? allowed : entries).filter(
        (one) => isForPort(one, port, usual) && one.covers(host, address),
      );
      if (!isAllowed(address, covering)) return { kind: 'address', byAddressOnly: !mayHaveName(address) };
      return usual.has(port) || covering.length > 0 ? undefined : { kind: 'port' };
    },
  };
}

function isForPort({ port: wanted }: Entry, port: number, usual: ReadonlySet<number>): boolean {
  return wanted === 'any' || (wanted === 'usual' ? usual.has(port) : wanted === port);
}

function isAllowed(address: Address, covering: readonly Entry[]): boolean {
  if (address.class === 'public') return true;
  return mayHaveName(address) ? covering.length > 0 : covering.some((one) => one.isByAddress);
}

function mayHaveName({ class: own, inner }: Address): boolean {
  return BY_NAME.has(own) || (inner !== undefined && BY_NAME.has(inner.class));
}

function readEntry(text: string): Entry {
  const { place, port } = splitPort(text);
  const entry = addressEntry(place, port) ?? nameEntry(place, port);
  if (entry !== undefined) return entry;
  throw new AppError(
    'CONFIG_INVALID',
    `egress.allow: ${JSON.stringify(text)} is no host, *.suffix, address or range like 10.0.0.0/8, perhaps with :port`,
  );
}

/** An address that was named counts as a name: the entry is for those who ask for exactly it, not for names that point to it. */
function namedEntry({ host, port }: NamedTarget): Entry {
  const entry = nameEntry(host, port);
  if (entry !== undefined) return entry;
  const literal = readAddress(host);
  if (literal === undefined)
    throw new AppError('CONFIG_INVALID', `egress: ${JSON.stringify(host)} is no host that can be reached`);
  const covers = (asked: Host): boolean => 'address' in asked && asked.address.text === literal.text;
  return { covers, isByAddress: false, port: port ?? 'any' };
}

/** A port stands after the only colon, or after the bracket or the range of an IPv6 address. */
function splitPort(text: string): { readonly place: string; readonly port?: number | undefined } {
  const parts = /^(\[[^\]]*\](?:\/\d+)?|[^:]*):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2]);
  return parts === null || port < 1 || port > 65_535 ? { place: text } : { place: parts[1] ?? '', port };
}

function addressEntry(place: string, port: number | undefined): Entry | undefined {
  const [network = '', bits, more] = place.replace(/[[\]]/g, '').split('/');
  const most = isIPv4(network) ? 32 : isIPv6(network) && !network.includes('%') ? 128 : 0;
  const size = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (most === 0 || more !== undefined || !(size <= most)) return undefined;
  const list = listOf([`${network}/${size}`]);
  // A whole range with any port would be much more than somebody who writes 10.0.0.0/8 thinks of.
  const usual = size === most ? 'any' : 'usual';
  return {
    covers: (_, address) => (size === most || !isMetadata(address)) && reaches(list, address),
    isByAddress: true,
    port: port ?? usual,
  };
}

/** Metadata addresses lie in ranges that are allowed for other reasons, so each wants an entry of its own. */
function isMetadata({ class: own, inner }: Address): boolean {
  return own === 'metadata' || inner?.class === 'metadata';
}

/** A translated address must be in the range, and what it stands for allowed on its own: else `64:ff9b::/96` would open everything. */
function reaches(list: BlockList, address: Address): boolean {
  if (!holds(list, address)) return false;
  const { inner } = address;
  return inner === undefined || inner.class === 'public' || holds(list, inner);
}

function nameEntry(place: string, port: number | undefined): Entry | undefined {
  const isSuffix = place.startsWith('*.');
  const host = readHost(isSuffix ? place.slice(2) : place);
  if (host === undefined || !('name' in host)) return undefined;
  const { name } = host;
  const covers = (asked: Host): boolean =>
    'name' in asked && (isSuffix ? asked.name.endsWith(`.${name}`) : asked.name === name);
  return { covers, isByAddress: false, port: port ?? 'any' };
}
