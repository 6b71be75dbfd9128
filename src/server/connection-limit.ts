/** How many connections one address may hold. Counts, and nothing else: who to refuse is the caller's to do. */
export class ConnectionLimit {
  readonly #perAddress: number;
  readonly #perLoopback: number;
  /** Bounded by the number of open connections. */
  readonly #open = new Map<string, number>();

  constructor(o: { readonly perAddress: number; readonly perLoopback: number }) {
    this.#perAddress = o.perAddress;
    this.#perLoopback = o.perLoopback;
  }

  /** Counts one more connection of `address` and returns true, or false when it has as many as it may. */
  enter(address: string): boolean {
    const key = plainAddress(address);
    const count = this.#open.get(key) ?? 0;
    if (count >= (isLoopback(key) ? this.#perLoopback : this.#perAddress)) return false;
    this.#open.set(key, count + 1);
    return true;
  }

  /** Ends what a true `enter` began. */
  leave(address: string): void {
    const key = plainAddress(address);
    const count = (this.#open.get(key) ?? 0) - 1;
    if (count > 0) this.#open.set(key, count);
    else this.#open.delete(key);
  }
}

/** An IPv4 client of a dual-stack socket comes as `::ffff:a.b.c.d`: the same client. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
