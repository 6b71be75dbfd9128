/** So many lookups at a time; the others wait in order. */
export class LookupTurns {
  readonly #most: number;
  readonly #queued: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number, queued: number) {
    this.#most = most;
    this.#queued = queued;
  }

  /** What `look` gives, once it has its turn. Rejects at once with EAI_AGAIN when too many wait. */
  async run<T>(look: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await this.#turn();
    else this.#running++;
    try {
      return await look();
    } finally {
      this.#end();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#queued)
      throw Object.assign(new Error('too many name lookups at a time'), { code: 'EAI_AGAIN' });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The turn goes on to the next, or is free. */
  #end(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
