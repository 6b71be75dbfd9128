/** How long all that is open may take to close. What has not closed by then is left to the end of the process. */
const LONGEST_CLOSE_MS = 5000;

/** What was opened, to be closed again in the opposite order. */
export class Closing {
  readonly #closers: (() => Promise<unknown> | void)[] = [];
  #closed: Promise<void> | undefined;

  add(close: () => Promise<unknown> | void): void {
    this.#closers.push(close);
  }

  /** Closes everything once; a second call waits for the first. Never rejects, takes at most a few seconds. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LONGEST_CLOSE_MS);
    await Promise.race([this.#closeAll(), late]);
    clearTimeout(timer);
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers.reverse()) {
      try {
        await close();
      } catch {
        // The others must be closed all the same, and nobody can act on this one any more.
      }
    }
  }
}
