import type { Socket } from 'node:net';

/** Connections that another process has accepted on the port, and hands to this one. */
export interface Incoming {
  /** Where that process listens. */
  readonly host: string;
  readonly port: number;
  /** From now on `take` is called with each. Their bytes have not been read. */
  onConnection(take: (socket: Socket) => void): void;
}
