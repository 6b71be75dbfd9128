import { chmod, unlink, utimes } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { newProcessMark } from '../io/process-mark.ts';
import { Silence } from '../io/silence.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { diskFailure } from '../io/disk-failure.ts';
import type { ControlDesk } from './desk.ts';
import { failureLine, MAX_QUESTION_BYTES, parseQuestion, repliesLine } from './exchange.ts';
import { controlFolder, makeControlFolder, socketAddress, socketName, sweepSockets } from './folder.ts';
import { readLine } from './line.ts';

/** An open control socket. */
export interface Control {
  /** Absolute path of the socket. */
  readonly path: string;
  /** Stops every command under way, and takes the socket away. Never rejects. */
  close(): Promise<void>;
}

/** What a control socket is opened with. */
export interface ControlOptions {
  /** The opened data folder, absolute. */
  readonly folder: string;
  readonly desk: ControlDesk;
}

const MAX_CONNECTIONS = 32;
/** For the whole question. */
const QUESTION_MS = 5000;
/** How often a listening process says on its socket that it lives, for those who cannot see it, and looks for sockets of dead ones. */
const BEAT_MS = 10 * 60_000;
/** For an asker to take the replies, from byte to byte. */
const TAKE_MS = 30_000;
const OWNER_ONLY = 0o600;

/** Opens this process's socket in the data folder. Rejects with STORE_UNAVAILABLE when there can be none; a server does well without. */
export async function openControl({ folder: data, desk }: ControlOptions): Promise<Control> {
  const folder = controlFolder(data);
  const name = socketName(await newProcessMark());
  const path = join(folder, name);
  try {
    await makeControlFolder(folder);
    const silence = new Silence(systemClock);
    await sweepSockets(folder, silence);
    const { address, release } = await socketAddress(folder, name);
    const control = new SocketServer(desk, path, { release, sweep: () => sweepSockets(folder, silence) });
    await control.open(address);
    return control;
  } catch (error) {
    throw diskFailure(error, `open the control socket ${path}`, path);
  }
}

/** What is done to the folder of the sockets. Never rejects. */
interface FolderActs {
  readonly release: () => Promise<void>;
  readonly sweep: () => Promise<void>;
}

class SocketServer implements Control {
  readonly path: string;
  readonly #desk: ControlDesk;
  readonly #release: FolderActs['release'];
  readonly #sweep: FolderActs['sweep'];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #beat: NodeJS.Timeout | undefined;

  constructor(desk: ControlDesk, path: string, { release, sweep }: FolderActs) {
    this.path = path;
    this.#desk = desk;
    this.#release = release;
    this.#sweep = sweep;
    this.#server = createServer((socket) => void this.#serve(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  async open(address: string): Promise<void> {
    try {
      await listenOn(this.#server, address);
      // The folder has kept others out until here.
      await chmod(this.path, OWNER_ONLY);
      this.#beat = setInterval(() => void this.#beatOnce(), BEAT_MS).unref();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#beat);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    await unlink(this.path).catch(() => undefined);
    await this.#release();
  }

  async #beatOnce(): Promise<void> {
    await utimes(this.path, new Date(), new Date()).catch(() => undefined);
    await this.#sweep();
  }

  /** Never rejects: what an asker does wrong is told to it, or ends its connection. */
  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    const gone = new AbortController();
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      gone.abort(new AppError('ABORTED', 'nobody waits for the command any more'));
    });
    try {
      const line = await readLine(socket, {
        maxBytes: MAX_QUESTION_BYTES,
        ms: QUESTION_MS,
        what: 'a control question',
      });
      const replies = await this.#desk(parseQuestion(line), { signal: gone.signal });
      sendLast(socket, repliesLine(replies));
    } catch (error) {
      sendLast(socket, failureLine(error));
    }
  }
}

function sendLast(socket: Socket, line: string): void {
  socket.setTimeout(TAKE_MS, () => socket.destroy());
  socket.end(line);
}

function listenOn(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject);
      // It could not accept: the next one may do better.
      server.on('error', () => undefined);
      resolve();
    });
  });
}
