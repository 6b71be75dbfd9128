import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Readings } from './pressure.ts';

/** How often the event loop is looked at, ms; what it is later than that is its lag. */
const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** Takes readings of this process. Started when made; to be closed. */
export class Sensors {
  readonly #loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #memoryBytes: number;
  readonly #mostDescriptors: number;

  /** `memoryBytes` = what the process may have; absent = its part of the container's or the machine's, which `processes` share. */
  constructor(o: { readonly memoryBytes?: number | undefined; readonly processes?: number } = {}) {
    this.#memoryBytes = o.memoryBytes ?? memoryLimit() / (o.processes ?? 1);
    this.#mostDescriptors = descriptorLimit();
    this.#loop.enable();
  }

  /** How things stand; of the event loop, since the last reading. Never rejects: what cannot be read is as if there were enough. */
  async read(): Promise<Readings> {
    const lagMs = Math.max(0, this.#loop.percentile(99) / NS_PER_MS - RESOLUTION_MS);
    this.#loop.reset();
    const { used_heap_size: heap, heap_size_limit: heapLimit } = getHeapStatistics();
    return {
      lagMs,
      memoryShare: Math.max(process.memoryUsage.rss() / this.#memoryBytes, heap / heapLimit),
      descriptorShare: (await openDescriptors()) / this.#mostDescriptors,
    };
  }

  close(): void {
    this.#loop.disable();
  }
}

/** What the process may have: the limit of its control group (version 1 or 2) where there is one, else the machine's memory. Bytes. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

const LIMITS_FILE = '/proc/self/limits';
const DESCRIPTORS = '/proc/self/fd';

/** File descriptors that may be open at a time (RLIMIT_NOFILE); Infinity where that cannot be read. */
export function descriptorLimit(): number {
  try {
    const most = /^Max open files\s+(\d+)/m.exec(readFileSync(LIMITS_FILE, 'utf8'))?.[1];
    return most === undefined ? Number.POSITIVE_INFINITY : Number(most);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Since Linux 6.2 the size of the folder is how many there are; before, they are counted. */
async function openDescriptors(): Promise<number> {
  try {
    const { size } = await stat(DESCRIPTORS);
    return size > 0 ? size : (await readdir(DESCRIPTORS)).length;
  } catch {
    return 0;
  }
}
