import type { Socket } from 'node:net';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import type { EgressGuard, EgressTarget } from './guard.ts';

/**
 * Whether anything outside this process may be touched, and the switch of it. While it is shut nothing is looked up and no connection is made; those that are open when it is
 * shut are ended. Whatever is refused is OFFLINE.
 */
export class Outside {
  readonly #sockets = new Set<Socket>();
  readonly #listeners = new Set<(isShut: boolean) => void>();
  #shut = new AbortController();

  get isShut(): boolean {
    return this.#shut.signal.aborted;
  }

  /** Fires with OFFLINE when it is shut. Another one after it was opened again. */
  get signal(): AbortSignal {
    return this.#shut.signal;
  }

  /** Ends every connection. Doing it twice does nothing. */
  shut(): void {
    if (this.isShut) return;
    this.#shut.abort(offline('reach anything outside'));
    for (const socket of this.#sockets) socket.destroy();
    for (const told of this.#listeners) told(true);
  }

  open(): void {
    if (!this.isShut) return;
    this.#shut = new AbortController();
    for (const told of this.#listeners) told(false);
  }

  /** Calls `told` at each change, until the function returned is called. */
  onChange(told: (isShut: boolean) => void): () => void {
    this.#listeners.add(told);
    return () => void this.#listeners.delete(told);
  }

  /** Throws OFFLINE while it is shut. */
  require(attempted: string): void {
    if (this.isShut) throw offline(attempted);
  }

  /** Ends `socket`, which leads outside, when it is shut, or at once when it is by now. */
  keep(socket: Socket): void {
    if (this.isShut) return void socket.destroy();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function offline(attempted: string): AppError {
  return new AppError(
    'OFFLINE',
    `${attempted}: this server is offline and touches nothing outside; larder offline off ends that, a bundle brings modules in`,
  );
}

/** `guard` as one that lets nobody out while `outside` is shut. */
export function guardedBy(outside: Outside, guard: EgressGuard): EgressGuard {
  const passing = async <T>(
    { host, port }: EgressTarget,
    o: Ask,
    pass: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    throwIfAborted(o.signal);
    outside.require(`connect to ${host.replace(/[^\x21-\x7e]/g, '?').slice(0, 253)}:${port}`);
    return await pass(AbortSignal.any([o.signal, outside.signal]));
  };
  return {
    outside,
    resolve: (target, o) => passing(target, o, (signal) => guard.resolve(target, { signal })),
    connect: (target, o) =>
      passing(target, o, async (signal) => {
        const socket = await guard.connect(target, { ...o, signal });
        outside.keep(socket);
        throwIfAborted(signal);
        return socket;
      }),
  };
}
