import type { Prover } from '../artifacts/stored-proofs.ts';
import type { Config } from '../config/schema.ts';
import { catchUp } from '../ledger/cover.ts';
import { Log } from '../ledger/log.ts';
import { RecordIndex } from '../ledger/record-index.ts';
import type { Ask } from '../std/ask.ts';
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
  const ledger = await ledgerProver(o);
  return [storedDatabase(config, o.shelves), ...(ledger === undefined ? [] : [ledger])];
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

/** With an index of its own: that of the log may be in the hands of a server. */
async function ledgerProver({
  shelves,
  closing,
  signal,
}: Ask & { readonly shelves: Shelves; readonly closing: Closing }): Promise<Prover | undefined> {
  const log = await Log.open(shelves, { signal });
  if (log === undefined) return undefined;
  const index = new RecordIndex(shelves.folder.temp.newPath());
  closing.add(() => index.close());
  await catchUp(index, log, { signal });
  const { name } = log.key;
  return {
    name,
    proveStored: async (module, o) => {
      const record = index.find(module);
      if (record === undefined) return undefined;
      return { database: name, record, treeSize: log.head.size, text: await log.view.record(record, o) };
    },
  };
}
