import { chmod, lstat, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../io/make-folder.ts';
import { stateOfProcess } from '../io/process-mark.ts';
import type { Silence } from '../io/silence.ts';
import { AppError } from '../std/errors.ts';

/** Name of the folder in a data folder; no key can begin with a dot. */
const CONTROL_FOLDER = '.control';
const SUFFIX = '.sock';
/** What fits into a socket address on every system we know (104 bytes with the final zero on some, 108 on Linux). */
const MAX_ADDRESS_BYTES = 103;
const PRIVATE_FOLDER = 0o700;
const OTHERS_MAY = 0o077;

/** The folder of the sockets of a data folder. */
export function controlFolder(dataFolder: string): string {
  return join(dataFolder, CONTROL_FOLDER);
}

/** Name of the socket of the process with this mark. */
export function socketName(mark: string): string {
  return `${mark}${SUFFIX}`;
}

/** The mark in a socket's name; undefined for other names. */
export function markIn(name: string): string | undefined {
  return name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : undefined;
}

/** A way to a socket that fits into an address. `release` it when the socket is not needed any more. */
export interface SocketAddress {
  readonly address: string;
  readonly release: () => Promise<void>;
}

/**
 * An address of the socket `name` in `folder`. Data folders can lie deep, and an address holds little more than 100 bytes: a longer one goes through an open handle of the folder, which
 * Linux has a short name for. Rejects with the system's error.
 */
export async function socketAddress(folder: string, name: string): Promise<SocketAddress> {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= MAX_ADDRESS_BYTES) return { address: path, release: async () => undefined };
  const handle = await open(folder);
  return { address: `/proc/self/fd/${handle.fd}/${name}`, release: () => handle.close() };
}

/** Makes the folder, for its owner only. Rejects with STORE_UNAVAILABLE when it is another user's, or a link, and with the system's errors. */
export async function makeControlFolder(folder: string): Promise<void> {
  const attempted = `make the control folder ${folder}`;
  await makeFolder(folder, { attempted, mode: PRIVATE_FOLDER });
  const facts = await lstat(folder);
  if (!facts.isDirectory())
    throw new AppError('STORE_UNAVAILABLE', `${attempted}: something else has its name; remove it`);
  if (facts.uid !== process.getuid?.())
    throw new AppError('STORE_UNAVAILABLE', `${attempted}: it belongs to another user; remove it`);
  if ((facts.mode & OTHERS_MAY) !== 0) await chmod(folder, PRIVATE_FOLDER);
}

/** Names of the sockets in `folder` whose processes may be running; none when there is no such folder. Rejects with the system's error. */
export async function socketsIn(folder: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (const name of await readdir(folder)) {
    const mark = markIn(name);
    if (mark !== undefined && (await stateOfProcess(mark)) !== 'gone') names.push(name);
  }
  return names.sort();
}

/** Removes the sockets that dead processes left; `silence` judges those who cannot be seen from here. Never rejects. */
export async function sweepSockets(folder: string, silence: Silence): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    if (await isAbandoned(path, markIn(name), silence)) await unlink(path).catch(() => undefined);
  }
}

async function isAbandoned(path: string, mark: string | undefined, silence: Silence): Promise<boolean> {
  if (mark === undefined) return false;
  const owner = await stateOfProcess(mark);
  return owner === 'unseen' ? await silence.isSilent(path) : owner === 'gone';
}
