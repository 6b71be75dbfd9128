/** A ledger in a folder, as a process opens it: for tests that kill processes, and for the bench. */
import { join } from 'node:path';
import { headCopy } from '../../src/app/ledger.ts';
import { openShelves } from '../../src/app/keep.ts';
import { parseSignerKey } from '../../src/gomod/sumdb/key.ts';
import { type Ledger, type LedgerParts, openLedger } from '../../src/ledger/ledger.ts';
import { createLog } from '../../src/ledger/log.ts';
import { RecordIndex } from '../../src/ledger/record-index.ts';
import { isAppError } from '../../src/std/errors.ts';
import { systemClock } from '../../src/std/clock.ts';
import { KEYS, o } from './ledger-ground.ts';

/** What is open. */
export interface DiskLedger extends Pick<LedgerParts, 'store' | 'registers' | 'copy'> {
  readonly ledger: Ledger;
  readonly close: () => Promise<void>;
}

/** Opens `root`/data, with the published head in `root`/head; makes the empty log when there is none. */
export async function openDiskLedger(root: string): Promise<DiskLedger> {
  const data = join(root, 'data');
  const shelves = await openShelves({ data });
  const { store, registers } = shelves;
  const signer = parseSignerKey(KEYS.signer);
  await createLog(registers, signer.verifier, o).catch((error: unknown) => {
    if (!isAppError(error, 'CONFLICT')) throw error;
  });
  const copy = headCopy({ data, ledger: { headFile: join(root, 'head') } });
  const ledger = await openLedger(
    {
      store,
      registers,
      signer,
      copy,
      index: new RecordIndex(join(data, 'ledger', 'index.sqlite')),
      discover: async () => undefined,
      observer: { onAppended: () => undefined, onRetagged: () => undefined },
      clock: systemClock,
    },
    o,
  );
  return {
    ledger,
    store,
    registers,
    copy,
    close: async () => {
      await ledger.close();
      await shelves.close();
    },
  };
}
