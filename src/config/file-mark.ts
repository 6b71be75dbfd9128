import type { BigIntStats } from 'node:fs';

/** What tells one state of a file from another; the same text = unchanged. Of facts with 64-bit numbers, for times to the nanosecond. */
export function fileMark({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs}`;
}
