import { BlockList, isIP } from 'node:net';
import { parseProxyList } from '../gomod/goenv.ts';
import { messageOf } from '../std/errors.ts';
import { type Address, writtenAs } from './leaves.ts';
import type { ConfigProblem } from './problem.ts';
import { redactUrls } from './redact.ts';

/** What is wrong with the chain `upstream`, if anything: it does not parse, or an entry is the server itself. `localNames`: what this machine is called, and its addresses. */
export function chainProblem(
  upstream: string,
  o: {
    readonly listen: Address;
    readonly localNames: readonly string[];
    readonly origin: string;
    readonly isOurs: boolean;
  },
): ConfigProblem | undefined {
  const entries = proxyUrls(upstream);
  if ('reason' in entries) return { kind: 'bad-upstream', origin: o.origin, reason: entries.reason };
  const self = entries.find((entry) => isSelf(entry, o.listen, o.localNames));
  if (self === undefined) return undefined;
  const listen = String(writtenAs('address', o.listen));
  return {
    kind: 'self-call',
    origin: o.origin,
    entry: redactUrls(self),
    listen,
    setting: o.isOurs ? 'upstream' : 'GOPROXY',
  };
}

function proxyUrls(upstream: string): readonly string[] | { readonly reason: string } {
  try {
    return parseProxyList(upstream).flatMap((entry) => (entry.kind === 'proxy' ? [entry.url] : []));
  } catch (error) {
    return { reason: redactUrls(messageOf(error)) };
  }
}

/**
 * Whether `url` leads to the port that we listen on, on this machine, however it is spelt. A port of ours on another address of this
 * machine counts too: telling them apart is not worth a server that asks itself for ever.
 */
function isSelf(url: string, listen: Address, localNames: readonly string[]): boolean {
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
