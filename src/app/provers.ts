import type { Prover } from '../artifacts/stored-proofs.ts';
import type { Config } from '../config/schema.ts';
import { catchUp } from '../ledger/cover.ts';
import { Log } from '../ledger/log.ts';
import { RecordIndex } from '../ledger/record-index.ts';
import type { ModuleVersion } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import type { ProvenRecord } from '../verify/checksum-database.ts';
import { systemClock } from '../std/clock.ts';
import { StoredDatabase } from '../verify/stored-database.ts';
import type { Closing } from './closing.ts';
import { databaseSettings } from './databases.ts';
import type { Keep } from './keep.ts';

type Shelves = Pick<Keep, 'store' | 'registers' | 'folder'>;

/**
 * The databases that prove what is stored here, as far as what is stored of them goes: the one in the configuration, and our ledger when there is one. They
 * have no way to ask anybody, and need no key that signs. Rejects with STORE_UNAVAILABLE, or STORE_CORRUPT when the ledger as a whole is damaged.
 */
export async function openProvers(
  config: Config,
  o: Ask & { readonly shelves: Shelves; readonly closing: Closing },
): Promise<readonly Prover[]> {
  const ledger = await openStoredLedger(o);
  if (ledger === undefined) return [storedDatabase(config, o.shelves)];
  return [
    storedDatabase(config, o.shelves),
    { name: ledger.name, proveStored: (module, ask) => ledger.find(module, ask) },
  ];
}

function storedDatabase(config: Config, { store, registers }: Shelves): Prover {
  return new StoredDatabase({
    setting: databaseSettings(config).proving,
    store,
    registers,
    clock: systemClock,
    observer: { onSecurityEvent: () => undefined },
    limits: { tileMemoryBytes: config.sumdb.tileMemory },
  });
}

/** What is logged, without the key that signs; undefined when no ledger is stored. */
interface StoredLedger {
  readonly name: string;
  find(module: ModuleVersion, o: Ask): Promise<ProvenRecord | undefined>;
}

/** Reads the ledger, with an index of its own: that of the log may be in the hands of a server. Rejects as openProvers does. */
export async function openStoredLedger({
  shelves,
  closing,
  signal,
}: Ask & { readonly shelves: Shelves; readonly closing: Closing }): Promise<StoredLedger | undefined> {
  const log = await Log.open(shelves, { signal });
  if (log === undefined) return undefined;
  const index = new RecordIndex(shelves.folder.temp.newPath());
  closing.add(() => index.close());
  await catchUp(index, log, { signal });
  const { name } = log.key;
  return {
    name,
    find: async (module, o) => {
      const record = index.find(module);
      if (record === undefined) return undefined;
      return { database: name, record, treeSize: log.head.size, text: await log.view.record(record, o) };
    },
  };
}
