import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../std/errors.ts';
import type { LogSink } from './log-sink.ts';

/** How audit files are kept. */
export interface AuditFilesOptions {
  /** Absolute; made at the first line, its parent is there by then. */
  readonly folder: string;
  /** What sets the names of this process's files apart from those of all others: small letters, digits, `-`. */
  readonly mark: string;
  /** Bytes of all files in the folder, the oldest of which go. */
  readonly keepBytes: number;
  /** A file that has so many gets a successor. */
  readonly fileBytes: number;
  /** Wall time, ms, for names. */
  readonly now: () => number;
}

/** Of one file, unless fewer are kept at all. */
export const AUDIT_FILE_BYTES = 16 * 1024 * 1024;
/** Held while the disk is slow or gone. */
const MAX_HELD_CHARS = 1024 * 1024;
/** Small files count for this part of what is kept: so many starts leave so many files at most. */
const MOST_FILES = 1024;
const FLUSH_WITHIN_MS = 1000;
const SUFFIX = '.jsonl';
/** Only what is there, and no link. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;

/**
 * Lines in files of this process alone, in the order in which they came. Written at once and beside everything else: a write that fails costs its lines, which are counted, and nothing
 * more. A file is open only while lines are written: what is open for writing keeps a volume from being made read-only.
 */
export class AuditFiles implements LogSink {
  dropped = 0;
  readonly #o: AuditFilesOptions;
  #held = '';
  /** The file that is written to; undefined before the first line. */
  #path: string | undefined;
  #opened = 0;
  #writing: Promise<void> | undefined;

  /** Touches nothing yet. */
  constructor(o: AuditFilesOptions) {
    this.#o = o;
  }

  write(line: string): void {
    if (this.#held.length + line.length > MAX_HELD_CHARS) {
      this.dropped++;
      return;
    }
    this.#held += line;
    this.#writing ??= this.#writeAll();
  }

  async flush(): Promise<void> {
    if (this.#writing === undefined) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, FLUSH_WITHIN_MS);
    await Promise.race([this.#writing, late]);
    clearTimeout(timer);
  }

  /** For the last moment of a process. */
  flushSync(): void {
    const batch = this.#take();
    if (batch.length === 0) return;
    try {
      if (this.#path === undefined) throw new TypeError('no audit file was begun');
      const file = openSync(this.#path, APPEND);
      for (let at = 0; at < batch.length; ) at += writeSync(file, batch, at);
      closeSync(file);
    } catch {
      this.#drop(batch);
    }
  }

  /** Writes what is held, for a second at most. */
  async close(): Promise<void> {
    await this.flush();
  }

  #take(): Buffer {
    const batch = Buffer.from(this.#held);
    this.#held = '';
    return batch;
  }

  /** Never rejects. One batch at a time, so that lines stay in order. */
  async #writeAll(): Promise<void> {
    while (this.#held !== '') {
      const batch = this.#take();
      await this.#append(batch).catch(() => this.#drop(batch));
    }
    this.#writing = undefined;
  }

  async #append(batch: Buffer): Promise<void> {
    const file = (await this.#current(batch.length)) ?? (await this.#next());
    try {
      const { size } = await file.stat();
      try {
        await file.appendFile(batch);
      } catch (error) {
        // Half a line would spoil the next one.
        await file.truncate(size).catch(() => (this.#path = undefined));
        throw error;
      }
    } finally {
      await file.close();
    }
  }

  /** The file there is, unless it is full for `bytes` more or somebody has removed it. */
  async #current(bytes: number): Promise<FileHandle | undefined> {
    if (this.#path === undefined) return undefined;
    const file = await open(this.#path, APPEND).catch((error: unknown) => {
      if (systemCodeOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    const size = (await file?.stat())?.size ?? 0;
    if (size === 0 || size + bytes <= this.#o.fileBytes) return file;
    await file?.close();
    return undefined;
  }

  /** A new one, in the place of the oldest. */
  async #next(): Promise<FileHandle> {
    const { folder } = this.#o;
    await mkdir(folder, { mode: 0o700 }).catch(() => undefined);
    await removeOldest(folder, this.#o.keepBytes - this.#o.fileBytes);
    const path = join(folder, this.#nextName());
    const file = await open(path, 'ax', 0o600);
    this.#path = path;
    return file;
  }

  #nextName(): string {
    // Lower case, as all names in a data folder: else it could be no file of a store, and a check would wonder at it.
    const time = new Date(this.#o.now())
      .toISOString()
      .replaceAll(/[-:]|\.\d+/g, '')
      .toLowerCase();
    return `${time}-${this.#o.mark}-${this.#opened++}${SUFFIX}`;
  }

  #drop(batch: Buffer): void {
    for (let i = batch.indexOf(NEWLINE); i >= 0; i = batch.indexOf(NEWLINE, i + 1)) this.dropped++;
  }
}

const NEWLINE = 0x0a;

/** Leaves the files that were written to last and have no more than `keepBytes` together. Best effort: others may do the same. */
async function removeOldest(folder: string, keepBytes: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX));
  const files = await Promise.all(names.map((name) => factsOf(join(folder, name))));
  let kept = 0;
  for (const { path, size } of files.toSorted((a, b) => b.mtimeMs - a.mtimeMs)) {
    kept += Math.max(size, keepBytes / MOST_FILES);
    if (kept > keepBytes) await unlink(path).catch(() => undefined);
  }
}

async function factsOf(
  path: string,
): Promise<{ readonly path: string; readonly size: number; readonly mtimeMs: number }> {
  const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 }));
  return { path, size, mtimeMs };
}
