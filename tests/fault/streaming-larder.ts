/** Everything from the socket to the disk, but for the database: for tests of zips that are sent while they come in. */
import { readdir } from 'node:fs/promises';
import { get, type IncomingHttpHeaders } from 'node:http';
import { NO_CREDENTIALS } from '../../src/credentials/credentials.ts';
import { ArtifactStore } from '../../src/artifacts/artifact-store.ts';
import { openRegister } from '../../src/coordination/registry.ts';
import { HttpClient } from '../../src/io/http-client.ts';
import { createSpoolDirectory } from '../../src/io/spool.ts';
import { openSpooled } from '../../src/io/spooled-reader.ts';
import { openTempDirectory } from '../../src/io/temp-directory.ts';
import type { Verifying } from '../../src/resolver/needs.ts';
import { createResolver } from '../../src/resolver/resolver.ts';
import { serve, type Served } from '../../src/server/edge.fixture.ts';
import { GoproxySource } from '../../src/sources/goproxy/goproxy.ts';
import { systemClock } from '../../src/std/clock.ts';
import { AppError } from '../../src/std/errors.ts';
import { openStore } from '../../src/storage/registry.ts';
import { unpooled } from '../../src/upstream/unpooled.ts';
import { markVerified } from '../../src/verify/verified.ts';
import { createZipInspector } from '../../src/verify/zip-inspector.ts';
import { plainZip } from '../fakes/plain-zip.ts';
import { type Behaviour, type RangeServer, startRangeServer } from '../fakes/range-server.ts';

const o = { signal: new AbortController().signal };
const SIZE = 1_500_000;

const NOISE = Buffer.from(Array.from({ length: SIZE }, (_, i) => (i * 31 + (i >> 8) * 7) & 255));

/** A module zip of about SIZE bytes; `mark` makes one of another content, but of the same size. */
export function moduleZip(version: string, mark = 'good'): Buffer {
  const name = `x.test/m@${version}`;
  return plainZip([
    { name: `${name}/go.mod`, content: 'module x.test/m\n' },
    { name: `${name}/big`, content: NOISE },
    { name: `${name}/mark`, content: mark },
  ]);
}

/** What one client has got so far. */
export interface Client {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
  end: 'none yet' | 'whole' | 'cut';
  leave(): void;
  readonly ended: Promise<void>;
}

/** A server with all that is behind it, and the upstream before it. */
export interface Larder {
  readonly served: Served;
  readonly upstream: RangeServer;
  /** Paths of stored zips. */
  readonly stored: () => Promise<string[]>;
  readonly client: (path?: string) => Client;
}

export interface Setup {
  /** Where it keeps what it keeps. */
  readonly folder: string;
  /** Gets what is to be called at the end, the last first. */
  readonly closers: (() => unknown)[];
  readonly behave?: Behaviour;
  readonly zipOf: (path: string) => Buffer | undefined;
  /** Awaited before a zip is checked. */
  readonly checking?: () => Promise<unknown>;
  readonly writeStallMs?: number;
  /** Where modules come from, in place of the upstream of its own. */
  readonly origin?: string;
}

/** Everything from the socket to the disk, before an upstream that has one zip. */
export async function startLarder({
  folder,
  closers,
  behave,
  zipOf,
  checking,
  writeStallMs = 30_000,
  origin,
}: Setup): Promise<Larder> {
  const upstream = await startRangeServer(zipOf, behave);
  const http = new HttpClient({ userAgent: 'larder/test', idleTimeoutMs: 2000 });
  const temp = await openTempDirectory(folder);
  const spools = createSpoolDirectory({ temp });
  const store = openStore('disk', { root: folder, temp, now: () => Date.now() });
  const registers = openRegister('disk', { root: folder, temp });
  if (store === undefined || registers === undefined) throw new Error('no disk adapters');
  const observer = { onDamage: () => undefined };
  const artifacts = new ArtifactStore({ store, spool: spools.spool(1 << 30), clock: systemClock, observer });
  const inspector = createZipInspector();
  const resolver = createResolver({
    artifacts,
    registers,
    sources: new Map([
      [
        'up',
        unpooled(
          new GoproxySource({
            name: 'up',
            base: new URL(origin ?? upstream.origin),
            client: http,
            credentials: NO_CREDENTIALS,
          }),
        ),
      ],
    ]),
    verifier: verifierOf(inspector, checking),
    spools,
    openSpooled,
    clock: systemClock,
    random: Math.random,
    observer: { onFetch: () => undefined },
    limits: { streamAboveBytes: 200_000, lingerMs: 100 },
  });
  const gate = {
    decide: () => ({
      allowed: true as const,
      plan: {
        scope: 'public' as const,
        route: 'default',
        steps: [{ source: 'up', separator: ',' as const }],
        rungs: [],
      },
    }),
  };
  const served = await serve({ resolver, gate, edge: { writeStallMs } });
  closers.push(
    () => temp.close(),
    () => artifacts.close(),
    () => upstream.close(),
    () => http.close(),
    () => inspector.close(),
    () => resolver.close(),
    () => served.stop(),
  );
  return {
    served,
    upstream,
    stored: async () => (await readdir(folder, { recursive: true })).filter((name) => /^download.*\.zip$/.test(name)),
    client: (path = '/x.test/m/@v/v1.0.0.zip') => clientOf(served.url + path),
  };
}

/** Believes what has the h1 of a zip with the mark `good`. */
function verifierOf(inspector: ReturnType<typeof createZipInspector>, checking?: () => Promise<unknown>): Verifying {
  const unused = (): never => {
    throw new Error('only zips are asked for');
  };
  return {
    anticipate: () => undefined,
    info: unused,
    mod: unused,
    zip: async (id, body, source) => {
      await checking?.();
      const { h1 } = await inspector.inspect(body, id.module, o);
      const right = await inspector.inspect(memoryBodyOf(moduleZip(id.module.version)), id.module, o);
      if (h1 !== right.h1) throw new AppError('CHECKSUM_MISMATCH', 'check zip: not the proven one');
      return markVerified({ id, body, h1, source, verification: { by: 'exemption', because: 'off' } });
    },
  };
}

function memoryBodyOf(bytes: Buffer) {
  return { kind: 'memory' as const, bytes, sizeBytes: bytes.length, sha256: '', discard: async () => undefined };
}

function clientOf(url: string): Client {
  const ended = Promise.withResolvers<void>();
  const client: Client = {
    status: 0,
    headers: {},
    bytes: Buffer.alloc(0),
    end: 'none yet',
    leave: () => void asking.destroy(),
    ended: ended.promise,
  };
  const pieces: Buffer[] = [];
  const over = (end: Client['end']): void => {
    if (client.end === 'none yet') client.end = end;
    client.bytes = Buffer.concat(pieces);
    ended.resolve();
  };
  const asking = get(url, { agent: false }, (response) => {
    client.status = response.statusCode ?? 0;
    client.headers = response.headers;
    response.on('data', (piece: Buffer) => {
      pieces.push(piece);
      client.bytes = Buffer.concat(pieces);
    });
    response.on('error', () => over('cut')).on('end', () => over('whole'));
  });
  asking.on('error', () => over('cut'));
  return client;
}
