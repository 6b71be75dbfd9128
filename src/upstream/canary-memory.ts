import type { Ask } from '../std/ask.ts';

/** Where a canary stood. */
export interface CanaryRecord {
  /** Of the modules: 0 = it was rolled back, 100 = it came through. */
  readonly percent: number;
  /** Since when, wall ms. */
  readonly since: number;
  /** Whether it was rolled back for wrong bytes. */
  readonly hasLied: boolean;
}

/** What is remembered of one canary beyond this process, and by all that share it. */
export interface CanaryMemory {
  /** Undefined when nothing is, or nothing that can be read. Rejects when that cannot be told. */
  read(o: Ask): Promise<CanaryRecord | undefined>;
  /** In the place of what `read` gave last; fails with CONFLICT when that is not the last word any more. */
  write(record: CanaryRecord, o: Ask): Promise<void>;
}
