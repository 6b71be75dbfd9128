import type { TempDirectory } from '../io/temp-directory.ts';
import type { Changes } from './changes.ts';
import { checkedRegister } from './checked.ts';
import { DiskChanges } from './disk/disk-changes.ts';
import { DiskLeaseBoard } from './disk/disk-leases.ts';
import { DiskRegister } from './disk/disk-register.ts';
import type { LeaseBoard, Leases } from './lease.ts';
import { MemoryLeaseBoard } from './memory/memory-leases.ts';
import { MemoryRegister } from './memory/memory-register.ts';
import { type LeaseTimes, TimedLeases } from './timed-leases.ts';
import type { Register } from './register.ts';

/** What an adapter may need from the program around it. */
export interface RegisterSurroundings {
  /** The opened data folder. */
  readonly root: string;
  readonly temp: TempDirectory;
}

/** A setting of an adapter, for the config schema and the documentation. */
interface RegisterOption {
  readonly name: string;
  readonly unit: 'bytes';
  readonly default: number;
  readonly summary: string;
}

interface RegisterAdapter {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly RegisterOption[];
  /** `options` holds a value for each of the adapter's options. */
  open(around: RegisterSurroundings, options: Readonly<Record<string, number>>): Register;
}

const CAPACITY = 256 * 1024 * 1024;

/** Every kind of register there is. A new backend is one folder and one entry here. */
export const REGISTER_ADAPTERS: readonly RegisterAdapter[] = [
  {
    name: 'disk',
    summary: 'files below the data folder, shared by the processes that share it',
    options: [],
    open: (around) => new DiskRegister(around),
  },
  {
    name: 'memory',
    summary: 'one process agrees with itself; for trials and tests',
    options: [{ name: 'capacityBytes', unit: 'bytes', default: CAPACITY, summary: 'all values together' }],
    open: (_around, { capacityBytes = CAPACITY }) => new MemoryRegister({ capacityBytes }),
  },
];

/** The register of that name behind the checks every caller relies on, or undefined when there is no such adapter. */
export function openRegister(
  name: string,
  around: RegisterSurroundings,
  options: Readonly<Record<string, number>> = {},
): Register | undefined {
  const adapter = REGISTER_ADAPTERS.find((one) => one.name === name);
  return adapter === undefined ? undefined : checkedRegister(adapter.open(around, options));
}

/** The boards that leases can be written on, by name. */
const LEASE_BOARDS: Readonly<Record<string, (around: RegisterSurroundings) => LeaseBoard>> = {
  disk: (around) => new DiskLeaseBoard(around),
  memory: () => new MemoryLeaseBoard(),
};

/** Leases on the board of that name, or undefined when there is no such adapter. To be closed. */
export function openLeases(name: string, around: RegisterSurroundings, times: LeaseTimes): Leases | undefined {
  const board = LEASE_BOARDS[name]?.(around);
  return board === undefined ? undefined : new TimedLeases(board, times);
}

/** News between processes by the adapter of that name, or undefined when there is no such adapter: one process has nobody to tell. To be closed. Throws STORE_UNAVAILABLE. */
export function openChanges(name: string, { root }: Pick<RegisterSurroundings, 'root'>): Changes | undefined {
  return name === 'disk' ? new DiskChanges({ root }) : undefined;
}
