import { readFileSync } from 'node:fs';

/** Resident memory of a process now, or its peak so far, MiB. */
export function memoryMib(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) / 1024;
}
