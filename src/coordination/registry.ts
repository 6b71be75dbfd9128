import type { TempDirectory } from '../io/temp-directory.ts';
import { checkedRegister } from './checked.ts';
import { DiskRegister } from './disk/disk-register.ts';
import { MemoryRegister } from './memory/memory-register.ts';
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
