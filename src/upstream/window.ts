/** Slots that a window is divided into: how exactly its end is kept. */
const SLOTS = 10;

/** A sum over the last while, in ten slots: bounded whatever happens. What is added leaves it between nine and ten tenths of `spanMs` later. */
export class WindowSum {
  readonly #slotMs: number;
  readonly #sums = new Float64Array(SLOTS);
  #slot = 0;

  constructor(spanMs: number) {
    this.#slotMs = spanMs / SLOTS;
  }

  add(now: number, amount = 1): void {
    this.#turnTo(now);
    const at = this.#slot % SLOTS;
    this.#sums[at] = (this.#sums[at] ?? 0) + amount;
  }

  sum(now: number): number {
    this.#turnTo(now);
    let sum = 0;
    for (const one of this.#sums) sum += one;
    return sum;
  }

  clear(): void {
    this.#sums.fill(0);
  }

  #turnTo(now: number): void {
    const slot = Math.floor(now / this.#slotMs);
    if (slot === this.#slot) return;
    const passed = Math.min(SLOTS, slot - this.#slot);
    for (let i = 0; i < passed; i++) this.#sums[(slot - i) % SLOTS] = 0;
    this.#slot = slot;
  }
}

/** How many of the outcomes of the last while were failures. */
export class OutcomeWindow {
  readonly #all: WindowSum;
  readonly #failed: WindowSum;

  constructor(spanMs: number) {
    this.#all = new WindowSum(spanMs);
    this.#failed = new WindowSum(spanMs);
  }

  add(now: number, isFailure: boolean): void {
    this.#all.add(now);
    if (isFailure) this.#failed.add(now);
  }

  count(now: number): number {
    return this.#all.sum(now);
  }

  /** 0 to 1; undefined when nothing was heard. */
  ratio(now: number): number | undefined {
    const all = this.#all.sum(now);
    return all === 0 ? undefined : this.#failed.sum(now) / all;
  }

  clear(): void {
    this.#all.clear();
    this.#failed.clear();
  }
}
