/**
 * Who waits, by client: one of each client in turn, in order of arrival within one. An entry may stand under several clients, and comes up at the first of
 * their turns. Unbounded by itself: `size` and `sizeOf` are for whoever bounds it.
 */
export class FairQueue<T> {
  /** The client whose turn is next comes first. No set is empty. */
  readonly #lines = new Map<string, Set<T>>();
  readonly #places = new Map<T, Set<string>>();

  /** Entries, each counted once. */
  get size(): number {
    return this.#places.size;
  }

  /** Entries of `client`. */
  sizeOf(client: string): number {
    return this.#lines.get(client)?.size ?? 0;
  }

  has(entry: T): boolean {
    return this.#places.has(entry);
  }

  /** Whether anyone waits whose client `isServed`. */
  hasServed(isServed: (client: string) => boolean): boolean {
    for (const client of this.#lines.keys()) if (isServed(client)) return true;
    return false;
  }

  /** Puts `entry` at the end of the client's line; a second time there it does nothing. */
  add(client: string, entry: T): void {
    const line = this.#lines.get(client);
    if (line === undefined) this.#lines.set(client, new Set([entry]));
    else line.add(entry);
    const places = this.#places.get(entry);
    if (places === undefined) this.#places.set(entry, new Set([client]));
    else places.add(client);
  }

  /** Takes `entry` out, wherever it stands. */
  delete(entry: T): void {
    for (const client of this.#places.get(entry) ?? []) {
      const line = this.#lines.get(client);
      line?.delete(entry);
      if (line?.size === 0) this.#lines.delete(client);
    }
    this.#places.delete(entry);
  }

  /** Takes out the next entry of the next client that `isServed`, and tells whose it was; the others keep their places. Undefined when there is none. */
  take(isServed: (client: string) => boolean): { readonly entry: T; readonly client: string } | undefined {
    for (const [client, line] of this.#lines) {
      if (!isServed(client)) continue;
      this.#lines.delete(client);
      this.#lines.set(client, line);
      for (const entry of line) {
        this.delete(entry);
        return { entry, client };
      }
    }
    return undefined;
  }

  /** Takes out the newest entry that stands under one client only, of the longest line of more than `than` entries that has such a one. Reads all lines. */
  takeFromLongest(than: number): T | undefined {
    const lines = [...this.#lines.values()].filter((line) => line.size > than);
    for (const line of lines.toSorted((a, b) => b.size - a.size)) {
      const entry = [...line].findLast((one) => this.#places.get(one)?.size === 1);
      if (entry === undefined) continue;
      this.delete(entry);
      return entry;
    }
    return undefined;
  }
}
