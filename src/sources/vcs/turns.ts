import { type Ask, abortedError, throwIfAborted } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';

/** More than this many who wait for one host are turned away. */
const MOST_WAITING = 1000;

interface Line {
  running: number;
  readonly waiting: Set<() => void>;
}

/** At most so many at a time per name; others wait in order of arrival. */
export class Turns {
  readonly #atATime: number;
  readonly #lines = new Map<string, Line>();

  constructor(atATime: number) {
    this.#atATime = atATime;
  }

  /** Resolves when it is one's turn, with what ends it (again: nothing). Rejects with OVERLOADED when a thousand wait, and as the signal says. */
  async take(name: string, { signal }: Ask): Promise<() => void> {
    throwIfAborted(signal);
    const line = this.#lines.get(name) ?? { running: 0, waiting: new Set() };
    this.#lines.set(name, line);
    if (line.running >= this.#atATime) await this.#wait(name, line, signal);
    else line.running++;
    let isOver = false;
    return () => {
      if (!isOver) this.#next(name, line);
      isOver = true;
    };
  }

  async #wait(name: string, line: Line, signal: AbortSignal): Promise<void> {
    if (line.waiting.size >= MOST_WAITING) throw new AppError('OVERLOADED', `too many fetches wait for ${name}`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      if (line.waiting.delete(resolve)) reject(abortedError(signal));
    };
    line.waiting.add(resolve);
    signal.addEventListener('abort', leave, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', leave));
  }

  /** Hands the turn on, so that nobody who comes now is before those who wait. */
  #next(name: string, line: Line): void {
    const [first] = line.waiting;
    if (first !== undefined) {
      line.waiting.delete(first);
      first();
    } else if (--line.running === 0) this.#lines.delete(name);
  }
}
