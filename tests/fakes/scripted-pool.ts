import type { Ask } from '../../src/std/ask.ts';
import { waitFor } from '../../src/std/ask.ts';
import { AppError } from '../../src/std/errors.ts';
import type { Pool, PoolAnswer, PoolQuestion } from '../../src/upstream/asking.ts';
import type { ScriptedSource } from './scripted-source.ts';

/**
 * A pool of sources that asks all of them at the same moment. From when one of them has begun the others are stopped, as a real pool does with a hedge. It is out and
 * comes back when told to.
 */
export class ScriptedPool implements Pool {
  readonly name: string;
  readonly isWatched = true;
  /** When a retry is left. */
  allowance: Promise<void> = Promise.resolve();
  /** Whether each question that was put was a repeated one. */
  readonly repeated: boolean[] = [];
  readonly #members: readonly ScriptedSource[];
  #risen: PromiseWithResolvers<void> | undefined;

  constructor(name: string, members: readonly ScriptedSource[]) {
    this.name = name;
    this.#members = members;
  }

  get isUsable(): boolean {
    return this.#risen === undefined;
  }

  /** From now on nobody may be asked, until `rise`. Questions are answered as the sources are scripted, all the same. */
  sink(): void {
    this.#risen ??= Promise.withResolvers<void>();
  }

  rise(): void {
    this.#risen?.resolve();
    this.#risen = undefined;
  }

  usable({ signal }: Ask): Promise<void> {
    return waitFor(this.#risen?.promise ?? Promise.resolve(), signal);
  }

  again({ signal }: Ask): Promise<void> {
    return waitFor(this.allowance, signal);
  }

  async first<T>(question: PoolQuestion<T>, o: Ask): Promise<PoolAnswer<T>> {
    this.repeated.push(question.isRepeat === true);
    const stops = this.#members.map(() => new AbortController());
    const asked = this.#members.map(async (source, at): Promise<PoolAnswer<T>> => {
      const signal = AbortSignal.any([o.signal, ...stops.slice(at, at + 1).map((stop) => stop.signal)]);
      const begun = (): void => stops.forEach((stop, other) => other !== at && stop.abort(beaten(source.name)));
      return { value: await question.ask(source, { signal, begun }), member: source.name };
    });
    return await Promise.any(asked).catch((error: AggregateError) => Promise.reject(error.errors[0] as AppError));
  }

  async all<T>(question: PoolQuestion<T>, o: Ask): Promise<readonly PoolAnswer<T>[]> {
    const settled = await Promise.allSettled(
      this.#members.map(async (source): Promise<PoolAnswer<T>> => {
        const value = await question.ask(source, { ...o, begun: () => undefined });
        return { value, member: source.name };
      }),
    );
    const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    if (answers.length > 0) return answers;
    throw (settled[0] as PromiseRejectedResult).reason;
  }
}

function beaten(name: string): AppError {
  return new AppError('ABORTED', `${name} was first`);
}
