/** The records of a log as they lie one behind the other in a data tile. */
import { decodeUtf8, encodeUtf8 } from '../../std/bytes.ts';

/** Texts of records end in a newline and hold no empty line, so an empty line parts them. */
const SEPARATOR = '\n\n';

/** The body of a data tile: each text followed by an empty line. */
export function formatDataTile(texts: readonly string[]): Uint8Array {
  return encodeUtf8(texts.map((text) => `${text}\n`).join(''));
}

/** The texts in the body of a data tile (attacker-controlled), or undefined unless they make up exactly these bytes. */
export function parseDataTile(bytes: Uint8Array): readonly string[] | undefined {
  const body = decodeUtf8(bytes);
  if (body === undefined || !body.endsWith(SEPARATOR)) return undefined;
  const texts = body.slice(0, -SEPARATOR.length).split(SEPARATOR);
  return texts.every((text) => text !== '' && !text.startsWith('\n')) ? texts.map((text) => `${text}\n`) : undefined;
}
