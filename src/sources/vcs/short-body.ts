import { Readable } from 'node:stream';

/** The whole of a body of at most `mostBytes`; a longer one as it comes. Rejects as reading it does. */
export async function wholeOrRest(body: AsyncIterable<unknown>, mostBytes: number): Promise<Buffer | Readable> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const rest = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    const { value, done } = await rest.next();
    if (done === true) return Buffer.concat(pieces);
    pieces.push(value);
    size += value.byteLength;
    if (size > mostBytes) return Readable.from(joined(pieces, rest), { objectMode: false });
  }
}

async function* joined(pieces: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
    for (;;) {
      const { value, done } = await rest.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}
