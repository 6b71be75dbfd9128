/** The ledger: records a second with durable heads, and its memory as the log grows. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Case, Ground, Row } from './cases.ts';
import { fresh } from './ground.ts';
import type { LedgerMark } from './ledger-appender.ts';

export const LEDGER_CASES: Readonly<Record<string, Case>> = {
  ledger: (ground) => appendRecords(ground, 1_000_000),
};

type Mark = LedgerMark & { readonly size: number };

/** Appends `records`, 256 waiting at a time, in a process of its own that runs as the launcher runs it. One row for each tenfold from 10,000 on. */
async function appendRecords(ground: Pick<Ground, 'scratch'>, records: number): Promise<readonly Row[]> {
  const root = dirname(fresh(ground, 'ledger'));
  const marks: Mark[] = [];
  const execArgv = readFileSync(join(import.meta.dirname, '../tools/node-flags'), 'utf8')
    .trim()
    .split(/\s+/);
  const child = fork(join(import.meta.dirname, 'ledger-appender.ts'), [root, String(records)], { execArgv });
  child.on('message', (mark) => marks.push(mark as Mark));
  const [code] = await once(child, 'exit');
  rmSync(root, { recursive: true, force: true });
  if (code !== 0) throw new Error(`the appender ended with ${code}`);
  return marks.map((mark) => rowOf(mark, marks[0]?.residentMb ?? 0));
}

function rowOf({ size, records, seconds, msMedian, msP99, residentMb }: Mark, firstMb: number): Row {
  const rate = records / seconds;
  return {
    name: `ledger, up to ${size.toLocaleString('en')} records`,
    subject: 'larder',
    figures: { 'records/s': rate, 'ms median': msMedian, 'ms p99': msP99, 'MB resident': residentMb, n: records },
    ratios: { 'memory to the first': residentMb / firstMb },
    goal: '≥ 1,000 records/s, memory flat (≤ 1.5 times that at 10,000)',
    reached: rate >= 1000 && residentMb <= firstMb * 1.5,
  };
}
