/**
 * Compare-and-swap on a file system, without locks. A name is a folder, a value is a file in it named after its generation, and
 * the highest complete generation is current. To replace generation n is to `link` a file as the next one: of several writers only
 * one can. Nobody waits for anybody, and a process that dies leaves nothing to clean up that matters.
 */
import { constants } from 'node:fs';
import { open, readdir, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { diskFailure, isAbsence } from '../../io/disk-failure.ts';
import { DurableFolder } from '../../io/durable-file.ts';
import { spooledBytes } from '../../io/spool.ts';
import type { TempDirectory } from '../../io/temp-directory.ts';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import { conflict, type Held, type Register } from '../register.ts';
import { decodeGeneration, encodeGeneration, generationName, generationOf } from './generation-file.ts';

export interface DiskRegisterOptions {
  /** Absolute path of the data folder; it exists. Must keep the order of link and readdir between its users: any local file system does. */
  readonly root: string;
  readonly temp: TempDirectory;
}

/** How often a read begins anew because the files it saw were pruned meanwhile: each time someone else has made progress. */
const MAX_READS = 50;

/** What a folder says at one moment. */
interface Current {
  readonly held?: Held;
  /** Highest generation there is, complete or torn; 0 for none. */
  readonly highest: number;
}

/** A register in files below `root`, for all processes that share the folder. */
export class DiskRegister implements Register {
  readonly #root: string;
  readonly #folder: DurableFolder;

  constructor({ root, temp }: DiskRegisterOptions) {
    this.#root = resolve(root);
    this.#folder = new DurableFolder({ root: this.#root, temp });
  }

  async read(name: string, o: Ask): Promise<Held | undefined> {
    return (await this.#current(name, o)).held;
  }

  async create(name: string, value: Uint8Array, o: Ask): Promise<Held> {
    const { held, highest } = await this.#current(name, o);
    if (held !== undefined) throw conflict(name, 'it has a value already');
    return await this.#write(name, highest + 1, value, o);
  }

  async replace(old: Held, value: Uint8Array, o: Ask): Promise<Held> {
    const { held, highest } = await this.#current(old.name, o);
    if (held?.token !== old.token) throw conflict(old.name, 'the value it was to replace is no longer current');
    // Above a torn file too: its number is used up.
    const made = await this.#write(old.name, highest + 1, value, o);
    await this.#prune(old);
    return made;
  }

  async #write(name: string, generation: number, value: Uint8Array, o: Ask): Promise<Held> {
    const file = `${name}/${generationName(generation)}`;
    const put = await this.#folder.writeOnce(file, spooledBytes(encodeGeneration(value)), o);
    if (put === 'exists') throw conflict(name, 'another writer was first');
    // Others may have passed this generation and pruned it before our link, which then succeeded on a number long gone.
    const generations = await this.#generations(name);
    if ((generations.at(0) ?? 0) > generation) throw conflict(name, 'a newer value exists');
    return { name, value: Uint8Array.from(value), token: String(generation) };
  }

  async #current(name: string, o: Ask): Promise<Current> {
    for (let i = 0; i < MAX_READS; i++) {
      throwIfAborted(o.signal);
      const current = await this.#readOnce(name);
      if (current !== 'changed') return current;
    }
    throw conflict(name, 'it changes too fast to be read');
  }

  async #readOnce(name: string): Promise<Current | 'changed'> {
    const generations = await this.#generations(name);
    const highest = generations.at(0) ?? 0;
    for (const generation of generations) {
      const file = await this.#readFile(name, generation);
      if (file === undefined) return 'changed';
      const value = decodeGeneration(file);
      if (value !== undefined) return { highest, held: { name, value, token: String(generation) } };
    }
    return { highest };
  }

  /** Newest first. */
  async #generations(name: string): Promise<number[]> {
    const folder = join(this.#root, name);
    try {
      const names = await readdir(folder);
      return names.flatMap((file) => generationOf(file) ?? []).sort((a, b) => b - a);
    } catch (error) {
      if (isAbsence(error)) return [];
      throw diskFailure(error, `read register ${name}`, folder);
    }
  }

  async #readFile(name: string, generation: number): Promise<Uint8Array | undefined> {
    const path = join(this.#root, name, generationName(generation));
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        return await file.readFile();
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw diskFailure(error, `read register ${name}`, path);
    }
  }

  /** Keeps `old`, in case the disk loses the newest, and removes what is older. Best effort. */
  async #prune(old: Held): Promise<void> {
    const generations = await this.#generations(old.name).catch(() => []);
    for (const generation of generations) {
      if (generation >= Number(old.token)) continue;
      await unlink(join(this.#root, old.name, generationName(generation))).catch(() => undefined);
    }
  }
}
