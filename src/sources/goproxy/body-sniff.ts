import { MAX_END_RECORD_BYTES } from '../../gomod/zip/limits.ts';
import { AppError } from '../../std/errors.ts';

/** End-of-central-directory record, without its comment. */
const EOCD_BYTES = 22;

/**
 * Throws UPSTREAM_BAD_RESPONSE for what cannot be a go.mod: an error page, JSON, or bytes that no text has. Whether it is a good go.mod is for
 * verify/ to say; an empty one is possible.
 */
export function refuseNoGoMod(bytes: Uint8Array, contentType: string, attempt: string): void {
  const start = bytes.find((byte) => byte !== 0x20 && !(byte >= 0x09 && byte <= 0x0d));
  const isMarkup =
    start === 0x3c || start === 0x7b || start === 0x5b || /^(text\/html|application\/(json|zip))\b/i.test(contentType);
  if (isMarkup || bytes.includes(0) || startsWithPk(bytes)) throw bad(attempt, 'the answer is no go.mod');
}

/**
 * `body` as it is, failing with UPSTREAM_BAD_RESPONSE as soon as it cannot be a zip: a wrong first byte, or no end record at the exact
 * end. What is inside is for verify/ to say. Holds at most 64 KiB and a piece.
 */
export async function* sniffZip(
  body: AsyncIterable<Uint8Array>,
  attempt: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let head: Uint8Array = new Uint8Array(0);
  const tail: Uint8Array[] = [];
  let held = 0;
  for await (const piece of body) {
    if (head.length < 2) {
      head = Buffer.concat([head, piece.subarray(0, 2)]).subarray(0, 2);
      if (head.length === 2 && !startsWithPk(head)) throw bad(attempt, 'the answer is no zip');
    }
    tail.push(piece);
    held += piece.length;
    while (tail.length > 1 && held - (tail[0]?.length ?? 0) >= MAX_END_RECORD_BYTES) held -= tail.shift()?.length ?? 0;
    yield piece;
  }
  if (!endsInEocd(Buffer.concat(tail))) throw bad(attempt, 'the answer is no complete zip');
}

function startsWithPk(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

function endsInEocd(tail: Buffer): boolean {
  for (
    let at = tail.lastIndexOf('PK\u0005\u0006');
    at >= 0;
    at = at === 0 ? -1 : tail.lastIndexOf('PK\u0005\u0006', at - 1)
  ) {
    if (at + EOCD_BYTES <= tail.length && at + EOCD_BYTES + tail.readUInt16LE(at + 20) === tail.length) return true;
  }
  return false;
}

function bad(attempt: string, why: string): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: ${why}`);
}
