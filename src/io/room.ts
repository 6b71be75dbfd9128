/** Memory for bodies that should have been files: bounded for each and for all together. */
export class Room {
  readonly #perBody: number;
  #free: number;

  constructor(perBody: number, total: number) {
    this.#perBody = perBody;
    this.#free = total;
  }

  /** Whether a body that holds `held` bytes of this may grow to `wanted`; then it does. */
  grow(held: number, wanted: number): boolean {
    if (wanted > this.#perBody || wanted - held > this.#free) return false;
    this.#free -= wanted - held;
    return true;
  }

  /** `held` bytes are free again. */
  release(held: number): void {
    this.#free += held;
  }
}
