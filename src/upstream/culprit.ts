/**
 * Which failures count where what was asked for may be to blame, not who was asked: a module whose repository is down fails at every upstream. Of one module one failure counts, and no other before
 * another module has failed, too. Paths of which one leads to the other are one module, because the go command asks for each parent of a path. Remembers one path.
 */
export class Culprit {
  readonly #spanMs: number;
  #path: string | undefined;
  #countedAt = Number.NEGATIVE_INFINITY;

  /** Forgets by itself what was counted `spanMs` ago. */
  constructor(spanMs = Number.POSITIVE_INFINITY) {
    this.#spanMs = spanMs;
  }

  /** Whether a failure of the module at `path` counts now; undefined = of nothing but who was asked, which always does. */
  counts(now: number, path: string | undefined): boolean {
    if (path === undefined) return true;
    const known = this.#known(now);
    if (known === undefined || !areOne(known, path)) {
      this.#path = path;
      this.#countedAt = now;
      return true;
    }
    if (path.length > known.length) this.#path = path;
    return false;
  }

  /** Whether another module than the one at `path` has failed a short time ago; remembers this one when none has. */
  isShared(now: number, path: string): boolean {
    const known = this.#known(now);
    if (known !== undefined && !areOne(known, path)) return true;
    this.counts(now, path);
    return false;
  }

  forget(): void {
    this.#path = undefined;
  }

  #known(now: number): string | undefined {
    return now - this.#countedAt < this.#spanMs ? this.#path : undefined;
  }
}

function areOne(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}
