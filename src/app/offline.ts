import type { Credentials } from '../credentials/credentials.ts';
import type { Outside } from '../io/egress/outside.ts';
import type { Ask } from '../std/ask.ts';
import type { Pool, PoolAnswer, PoolQuestion } from '../upstream/asking.ts';
import type { Pools } from './pools.ts';

/** `pools` as they may be asked: those that are not `here`, on this machine, only while `outside` is open. */
export function askedWhileOpen(
  pools: ReadonlyMap<string, Pool>,
  here: ReadonlySet<string>,
  outside: Outside,
): ReadonlyMap<string, Pool> {
  return new Map(
    [...pools].map(([name, pool]): [string, Pool] => [name, here.has(name) ? pool : new OpenPool(pool, outside)]),
  );
}

/** `credentials`, whose programs are not asked while `outside` is shut: who knows whom they ask. */
export function credentialsWhileOpen(credentials: Credentials, outside: Outside): Credentials {
  return {
    http: async (url, { signal }) => {
      outside.require(`ask for the credentials of ${url.host}`);
      return await credentials.http(url, { signal: AbortSignal.any([signal, outside.signal]) });
    },
    refused: (url, status) => credentials.refused(url, status),
    ssh: (url) => credentials.ssh(url),
    advice: (url) => credentials.advice(url),
  };
}

/** Probes upstreams, but not while `outside` is shut. */
export function probeWhileOpen(pools: Pools, outside: Outside): void {
  const probe = (isShut: boolean): void => {
    if (!isShut) return pools.start();
    for (const engine of pools.engines.values()) engine.stop();
  };
  probe(outside.isShut);
  outside.onChange(probe);
}

/** While nothing outside may be touched: OFFLINE, before anybody is asked; what is under way then ends so, too. */
class OpenPool implements Pool {
  readonly name: string;
  readonly #pool: Pool;
  readonly #outside: Outside;

  constructor(pool: Pool, outside: Outside) {
    this.name = pool.name;
    this.#pool = pool;
    this.#outside = outside;
  }

  get isUsable(): boolean {
    return !this.#outside.isShut && this.#pool.isUsable;
  }

  get isWatched(): boolean {
    return this.#pool.isWatched;
  }

  async first<T>(question: PoolQuestion<T>, o: Ask): Promise<PoolAnswer<T>> {
    return await this.#pool.first(question, this.#open(`${question.attempted} from ${this.name}`, o));
  }

  async all<T>(question: PoolQuestion<T>, o: Ask): Promise<readonly PoolAnswer<T>[]> {
    return await this.#pool.all(question, this.#open(`${question.attempted} from ${this.name}`, o));
  }

  async usable(o: Ask): Promise<void> {
    await this.#pool.usable(this.#open(`wait for ${this.name}`, o));
  }

  async again(o: Ask): Promise<void> {
    await this.#pool.again(this.#open(`ask ${this.name} again`, o));
  }

  #open(attempted: string, { signal }: Ask): Ask {
    this.#outside.require(attempted);
    return { signal: AbortSignal.any([signal, this.#outside.signal]) };
  }
}
