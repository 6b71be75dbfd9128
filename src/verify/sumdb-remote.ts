import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, type ErrorCode, isAppError, toAppError } from '../std/errors.ts';
import { firstAnswer } from './first-answer.ts';
import { isFork } from './fork-report.ts';
import type { DatabaseQuestion, VerifyObserver } from './observer.ts';
import { SharedWork } from './shared-work.ts';

/** One way to reach a checksum database: the database itself, or a proxy that relays it. What it sends is attacker-controlled. */
export interface SumdbRemote {
  /** Host that is asked, for logs. */
  readonly host: string;
  /** Whether this way serves the database; a proxy may not. Rejects when that cannot be told. */
  isUsable(o: Ask): Promise<boolean>;
  /** The body at `path`, which begins with `/`: `/lookup/...`, `/tile/...` or `/latest`. Rejects with NOT_FOUND or GONE when this way says that there is no such thing, else with UPSTREAM_*. */
  read(path: string, o: Ask & { readonly maxBytes: number }): Promise<Uint8Array>;
}

/** What was learnt of a way stays true for so long, ms. */
const USABLE_MS = 10 * 60_000;
/** So long a way is passed by that could not say whether it serves the database, ms. */
const UNTOLD_MS = 15_000;
/** So long after nobody could be reached it is not promised that somebody can be, ms. */
const OUT_MS = 30_000;
/** So long a way may be silent before the next one is asked as well, ms. */
const PATIENCE_MS = 3000;
/** Probes and questions under way at a time, of one way. */
const CONCURRENT = 1024;

export interface WaysParts {
  /** Name of the database. */
  readonly database: string;
  readonly remotes: readonly SumdbRemote[];
  readonly clock: Clock;
  readonly observer: VerifyObserver;
}

/** All ways to one database. The last one that worked is asked first, then the others in their order. */
export class Ways {
  readonly #parts: WaysParts;
  readonly #ways: readonly Way[];
  #preferred: Way | undefined;
  #outUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: WaysParts) {
    this.#parts = parts;
    this.#ways = parts.remotes.map((remote) => new Way(remote, parts));
  }

  /** Whether nobody could be reached a moment ago. */
  get isOut(): boolean {
    return this.#parts.clock.monotonic() < this.#outUntil;
  }

  /**
   * The first answer that `run` gets from a usable way; one that is silent for a while is not waited for alone. `attempted` begins the message of the
   * failure: NOT_FOUND when every usable way says so and there is one; SUMDB_INCONSISTENT when one of them sent what proves nothing; else SUMDB_UNAVAILABLE,
   * with `detail.unknown` when one of them said that there is no such thing. What is not the fault of a way ends it at once: a fork, our own store, the
   * caller's abort.
   */
  async ask<T>(attempted: string, run: (way: Way, o: Ask) => Promise<T>, o: Ask): Promise<T> {
    const failures: AppError[] = [];
    const tries = this.#inOrder().map((way) => async (asked: Ask) => {
      try {
        return (await way.isUsable(asked)) ? { way, answer: await run(way, asked) } : undefined;
      } catch (error) {
        const failure = toAppError(error, attempted);
        if (asked.signal.aborted || isFork(failure) || isAppError(failure, ...OURS)) throw failure;
        failures.push(failure);
        return undefined;
      }
    });
    const found = await firstAnswer(tries, { clock: this.#parts.clock, patienceMs: PATIENCE_MS }, o);
    if (found === undefined) throw this.#verdict(attempted, failures);
    this.#preferred = found.way;
    this.#outUntil = Number.NEGATIVE_INFINITY;
    return found.answer;
  }

  #inOrder(): readonly Way[] {
    const first = this.#preferred;
    return first === undefined ? this.#ways : [first, ...this.#ways.filter((way) => way !== first)];
  }

  #verdict(attempted: string, failures: readonly AppError[]): AppError {
    const lie = failures.find(({ code }) => code === 'SUMDB_INCONSISTENT');
    const outage = failures.find(({ code }) => code !== 'NOT_FOUND' && code !== 'GONE');
    const cause = lie ?? outage ?? failures[0];
    if (lie !== undefined) return new AppError('SUMDB_INCONSISTENT', `${attempted}: ${lie.message}`, { cause });
    if (outage === undefined && cause !== undefined)
      return new AppError('NOT_FOUND', `${attempted}: ${cause.message}`, { cause });
    this.#outUntil = this.#parts.clock.monotonic() + OUT_MS;
    const why = outage?.message ?? `no way leads to ${this.#parts.database}`;
    const unknown = failures.some((failure) => isAppError(failure, 'NOT_FOUND', 'GONE'));
    return new AppError('SUMDB_UNAVAILABLE', `${attempted}: ${why}`, {
      cause,
      ...(unknown && { detail: { unknown } }),
    });
  }
}

const OURS: readonly ErrorCode[] = ['STORE_UNAVAILABLE', 'STORE_CORRUPT', 'CONFLICT', 'OVERLOADED'];

/** One of them, with what was learnt of it. */
export class Way {
  readonly host: string;
  readonly #remote: SumdbRemote;
  readonly #parts: WaysParts;
  readonly #probes = new SharedWork<boolean>(1);
  readonly #reads = new SharedWork<Uint8Array>(CONCURRENT);
  #known: { readonly isUsable: boolean; readonly until: number } | undefined;
  #untold: { readonly error: AppError; readonly until: number } | undefined;

  constructor(remote: SumdbRemote, parts: WaysParts) {
    this.host = remote.host;
    this.#remote = remote;
    this.#parts = parts;
  }

  /** Whether this way serves the database; rejects when it could not say a moment ago. */
  async isUsable(o: Ask): Promise<boolean> {
    const now = this.#parts.clock.monotonic();
    if (this.#known !== undefined && now < this.#known.until) return this.#known.isUsable;
    if (this.#untold !== undefined && now < this.#untold.until) throw this.#untold.error;
    return await this.#probes.join('', (asked) => this.#probe(asked), o);
  }

  /** The body at `path`, at most `maxBytes`. Those who ask for the same at the same time share one request. */
  async read(
    kind: DatabaseQuestion['kind'],
    path: string,
    o: Ask & { readonly maxBytes: number },
  ): Promise<Uint8Array> {
    return await this.#reads.join(path, (asked) => this.#read(kind, path, { ...asked, maxBytes: o.maxBytes }), o);
  }

  async #probe(o: Ask): Promise<boolean> {
    const told = (ms: number): number => this.#parts.clock.monotonic() + ms;
    try {
      const isUsable = await this.#remote.isUsable(o);
      this.#known = { isUsable, until: told(USABLE_MS) };
      return isUsable;
    } catch (error) {
      const failure = toAppError(error, `ask ${this.#remote.host} whether it serves ${this.#parts.database}`);
      if (!o.signal.aborted) this.#untold = { error: failure, until: told(UNTOLD_MS) };
      throw failure;
    }
  }

  async #read(
    kind: DatabaseQuestion['kind'],
    path: string,
    o: Ask & { readonly maxBytes: number },
  ): Promise<Uint8Array> {
    const { clock, observer, database } = this.#parts;
    const remote = this.#remote.host;
    const start = clock.monotonic();
    const tell = (failure?: { readonly failure: string }): void =>
      observer.onDatabaseQuestion?.({ database, kind, remote, durationMs: clock.monotonic() - start, ...failure });
    try {
      const bytes = await this.#remote.read(path, o);
      if (bytes.length > o.maxBytes)
        throw new AppError('UPSTREAM_BAD_RESPONSE', `read ${path} from ${remote}: more than ${o.maxBytes} bytes`);
      tell();
      return bytes;
    } catch (error) {
      const failure = toAppError(error, `read ${path} from ${remote}`);
      tell({ failure: failure.code });
      throw failure;
    }
  }
}
