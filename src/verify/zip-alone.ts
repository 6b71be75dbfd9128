import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ByteSource, memorySource } from '../gomod/zip/byte-source.ts';
import { contentBytesOf, hashModuleZip, type ModuleZipFacts, requireModuleZip } from '../gomod/zip/inspect.ts';
import type { ModuleVersion } from '../gomod/module.ts';
import { openZip, type Pause, type ZipEntry } from '../gomod/zip/reader.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import type { Spooled } from '../std/spooled.ts';
import { FileSource } from './file-source.ts';

/** Bounds of what is read here: at most a third of a second of work in all, of which the names, some 30 ms, come in one piece. */
const ZIP_BYTES = 8 * 1024 * 1024;
const CONTENT_BYTES = 32 * 1024 * 1024;
const ENTRY_BYTES = 256 * 1024;
const ENTRIES = 5000;
/** Of all names together: each directory that a name goes through costs a microsecond. */
const NAME_PARTS = 50_000;
const NAMES_LENGTH = 1024 * 1024;
/** After so long everybody else has a turn. */
const SLICE_MS = 3;

/**
 * Reads one zip of middling size at a time in this thread, in slices. A thread for a zip that comes alone takes 35 MB and a tenth of a second to start; when there
 * are several, it is worth that.
 */
export class ZipAlone {
  readonly #taskMs: number;
  #isBusy = false;

  constructor(taskMs: number) {
    this.#taskMs = taskMs;
  }

  /** As ZipInspector.inspect; undefined, at once, when it is busy or the zip is too large for it. */
  inspect(body: Spooled, module: ModuleVersion, o: Ask): Promise<ModuleZipFacts> | undefined {
    if (this.#isBusy || body.sizeBytes > ZIP_BYTES) return undefined;
    const { source, close } = open(body);
    let reading: Promise<ModuleZipFacts> | undefined;
    try {
      reading = this.#read(source, module, o);
    } finally {
      if (reading === undefined) close();
    }
    return reading?.finally(close);
  }

  #read(source: ByteSource, { path, version }: ModuleVersion, o: Ask): Promise<ModuleZipFacts> | undefined {
    const zip = openZip(source);
    if (!isMiddling(zip.entries)) return undefined;
    requireModuleZip(zip, path, version);
    this.#isBusy = true;
    return hashModuleZip(zip, path, version, slices(o, this.#taskMs)).finally(() => {
      this.#isBusy = false;
    });
  }
}

function open(body: Spooled): { readonly source: ByteSource; readonly close: () => void } {
  if (body.kind === 'memory') return { source: memorySource(body.bytes), close: () => undefined };
  const file = new FileSource(body.path, body.sizeBytes);
  return { source: file, close: () => file.close() };
}

function isMiddling(entries: readonly ZipEntry[]): boolean {
  if (entries.length > ENTRIES || contentBytesOf(entries) > CONTENT_BYTES) return false;
  if (entries.reduce((sum, { name }) => sum + name.length, 0) > NAMES_LENGTH) return false;
  if (entries.reduce((sum, { name }) => sum + partsOf(name), 0) > NAME_PARTS) return false;
  return entries.every(({ sizeBytes, compressedBytes }) => sizeBytes <= ENTRY_BYTES && compressedBytes <= ENTRY_BYTES);
}

function partsOf(name: string): number {
  let parts = 1;
  for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) parts++;
  return parts;
}

/** Rejects when the asker has left, or the whole takes too long. */
function slices({ signal }: Ask, taskMs: number): Pause {
  const endsAt = performance.now() + taskMs;
  let until = performance.now() + SLICE_MS;
  return () => {
    const now = performance.now();
    if (now < until) return undefined;
    if (now > endsAt) throw new AppError('OVERLOADED', `inspect zip: not done after ${taskMs} ms`);
    throwIfAborted(signal);
    return nextTurn().then(() => {
      until = performance.now() + SLICE_MS;
    });
  };
}
