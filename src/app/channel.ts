import type { SendHandle } from 'node:child_process';
import { type ControlFailure, errorOf, failureOf } from '../control/exchange.ts';
import { abortedError, type Ask, waitFor } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';

/** One end of the line between a process and one that it started, as Node gives it. */
export interface Line {
  send(message: unknown, handle?: SendHandle, options?: { readonly keepOpen?: boolean }): void;
  onMessage(heard: (message: unknown, handle: unknown) => void): void;
  /** Calls `ended` once, when nothing can be heard or said any more. */
  onEnd(ended: () => void): void;
}

/** Answers what the other end asks or tells. The signal fires when nobody waits for the answer any more. */
export type Answering = (value: unknown, o: Ask & { readonly handle: unknown }) => Promise<unknown>;

type Message =
  | { readonly larder: 'tell'; readonly name: string; readonly value: unknown }
  | { readonly larder: 'ask'; readonly name: string; readonly value: unknown; readonly id: number }
  | { readonly larder: 'stop'; readonly id: number }
  | { readonly larder: 'answer'; readonly id: number; readonly value?: unknown; readonly failure?: ControlFailure };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: AppError) => void;
}

/**
 * Questions and answers between two processes of ours. Who is at the other end is believed: nobody else has the line. Questions are few and small; `tell` may carry
 * a handle.
 */
export class Channel {
  readonly #line: Line;
  readonly #answering = new Map<string, Answering>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #asked = new Map<number, AbortController>();
  #lastId = 0;
  #isEnded = false;

  constructor(line: Line) {
    this.#line = line;
    line.onMessage((message, handle) => void this.#hear(message as Message, handle));
    line.onEnd(() => this.#end());
  }

  /** From now on `answer` hears what is asked and told under `name`. */
  on(name: string, answer: Answering): void {
    this.#answering.set(name, answer);
  }

  /** Does nothing when the other end is gone. */
  tell(name: string, value: unknown, handle?: SendHandle): void {
    this.#send({ larder: 'tell', name, value }, handle);
  }

  /** Rejects with the other end's failure, ABORTED when it ends before it has answered, or the signal's own. */
  async ask(name: string, value: unknown, o: Ask): Promise<unknown> {
    if (this.#isEnded) throw gone();
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#send({ larder: 'ask', name, value, id });
    try {
      return await waitFor(promise, o.signal);
    } catch (error) {
      if (this.#waiting.has(id)) this.#send({ larder: 'stop', id });
      throw o.signal.aborted ? abortedError(o.signal) : error;
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** Whether the other end is gone. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  async #hear(message: Message, handle: unknown): Promise<void> {
    switch (message.larder) {
      case 'tell':
        return void this.#answer(message.name, message.value, { signal: NEVER, handle }).catch(() => undefined);
      case 'ask':
        return await this.#serve(message.id, message.name, message.value);
      case 'stop':
        return this.#asked.get(message.id)?.abort(new AppError('ABORTED', 'nobody waits any more'));
      case 'answer':
        return this.#land(message);
    }
  }

  async #serve(id: number, name: string, value: unknown): Promise<void> {
    const asked = new AbortController();
    this.#asked.set(id, asked);
    try {
      const answer = await this.#answer(name, value, { signal: asked.signal, handle: undefined });
      this.#send({ larder: 'answer', id, value: answer });
    } catch (error) {
      this.#send({ larder: 'answer', id, failure: failureOf(error) });
    } finally {
      this.#asked.delete(id);
    }
  }

  async #answer(name: string, value: unknown, o: Ask & { readonly handle: unknown }): Promise<unknown> {
    const answer = this.#answering.get(name);
    if (answer === undefined) throw new AppError('INTERNAL', `ask a process of ours: it does not know ${name}`);
    return await answer(value, o);
  }

  #land({ id, value, failure }: Extract<Message, { larder: 'answer' }>): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure === undefined) waiting?.resolve(value);
    else waiting?.reject(errorOf(failure));
  }

  #send(message: Message, handle?: SendHandle): void {
    if (!this.#isEnded) this.#line.send(message, handle, { keepOpen: true });
  }

  #end(): void {
    this.#isEnded = true;
    for (const { reject } of this.#waiting.values()) reject(gone());
    this.#waiting.clear();
    for (const asked of this.#asked.values()) asked.abort(gone());
  }
}

const NEVER = new AbortController().signal;

function gone(): AppError {
  return new AppError('ABORTED', 'ask a process of ours: it has ended');
}
