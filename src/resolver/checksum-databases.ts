import { escapePath, escapeVersion, type ModulePath, type ModuleVersion } from '../gomod/module.ts';
import { sha256Hex } from '../gomod/sha256.ts';
import { sumdbPath, type SumdbRequest } from '../gomod/sumdb/request.ts';
import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { ChecksumDatabase, DatabaseAsk } from '../verify/checksum-database.ts';
import { Absences } from './negative.ts';
import type { CacheResult } from './resolver.ts';

/** A question that has the form databases understand. */
type DatabaseRequest = Exclude<SumdbRequest, { endpoint: 'malformed' }>;

/** What a checksum database said, fit to be sent. */
export interface DatabaseAnswer {
  /** Name of the database. */
  readonly source: string;
  readonly result: CacheResult;
  /** `hashes` = a tile of them; all else is text: heads, records, tiles of records. */
  readonly form: 'text' | 'hashes';
  /** The same object while it stays in memory, so what is prepared from it can be remembered in a WeakMap. */
  readonly bytes: Uint8Array;
  /** Hex SHA-256 of the body: the entity tag. */
  readonly sha256: string;
  /** How long anybody may keep it; Infinity = it can never be another. */
  readonly keepSeconds: number;
}

/** The checksum databases that are given out here. */
export interface ChecksumDatabases {
  /**
   * Rejects with NOT_FOUND (no such database here, record or tile; or `mayFetch` is `no` and it is not stored), POLICY_DENIED (the module is
   * private), and what the database rejects with. Says nothing of the client to anybody.
   */
  answer(request: DatabaseRequest, q: DatabaseQuery): Promise<DatabaseAnswer>;
}

type DatabaseQuery = Ask & Required<DatabaseAsk>;

/** A database and what it may be asked. */
export interface ServedDatabase {
  readonly database: ChecksumDatabase;
  /** Whether it may be asked for private modules. Only for our own ledger: others are run by somebody else, and a lookup tells the name. */
  readonly takesPrivate: boolean;
}

export interface ChecksumDatabasesParts {
  /** The allow-list, each name once. No other database is asked, whatever a request says. */
  readonly served: readonly ServedDatabase[];
  /** Whether the name of a module must not leave: the operator's GONOSUMDB patterns. */
  readonly isPrivate: (module: ModulePath) => boolean;
  readonly clock: Clock;
}

/** A module that a database does not know may be published in a moment: so long it is not asked about it again for clients, ms. */
const ABSENT_MS = 5000;
/** Modules of which that is remembered. */
const MOST_ABSENT = 4096;

/** Answers from the databases of `parts`. */
export function createChecksumDatabases({ served, isPrivate, clock }: ChecksumDatabasesParts): ChecksumDatabases {
  const byName = new Map(served.map((one) => [one.database.name, one]));
  const absences = new Absences(clock, MOST_ABSENT);
  const digests = new Digests();
  return {
    async answer(request, q) {
      const one = byName.get(request.name);
      if (one === undefined) throw notServed(request.name);
      if (request.endpoint === 'lookup' && !one.takesPrivate && isPrivate(request.module.path))
        throw privateModule(request.module, request.name);
      const { bytes, result } = await bodyOf(request, one, absences, q);
      return {
        source: request.name,
        result,
        form: request.endpoint === 'tile' && request.tile.level !== 'data' ? 'hashes' : 'text',
        bytes,
        sha256: digests.of(bytes),
        keepSeconds: KEEP_SECONDS[request.endpoint],
      };
    },
  };
}

/**
 * What a tile of a given width holds is settled for ever. A record is too, and the head that comes with it stays valid; but whoever keeps it keeps an old head
 * as well, so that clients behind a shared cache would see the log stand still: an hour. A head is news for seconds. `supported` is a promise about
 * this process, which its configuration can take back.
 */
const KEEP_SECONDS: Readonly<Record<DatabaseRequest['endpoint'], number>> = {
  tile: Number.POSITIVE_INFINITY,
  lookup: 3600,
  latest: 5,
  supported: 60,
};

interface Body {
  readonly bytes: Uint8Array;
  readonly result: CacheResult;
}

async function bodyOf(
  request: DatabaseRequest,
  { database, takesPrivate }: ServedDatabase,
  absences: Absences,
  q: DatabaseQuery,
): Promise<Body> {
  switch (request.endpoint) {
    case 'supported':
      if (!database.canServe()) throw notServed(request.name);
      return { bytes: NOTHING, result: 'hit' };
    case 'latest':
      // What is stored would do, and the log would seem to stand still: the database itself limits how often it asks.
      return { bytes: await database.latest({ signal: q.signal, mayFetch: q.mayFetch }), result: 'hit' };
    case 'lookup': {
      const lookUp: Read = (o) => database.lookup(request.module, o);
      // Our own finds out about a module in that moment, and costs nobody anything.
      return await storedFirst(takesPrivate ? lookUp : unlessAbsent(lookUp, sumdbPath(request), absences), q);
    }
    case 'tile':
      return await storedFirst((o) => database.tile(request.tile, o), q);
  }
}

const NOTHING = new Uint8Array(0);

type Read = (o: DatabaseAsk) => Promise<Uint8Array>;

/** `read`, which fetches nothing that was said a moment ago not to exist. What is stored is found all the same. */
function unlessAbsent(read: Read, key: string, absences: Absences): Read {
  return async (o) => {
    if (o.mayFetch === 'no') return await read(o);
    const absence = absences.get(key);
    if (absence !== undefined) throw absence;
    try {
      return await read(o);
    } catch (error) {
      if (isAppError(error, 'NOT_FOUND')) absences.remember(key, error, ABSENT_MS);
      throw error;
    }
  };
}

/** What is stored is a hit. Whatever kept it from being found, the second question tells the truth about. */
async function storedFirst(read: Read, q: DatabaseQuery): Promise<Body> {
  try {
    return { bytes: await read({ signal: q.signal, mayFetch: 'no' }), result: 'hit' };
  } catch (error) {
    if (q.mayFetch === 'no' || q.signal.aborted) throw error;
  }
  return { bytes: await read({ signal: q.signal, mayFetch: 'yes' }), result: 'miss' };
}

/** Hashes of bodies that are in memory, for as long as they are. */
class Digests {
  readonly #known = new WeakMap<Uint8Array, string>();

  of(bytes: Uint8Array): string {
    let digest = this.#known.get(bytes);
    if (digest === undefined) this.#known.set(bytes, (digest = sha256Hex(bytes)));
    return digest;
  }
}

function notServed(name: string): AppError {
  return new AppError('NOT_FOUND', `sumdb/${name}: this proxy does not give out that checksum database`);
}

function privateModule({ path, version }: ModuleVersion, database: string): AppError {
  const asked = `${escapePath(path)}@${escapeVersion(version)}`;
  return new AppError(
    'POLICY_DENIED',
    `look up ${asked} in ${database}: ${path} is private here and its name is not sent out; make GONOSUMDB or GOPRIVATE match it`,
  );
}
