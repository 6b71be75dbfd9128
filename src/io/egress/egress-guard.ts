import { lookup as systemLookup } from 'node:dns/promises';
import type { Socket } from 'node:net';
import { type Ask, abortedError, throwIfAborted } from '../../std/ask.ts';
import { AppError, isAppError, systemCodeOf } from '../../std/errors.ts';
import { type Address, type Host, readAddress, readHost } from './addresses.ts';
import { dialFirst } from './dial.ts';
import type { EgressGuard, EgressTarget } from './guard.ts';
import { type Lookup, Names, type NameOptions } from './names.ts';
import type { EgressFault, EgressRules } from './rules.ts';

export interface EgressGuardOptions extends NameOptions {
  readonly rules: EgressRules;
  /** Default: the machine's own resolver, as every other program here uses it. */
  readonly lookup?: Lookup;
}

/** Of one name, more than this are checked all the same but not dialled. */
const MAX_DIALLED = 8;

/**
 * The guard of every outgoing connection: see guard.ts. Opens nothing by itself. Remembers what names stand for, and checks that at each connection all the same: no address is connected to
 * because it was good before.
 */
export function createEgressGuard({ rules, lookup = lookupHere, ...o }: EgressGuardOptions): EgressGuard {
  const names = new Names(lookup, o);
  const doubt = ({ host }: EgressTarget): void => {
    const read = readHost(host);
    if (read !== undefined && 'name' in read) names.doubt(read.name);
  };
  const check = async (target: EgressTarget, { signal }: Ask): Promise<readonly string[]> => {
    throwIfAborted(signal);
    const host = readHost(target.host);
    if (host === undefined || !isPort(target.port))
      throw new AppError('POLICY_DENIED', `${attempt(target)} refused: not a host name or address with a port`);
    const addresses = await addressesOf(host, target, names, signal);
    for (const address of addresses) {
      const fault = rules.fault(host, address, target.port, target.isStrangers);
      if (fault === undefined) continue;
      doubt(target);
      throw refusal(target, address, fault);
    }
    return [...new Set(addresses.map(({ text }) => text))];
  };
  return { resolve: check, connect: (target, how) => connect(target, how, { check, doubt }) };
}

interface Finding {
  check(target: EgressTarget, o: Ask): Promise<readonly string[]>;
  /** What the target's name stands for has not served. */
  doubt(target: EgressTarget): void;
}

async function connect(target: EgressTarget, o: Ask & { readonly timeoutMs: number }, f: Finding): Promise<Socket> {
  const late = AbortSignal.timeout(o.timeoutMs);
  const signal = AbortSignal.any([o.signal, late]);
  try {
    const addresses = await f.check(target, { signal });
    const socket = await dialFirst(addresses.slice(0, MAX_DIALLED), target.port, { signal });
    return checkedRemote(socket, addresses, target);
  } catch (error) {
    if (o.signal.aborted) throw abortedError(o.signal);
    f.doubt(target);
    if (late.aborted) throw new AppError('UPSTREAM_TIMEOUT', `${attempt(target)}: not made within ${o.timeoutMs} ms`);
    throw isAppError(error) ? error : unreachable(target, error);
  }
}

/** What was dialled was checked; that it is also what answered costs nothing to ask. */
function checkedRemote(socket: Socket, addresses: readonly string[], target: EgressTarget): Socket {
  const remote = readAddress(socket.remoteAddress ?? '');
  if (remote !== undefined && addresses.some((one) => withoutZone(one) === withoutZone(remote.text))) return socket;
  socket.destroy();
  // Undefined: the other side was gone again before anybody looked.
  if (remote === undefined) throw unreachable(target, systemError('ECONNRESET'));
  throw new AppError('POLICY_DENIED', `${attempt(target)} refused: it ended at another address than the checked one`);
}

function withoutZone(address: string): string {
  return address.replace(/%.*/s, '');
}

async function addressesOf(
  host: Host,
  target: EgressTarget,
  names: Names,
  signal: AbortSignal,
): Promise<readonly Address[]> {
  if ('address' in host) return [host.address];
  const found = await names.addressesOf(host.name, { signal }).catch((error: unknown) => {
    throw isAppError(error) ? error : unreachable(target, error);
  });
  const addresses = found.map(readAddress).filter((one) => one !== undefined);
  if (addresses.length === 0 || addresses.length < found.length) throw unreachable(target, systemError('ENOTFOUND'));
  return addresses;
}

async function lookupHere(name: string): Promise<readonly string[]> {
  return (await systemLookup(name, { all: true })).map(({ address }) => address);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

/** Never the address that a name stands for: whoever asks would learn the names of the inside. It is in `detail`, for the log. */
function refusal(target: EgressTarget, address: Address, fault: EgressFault): AppError {
  return new AppError('POLICY_DENIED', `${attempt(target)} refused: ${why(target, address, fault)}`, {
    detail: { addressClass: address.class, address: address.text },
  });
}

function why({ host, port }: EgressTarget, address: Address, fault: EgressFault): string {
  if (fault.kind === 'port')
    return `port ${port} is not in egress.ports; put ${printable(host)}:${port} into egress.allow if it is meant`;
  const what = `it is at a ${address.class} address`;
  return fault.byAddressOnly
    ? `${what}, which only an entry of egress.allow with that address allows`
    : `${what}; put ${printable(host)} into egress.allow if it is meant`;
}

function unreachable(target: EgressTarget, error: unknown): AppError {
  const code = systemCodeOf(error) ?? '';
  const reason = REASONS[code] ?? (code || 'not possible');
  return new AppError('UPSTREAM_UNAVAILABLE', `${attempt(target)}: ${reason}`, { cause: error });
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'name lookup failed',
  ETIMEOUT: 'name lookup took too long',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'connection timed out',
};

function attempt({ host, port }: EgressTarget): string {
  return `connect to ${printable(host)}:${port}`;
}

/** Attacker-controlled `host` as it may stand in a message. */
function printable(host: string): string {
  return host.slice(0, 253).replace(/[^\x21-\x7e]/g, '?');
}
