import { setTimeout as sleep } from 'node:timers/promises';
import { type AppError, isAppError } from '../std/errors.ts';
import type { HttpAnswer, HttpAsk, HttpOk } from './http-client.ts';

/** Requests for the rest of one body, however they end. */
const MAX_RESUMES = 6;
/** Longest pause before the first of them; twice as long before each next one, up to a bound. */
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;

/** What resuming needs of the client. */
export interface ResumeParts {
  get(ask: HttpAsk): Promise<HttpAnswer>;
  /** In [0, 1). */
  readonly random: () => number;
  /** For the whole body, however often it is resumed, ms. */
  readonly totalTimeoutMs: number;
  /** No further request begins when nothing has come for so long, ms: clients and the next source wait meanwhile. */
  readonly silenceMs: number;
}

/**
 * `get` with a body that goes on where it was cut or stalled, as long as the other side gives exactly the rest: possible when the answer told its
 * length and named its bytes. In the end it is the hash that proves that the parts belong together. When it cannot go on it fails as it was cut.
 */
export async function getResumable(ask: HttpAsk, parts: ResumeParts): Promise<HttpAnswer> {
  const until = performance.now() + parts.totalTimeoutMs;
  const first = await parts.get(ask);
  if (first.kind === 'refused') return first;
  const { sizeBytes, validator } = first;
  if (sizeBytes === undefined || validator === undefined) return first;
  const resumable = new ResumableBody(first, ask, { ...parts, until, sizeBytes, validator });
  return { ...first, body: resumable.pieces(), discard: () => resumable.discard() };
}

interface Known extends Pick<ResumeParts, 'get' | 'random' | 'silenceMs'> {
  readonly sizeBytes: number;
  readonly validator: string;
  /** By performance.now(). */
  readonly until: number;
}

class ResumableBody {
  readonly #ask: HttpAsk;
  readonly #known: Known;
  readonly #left = new AbortController();
  #part: HttpOk;
  #received = 0;
  #resumes = 0;
  #lastCameAt = performance.now();

  constructor(first: HttpOk, ask: HttpAsk, known: Known) {
    this.#part = first;
    this.#ask = { ...ask, signal: AbortSignal.any([ask.signal, this.#left.signal]) };
    this.#known = known;
  }

  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      try {
        for await (const piece of this.#part.body) {
          this.#received += piece.byteLength;
          this.#lastCameAt = performance.now();
          yield piece;
        }
        return;
      } catch (error) {
        if (this.#received === this.#known.sizeBytes) return;
        this.#part = await this.#rest(error);
      }
    }
  }

  discard(): void {
    this.#left.abort();
    this.#part.discard();
  }

  /** The rest. Rejects with `failure` when it cannot be had. */
  async #rest(failure: unknown): Promise<HttpOk> {
    if (!isOutage(failure)) throw failure;
    const giveUpAt = this.#lastCameAt + this.#known.silenceMs;
    while (this.#resumes < MAX_RESUMES && performance.now() < giveUpAt) {
      await this.#pause(failure);
      const answer = await this.#askOnce(failure);
      if (answer !== undefined) return answer;
    }
    throw failure;
  }

  async #pause(failure: AppError): Promise<void> {
    const ms = this.#known.random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#resumes++);
    await sleep(ms, undefined, { signal: this.#ask.signal }).catch(() => Promise.reject(failure));
  }

  /** Undefined = it may be there the next time. Throws `failure` for what no further request would change. */
  async #askOnce(failure: AppError): Promise<HttpOk | undefined> {
    const { get, sizeBytes, validator, until } = this.#known;
    const totalTimeoutMs = Math.floor(until - performance.now());
    if (totalTimeoutMs <= 0) throw failure;
    const rest = { startAt: this.#received, sizeBytes, validator };
    try {
      const answer = await get({ ...this.#ask, totalTimeoutMs, rest });
      if (answer.kind === 'ok') return answer;
      if (answer.status >= 500 || answer.status === 429) return undefined;
    } catch (error) {
      if (isOutage(error)) return undefined;
    }
    throw failure;
  }
}

/** Whether the other side could not be reached or broke off, which may be over the next moment. */
function isOutage(error: unknown): error is AppError {
  return isAppError(error, 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT');
}
