import { createServer, type Server, type Socket } from 'node:net';
import type { Address } from '../config/leaves.ts';
import { cannotListen } from '../server/listener.ts';

/** Somebody who serves connections in a process of its own. */
export interface Taker {
  /** Sends it a copy of the connection; `took` is to be called with `id` when it has it. May fail unheard when the process is gone: then `remove` follows. */
  give(id: number, socket: Socket): void;
}

/** Connections that one taker was sent and has not acknowledged. More wait here, for whoever is quicker. */
const MOST_UNDERWAY = 8;

/**
 * Accepts connections on the port and hands them out, one taker after the other. Each stays open here until its taker has said that it has it, before which nothing of it is read: when the
 * taker dies first, another gets it. While there is none they wait, as many as the backlog.
 */
export class HandOut {
  readonly #server: Server;
  readonly #backlog: number;
  /** In the order of their turns. */
  readonly #takers: Taker[] = [];
  readonly #underway = new Map<Taker, Map<number, Socket>>();
  readonly #waiting: Socket[] = [];
  #lastId = 0;

  constructor({ backlog }: { readonly backlog: number }) {
    this.#backlog = backlog;
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', () => undefined);
      this.#take(socket);
    });
  }

  /** Opens the port. Rejects with CONFIG_INVALID, as the listener does. */
  async open({ host, port }: Address): Promise<Address> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ port, backlog: this.#backlog, ...(host === '' ? {} : { host }) }, resolve);
    try {
      await promise;
    } catch (error) {
      throw cannotListen(error, host, port);
    } finally {
      this.#server.off('error', reject);
    }
    // It could not accept one; the next may do better.
    this.#server.on('error', () => undefined);
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : { host, port };
  }

  add(taker: Taker): void {
    this.#takers.push(taker);
    this.#underway.set(taker, new Map());
    this.#serveWaiting();
  }

  /** It gets no more. With `isGone` what it had not acknowledged goes to others. */
  remove(taker: Taker, { isGone }: { readonly isGone: boolean }): void {
    const at = this.#takers.indexOf(taker);
    if (at >= 0) this.#takers.splice(at, 1);
    if (!isGone) return;
    const lost = this.#underway.get(taker)?.values() ?? [];
    this.#underway.delete(taker);
    this.#waiting.unshift(...lost);
    this.#serveWaiting();
  }

  /** The taker has the connection; ours is closed, which the client does not notice. */
  took(taker: Taker, id: number): void {
    const underway = this.#underway.get(taker);
    underway?.get(id)?.destroy();
    underway?.delete(id);
    this.#serveWaiting();
  }

  /** Accepts no more. What waits is still handed out. */
  stopAccepting(): void {
    this.#server.close();
  }

  /** Closes what nobody has. */
  close(): void {
    this.stopAccepting();
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    for (const underway of this.#underway.values()) for (const socket of underway.values()) socket.destroy();
    this.#underway.clear();
  }

  #take(socket: Socket): void {
    if (this.#waiting.length >= this.#backlog) return void socket.destroy();
    this.#waiting.push(socket);
    this.#serveWaiting();
  }

  #serveWaiting(): void {
    while (this.#waiting.length > 0) {
      const at = this.#takers.findIndex((one) => (this.#underway.get(one)?.size ?? 0) < MOST_UNDERWAY);
      const [taker] = at < 0 ? [] : this.#takers.splice(at, 1);
      if (taker === undefined) return;
      this.#takers.push(taker);
      this.#give(taker, this.#waiting.shift());
    }
  }

  #give(taker: Taker, socket: Socket | undefined): void {
    if (socket === undefined || socket.destroyed) return;
    const id = ++this.#lastId;
    this.#underway.get(taker)?.set(id, socket);
    taker.give(id, socket);
  }
}
