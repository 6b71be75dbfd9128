import type { Ask } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import { conflict, type Held, type Register } from '../register.ts';

export interface MemoryRegisterOptions {
  /** Bytes of all values together; more is STORE_UNAVAILABLE. */
  readonly capacityBytes: number;
}

/** Values that one process agrees on with itself, and forgets when it ends. */
export class MemoryRegister implements Register {
  readonly #held = new Map<string, Held>();
  readonly #capacityBytes: number;
  #sizeBytes = 0;
  #generation = 0;

  constructor({ capacityBytes }: MemoryRegisterOptions) {
    this.#capacityBytes = capacityBytes;
  }

  async read(name: string, _o: Ask): Promise<Held | undefined> {
    return this.#held.get(name);
  }

  async create(name: string, value: Uint8Array, _o: Ask): Promise<Held> {
    if (this.#held.has(name)) throw conflict(name, 'it has a value already');
    return this.#set(name, value);
  }

  async replace(old: Held, value: Uint8Array, _o: Ask): Promise<Held> {
    if (this.#held.get(old.name)?.token !== old.token)
      throw conflict(old.name, 'the value it was to replace is no longer current');
    return this.#set(old.name, value);
  }

  #set(name: string, value: Uint8Array): Held {
    const sizeBytes = this.#sizeBytes - (this.#held.get(name)?.value.length ?? 0) + value.length;
    if (sizeBytes > this.#capacityBytes) {
      throw new AppError(
        'STORE_UNAVAILABLE',
        `write register ${name}: more than ${this.#capacityBytes} bytes in memory; raise the capacity or use disk`,
      );
    }
    this.#sizeBytes = sizeBytes;
    const held: Held = { name, value: Uint8Array.from(value), token: String(++this.#generation) };
    this.#held.set(name, held);
    return held;
  }
}
