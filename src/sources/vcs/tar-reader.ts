/**
 * Reads what `git archive --format=tar` writes: ustar, with pax headers for what does not fit. It takes nothing else, so that a file has one name and one size here
 * or the archive is refused. A general library would do less: git names are bytes, and those libraries read pax names as UTF-8.
 */
import { textOfBytes } from '../../gomod/go-text.ts';
import { AppError } from '../../std/errors.ts';

/** A member of an archive. Its content is there until the next one is asked for, and can be taken once; what is left of it then is skipped. */
export interface TarEntry {
  /** As git has it, from the root of the repository; directories end in a slash. Bytes that are not UTF-8 as gomod/go-text.ts writes them. */
  readonly name: string;
  /** Submodules are directories. */
  readonly kind: 'regular' | 'symlink' | 'directory';
  /** Exact: of the bytes as they come, attributes applied. */
  readonly sizeBytes: number;
  /** The content in one piece: for small entries. */
  whole(): Promise<Uint8Array>;
  /** The content as it comes. */
  pieces(): AsyncGenerator<Uint8Array, void, undefined>;
}

const BLOCK_BYTES = 512;
/** Of one extended header: a path, or the target of a link. */
const MAX_EXTENDED_BYTES = 1024 * 1024;

/**
 * The entries of the archive that `archive` streams, in its order; attacker-controlled as far as git lets a repository choose. Rejects with UPSTREAM_BAD_RESPONSE
 * unless it is complete and written as git writes it, and with whatever `archive` fails with. Closes `archive` at the end, and when it is left before.
 * Memory: one piece of the archive, and what `whole` is asked for.
 */
export async function* tarEntries(archive: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, undefined> {
  const input = new Input(archive);
  try {
    let extended: Extended = {};
    for (let header = await nextHeader(input); header !== undefined; header = await nextHeader(input)) {
      if (header.type === PAX_GLOBAL) await extendedBytes(input, header);
      else if (header.type === PAX) extended = readExtended(await extendedBytes(input, header));
      else {
        const entry = new Entry(input, header, extended);
        yield entry;
        await entry.skip();
        extended = {};
      }
    }
    await input.requireZeros();
  } finally {
    await input.close();
  }
}

class Entry implements TarEntry {
  readonly name: string;
  readonly kind: TarEntry['kind'];
  readonly sizeBytes: number;
  readonly #input: Input;
  #left: number;

  constructor(input: Input, header: Header, extended: Extended) {
    this.#input = input;
    this.name = textOfBytes(extended.path ?? header.name);
    this.kind = kindOf(header.type);
    this.sizeBytes = extended.sizeBytes ?? header.sizeBytes;
    if (this.kind !== 'regular' && this.sizeBytes !== 0) throw malformed('a link or directory with content');
    this.#left = this.sizeBytes;
  }

  async whole(): Promise<Uint8Array> {
    const sizeBytes = this.#left;
    this.#left = 0;
    const bytes = await this.#input.exactly(sizeBytes);
    await this.#skipPadding();
    return bytes;
  }

  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    while (this.#left > 0) {
      const piece = await this.#input.atMost(this.#left);
      this.#left -= piece.length;
      if (this.#left === 0) await this.#skipPadding();
      yield piece;
    }
  }

  /** Whatever was not taken. */
  async skip(): Promise<void> {
    for await (const _ of this.pieces());
  }

  async #skipPadding(): Promise<void> {
    await this.#input.exactly(paddingOf(this.sizeBytes));
  }
}

// ------------------------------------------------------------------ headers

const PAX = 'x';
const PAX_GLOBAL = 'g';

interface Header {
  readonly type: string;
  readonly name: Uint8Array;
  readonly sizeBytes: number;
}

/** Undefined at the block of zeros that ends an archive. */
async function nextHeader(input: Input): Promise<Header | undefined> {
  const block = await input.exactly(BLOCK_BYTES);
  if (isZero(block)) return undefined;
  if (octal(block.subarray(148, 155)) !== checksumOf(block)) throw malformed('wrong checksum of a header');
  if (!textIs(block.subarray(257, 265), 'ustar\x0000')) throw malformed('a header that is not ustar');
  const name = field(block.subarray(0, 100));
  const prefix = field(block.subarray(345, 500));
  return {
    type: String.fromCharCode(block[156] ?? 0),
    name: prefix.length === 0 ? Uint8Array.from(name) : Buffer.concat([prefix, Uint8Array.of(SLASH), name]),
    sizeBytes: octal(block.subarray(124, 135)),
  };
}

const SLASH = 0x2f;
const SPACE = 0x20;

function kindOf(type: string): TarEntry['kind'] {
  if (type === '0') return 'regular';
  if (type === '2') return 'symlink';
  if (type === '5') return 'directory';
  throw malformed('an entry of a kind that git does not write');
}

/** The sum of all bytes, those of the checksum itself counted as spaces. */
function checksumOf(block: Uint8Array): number {
  let sum = 8 * SPACE;
  for (let at = 0; at < BLOCK_BYTES; at++) sum += at >= 148 && at < 156 ? 0 : (block[at] ?? 0);
  return sum;
}

function field(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function octal(bytes: Uint8Array): number {
  const text = Buffer.from(bytes).toString('latin1');
  if (!/^[0-7]+$/.test(text)) throw malformed('a number that is not octal');
  return Number.parseInt(text, 8);
}

// ------------------------------------------------------------------ extended headers

/** What the header of the next entry has no room for. */
interface Extended {
  readonly path?: Uint8Array;
  readonly sizeBytes?: number;
}

async function extendedBytes(input: Input, { sizeBytes }: Header): Promise<Uint8Array> {
  if (sizeBytes > MAX_EXTENDED_BYTES) throw malformed('an extended header that is too large');
  const bytes = await input.exactly(sizeBytes);
  await input.exactly(paddingOf(sizeBytes));
  return bytes;
}

function readExtended(bytes: Uint8Array): Extended {
  let found: Extended = {};
  for (let at = 0; at < bytes.length; ) {
    const { key, value, end } = recordAt(bytes, at);
    if (key === 'path') found = { ...found, path: value };
    else if (key === 'size') found = { ...found, sizeBytes: decimal(value) };
    else if (key !== 'linkpath') throw malformed('an extended header that git does not write');
    at = end;
  }
  return found;
}

/** The record `LENGTH KEY=VALUE\n` that starts at `at`; its length counts all of it. */
function recordAt(bytes: Uint8Array, at: number): { readonly key: string; readonly value: Uint8Array; end: number } {
  const space = bytes.indexOf(SPACE, at);
  const end = at + decimal(bytes.subarray(at, space < 0 ? at : space));
  const record = bytes.subarray(space + 1, end - 1);
  const equals = record.indexOf(0x3d);
  const isWhole = end <= bytes.length && end > space + 1 && bytes[end - 1] === 0x0a && equals > 0;
  if (!isWhole) throw malformed('a damaged extended header');
  return { key: Buffer.from(record.subarray(0, equals)).toString('latin1'), value: record.subarray(equals + 1), end };
}

function decimal(bytes: Uint8Array): number {
  const text = Buffer.from(bytes).toString('latin1');
  if (!/^[1-9]\d{0,14}$/.test(text)) throw malformed('a number that is not decimal');
  return Number(text);
}

// ------------------------------------------------------------------ bytes

/** The archive, byte by byte. What it gives may share memory with what it was given. */
class Input {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(archive: AsyncIterable<Uint8Array>) {
    this.#chunks = archive[Symbol.asyncIterator]();
  }

  /** One to `limit` bytes. */
  async atMost(limit: number): Promise<Uint8Array> {
    if (!(await this.#isMore())) throw malformed('it is cut off');
    const piece = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async exactly(length: number): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array();
    const first = await this.atMost(length);
    if (first.length === length) return first;
    const bytes = Buffer.allocUnsafe(length);
    bytes.set(first);
    for (let at = first.length; at < length; ) {
      const piece = await this.atMost(length - at);
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** Reads to the end, where nothing but padding may stand. */
  async requireZeros(): Promise<void> {
    while (await this.#isMore()) {
      if (!isZero(this.#rest)) throw malformed('bytes after its end');
      this.#rest = new Uint8Array();
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #isMore(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#rest = next.value;
    }
    return true;
  }
}

function paddingOf(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function textIs(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes).toString('latin1') === text;
}

function malformed(fault: string): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', `read archive of git: ${fault}`);
}
