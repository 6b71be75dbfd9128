import { clientOf } from '../admission/client.ts';

/** How many connections one client may hold: an IPv4 address, or an IPv6 network. Counts, and nothing else: who to refuse is the caller's to do. */
export class ConnectionLimit {
  readonly #perAddress: number;
  readonly #perLoopback: number;
  readonly #isProxy: (address: string) => boolean;
  /** Bounded by the number of open connections. */
  readonly #open = new Map<string, number>();

  /** `perLoopback` is for all that `isProxy` holds for. */
  constructor(o: { readonly perAddress: number; readonly perLoopback: number }, isProxy: (address: string) => boolean) {
    this.#perAddress = o.perAddress;
    this.#perLoopback = o.perLoopback;
    this.#isProxy = isProxy;
  }

  /** Counts one more connection of `address` and returns true, or false when its client has as many as it may. */
  enter(address: string): boolean {
    const client = clientOf(address);
    const count = this.#open.get(client) ?? 0;
    if (count >= (this.#isProxy(address) ? this.#perLoopback : this.#perAddress)) return false;
    this.#open.set(client, count + 1);
    return true;
  }

  /** Ends what a true `enter` began. */
  leave(address: string): void {
    const client = clientOf(address);
    const count = (this.#open.get(client) ?? 0) - 1;
    if (count > 0) this.#open.set(client, count);
    else this.#open.delete(client);
  }
}
