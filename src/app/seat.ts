import type { Socket } from 'node:net';
import type { Incoming } from '../server/incoming.ts';
import type { DeepHealth, MetricsPage } from '../server/operations.ts';

/** What a Larder that is one of several processes has from the one that started it. */
export interface Seat {
  /** From 1. The first does what is to be done once. */
  readonly number: number;
  /** Common to all: a request that comes back to another of them came back. */
  readonly instanceId: string;
  readonly incoming: Incoming;
  /** The page of all processes, given the one of this process for when the others cannot be asked. */
  metricsOfAll(own: MetricsPage): MetricsPage;
  /** What all processes depend on, given what this one says for when the others cannot be asked. */
  healthOfAll(own: DeepHealth): DeepHealth;
  /** How all processes stand, in plain data; undefined when nobody can tell. */
  workers(): Promise<unknown>;
}

/** Whether what is to be done by one process of a Larder is done by this one. */
export function isFirst(seat: Pick<Seat, 'number'> | undefined): boolean {
  return seat === undefined || seat.number === 1;
}

/** Connections as they come over a channel. What comes before somebody takes them waits. */
export class ChannelIncoming implements Incoming {
  readonly host: string;
  readonly port: number;
  readonly #early: Socket[] = [];
  #take: ((socket: Socket) => void) | undefined;

  constructor({ host, port }: { readonly host: string; readonly port: number }) {
    this.host = host;
    this.port = port;
  }

  onConnection(take: (socket: Socket) => void): void {
    this.#take = take;
    for (const socket of this.#early.splice(0)) take(socket);
  }

  /** One more. */
  add(socket: Socket): void {
    if (this.#take === undefined) this.#early.push(socket);
    else this.#take(socket);
  }
}
