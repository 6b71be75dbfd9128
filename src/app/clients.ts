import type { Config } from '../config/schema.ts';
import type { EgressGuard } from '../io/egress/guard.ts';
import { HttpClient, type HttpClientOptions } from '../io/http-client.ts';
import { createDispatchers, type Dispatchers, forwardProxies } from '../io/http-dispatcher.ts';
import { authorityPlaces } from '../io/trusted-authorities.ts';
import type { Around } from './around.ts';
import { fetchLimits } from './limits.ts';
import { blameNow } from './start-failure.ts';

/** What asks upstreams, with every connection checked by `guard`, through the proxies and with the authorities that the environment names. Opens nothing. */
export function openClient(
  config: Config,
  around: Around,
  o: { readonly instanceId: string; readonly guard?: EgressGuard },
): HttpClient {
  return blameNow({ reason: 'proxy-unusable' }, () => makeClient(config, around, o));
}

/** The same, with what it has of its `own` in the place of what all have. Throws CONFIG_INVALID. */
export function makeClient(
  config: Config,
  around: Around,
  o: { readonly instanceId: string; readonly guard?: EgressGuard; readonly own?: Partial<HttpClientOptions> },
): HttpClient {
  const outside = surroundings(around, o.guard);
  return new HttpClient({
    ...fetchLimits(config),
    ...outside,
    userAgent: `larder/${around.version}`,
    instanceId: o.instanceId,
    ...o.own,
    tls: { ...outside.tls, ...o.own?.tls },
  });
}

/** The connections over which git reaches repositories, likewise. */
export function openDispatchers(config: Config, around: Around, guard: EgressGuard): Dispatchers {
  const { connect, maxConnections } = config.fetch;
  const limits = { connectTimeoutMs: connect, firstByteTimeoutMs: config.git.idle, maxConnections };
  return createDispatchers({ ...limits, ...surroundings(around, guard) });
}

function surroundings(
  { environment }: Around,
  guard: EgressGuard | undefined,
): Pick<HttpClientOptions, 'guard' | 'tls' | 'proxies'> {
  const proxies = forwardProxies(environment);
  return {
    ...(guard && { guard }),
    tls: { places: authorityPlaces(environment) },
    ...(proxies && { proxies }),
  };
}
