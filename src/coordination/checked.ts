import { type Ask, throwIfAborted } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import { checkKey, isTooLong } from '../std/key.ts';
import type { Held, Register } from './register.ts';

/** Largest value of a register. */
const MAX_VALUE_BYTES = 4 * 1024 * 1024;

/** `inner` behind the rules that every caller must keep: name grammar, value size, fired signals. */
export function checkedRegister(inner: Register): Register {
  return new CheckedRegister(inner);
}

class CheckedRegister implements Register {
  readonly #inner: Register;

  constructor(inner: Register) {
    this.#inner = inner;
  }

  async read(name: string, o: Ask): Promise<Held | undefined> {
    if (isTooLong(name)) return undefined;
    checkKey(name, 'read register');
    throwIfAborted(o.signal);
    return await this.#inner.read(name, o);
  }

  async create(name: string, value: Uint8Array, o: Ask): Promise<Held> {
    check(name, value, o);
    return await this.#inner.create(name, value, o);
  }

  async replace(old: Held, value: Uint8Array, o: Ask): Promise<Held> {
    check(old.name, value, o);
    return await this.#inner.replace(old, value, o);
  }
}

function check(name: string, value: Uint8Array, o: Ask): void {
  checkKey(name, 'write register');
  throwIfAborted(o.signal);
  if (value.length <= MAX_VALUE_BYTES) return;
  throw new AppError('TOO_LARGE', `write register ${name}: ${value.length} bytes, at most ${MAX_VALUE_BYTES}`);
}
