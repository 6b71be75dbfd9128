import type { FileHandle } from 'node:fs/promises';

interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/**
 * Where the bytes of a body lie on its way in: the first of them in its file, the rest in memory, in the pieces they came in. Any number of
 * readers may look at any place, each at its own pace; what has come is there at once, not only when it has been written.
 */
export class Arrived {
  readonly #pieces: Piece[] = [];
  /** The first byte that is in memory. */
  #start = 0;
  #end = 0;
  #file: FileHandle | undefined;

  /** How many bytes have come. */
  get sizeBytes(): number {
    return this.#end;
  }

  /** How many bytes are in the file. */
  get writtenBytes(): number {
    return this.#start;
  }

  /** `bytes` have come; nobody changes them any more. */
  push(bytes: Uint8Array): void {
    this.#pieces.push({ at: this.#end, bytes });
    this.#end += bytes.length;
  }

  /** The pieces from byte `at` on; a piece must begin there. */
  piecesFrom(at: number): Uint8Array[] {
    return this.#pieces.slice(this.#indexOf(at)).map(({ bytes }) => bytes);
  }

  /** A descriptor for reading the file, which is ours to close from here on. Its owner writes through another. */
  readsFrom(file: FileHandle): void {
    this.#file = file;
  }

  /** The bytes before `end`, where a piece begins or all end, are in the file. */
  wrote(end: number): void {
    this.#pieces.splice(0, end >= this.#end ? this.#pieces.length : this.#indexOf(end));
    this.#start = end;
  }

  /** All bytes are in memory again: those that were in the file are `bytes`. */
  gotBack(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#pieces.unshift({ at: 0, bytes });
    this.#start = 0;
  }

  /** All bytes as one, when all are in memory; they are held once afterwards. */
  joined(): Uint8Array {
    const bytes = Buffer.concat(this.piecesFrom(0), this.#end);
    this.#pieces.splice(0, Infinity, { at: 0, bytes });
    return bytes;
  }

  /** Copies what there is from byte `at` on into `into`; 0 when nothing is there (any more). Rejects as the file does. */
  async read(at: number, into: Uint8Array): Promise<number> {
    if (at >= this.#start) return this.#copy(at, into);
    const room = into.subarray(0, this.#start - at);
    return this.#file === undefined ? 0 : (await this.#file.read(room, 0, room.length, at)).bytesRead;
  }

  /** Lets go of the file; reads under way come to their end. */
  async leaveFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  /** Gives everything up: from now on nothing is there. */
  async close(): Promise<void> {
    this.#pieces.length = 0;
    await this.leaveFile();
  }

  #copy(at: number, into: Uint8Array): number {
    let copied = 0;
    for (let i = this.#indexOf(at); i < this.#pieces.length && copied < into.length; i++) {
      const piece = this.#pieces[i];
      if (piece === undefined) break;
      const skip = at + copied - piece.at;
      const part = piece.bytes.subarray(skip, skip + into.length - copied);
      into.set(part, copied);
      copied += part.length;
    }
    return copied;
  }

  /** Which piece holds byte `at`; their number when none does. By halves: a body may come in very small pieces. */
  #indexOf(at: number): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const piece = this.#pieces[middle];
      if (piece !== undefined && piece.at + piece.bytes.length <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
