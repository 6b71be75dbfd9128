/** A store and a register that outlive the nodes of a world, and fail as disks do. */
import type { LeaseBoard } from '../../src/coordination/lease.ts';
import { MemoryLeaseBoard } from '../../src/coordination/memory/memory-leases.ts';
import type { Held, Register } from '../../src/coordination/register.ts';
import { MemoryRegister } from '../../src/coordination/memory/memory-register.ts';
import type { Ask } from '../../src/std/ask.ts';
import type { Clock } from '../../src/std/clock.ts';
import { AppError } from '../../src/std/errors.ts';
import type { Spooled } from '../../src/std/spooled.ts';
import { MemoryStore } from '../../src/storage/memory/memory-store.ts';
import type { BlobInfo, BlobStore, ByteRange, StoredBlob } from '../../src/storage/store.ts';
import type { Dice } from './dice.ts';

/** What can be wrong with a store for a while. `unsure`: a write that is there is told as failed, and one that is not, too. */
const STORE_TROUBLES = ['no-reads', 'no-writes', 'unsure', 'slow'] as const;

/** When the store is in trouble, and in which. */
export interface StorePlan {
  readonly trouble?: { readonly kind: (typeof STORE_TROUBLES)[number]; readonly from: number; readonly to: number };
  /** How long an operation may take that takes time at all, ms. */
  readonly paceMs: number;
  /** When a bit of something stored flips. */
  readonly rotsAt?: number;
}

/** Most stores are sound. */
export function planStore(dice: Dice): StorePlan {
  const from = dice.between(0, 10_000);
  const kind = dice.pick(STORE_TROUBLES);
  return {
    paceMs: dice.pick([2, 10, 200]),
    ...(dice.chance(0.35) && { trouble: { kind, from, to: from + dice.between(100, 20_000) } }),
    ...(dice.chance(0.1) && { rotsAt: dice.between(500, 20_000) }),
  };
}

/** What is stored, whoever looks. */
export class SimDisk {
  readonly blobs: MemoryStore;
  readonly values = new MemoryRegister({ capacityBytes: 1 << 20 });
  readonly #plan: StorePlan;
  readonly #clock: Clock;
  readonly #dice: Dice;
  /** Set when everything is over: nothing is wrong any more. */
  isHealed = false;

  constructor(plan: StorePlan, clock: Clock, dice: Dice) {
    this.#plan = plan;
    this.#clock = clock;
    this.#dice = dice;
    this.blobs = new MemoryStore({ capacityBytes: 1 << 20, now: () => clock.now() });
  }

  /** Does `work` as the disk stands now: late, not at all, or without saying so. */
  async operate<T>(kind: 'read' | 'write', o: Ask, work: () => Promise<T>): Promise<T> {
    const trouble = this.#trouble();
    if (trouble === 'slow') await this.#clock.sleep(this.#dice.between(1, 2000), o);
    else if (this.#dice.chance(0.25)) await this.#clock.sleep(this.#dice.between(0, this.#plan.paceMs), o);
    if (kind === 'read' && trouble === 'no-reads') throw failed();
    if (kind === 'write' && trouble === 'no-writes') throw failed();
    if (kind === 'read' || trouble !== 'unsure' || this.#dice.chance(0.5)) return await work();
    if (this.#dice.chance(0.5)) await work();
    throw failed();
  }

  /** Flips a bit of one stored blob, if there is one. Told which. */
  async rot(): Promise<string | undefined> {
    const keys: BlobInfo[] = [];
    for await (const info of this.blobs.list('', NEVER)) keys.push(info);
    const victims = keys.filter(({ sizeBytes }) => sizeBytes > 0);
    if (victims.length === 0) return undefined;
    const { key, sizeBytes } = this.#dice.pick(victims);
    const blob = await this.blobs.open(key, NEVER);
    const bytes = Buffer.alloc(sizeBytes);
    await blob?.reader.pull(bytes);
    await blob?.reader.close();
    const at = this.#dice.between(0, sizeBytes - 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#dice.between(0, 7));
    await this.blobs.publish(key, bytes, NEVER);
    return key;
  }

  #trouble(): string | undefined {
    const { trouble } = this.#plan;
    const now = this.#clock.monotonic();
    return !this.isHealed && trouble !== undefined && trouble.from <= now && now < trouble.to
      ? trouble.kind
      : undefined;
  }
}

const NEVER: Ask = { signal: new AbortController().signal };

function failed(): AppError {
  return new AppError('STORE_UNAVAILABLE', 'the disk is in trouble');
}

/** The disk as the blob store of a node. */
export class SimStore implements BlobStore {
  readonly #disk: SimDisk;

  constructor(disk: SimDisk) {
    this.#disk = disk;
  }

  head(key: string, o: Ask): Promise<BlobInfo | undefined> {
    return this.#disk.operate('read', o, () => this.#disk.blobs.head(key, o));
  }

  open(key: string, o: Ask & { readonly range?: ByteRange }): Promise<StoredBlob | undefined> {
    return this.#disk.operate('read', o, () => this.#disk.blobs.open(key, o));
  }

  putIfAbsent(key: string, body: Spooled, o: Ask): Promise<'created' | 'exists'> {
    return this.#disk.operate('write', o, () => this.#disk.blobs.putIfAbsent(key, body, o));
  }

  publish(key: string, bytes: Uint8Array, o: Ask): Promise<void> {
    return this.#disk.operate('write', o, () => this.#disk.blobs.publish(key, bytes, o));
  }

  delete(key: string, o: Ask): Promise<void> {
    return this.#disk.operate('write', o, () => this.#disk.blobs.delete(key, o));
  }

  async *list(prefix: string, o: Ask & { readonly after?: string }): AsyncIterable<BlobInfo> {
    await this.#disk.operate('read', o, () => Promise.resolve());
    yield* this.#disk.blobs.list(prefix, o);
  }
}

/** The disk as the register of a node. */
export class SimRegister implements Register {
  readonly #disk: SimDisk;

  constructor(disk: SimDisk) {
    this.#disk = disk;
  }

  read(name: string, o: Ask): Promise<Held | undefined> {
    return this.#disk.operate('read', o, () => this.#disk.values.read(name, o));
  }

  create(name: string, value: Uint8Array, o: Ask): Promise<Held> {
    return this.#disk.operate('write', o, () => this.#disk.values.create(name, value, o));
  }

  replace(old: Held, value: Uint8Array, o: Ask): Promise<Held> {
    return this.#disk.operate('write', o, () => this.#disk.values.replace(old, value, o));
  }
}

/** A board that lies on the disk, and is in trouble with it. */
export function leaseBoardOn(disk: SimDisk): LeaseBoard {
  const board = new MemoryLeaseBoard();
  return {
    look: (name, o) => disk.operate('read', o, () => board.look(name, o)),
    claim: (name, after, o) => disk.operate('write', o, () => board.claim(name, after, o)),
    sweep: () => board.sweep(),
  };
}
