const KEPT_BYTES = 16 * 1024;
/** Of one line. Patterns are looked for in them: on long ones that takes the square of their length. */
const LINE = /^(.{1000}).+$/gm;

/** What terminals obey: CSI and OSC sequences, other escapes. */
// oxlint-disable-next-line no-control-regex -- these are what is taken out
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.?)/gs;
/** C0, DEL, C1, line and paragraph separators, and what turns the direction of text around. */
// oxlint-disable-next-line no-control-regex -- as above
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The last 16 KiB of what a process says, in lines of at most 1000 harmless characters; attacker-controlled all the same. */
export class LastWords {
  #parts: Uint8Array[] = [];
  #bytes = 0;

  add(part: Uint8Array): void {
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes > 4 * KEPT_BYTES) this.#cut();
  }

  /** Lines end with `\n`, also those that a progress meter ends with `\r`. */
  text(): string {
    const text = this.#cut().toString('utf8').replace(ESCAPES, '').replace(/\r\n?/g, '\n').replace(CONTROLS, '');
    return text.replace(LINE, '$1').trim();
  }

  #cut(): Buffer {
    const kept = Buffer.from(Buffer.concat(this.#parts).subarray(-KEPT_BYTES));
    this.#parts = [kept];
    this.#bytes = kept.length;
    return kept;
  }
}
