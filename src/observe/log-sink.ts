import { openSync, write, writeSync } from 'node:fs';
import { AppError, messageOf, systemCodeOf } from '../std/errors.ts';

/** Where finished log lines go. */
export interface LogSink {
  /** Takes one line with its newline. Never blocks and never throws; what does not fit is dropped and counted. */
  write(line: string): void;
  /** Resolves when what is held now is written or dropped, at the latest after a second. For an orderly end. */
  flush(): Promise<void>;
  /** Writes what is held, without waiting for a slow reader. For the last moments of a process. */
  flushSync(): void;
  /** Lines that could not be written so far. */
  readonly dropped: number;
}

export interface LogSinkOptions {
  /** A file descriptor (2 = stderr), or the path of a file that is appended to. */
  readonly to: number | string;
  /** Lines are written out together: when this many characters are held, ... */
  readonly batchChars: number;
  /** ... or this long after they came, ms. */
  readonly flushEveryMs: number;
  /** Most characters held while the reader is slow. A log that nobody reads costs lines, never memory or requests. */
  readonly maxHeldChars: number;
}

export const defaultLogSink: Omit<LogSinkOptions, 'to'> = {
  batchChars: 32 * 1024,
  flushEveryMs: 100,
  maxHeldChars: 8 * 1024 * 1024,
};

/** A sink over `to`. All lines of one target must go through one sink, or they get mixed up. Throws CONFIG_INVALID when a file cannot be opened. */
export function openLogSink(options: LogSinkOptions): LogSink {
  return new BatchingSink(options);
}

const RETRY_MS = 20;
const FLUSH_WITHIN_MS = 1000;

/** Our own and not the logger's destination: that one waits for ever, and asleep, when it is flushed to a disk that is full. */
class BatchingSink implements LogSink {
  dropped = 0;
  readonly #o: LogSinkOptions;
  readonly #fd: number;
  #held = '';
  #isWriting = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(o: LogSinkOptions) {
    this.#o = o;
    this.#fd = typeof o.to === 'number' ? o.to : openFile(o.to);
  }

  write(line: string): void {
    if (this.#held.length + line.length > this.#o.maxHeldChars) {
      this.dropped++;
      return;
    }
    this.#held += line;
    if (this.#isWriting) return;
    if (this.#held.length >= this.#o.batchChars) this.#writeOut();
    else this.#timer ??= setTimeout(() => this.#writeOut(), this.#o.flushEveryMs).unref();
  }

  async flush(): Promise<void> {
    const until = performance.now() + FLUSH_WITHIN_MS;
    this.#writeOut();
    while ((this.#isWriting || this.#held !== '') && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      this.#writeOut();
    }
  }

  flushSync(): void {
    const batch = Buffer.from(this.#held);
    this.#held = '';
    let at = 0;
    try {
      while (at < batch.length) at += writeSync(this.#fd, batch, at);
    } catch {
      // Nowhere to write to, and nobody to tell.
      this.#drop(batch.subarray(at));
    }
  }

  /** One batch at a time, so that lines stay in order. */
  #writeOut(): void {
    if (this.#isWriting || this.#held === '') return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isWriting = true;
    const batch = Buffer.from(this.#held);
    this.#held = '';
    this.#writeFrom(batch, 0);
  }

  #writeFrom(batch: Buffer, at: number): void {
    write(this.#fd, batch, at, (error, written) => {
      if (systemCodeOf(error) === 'EAGAIN') {
        setTimeout(() => this.#writeFrom(batch, at), RETRY_MS);
        return;
      }
      if (error !== null) this.#drop(batch.subarray(at));
      else if (at + written < batch.length) {
        this.#writeFrom(batch, at + written);
        return;
      }
      this.#isWriting = false;
      if (this.#held.length >= this.#o.batchChars) this.#writeOut();
      else if (this.#held !== '') this.#timer ??= setTimeout(() => this.#writeOut(), this.#o.flushEveryMs).unref();
    });
  }

  #drop(lines: Buffer): void {
    for (let i = lines.indexOf(NEWLINE); i >= 0; i = lines.indexOf(NEWLINE, i + 1)) this.dropped++;
  }
}

const NEWLINE = 0x0a;

function openFile(path: string): number {
  try {
    return openSync(path, 'a', 0o640);
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `open log file ${path}: ${messageOf(error)}`, { cause: error });
  }
}
