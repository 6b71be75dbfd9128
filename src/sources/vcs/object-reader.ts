import type { Running } from '../../io/subprocess.ts';
import { type Ask, throwIfAborted, waitFor } from '../../std/ask.ts';
import type { Clock } from '../../std/clock.ts';
import { AppError } from '../../std/errors.ts';
import { DamagedMirror } from './git-failure.ts';

/** A git object. Attacker-controlled. */
export interface GitObject {
  readonly hash: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** How long the process stays when nobody asks. */
const LINGER_MS = 5000;
/** Longest that the disk may take for one object. */
const ANSWER_MS = 60_000;
const HEADER = /^([0-9a-f]{40,64}) (commit|tree|blob|tag) (\d+)$/;

/**
 * Reads objects through one `git cat-file --batch` that stays while it is used: an object costs no process. One question at a time, in the order
 * of asking. Rejects with TOO_LARGE, UPSTREAM_TIMEOUT, ABORTED, and DamagedMirror when git is not content with its files.
 */
export class ObjectReader {
  readonly #open: () => Running;
  readonly #clock: Clock;
  #talk: Talk | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #stopLinger: () => void = () => undefined;

  /** `open` starts `git cat-file --batch` on the repository. */
  constructor(open: () => Running, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  /** The object that `name` (`HASH`, `HASH^{}` or `HASH:PATH`; without line end) stands for; undefined when there is none. TOO_LARGE past `maxBytes`. */
  async read(name: string, o: Ask & { readonly maxBytes: number }): Promise<GitObject | undefined> {
    throwIfAborted(o.signal);
    const answer = this.#last.then(() => {
      throwIfAborted(o.signal);
      return this.#ask(name, o.maxBytes);
    });
    this.#last = answer.catch(() => undefined);
    return await waitFor(answer, o.signal);
  }

  /** Ends the process; the next question starts another. */
  close(): void {
    this.#stopLinger();
    this.#talk?.end();
    this.#talk = undefined;
  }

  async #ask(name: string, maxBytes: number): Promise<GitObject | undefined> {
    this.#stopLinger();
    this.#talk ??= new Talk(this.#open());
    const late = this.#clock.after(ANSWER_MS, () => this.close());
    try {
      return await this.#talk.ask(name, maxBytes);
    } catch (error) {
      // Where it stands in its output is not known any more.
      this.close();
      throw error;
    } finally {
      late();
      this.#stopLinger();
      this.#stopLinger = this.#clock.after(LINGER_MS, () => this.close());
    }
  }
}

/** One process, and how far its output has been read. */
class Talk {
  readonly #process: Running;
  readonly #chunks: AsyncGenerator<Uint8Array, void, undefined>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(process: Running) {
    this.#process = process;
    this.#chunks = process.chunks();
  }

  end(): void {
    this.#process.kill(new AppError('UPSTREAM_TIMEOUT', 'read an object: the reader was ended'));
  }

  async ask(name: string, maxBytes: number): Promise<GitObject | undefined> {
    this.#process.stdin?.write(`${name}\n`);
    const header = (await this.#line()).toString('latin1');
    const [, hash, type, size] = HEADER.exec(header) ?? [];
    if (hash === undefined || type === undefined) return await this.#absent(header);
    if (Number(size) > maxBytes)
      throw new AppError('TOO_LARGE', `read an object: ${size} bytes, at most ${maxBytes} are allowed`);
    const bytes = await this.#take(Number(size));
    await this.#take(1);
    return { hash, type, bytes };
  }

  /** What git calls missing may be damaged: then it has complained, before it answered. */
  async #absent(header: string): Promise<undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    const stderr = this.#process.stderr();
    if (stderr !== '' || !/ (?:missing|ambiguous)$/.test(header)) throw new DamagedMirror({ exitCode: 0, stderr });
    return undefined;
  }

  async #line(): Promise<Buffer> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end >= 0) return (await this.#take(end + 1)).subarray(0, end);
      await this.#more();
    }
  }

  async #take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#rest.length === 0) await this.#more();
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  async #more(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done === true) throw new DamagedMirror(await this.#process.ended);
    const part = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.#rest = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
  }
}
