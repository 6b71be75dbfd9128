/** Clients that ask for something that is stored nowhere yet, at random moments, whatever the answers take; and what they saw. */
import { get } from 'node:http';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { bodyOf } from './member.ts';

/** One request as its client saw it. */
export interface Seen {
  /** performance.now() */
  readonly at: number;
  readonly path: string;
  readonly tookMs: number;
  /** -1 = 200 with other bytes than the right ones, 0 = none. */
  readonly status: number;
  /** What stood in the place of the right answer. */
  readonly said?: string;
}

/** Longer than any deadline of the server. */
const PATIENCE_MS = 90_000;
/** So that a canary sees its part of them. */
const MODULES = 997;

/** More are not open at a time: a machine that is too slow for the rate gets fewer, not a flood that no server could answer. Three times what failing over needs. */
const MOST_OPEN = 150;

export interface ClientsOptions {
  readonly base: string;
  readonly perSecond: number;
  /** The same seed asks at the same moments for the same things. */
  readonly seed: number;
}

export class Clients {
  readonly seen: Seen[] = [];
  readonly #options: ClientsOptions;
  readonly #random: () => number;
  readonly #open = new Set<Promise<unknown>>();
  #timer: NodeJS.Timeout | undefined;
  #nth = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  start(): this {
    this.#next(performance.now());
    return this;
  }

  /** Resolves when all have their answers. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(this.#open);
  }

  /** How many there were so far. */
  get count(): number {
    return this.#nth;
  }

  /** One now. Info and go.mod in turns, always of a version that nobody asked for. */
  async ask(): Promise<Seen> {
    const nth = this.#nth++;
    const seen = await askOnce(this.#options.base, pathOf(nth));
    this.seen.push(seen);
    return seen;
  }

  #begin(): void {
    const asking = this.ask().finally(() => this.#open.delete(asking));
    this.#open.add(asking);
  }

  #next(due: number): void {
    const next = due - (Math.log(1 - this.#random()) * 1000) / this.#options.perSecond;
    this.#timer = setTimeout(
      () => {
        if (this.#open.size < MOST_OPEN) this.#begin();
        this.#next(next);
      },
      Math.max(0, next - performance.now()),
    );
  }
}

/** What the request asks for. */
export function pathOf(nth: number): string {
  return `/example.com/m${nth % MODULES}/@v/v1.0.${nth}.${nth % 2 === 0 ? 'info' : 'mod'}`;
}

/** Which request of its clients has this path, from 0. */
export function nthOf(path: string): number {
  return Number(/\/v1\.0\.(\d+)\.(?:info|mod)$/.exec(path)?.[1] ?? -1);
}

/** One request on a connection of its own: one that is kept may be closed under it, which would be nobody's fault. */
export async function askOnce(base: string, path: string): Promise<Seen> {
  const at = performance.now();
  const { promise, resolve } = Promise.withResolvers<{ status: number; text: string }>();
  const failed = (error: Error): void => resolve({ status: 0, text: error.message });
  const request = get(base + path, { agent: false, signal: AbortSignal.timeout(PATIENCE_MS) }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (data: string) => (text += data));
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', failed);
  });
  request.on('error', failed);
  const { status, text } = await promise;
  const isWrong = status === 200 && text !== bodyOf(path);
  const isGood = status === 200 && !isWrong;
  return { at, path, tookMs: performance.now() - at, status: isWrong ? -1 : status, ...(!isGood && { said: text }) };
}

/** Of times, ms. */
export interface Times {
  readonly n: number;
  readonly median: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export function timesOf(values: readonly number[]): Times {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.max(0, Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
  return { n: sorted.length, median: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}
