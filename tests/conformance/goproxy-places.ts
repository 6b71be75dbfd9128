/** Where the requests of a replayed trace go: `$P` in GOPROXY and GOSUMDB, and the Larders behind it. */
import { VERIFIER_KEY } from './goproxy-content.ts';
import { type ServedLarder, serveLarder } from './goproxy-larder.ts';
import type { Destination } from './goproxy-recorder.ts';
import { type Row, stringAt } from './suite.ts';

/** What `$P` and the paths below it stand for in a trace. */
export interface Places {
  /** Paths that are used as bases in GOPROXY, longest first: `/emptylist`. */
  readonly bases: readonly string[];
  /** `NAME+HASH+KEY` of the checksum database that Larders check against; undefined for none. */
  readonly database: string | undefined;
  /** The path that is given as the address of the database: `/sumdb-direct`. */
  readonly databasePlace: string | undefined;
}

/** The Larders of a run: one for each way of the upstream to misbehave, made when first needed. */
export class Larders {
  readonly #origin: string;
  readonly #served = new Map<string, Promise<ServedLarder | undefined>>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Where a raw path goes. */
  async route(path: string, { bases, database, databasePlace }: Places): Promise<Destination> {
    if (database !== undefined && databasePlace !== undefined && path.startsWith(`${databasePlace}/`)) {
      const base = await this.#baseOf('', `${database} ${this.#origin}${databasePlace}`);
      return { base, path: `/sumdb/${nameOf(database)}${path.slice(databasePlace.length)}` };
    }
    const name = bases.find((one) => path.startsWith(`${one}/`)) ?? '';
    return { base: await this.#baseOf(name, database), path: path.slice(name.length) };
  }

  async #baseOf(name: string, database = 'off'): Promise<string> {
    const key = `${name} ${database}`;
    let served = this.#served.get(key);
    if (served === undefined)
      this.#served.set(key, (served = serveLarder(this.#origin + name, { database: database })));
    const larder = await served;
    if (larder === undefined) throw new Error(`a Larder for ${this.#origin}${name} and ${database} is not possible`);
    return larder.base;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#served.values()].map(async (one) => (await one)?.stop()));
  }
}

/** The places that the steps of one trace use. */
export function placesIn(steps: readonly Row[]): Places {
  const bases = steps.flatMap((step) =>
    [...goproxyOf(step).matchAll(/(?:\$P|\$HOST\/mod)(\/[^\s,|?]*[^\s,|?/])/g)].map(([, name = '']) => name),
  );
  const [database, address] = steps.map(gosumdbOf).find(isDatabase)?.split(' ') ?? [];
  return {
    bases: [...new Set(bases)].toSorted((a, b) => b.length - a.length),
    database: database ?? (steps.some(namesToolchain) ? VERIFIER_KEY : undefined),
    databasePlace: address?.replace('$P', ''),
  };
}

/** Toolchains are checked by Larder also where nothing else is. */
function namesToolchain(step: Row): boolean {
  return JSON.stringify(step['requests']).includes('/golang.org/toolchain/');
}

/** GOPROXY of a step, as it stands in the data. */
export function goproxyOf(step: Row): string {
  return stringAt((step['env'] ?? {}) as Row, 'GOPROXY');
}

function gosumdbOf(step: Row): string {
  return stringAt((step['env'] ?? {}) as Row, 'GOSUMDB');
}

function isDatabase(gosumdb: string): boolean {
  return gosumdb !== '' && gosumdb !== 'off';
}

/** Of a verifier key. */
function nameOf(key: string): string {
  return key.slice(0, key.indexOf('+'));
}
