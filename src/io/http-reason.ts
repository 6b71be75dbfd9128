import type { Readable } from 'node:stream';
import { decodeUtf8 } from '../std/bytes.ts';
import type { Watch } from './watch.ts';

const MAX_BODY_BYTES = 16_384;
const MAX_WAIT_MS = 2000;
const MAX_CHARACTERS = 200;

interface Refused {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

/**
 * The first line of a short text/plain answer, safe to print, for an error message; undefined when there is none. Reads the body to
 * its end, so that the connection can be used again, or gives the connection up when the body is long or slow. Never rejects.
 */
export async function readReason({ headers, body }: Refused, watch: Watch): Promise<string | undefined> {
  const pieces: Uint8Array[] = [];
  const timer = setTimeout(() => body.destroy(), MAX_WAIT_MS);
  watch.endPhase();
  try {
    let size = 0;
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      pieces.push(piece);
      size += piece.byteLength;
      if (size >= MAX_BODY_BYTES) break;
    }
  } catch {
    // What came before the cut still explains the refusal.
  } finally {
    clearTimeout(timer);
  }
  return isPlainText(headers) ? firstLine(Buffer.concat(pieces)) : undefined;
}

/** As the go command: text/plain in UTF-8 is meant for people, everything else (HTML above all) is not. */
function isPlainText(headers: Refused['headers']): boolean {
  const type = String(headers['content-type'] ?? '').toLowerCase();
  const encoding = headers['content-encoding'];
  return (
    (encoding === undefined || encoding === 'identity') &&
    /^text\/plain\s*(;\s*charset\s*=\s*"?(utf-8|us-ascii)"?\s*)?;?$/.test(type)
  );
}

/** Invalid UTF-8 gives nothing; control and format characters are shown as `?`. */
function firstLine(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0x0a);
  const text = decodeUtf8(end === -1 ? bytes : bytes.subarray(0, end));
  const line = text?.trim().replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
  return line ? Array.from(line).slice(0, MAX_CHARACTERS).join('') : undefined;
}
