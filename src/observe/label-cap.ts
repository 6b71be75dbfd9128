/** The label value of everything past the cap. */
const OTHER = 'other';

/** Lets the first `max` distinct values through and calls the rest `other`: a label must not grow with its input. */
export class LabelCap {
  readonly #max: number;
  readonly #seen = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  of(value: string): string {
    if (this.#seen.has(value)) return value;
    if (this.#seen.size >= this.#max) return OTHER;
    this.#seen.add(value);
    return value;
  }
}
