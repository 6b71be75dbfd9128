/** A whole Larder in this process, on a free port of the loopback address, with a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
// What a Larder may ask for beyond the upstreams of a case must not reach a network.
import '../setup.ts';
import { composeLarder } from '../../src/app/compose.ts';
import { loadConfig } from '../../src/config/load.ts';
import { isAppError } from '../../src/std/errors.ts';

/** One that answers. Stop it. */
export interface ServedLarder {
  /** `http://127.0.0.1:PORT` */
  readonly base: string;
  /** DATA/download: what it has stored for everybody. */
  readonly downloads: string;
  /** Ends it at once and removes its folder. */
  stop(): Promise<void>;
}

/** What a case may say of its Larder beside the upstream. */
export interface ServedOptions {
  /** In the form of GOSUMDB; `off` unless given. */
  readonly database?: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts one whose upstream is `upstream`, in the form of GOPROXY. Undefined when the configuration is refused for it. */
export async function serveLarder(
  upstream: string,
  { database = 'off', settings, environment = {} }: ServedOptions = {},
): Promise<ServedLarder | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-conformance-'));
  const config = configured(folder, { upstream, 'sumdb.database': database, ...settings });
  if (config === undefined) {
    await rm(folder, { recursive: true });
    return undefined;
  }
  const around = { version: '0.0.0', environment, home: folder, logTo: devNull };
  const larder = await composeLarder(config, around).catch(async (error: unknown) => {
    await rm(folder, { recursive: true });
    if (isAppError(error, 'CONFIG_INVALID')) return undefined;
    throw error;
  });
  if (larder === undefined) return undefined;
  const { host, port } = await larder.start();
  return {
    base: `http://${host}:${port}`,
    downloads: join(config.data, 'download'),
    async stop() {
      await larder.stopNow();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configured(folder: string, settings: Readonly<Record<string, string>>) {
  const values = {
    listen: '127.0.0.1:0',
    data: join(folder, 'data'),
    // A row ends with the first failure of its upstreams.
    'ladder.patience': '0',
    ...settings,
    'log.level': 'silent',
    'metrics.enabled': 'false',
  };
  const flags = { values: new Map(), sets: Object.entries(values).map(([key, value]) => `${key}=${value}`) };
  const loaded = loadConfig(flags, { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] });
  return loaded.ok ? loaded.config : undefined;
}
