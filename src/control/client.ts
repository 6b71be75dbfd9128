import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { diskFailure, isAbsence } from '../io/disk-failure.ts';
import { pidIn } from '../io/process-mark.ts';
import { abortedError, type Ask, waitFor } from '../std/ask.ts';
import { type AppError, systemCodeOf, toAppError } from '../std/errors.ts';
import { type ControlQuestion, type ControlReply, MAX_REPLIES_BYTES, parseReplies } from './exchange.ts';
import { controlFolder, markIn, socketAddress, socketsIn } from './folder.ts';
import { readLine } from './line.ts';

export { type ControlReply, errorOf } from './exchange.ts';

/** A server that listens for its operator. */
export interface ControlPoint {
  /** Absolute path of its socket. */
  readonly path: string;
  /** As the server's own machine or container counts them. */
  readonly pid: number;
  readonly folder: string;
  readonly name: string;
}

/** What a server said: one reply of each of its processes, or why there are none. */
export type Answered =
  | { readonly server: ControlPoint; readonly replies: readonly ControlReply[] }
  | { readonly server: ControlPoint; readonly error: AppError };

/**
 * The servers of a data folder that are running; those that only left a socket are not among them. Rejects with STORE_UNAVAILABLE when the folder cannot be read,
 * as when it is another user's.
 */
export async function findServers(dataFolder: string): Promise<readonly ControlPoint[]> {
  const folder = controlFolder(dataFolder);
  try {
    const names = await socketsIn(folder);
    const points = names.map((name) => ({
      folder,
      name,
      path: join(folder, name),
      pid: pidIn(markIn(name) ?? '') ?? 0,
    }));
    const listening = await Promise.all(points.map(isListening));
    return points.filter((_point, i) => listening[i]);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw diskFailure(error, `look for running servers in ${folder}`, folder);
  }
}

/** What one server says to `question`. Rejects with its failure, ABORTED when it ends before it has answered, or the signal's own. */
export async function askServer(
  server: ControlPoint,
  question: ControlQuestion,
  o: Ask,
): Promise<readonly ControlReply[]> {
  const socket = await open(server);
  const stop = (): void => void socket.destroy();
  try {
    o.signal.addEventListener('abort', stop, { once: true });
    socket.write(`${JSON.stringify(question)}\n`);
    const line = readLine(socket, { maxBytes: MAX_REPLIES_BYTES, what: `what the server with pid ${server.pid} says` });
    return parseReplies(await waitFor(line, o.signal));
  } catch (error) {
    throw o.signal.aborted ? abortedError(o.signal) : error;
  } finally {
    o.signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

/** What all running servers of a data folder say, asked at once; empty when there is none. Rejects as findServers does. */
export async function askServers(dataFolder: string, question: ControlQuestion, o: Ask): Promise<readonly Answered[]> {
  const servers = await findServers(dataFolder);
  return await Promise.all(
    servers.map(async (server): Promise<Answered> => {
      try {
        return { server, replies: await askServer(server, question, o) };
      } catch (error) {
        return { server, error: toAppError(error, `ask the server with pid ${server.pid}`) };
      }
    }),
  );
}

/** Rejects with the system's error. */
async function open({ folder, name }: ControlPoint): Promise<Socket> {
  const { address, release } = await socketAddress(folder, name);
  const socket = connect(address);
  try {
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    return socket;
  } catch (error) {
    socket.destroy();
    throw diskFailure(error, `connect to the control socket ${join(folder, name)}`);
  } finally {
    await release();
  }
}

/** A socket that cannot be used for another reason counts as a server: asking it tells why. */
async function isListening(point: ControlPoint): Promise<boolean> {
  try {
    (await open(point)).destroy();
    return true;
  } catch (error) {
    const system = systemCodeOf((error as AppError).cause);
    return system !== 'ECONNREFUSED' && system !== 'ENOENT';
  }
}
