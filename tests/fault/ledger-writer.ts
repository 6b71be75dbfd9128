/**
 * A process that logs records until it is killed: `ledger-writer.ts <folder> <run> [early]`. Prints `ready`, then `ack <n> <record>` for each record that
 * was acknowledged and `head <size> <root>` for each head that was given out. `early` acknowledges before the ledger does: what a checker must catch.
 */
import { writeSync } from 'node:fs';
import { openDiskLedger } from '../fakes/disk-ledger.ts';
import { moduleNumber, o, textOf } from '../fakes/ledger-ground.ts';

/** So many numbers belong to each run. */
const OWN = 100_000;
const AT_ONCE = 40;

const [root = '', run = '0', mode = 'durable'] = process.argv.slice(2);
const { ledger } = await openDiskLedger(root);

writeSync(1, 'ready\n');
for (let first = 0; ; first += AT_ONCE) {
  // Every fourth is offered by all runs.
  const numbers = Array.from({ length: AT_ONCE }, (_, i) =>
    i % 4 === 0 ? first + i : (Number(run) + 1) * OWN + first + i,
  );
  await Promise.all(numbers.map((n) => append(n)));
  const [, size = '', root64 = ''] = Buffer.from(await ledger.latest(o))
    .toString()
    .split('\n');
  writeSync(1, `head ${size} ${root64}\n`);
}

async function append(n: number): Promise<void> {
  if (mode === 'early') writeSync(1, `ack ${n} ?\n`);
  const { record } = await ledger.append(moduleNumber(n), textOf(n), o);
  if (mode !== 'early') writeSync(1, `ack ${n} ${record}\n`);
}
