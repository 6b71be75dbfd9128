import { availableParallelism } from 'node:os';
import type { ModuleVersion } from '../gomod/module.ts';
import { memorySource } from '../gomod/zip/byte-source.ts';
import { contentBytesOf, hashModuleZip, type ModuleZipFacts, requireModuleZip } from '../gomod/zip/inspect.ts';
import { openZip, type ZipEntry } from '../gomod/zip/reader.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import type { Spooled } from '../std/spooled.ts';
import { type PoolLimits, WorkerPool } from './worker-pool.ts';
import { ZipAlone } from './zip-alone.ts';
import { factsOf, type ZipReply, type ZipTask } from './zip-task.ts';

/** Reads whole zips without keeping the process from its other work. */
export interface ZipInspector {
  /** See inspectModuleZip for what is checked and how it fails; besides, OVERLOADED when too many zips wait or one takes more than 30 s, and INTERNAL. */
  inspect(body: Spooled, module: ModuleVersion, o: Ask): Promise<ModuleZipFacts>;
  /** Ends its threads. */
  close(): Promise<void>;
}

const DEFAULT_LIMITS: PoolLimits = {
  threads: Math.min(2, availableParallelism()),
  queued: 1000,
  taskMs: 30_000,
  idleMs: 60_000,
};

/** Zips that are small in all respects are read on the spot: 0.3 to 0.8 ms, where a thread takes half a millisecond more, and forty to start. */
const INLINE_ZIP_BYTES = 64 * 1024;
const INLINE_CONTENT_BYTES = 256 * 1024;
const INLINE_ENTRIES = 64;
/** Of all names together, in UTF-16 units: each directory that a name goes through costs a microsecond. */
const INLINE_NAMES_LENGTH = 8 * 1024;

/** An inspector with threads of its own, started when first needed. */
export function createZipInspector(limits: Partial<PoolLimits> = {}): ZipInspector {
  const allLimits = { ...DEFAULT_LIMITS, ...limits };
  const pool = new WorkerPool<ZipTask, ZipReply>(workerProgram(), allLimits);
  const alone = new ZipAlone(allLimits.taskMs);
  return {
    inspect: async (body, module, o) => {
      throwIfAborted(o.signal);
      const here = inspectInline(body, module) ?? (pool.isUnused ? alone.inspect(body, module, o) : undefined);
      return here ?? factsOf(await pool.run({ module, body: bodyOf(body) }, o));
    },
    close: () => pool.close(),
  };
}

/** Runs from its source as from the bundle, where the thread's program stands beside whatever file this code is in. */
function workerProgram(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './zip-worker.ts' : './zip-worker.js', import.meta.url);
}

/** The facts of a zip that is small in every respect, or undefined when it is not. What its directory says bounds the work. */
function inspectInline(body: Spooled, { path, version }: ModuleVersion): Promise<ModuleZipFacts> | undefined {
  if (body.kind !== 'memory' || body.sizeBytes > INLINE_ZIP_BYTES) return undefined;
  const zip = openZip(memorySource(body.bytes));
  if (!isSmall(zip.entries)) return undefined;
  requireModuleZip(zip, path, version);
  return hashModuleZip(zip, path, version);
}

function isSmall(entries: readonly ZipEntry[]): boolean {
  if (entries.length > INLINE_ENTRIES || contentBytesOf(entries) > INLINE_CONTENT_BYTES) return false;
  return entries.reduce((sum, { name }) => sum + name.length, 0) <= INLINE_NAMES_LENGTH;
}

function bodyOf(body: Spooled): ZipTask['body'] {
  return body.kind === 'memory' ? { bytes: body.bytes } : { path: body.path, sizeBytes: body.sizeBytes };
}
