import type { PeerRow } from '../config/peer-rows.ts';
import type { Config } from '../config/schema.ts';
import type { UpstreamRow } from '../config/upstream-rows.ts';
import { createCredentials } from '../credentials/configured.ts';
import type { CredentialRow } from '../credentials/rows.ts';
import type { EgressGuard } from '../io/egress/guard.ts';
import type { HttpClient, HttpClientOptions } from '../io/http-client.ts';
import { type HttpTls, readHttpTls, type TlsVersion } from '../io/http-tls.ts';
import { run } from '../io/subprocess.ts';
import type { SourceDependencies } from '../sources/registry.ts';
import { systemClock } from '../std/clock.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { Closing } from './closing.ts';
import type { Around } from './around.ts';
import type { Observers } from './observers.ts';
import { makeClient } from './clients.ts';
import { passwordIn } from './credentials.ts';
import { blamed } from './start-failure.ts';

/** How upstreams and peers with a row are asked, by name: over which connections, and with what credentials. */
export type UpstreamAccess = ReadonlyMap<string, SourceDependencies>;

/** What access is opened with. */
export interface AccessNeeds {
  /** What those without settings of their own share. */
  readonly shared: SourceDependencies;
  readonly guard?: EgressGuard;
  readonly instanceId: string;
  readonly observers: Pick<Observers, 'secrets'> & { readonly logger: Pick<Observers['logger'], 'warn'> };
  readonly closing: Closing;
}

/** Opens access to every upstream and peer that has a row; what it opens is added to `closing`. Connects to nobody. Rejects with CONFIG_INVALID when a file or a secret of a row cannot be used. */
export async function openAccess(config: Config, around: Around, needs: AccessNeeds): Promise<UpstreamAccess> {
  const access = new Map<string, SourceDependencies>();
  for (const row of config.upstreams) access.set(row.name, await accessTo(row, config, around, needs));
  const ofPeers = config.peers.length === 0 ? undefined : peerClient(config, around, needs);
  for (const row of config.peers) {
    const credentials = await credentialsOf(row, 'peers', around, needs);
    access.set(row.name, { client: ofPeers ?? needs.shared.client, credentials });
  }
  return access;
}

/** All that is wrong with the rows, each a CONFIG_INVALID with `detail.key`. */
export async function findUnusableAccess(
  config: Config,
  around: Around,
  needs: AccessNeeds,
): Promise<readonly AppError[]> {
  const found: AppError[] = [];
  const alone = [
    ...config.upstreams.map((row) => ({ ...config, upstreams: [row], peers: [] })),
    ...config.peers.map((row) => ({ ...config, upstreams: [], peers: [row] })),
  ];
  for (const one of alone) {
    try {
      await openAccess(one, around, needs);
    } catch (error) {
      if (!isAppError(error, 'CONFIG_INVALID')) throw error;
      found.push(error);
    }
  }
  return found;
}

async function accessTo(
  row: UpstreamRow,
  config: Config,
  around: Around,
  needs: AccessNeeds,
): Promise<SourceDependencies> {
  const credentials = await credentialsOf(row, 'upstreams', around, needs);
  const own = await aboutRow('upstreams', row.name, () => ownOptions(row, needs));
  if (own === undefined) return { client: needs.shared.client, credentials };
  const client = await aboutRow('upstreams', row.name, () => opened(config, around, needs, own));
  return { client, credentials };
}

/** They are asked to fetch nothing for us: two that know nothing would ask each other. */
function peerClient(config: Config, around: Around, needs: AccessNeeds): HttpClient {
  return opened(config, around, needs, { headers: { 'disable-module-fetch': 'true' } });
}

function opened(config: Config, around: Around, needs: AccessNeeds, own: Partial<HttpClientOptions>): HttpClient {
  const client = makeClient(config, around, { ...needs, own });
  needs.closing.add(() => client.close());
  return client;
}

/** What the connections to it have of their own; undefined where that is nothing. */
async function ownOptions(row: UpstreamRow, needs: AccessNeeds): Promise<Partial<HttpClientOptions> | undefined> {
  const tls = await ownTls(row, needs);
  const { proxy, connections } = row;
  if (tls === undefined && proxy === undefined && connections === undefined) return undefined;
  for (const secret of proxy === undefined ? [] : passwordIn(proxy)) needs.observers.secrets.addForGood(secret);
  return {
    ...(tls && { tls }),
    ...(proxy !== undefined && { proxies: proxy === 'none' ? {} : { http: proxy, https: proxy } }),
    ...(connections !== undefined && { maxConnections: connections }),
  };
}

const MIN_VERSIONS: Readonly<Record<NonNullable<UpstreamRow['minTls']>, TlsVersion>> = {
  '1.2': 'TLSv1.2',
  '1.3': 'TLSv1.3',
};

async function ownTls(row: UpstreamRow, { observers }: AccessNeeds): Promise<HttpTls | undefined> {
  const { ca, cert, key, minTls, pins } = row;
  if ([ca, cert, key, minTls, pins].every((one) => one === undefined)) return undefined;
  const files = await readHttpTls({
    ...(ca && { caFile: ca }),
    ...(cert && { certFile: cert }),
    ...(key && { keyFile: key }),
  });
  let isTold = false;
  const onNoBackup = (): void => {
    if (!isTold) observers.logger.warn({ upstream: row.name }, 'every pin of the upstream is in use: none is a backup');
    isTold = true;
  };
  return {
    ...files,
    origin: new URL(row.url).origin,
    ...(minTls && { minVersion: MIN_VERSIONS[minTls] }),
    ...(pins && { pins: { digests: pins, onNoBackup } }),
  };
}

type Admission = Pick<UpstreamRow, 'name' | 'url' | 'token' | 'user' | 'password'>;

/** Those of the row, for its URL and below and nowhere else; without any those of all. */
async function credentialsOf(
  row: Admission | PeerRow,
  key: 'upstreams' | 'peers',
  around: Around,
  { shared, observers, closing }: AccessNeeds,
): Promise<SourceDependencies['credentials']> {
  const [own] = credentialRows(row);
  if (own === undefined) return shared.credentials;
  return await aboutRow(key, row.name, async () => {
    const { environment, home } = around;
    const credentials = createCredentials({
      rows: [own],
      // What the environment has for everybody is not sent in the place of what the row names.
      environment: { ...environment, GOAUTH: 'off' },
      home,
      known: observers.secrets,
      onTrouble: () => undefined,
      run,
      clock: systemClock,
    });
    closing.add(() => credentials.close());
    const [unusable] = await credentials.check();
    if (unusable !== undefined) throw new AppError('CONFIG_INVALID', unusable.message, { cause: unusable });
    return {
      http: (url, o) => credentials.http(url, o),
      refused: (url, status) => credentials.refused(url, status),
      advice: () => `what the row ${row.name} of ${key} has for it is not accepted: make it valid`,
    };
  });
}

function credentialRows({ url, ...row }: Admission | PeerRow): readonly CredentialRow[] {
  const place = URL.parse(url);
  const at = place === null ? url : place.origin + place.pathname;
  if (row.token !== undefined) return [{ url: at, token: row.token, form: 'bearer' }];
  const { user, password } = row as Admission;
  return password === undefined ? [] : [{ url: at, username: user, password }];
}

/** Does `work`; a CONFIG_INVALID of it then says which row is meant. */
async function aboutRow<T>(key: 'upstreams' | 'peers', name: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isAppError(error, 'CONFIG_INVALID')) throw error;
    const told = new AppError('CONFIG_INVALID', `use the row ${name} of ${key}: ${error.message}`, { cause: error });
    throw blamed(told, { key, reason: 'upstreams-unusable' });
  }
}
