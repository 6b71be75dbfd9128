import { chainsOf } from '../config/chain.ts';
import type { Config } from '../config/schema.ts';
import { createEgressGuard } from '../io/egress/egress-guard.ts';
import type { EgressGuard } from '../io/egress/guard.ts';
import { type NamedTarget, readEgressRules } from '../io/egress/rules.ts';
import { createPrivacy } from '../policy/private.ts';
import { proxyUrlsOf } from '../policy/upstream-list.ts';
import { databaseSettings } from './databases.ts';
import { blameNow } from './start-failure.ts';

/** The guard of every connection that the server makes, with the rules of the configuration. Opens nothing. Throws CONFIG_INVALID naming the entry that is none. */
export function openGuard(config: Config): EgressGuard {
  const settings = { ...config.egress, named: namedTargets(config) };
  return createEgressGuard({
    rules: blameNow({ key: 'egress.allow', reason: 'egress-unusable' }, () => readEgressRules(settings)),
  });
}

/**
 * Whom the operator has named elsewhere in the configuration, and who therefore needs no entry in `egress.allow`, wherever on the inside it is. Only at the ports that were
 * named with them, else at the usual ones: what else listens on such a host is not meant.
 */
export function namedTargets(config: Config): readonly NamedTarget[] {
  const { credentials, git, upstreams, peers } = config;
  const urls = [
    ...chainsOf(config).flatMap(urlsIn),
    ...[...upstreams, ...peers].map(({ url }) => url),
    ...databaseUrls(config),
    ...credentials.map(({ url }) => url),
    ...git.aliases.map(({ repository }) => repository),
    ...git.rewrites.map(({ to }) => to),
  ];
  const hosts = [...literalHosts(privateGlobs(config)), ...literalHosts(git.insecure)];
  const insecure = literalHosts(git.insecure).map((host) => ({ host, port: PORTS['http:'] }));
  const usual = hosts.flatMap((host) => config.egress.ports.map((port) => ({ host, port })));
  return unrepeated([...urls.flatMap(targetOf), ...usual, ...insecure]);
}

const PORTS = { 'https:': 443, 'http:': 80, 'ssh:': 22, 'git+ssh:': 22 } as const;

function targetOf(text: string): readonly NamedTarget[] {
  const url = URL.parse(text);
  const port = url === null || url.port === '' ? PORTS[url?.protocol as keyof typeof PORTS] : Number(url.port);
  return url === null || url.hostname === '' || port === undefined ? [] : [{ host: url.hostname, port }];
}

/** A chain that does not parse is told of where it is used. */
function urlsIn(chain: string): readonly string[] {
  try {
    return proxyUrlsOf(chain);
  } catch {
    return [];
  }
}

function databaseUrls(config: Config): readonly string[] {
  try {
    const { proving, relayed } = databaseSettings(config);
    return [proving, ...relayed].map(({ name, url }) => url ?? `https://${name}`);
  } catch {
    return [];
  }
}

/** What is private by two lists is named by the globs that stand in both. */
function privateGlobs(config: Config): string {
  const { noProxy, noSumdb } = createPrivacy(config);
  const inBoth = new Set(noSumdb.split(','));
  return noProxy
    .split(',')
    .filter((glob) => inBoth.has(glob))
    .join(',');
}

/** The first elements of globs that are host names as they stand. One with a `*` in it names nobody. */
function literalHosts(globs: string): readonly string[] {
  const hosts = globs.split(',').map((glob) => glob.split('/')[0] ?? '');
  return hosts.filter((host) => host.includes('.') && /^[a-z0-9.-]+$/.test(host) && !host.startsWith('-'));
}

function unrepeated(targets: readonly NamedTarget[]): readonly NamedTarget[] {
  return [...new Map(targets.map((one) => [`${one.host}:${one.port}`, one])).values()];
}
