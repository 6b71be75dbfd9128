/** Small things that several cases need. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Ground, Row } from './cases.ts';
import { median, percentile } from './load.ts';
import { type Database, startDatabase } from './processes.ts';

/** An empty data folder, named for its case. */
export function fresh({ scratch }: { readonly scratch: string }, name: string): string {
  const folder = join(scratch, name, 'data');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The figures that every series of latencies is told by. */
export function latencies(each: readonly number[]): Readonly<Record<string, number>> {
  return { 'ms median': median(each), 'ms p99': percentile(each, 99), n: each.length };
}

/** What `measure` finds with a checksum database of the modules that are measured. */
export async function withDatabase(
  ground: Ground,
  measure: (database: Database) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const database = await startDatabase(ground.tree.folder);
  try {
    return await measure(database);
  } finally {
    await database.stop();
  }
}
