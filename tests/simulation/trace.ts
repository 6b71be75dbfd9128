/** What happened in a world, as a hash and, where somebody wants to read it, as lines. */
export class Trace {
  #hash = 0x811c9dc5;
  #mixed = 0x1b873593;
  readonly #lines: string[] | undefined;

  constructor(how: 'hash' | 'lines') {
    this.#lines = how === 'lines' ? [] : undefined;
  }

  /** Something that happened at `at`, in virtual ms. */
  tell(at: number, text: string): void {
    const line = `${at.toFixed(3)} ${text}`;
    for (let i = 0; i < line.length; i++) {
      const unit = line.charCodeAt(i);
      this.#hash = Math.imul(this.#hash ^ unit, 0x01000193);
      this.#mixed = Math.imul(this.#mixed + unit, 0x5bd1e995) ^ (this.#mixed >>> 13);
    }
    this.#lines?.push(line);
  }

  /** Of everything in its order: 16 hexadecimal digits. */
  get hash(): string {
    return [this.#hash, this.#mixed].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** Empty unless they were wanted. */
  get lines(): readonly string[] {
    return this.#lines ?? [];
  }
}
