import { Audit } from '../artifacts/audit.ts';
import type { Config } from '../config/schema.ts';
import { createSpoolDirectory } from '../io/spool.ts';
import type { Ask } from '../std/ask.ts';
import type { BlobStore } from '../storage/store.ts';
import { createZipInspector } from '../verify/zip-inspector.ts';
import { Closing } from './closing.ts';
import { MAX_BODY_BYTES, openShelves } from './keep.ts';
import { inspectorLimits } from './limits.ts';
import { openPins } from './preflight.ts';
import { openProvers } from './provers.ts';
import { requireData } from './stored-data.ts';

/** What looks at stored artifacts work on. */
export interface Audited {
  readonly config: Config;
  readonly store: BlobStore;
  readonly audit: Audit;
  /** What the work opens is added here. */
  readonly closing: Closing;
}

/**
 * Does `work` on the configured data folder, which must be there, and closes what was opened. A server may run on the same folder. Rejects with CONFIG_INVALID,
 * STORE_UNAVAILABLE, and whatever `work` rejects with.
 */
export async function onAudited<T>(config: Config, work: (on: Audited) => Promise<T>, { signal }: Ask): Promise<T> {
  await requireData(config);
  const closing = new Closing();
  try {
    const pins = await openPins(config);
    const shelves = await openShelves(config);
    closing.add(() => shelves.close());
    const inspector = createZipInspector(inspectorLimits(config));
    closing.add(() => inspector.close());
    const { store, folder } = shelves;
    const spools = createSpoolDirectory({ temp: folder.temp, memoryBytes: config.memory.spool });
    const audit = new Audit({
      store,
      spool: spools.spool(MAX_BODY_BYTES, 'stored file'),
      zipHash: async (id, body, o) => (await inspector.inspect(body, id.module, o)).h1,
      provers: await openProvers(config, { shelves, closing, signal }),
      pinVerdict: (kind, module, h1) => pins.verdict(kind, module, h1),
    });
    return await work({ config, store, audit, closing });
  } finally {
    await closing.close();
  }
}
