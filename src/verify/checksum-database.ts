import type { ModuleVersion } from '../gomod/module.ts';
import type { Tile } from '../gomod/sumdb/tile.ts';
import type { Ask } from '../std/ask.ts';

/** How a checksum database is asked. `mayFetch: 'no'` = for what is in memory or stored alone: nobody else is asked, and what is not there is NOT_FOUND. */
export interface DatabaseAsk extends Ask {
  readonly mayFetch?: 'yes' | 'no';
}

/**
 * A checksum database as clients ask it: another's, relayed after it was proven (verify/sumdb-client.ts), or our own (ledger/).
 * What it gives out is proven or its own, and consistent: any tile of any head it ever gave out can be had as long as the store lives.
 * Rejects with NOT_FOUND (it has no such record or tile), SUMDB_UNAVAILABLE (cannot tell now), SUMDB_INCONSISTENT (what it sent proves nothing, or
 * the log was forked), STORE_UNAVAILABLE, OVERLOADED or ABORTED.
 */
export interface ChecksumDatabase {
  /** `sum.golang.org`; may contain slashes. */
  readonly name: string;
  /** The signed tree head to be given out: a note. */
  latest(o: DatabaseAsk): Promise<Uint8Array>;
  /** The record of `module` with its number, and a signed tree head that contains it: the body of `/lookup/M@V`. */
  lookup(module: ModuleVersion, o: DatabaseAsk): Promise<Uint8Array>;
  /** The body of one tile, hashes or data, of exactly its width. The same object while it stays in memory. */
  tile(tile: Tile, o: DatabaseAsk): Promise<Uint8Array>;
  /** Whether it can serve at all: false only while nothing is stored and it cannot be reached either. */
  canServe(): boolean;
}

/** A record that was proven to be in the log, at the tree size it was proven for. */
export interface ProvenRecord {
  readonly database: string;
  /** Its number in the log. */
  readonly record: number;
  readonly treeSize: number;
  /** The authenticated lines, each ending in a newline. Nothing else of the reply means anything. */
  readonly text: string;
}
