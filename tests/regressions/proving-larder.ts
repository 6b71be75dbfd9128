/** A resolver over real sources on loopback, real checks against sums that are known, and a store in memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArtifactStore } from '../../src/artifacts/artifact-store.ts';
import { MemoryRegister } from '../../src/coordination/memory/memory-register.ts';
import { NO_CREDENTIALS } from '../../src/credentials/credentials.ts';
import { HttpClient } from '../../src/io/http-client.ts';
import { createSpoolDirectory } from '../../src/io/spool.ts';
import { openSpooled } from '../../src/io/spooled-reader.ts';
import { openTempDirectory } from '../../src/io/temp-directory.ts';
import { readWhole } from '../../src/resolver/read-whole.ts';
import { createResolver } from '../../src/resolver/resolver.ts';
import { GoproxySource } from '../../src/sources/goproxy/goproxy.ts';
import { systemClock } from '../../src/std/clock.ts';
import { MemoryStore } from '../../src/storage/memory/memory-store.ts';
import { goSumPins } from '../../src/verify/pins.ts';
import { createVerifier } from '../../src/verify/verifier.ts';
import { createZipInspector } from '../../src/verify/zip-inspector.ts';
import { noDatabase } from '../fakes/no-database.ts';
import { idOf, planOf } from '../fakes/resolver-rig.ts';
import { unpooled } from '../../src/upstream/unpooled.ts';

/** What a test asks it. */
export interface ProvingLarder {
  /** The zip of `path@version`, whole; or the code it fails with. */
  zip(moduleVersion: string): Promise<Uint8Array | string>;
  /** Names of the zips that are stored, as `path@version`. */
  stored(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface ProvingOptions {
  /** Where the upstream is. */
  readonly base: string;
  /** The text of a go.sum that says what every zip must be. Empty = anything well-formed is believed. */
  readonly sums: string;
}

const o = { signal: new AbortController().signal };

/** Starts one. A failure is not repeated to who asks again. */
export async function startProvingLarder({ base, sums }: ProvingOptions): Promise<ProvingLarder> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-proving-'));
  const temp = await openTempDirectory(folder);
  const client = new HttpClient({ userAgent: 'larder/test', firstByteTimeoutMs: 60_000, idleTimeoutMs: 60_000 });
  const inspector = createZipInspector();
  const spools = createSpoolDirectory({ temp });
  const store = new MemoryStore({ capacityBytes: 1 << 30, now: Date.now });
  const observer = { onDamage: () => undefined };
  const artifacts = new ArtifactStore({ store, spool: spools.spool(1 << 30), clock: systemClock, observer });
  const source = new GoproxySource({ name: 'A', base: new URL(base), client, credentials: NO_CREDENTIALS });
  const resolver = createResolver({
    artifacts,
    registers: new MemoryRegister({ capacityBytes: 1 << 20 }),
    sources: new Map([['A', unpooled(source)]]),
    verifier: createVerifier({
      ...noDatabase,
      inspectZip: (body, module, ask) => inspector.inspect(body, module, ask),
      pins: goSumPins([{ name: 'go.sum', text: sums }]),
    }),
    spools,
    openSpooled,
    clock: systemClock,
    random: Math.random,
    observer: { onFetch: () => undefined },
    limits: { errorMemoMs: 0, patienceMs: 0 },
  });
  return {
    zip: async (moduleVersion) => {
      try {
        const question = { plan: planOf('A'), mayFetch: 'yes' as const, ...o };
        return await readWhole(await resolver.artifact(idOf(moduleVersion, 'zip'), question), o);
      } catch (error) {
        return String((error as { code?: unknown }).code ?? error);
      }
    },
    stored: async () => {
      const keys: string[] = [];
      for await (const { key } of store.list('download/', o)) keys.push(key);
      return keys.flatMap((key) => {
        const [, path, version] = /^download\/(.*)\/@v\/(.*)\.zip$/.exec(key) ?? [];
        return path === undefined ? [] : [`${path}@${version}`];
      });
    },
    close: async () => {
      await resolver.close();
      await artifacts.close();
      await Promise.all([inspector.close(), client.close()]);
      await temp.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
