import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A listening port on loopback that can be shut and opened again. */
export class Door {
  readonly #onConnection: (socket: Socket) => void;
  #server: Server | undefined;
  #port: number;

  /** `port` 0 = any; it stays the same from the first opening on. */
  constructor(port: number, onConnection: (socket: Socket) => void) {
    this.#port = port;
    this.#onConnection = onConnection;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens; nothing when it does already. Rejects with a system error when the port is taken, and may be tried again. One at a time. */
  async open(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, this.#onConnection);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Stays: a connection that cannot be taken, for want of descriptors perhaps, must not end the process.
    server.on('error', reject);
    server.listen(this.#port, '127.0.0.1', resolve);
    await promise;
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** New connections are refused from now on; open ones stay. */
  shut(): void {
    this.#server?.close();
    this.#server = undefined;
  }
}
