import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import { type AddressInfo, type ListenOptions, Server as NetServer } from 'node:net';

/** Where a server listens. */
export interface Doorstep {
  /** `''` = every address of the machine. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Connections that the kernel keeps waiting at each door. */
  readonly backlog: number;
}

/** All sockets that listen on one port. */
export interface Doors {
  readonly address: AddressInfo;
  /** Accepts no more; resolves when no connection is left. */
  close(): Promise<void>;
}

/**
 * Node accepts one connection per listening socket in each turn of its event loop: with turns of 10 ms that is a hundred a second, and whoever comes new to a busy
 * server waits seconds for an answer that is in memory (measured: 7 s beside 6,000 other clients). With this many sockets it is as many a turn.
 */
const DOORS = 16;

/** Listens with `server` and, where the system can share a port (SO_REUSEPORT), with further sockets that hand it their connections. Rejects as `listen` does. */
export async function openDoors(server: Server | TlsServer, at: Doorstep): Promise<Doors> {
  // A port that is shared would be shared with any other program that does so, and a server that was started twice would not be noticed.
  if (at.port !== 0) await knock(at);
  const isShared = await bind(server, { ...optionsOf(at), reusePort: true }).then(
    () => true,
    () => false,
  );
  if (!isShared) await bind(server, optionsOf(at));
  const address = server.address() as AddressInfo;
  const more = isShared ? await openMore(server, { ...at, port: address.port }) : [];
  // Not by the HTTP server's own close, which cuts connections that it takes for idle: also those whose reply has been handed over whole and is still on its
  // way to a client that reads slowly.
  return { address, close: async () => void (await Promise.all([server, ...more].map(close))) };
}

/** As many as there can be: one is enough to serve. */
async function openMore(server: Server | TlsServer, at: Doorstep): Promise<readonly NetServer[]> {
  const more: NetServer[] = [];
  for (let i = 1; i < DOORS; i++) {
    // As an HTTP server's own connections: who has sent its request may close its side.
    const door = new NetServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.emit('connection', socket));
    try {
      await bind(door, { ...optionsOf(at), reusePort: true });
    } catch {
      break;
    }
    more.push(door);
  }
  return more;
}

/** Rejects when somebody else listens there. */
async function knock(at: Doorstep): Promise<void> {
  const server = new NetServer();
  await bind(server, optionsOf(at));
  await close(server);
}

function optionsOf({ host, port, backlog }: Doorstep): ListenOptions {
  return { port, backlog, ...(host === '' ? {} : { host }) };
}

function bind(server: NetServer, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: NetServer): Promise<void> {
  return new Promise((resolve) => void NetServer.prototype.close.call(server, () => resolve()));
}
