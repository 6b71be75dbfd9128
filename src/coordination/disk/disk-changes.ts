/**
 * News between processes as lines at the end of a file that all have open: to tell is one append, to hear is to look whether the file has grown. A file that is long is followed by another;
 * the one before is heard on, for whoever has not noticed yet.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { diskFailure } from '../../io/disk-failure.ts';
import type { Changes } from '../changes.ts';
import { generationName, generationOf } from './generation-file.ts';

export interface DiskChangesOptions {
  /** Absolute path of the data folder; it exists. */
  readonly root: string;
  /** Bytes after which another file is begun. */
  readonly maxBytes?: number;
}

/** Name of the folder in a data folder; no key can begin with a dot. */
const CHANGES_FOLDER = '.changes';
const MAX_BYTES = 8 * 1024 * 1024;
/** More news than this at a time are not read: everything may have changed. */
const MAX_NEWS_BYTES = 1024 * 1024;
/** Names that are longer are not told of. */
const MAX_NAME_CHARS = 4096;
/** In the place of a name: the next file has begun. */
const NEXT = '';
const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/** One file, and how far it was heard. */
interface Page {
  readonly generation: number;
  readonly fd: number;
  heardBytes: number;
}

/** News in files below `root`, for all processes that share the folder. */
export class DiskChanges implements Changes {
  readonly #folder: string;
  readonly #maxBytes: number;
  /** Begins our own lines. */
  readonly #mark = randomBytes(8).toString('hex');
  /** The newest last; at most two. */
  #pages: Page[];
  #isClosed = false;

  /** Begins at the end of what is there. Throws STORE_UNAVAILABLE when there can be no file. */
  constructor({ root, maxBytes = MAX_BYTES }: DiskChangesOptions) {
    this.#folder = join(resolve(root), CHANGES_FOLDER);
    this.#maxBytes = maxBytes;
    try {
      mkdirSync(this.#folder, { recursive: true });
      const page = this.#open(this.#newest());
      page.heardBytes = fstatSync(page.fd).size;
      this.#pages = [page];
    } catch (error) {
      throw diskFailure(error, 'open the file of changes', this.#folder);
    }
  }

  heard(): readonly string[] | 'everything' {
    if (this.#isClosed) return [];
    const names: string[] = [];
    // One that is followed by another brings that one into the list.
    for (let i = 0; i < this.#pages.length; i++) {
      const news = this.#newsOf(this.#pages[i] as Page);
      if (news === 'everything') return this.#skipAll();
      names.push(...news);
    }
    return names;
  }

  tell(name: string): void {
    if (this.#isClosed || name.length > MAX_NAME_CHARS) return;
    const page = this.#pages.at(-1);
    try {
      if (page === undefined) return;
      this.#write(page, name);
      if (fstatSync(page.fd).size > this.#maxBytes) this.#turn(page);
    } catch {
      // See Changes.tell.
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { fd } of this.#pages) closeSync(fd);
  }

  #newsOf(page: Page): readonly string[] | 'everything' {
    try {
      const { size } = fstatSync(page.fd);
      if (size === page.heardBytes) return [];
      if (size < page.heardBytes || size - page.heardBytes > MAX_NEWS_BYTES) return 'everything';
      const bytes = Buffer.alloc(size - page.heardBytes);
      const read = readSync(page.fd, bytes, 0, bytes.length, page.heardBytes);
      // A line whose end has not come yet is heard the next time.
      const text = bytes.subarray(0, bytes.subarray(0, read).lastIndexOf(NEWLINE) + 1);
      page.heardBytes += text.length;
      return this.#namesIn(text.toString(), page);
    } catch {
      return [];
    }
  }

  #namesIn(text: string, page: Page): readonly string[] {
    return text.split('\n').flatMap((line) => {
      if (line === '') return [];
      const name = nameIn(line);
      if (name === NEXT) this.#follow(page.generation + 1);
      return name === undefined || name === NEXT || line.startsWith(this.#mark) ? [] : [name];
    });
  }

  #write(page: Page, name: string): void {
    writeSync(page.fd, `${this.#mark} ${JSON.stringify(name)}\n`);
  }

  /** Whoever comes first begins the next; all who see the old one so long may try. */
  #turn(page: Page): void {
    this.#follow(page.generation + 1);
    this.#write(page, NEXT);
    try {
      unlinkSync(join(this.#folder, generationName(page.generation - 1)));
    } catch {
      // Another was first, or there is none.
    }
  }

  #follow(generation: number): void {
    if ((this.#pages.at(-1)?.generation ?? 0) >= generation) return;
    this.#pages.push(this.#open(generation));
    if (this.#pages.length > 2) closeSync(this.#pages.shift()?.fd ?? -1);
  }

  #open(generation: number): Page {
    const fd = openSync(join(this.#folder, generationName(generation)), FLAGS, 0o644);
    return { generation, fd, heardBytes: 0 };
  }

  /** Goes on at the end of the newest file: that another has begun may be among what is not read. */
  #skipAll(): 'everything' {
    try {
      this.#follow(this.#newest());
      for (const page of this.#pages) page.heardBytes = fstatSync(page.fd).size;
    } catch {
      // The next time.
    }
    return 'everything';
  }

  #newest(): number {
    return Math.max(1, ...readdirSync(this.#folder).flatMap((name) => generationOf(name) ?? []));
  }
}

const NEWLINE = 0x0a;

function nameIn(line: string): string | undefined {
  try {
    const name: unknown = JSON.parse(line.slice(line.indexOf(' ') + 1));
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}
