/** A value, and the prefix under which it was found. */
export interface Found<T> {
  /** `example.com/a`: host and path. */
  readonly prefix: string;
  readonly value: T;
}

/**
 * Values kept by URL prefix (`example.com`, `h:8080`, `https://other.org/x/`), https only. A URL has the value of the longest prefix that
 * ends at an element of its path: `example.com/a` is for `/a` and `/a/b`, not for `/ab`. A later value for one prefix takes its place.
 */
export class PrefixTable<T> {
  readonly #byPrefix = new Map<string, T>();

  get size(): number {
    return this.#byPrefix.size;
  }

  set(prefix: string, value: T): void {
    this.#byPrefix.set(prefix.replace(/^https:\/\//, '').replace(/\/$/, ''), value);
  }

  /** Takes away what `isGone` says yes to. */
  deleteWhere(isGone: (value: T, prefix: string) => boolean): void {
    for (const [prefix, value] of this.#byPrefix) if (isGone(value, prefix)) this.#byPrefix.delete(prefix);
  }

  /** Looks up an absolute URL, as text: the path counts as it is written. */
  find(url: string): Found<T> | undefined {
    if (!url.startsWith('https://')) return undefined;
    let prefix = url
      .slice('https://'.length)
      .replace(/[?#].*$/s, '')
      .replace(/\/$/, '');
    for (;;) {
      const value = this.#byPrefix.get(prefix);
      if (value !== undefined) return { prefix, value };
      const slash = prefix.lastIndexOf('/');
      if (slash < 0) return undefined;
      prefix = prefix.slice(0, slash);
    }
  }
}
