import type { TempDirectory } from '../io/temp-directory.ts';
import { checkedStore } from './checked.ts';
import { DiskStore } from './disk/disk-store.ts';
import { MemoryStore } from './memory/memory-store.ts';
import type { BlobStore } from './store.ts';

/** What an adapter may need from the program around it. */
export interface StoreSurroundings {
  /** The opened data folder. */
  readonly root: string;
  readonly temp: TempDirectory;
  /** Wall time in ms. */
  readonly now: () => number;
}

/** A setting of an adapter, for the config schema and the documentation. */
interface StoreOption {
  readonly name: string;
  readonly unit: 'bytes';
  readonly default: number;
  readonly summary: string;
}

interface StoreAdapter {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly StoreOption[];
  /** `options` holds a value for each of the adapter's options. */
  open(around: StoreSurroundings, options: Readonly<Record<string, number>>): BlobStore;
}

const GIB = 1024 ** 3;

/** Every kind of blob store there is. A new backend is one folder and one entry here. */
export const STORE_ADAPTERS: readonly StoreAdapter[] = [
  {
    name: 'disk',
    summary: 'files below the data folder; the public part is a valid GOPROXY tree',
    options: [],
    open: ({ root, temp }) => new DiskStore({ root, temp }),
  },
  {
    name: 'memory',
    summary: 'nothing survives the process; for trials and tests',
    options: [{ name: 'capacityBytes', unit: 'bytes', default: GIB, summary: 'all blobs together' }],
    open: ({ now }, { capacityBytes = GIB }) => new MemoryStore({ capacityBytes, now }),
  },
];

/** The store of that name behind the checks every caller relies on, or undefined when there is no such adapter. */
export function openStore(
  name: string,
  around: StoreSurroundings,
  options: Readonly<Record<string, number>> = {},
): BlobStore | undefined {
  const adapter = STORE_ADAPTERS.find((one) => one.name === name);
  return adapter === undefined ? undefined : checkedStore(adapter.open(around, options));
}
