/** A ledger over memory, and faults that a test can switch on. */
import type { Register } from '../../src/coordination/register.ts';
import { MemoryRegister } from '../../src/coordination/memory/memory-register.ts';
import { checkedRegister } from '../../src/coordination/checked.ts';
import type { ModuleVersion } from '../../src/gomod/module.ts';
import { moduleVersionOf } from '../../src/gomod/protocol.ts';
import { parseSignerKey } from '../../src/gomod/sumdb/key.ts';
import { systemClock } from '../../src/std/clock.ts';
import { AppError } from '../../src/std/errors.ts';
import { checkedStore } from '../../src/storage/checked.ts';
import { MemoryStore } from '../../src/storage/memory/memory-store.ts';
import type { BlobStore } from '../../src/storage/store.ts';
import { plainKeys } from './plain-log.ts';
import type { HeadCopy } from '../../src/ledger/head-copy.ts';
import { type Ledger, type LedgerParts, openLedger } from '../../src/ledger/ledger.ts';
import { createLog } from '../../src/ledger/log.ts';
import { RecordIndex } from '../../src/ledger/record-index.ts';

const CAPACITY = 256 * 1024 * 1024;

export const KEYS = plainKeys('sum.corp.test');
export const o = { signal: new AbortController().signal };

/** Which writes go wrong: `lost` ones have no effect, `kept` ones are done and their answer is lost. */
export type Fault = 'lost' | 'kept' | undefined;

/** The head in memory. */
class MemoryCopy implements HeadCopy {
  bytes: Uint8Array | undefined;
  fault: Fault;

  async read(): Promise<Uint8Array | undefined> {
    return this.bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await faulty(this.fault, async () => {
      this.bytes = bytes;
    });
  }
}

/** Everything that outlives a process. */
export class Ground {
  readonly #store = checkedStore(new MemoryStore({ capacityBytes: CAPACITY, now: Date.now }));
  /** Of writes of tiles. */
  tileFault: Fault;

  readonly store: BlobStore = {
    head: (key, ask) => this.#store.head(key, ask),
    open: (key, ask) => this.#store.open(key, ask),
    putIfAbsent: (key, body, ask) => faulty(this.tileFault, () => this.#store.putIfAbsent(key, body, ask)),
    publish: (key, bytes, ask) => this.#store.publish(key, bytes, ask),
    delete: (key, ask) => this.#store.delete(key, ask),
    list: (prefix, ask) => this.#store.list(prefix, ask),
  };
  readonly copy = new MemoryCopy();
  readonly retagged: unknown[] = [];
  readonly #registers: Register = checkedRegister(new MemoryRegister({ capacityBytes: CAPACITY }));
  /** Of writes to the register. */
  fault: Fault;

  readonly registers: Register = {
    read: (name, ask) => this.#registers.read(name, ask),
    create: (name, value, ask) => this.#registers.create(name, value, ask),
    replace: (old, value, ask) => faulty(this.fault, () => this.#registers.replace(old, value, ask)),
  };

  /** A process begins: the empty log is made when there is none. */
  async open(parts: Partial<LedgerParts> = {}): Promise<Ledger> {
    const signer = parts.signer ?? parseSignerKey(KEYS.signer);
    if ((await this.registers.read('ledger/head', o)) === undefined)
      await createLog(this.registers, signer.verifier, o);
    return await this.reopen(parts);
  }

  /** The same, on what is there. */
  async reopen(parts: Partial<LedgerParts> = {}): Promise<Ledger> {
    return await openLedger(
      {
        store: this.store,
        registers: this.registers,
        signer: parseSignerKey(KEYS.signer),
        copy: this.copy,
        index: new RecordIndex(':memory:'),
        discover: async () => undefined,
        observer: { onAppended: () => undefined, onRetagged: (event) => this.retagged.push(event) },
        clock: systemClock,
        ...parts,
      },
      o,
    );
  }
}

async function faulty<T>(fault: Fault, write: () => Promise<T>): Promise<T> {
  if (fault === undefined) return await write();
  if (fault === 'kept') await write();
  throw new AppError('STORE_UNAVAILABLE', 'write: the disk is away');
}

/** `corp.test/mN@v1.0.0`. */
export function moduleNumber(n: number): ModuleVersion {
  const module = moduleVersionOf(`corp.test/m${n}`, 'v1.0.0');
  if (module === undefined) throw new Error('not a module');
  return module;
}

/** A record of that module; another one for each `salt`. */
export function textOf(n: number, salt = ''): string {
  const hash = `h1:${Buffer.from(`${n}${salt}`.padStart(32, '-')).toString('base64')}`;
  return `corp.test/m${n} v1.0.0 ${hash}\ncorp.test/m${n} v1.0.0/go.mod ${hash}\n`;
}

const AT_ONCE = 5000;

/** Appends records `from` up to, not including, `end`, thousands at once. */
export async function appendMany(ledger: Ledger, from: number, end: number): Promise<void> {
  for (let at = from; at < end; at += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, end - at) }, (_, i) => at + i);
    await Promise.all(numbers.map((n) => ledger.append(moduleNumber(n), textOf(n), o)));
  }
}
