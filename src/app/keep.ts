import { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { ArtifactObserver } from '../artifacts/observer.ts';
import type { Config } from '../config/schema.ts';
import type { Register } from '../coordination/register.ts';
import { openRegister } from '../coordination/registry.ts';
import { createSpoolDirectory, type SpoolDirectory } from '../io/spool.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { type DataFolder, openDataFolder } from '../storage/disk/data-folder.ts';
import { openStore } from '../storage/registry.ts';
import type { BlobStore } from '../storage/store.ts';
import type { GoSumPins } from '../verify/pins.ts';
import { FullDisk } from './full-disk.ts';
import { artifactLimits } from './limits.ts';
import { blame, dataFailure, unmasked } from './start-failure.ts';

/** Bytes at rest, by key and by name. */
interface Shelves {
  readonly folder: DataFolder;
  readonly store: BlobStore;
  readonly registers: Register;
  close(): Promise<void>;
}

/** What is kept, and where it is put on its way in. */
export interface Keep extends Shelves {
  /** What blobs and registers lie on: full when a drill says so. */
  readonly disk: FullDisk;
  readonly artifacts: ArtifactStore;
  readonly spools: SpoolDirectory;
}

/** The largest body there is: a zip of 500 MiB, with room. */
export const MAX_BODY_BYTES = 512 * 1024 * 1024;
/** A network file system that hangs must not leave the start hanging without a word. */
const LONGEST_OPEN_MS = 30_000;

/** The data folder with its blobs and registers, and nothing that knows what they mean. Rejects with CONFIG_INVALID or STORE_UNAVAILABLE. Scans nothing. */
export async function openShelves({ data }: Pick<Config, 'data'>): Promise<Shelves> {
  const folder = await openFolder(data);
  const { root, temp } = folder;
  const store = openStore('disk', { root, temp, now: () => systemClock.now() });
  const registers = openRegister('disk', { root, temp });
  if (store === undefined || registers === undefined) throw new AppError('INTERNAL', 'open the store: no disk adapter');
  return { folder, store, registers, close: () => folder.close() };
}

/** The same with the artifacts in it. */
export async function openKeep(config: Config, observer: ArtifactObserver, pins: GoSumPins): Promise<Keep> {
  const shelves = await openShelves(config);
  const { folder } = shelves;
  const disk = new FullDisk();
  const store = disk.store(shelves.store);
  const registers = disk.registers(shelves.registers);
  const { temp } = folder;
  const spools = createSpoolDirectory({ temp, memoryBytes: config.memory.spool });
  const artifacts = new ArtifactStore({
    store,
    spool: spools.spool(MAX_BODY_BYTES),
    clock: systemClock,
    observer,
    pinVerdict: (kind, module, h1) => pins.verdict(kind, module, h1),
    ...artifactLimits(config),
  });
  return {
    disk,
    folder,
    store,
    registers,
    artifacts,
    spools,
    // Before the folder: the lists for static servers that wait are written through its temporary files.
    close: async () => {
      await artifacts.close();
      await folder.close();
    },
  };
}

async function openFolder(path: string): Promise<DataFolder> {
  try {
    const signal = AbortSignal.timeout(LONGEST_OPEN_MS);
    return await blame({ key: 'data', reason: 'data-not-ours' }, () => openDataFolder(path, { signal }));
  } catch (error) {
    throw dataFailure(await unmasked(error, path), path);
  }
}
