const HIDDEN = '[secret]';
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** A text that nobody may see by accident: printed, inspected, logged or turned into JSON it is `[secret]`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text, for the one place that sends it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [INSPECT](): string {
    return HIDDEN;
  }
}

/** `record` with members that are read as before, and that inspection and JSON show as `[secret]`. */
export function withHiddenValues(record: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const shownAs = (): Record<string, string> => Object.fromEntries(Object.keys(record).map((name) => [name, HIDDEN]));
  return Object.defineProperties({ ...record }, { [INSPECT]: { value: shownAs }, toJSON: { value: shownAs } });
}
