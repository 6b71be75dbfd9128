/** A ledger on disk, fed by many at once, as a process of its own: `ledger-appender.ts <folder> <records>`. Tells its parent after each tenfold, and at the end. */
import { readFileSync } from 'node:fs';
import { openDiskLedger } from '../tests/fakes/disk-ledger.ts';
import { moduleNumber, o, textOf } from '../tests/fakes/ledger-ground.ts';
import { percentile } from './load.ts';

/** Appends that wait at a time: a company's builds at once. */
const AT_ONCE = 256;
const FIRST_MARK = 10_000;
/** Every so many appends one is timed: a million numbers would be memory of their own. */
const SAMPLED = 10;

/** What is told at a mark. */
export interface LedgerMark {
  readonly records: number;
  readonly seconds: number;
  readonly msMedian: number;
  readonly msP99: number;
  /** Resident memory at the mark, MB. */
  readonly residentMb: number;
}

const [root = '', wanted = '0'] = process.argv.slice(2);
const { ledger, close } = await openDiskLedger(root);
const total = Number(wanted);
let next = 0;
let each: number[] = [];
let mark = Math.min(FIRST_MARK, total);
let startedAt = performance.now();

async function client(): Promise<void> {
  while (next < mark) {
    const n = next++;
    const begun = performance.now();
    await ledger.append(moduleNumber(n), textOf(n), o);
    if (n % SAMPLED === 0) each.push(performance.now() - begun);
  }
}

for (let done = 0; done < total; done = mark, mark = Math.min(mark * 10, total)) {
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  const seconds = (performance.now() - startedAt) / 1000;
  const told: LedgerMark = {
    records: mark - done,
    seconds,
    msMedian: percentile(each, 50),
    msP99: percentile(each, 99),
    residentMb: residentMb(),
  };
  process.send?.({ ...told, size: mark });
  each = [];
  startedAt = performance.now();
}
await close();
process.disconnect?.();

function residentMb(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}
