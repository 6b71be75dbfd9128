/**
 * A checksum database that lies as it is told to. It holds the key, so everything it says is signed as it should be; what it says otherwise is the
 * truth of its log. Cut, slow, damaged and missing answers are faults of the fake upstream that it stands in.
 */
import type { Content } from './content.ts';
import { nodeHash, PlainLog, recordHash } from './plain-log.ts';

/** The answer to `latest`, `lookup/M@V` or `tile/H/L/N`: a body, that there is none, or undefined to answer truly. */
export type Lie = (path: string) => Uint8Array | 'nothing' | undefined;

export class LyingDatabase implements Content {
  readonly log: PlainLog;
  readonly #lies: Lie[] = [];

  constructor(log: PlainLog) {
    this.log = log;
  }

  /** From now on; later lies win. Returns how to take it back. */
  tell(lie: Lie): () => void {
    this.#lies.unshift(lie);
    return () => void this.#lies.splice(this.#lies.indexOf(lie), 1);
  }

  get(path: string): Uint8Array | undefined {
    for (const lie of this.#lies) {
      const answer = lie(path);
      if (answer !== undefined) return answer === 'nothing' ? undefined : answer;
    }
    return this.log.get(path);
  }
}

/**
 * A log of `texts`, the records by `escaped/path@version`, with `others` records of other modules after them. What is appended to `texts` later gets
 * its record at its first lookup.
 */
export function logOf(signerKey: string, texts: ReadonlyMap<string, string>, others = 0): PlainLog {
  const log = new PlainLog({ signerKey, textOf: (name) => texts.get(name) });
  for (const name of texts.keys()) log.get(`lookup/${name}`);
  for (let i = 0; i < others; i++) log.append(`other.test/m${i} v1.0.0 h1:${recordHash(`${i}`).toString('base64')}\n`);
  return log;
}

/** One lookup is answered with `body`, whatever that is. */
export function answersLookup(name: string, body: string | Uint8Array): Lie {
  return (path) => (path === `lookup/${name}` ? Buffer.from(body as Uint8Array) : undefined);
}

/** The record of `other`, truly in the log, as the answer about `name`: CVE-2026-42501. */
export function answersWithOther(log: PlainLog, name: string, other: string): Lie {
  return (path) => (path === `lookup/${name}` ? log.get(`lookup/${other}`) : undefined);
}

/** A record of `text`, truly in the log, as the answer about `name`: without a line that counts it is CVE-2026-42501. */
export function answersWithRecord(log: PlainLog, name: string, text: string): Lie {
  const number = log.append(text);
  return answersLookup(name, `${number}\n${text}\n${headOf(log)}`);
}

/** The true record of `other`, and `lines` behind the tree head, under its signature: CVE-2026-56864. */
export function addsSignedLines(log: PlainLog, name: string, other: string, lines: string): Lie {
  const { record, head } = partsOf(log, other);
  return answersLookup(name, `${record}\n${log.signed(`${textOf(head)}${lines}`)}`);
}

/** The true record of `other`, and `lines` before the tree head, under no signature. */
export function addsUnsignedLines(log: PlainLog, name: string, other: string, lines: string): Lie {
  const { record, head } = partsOf(log, other);
  return answersLookup(name, `${record}\n${lines}\n${head}`);
}

/** Another log of the same key. Different records: a fork. Fewer: rolled back. */
export function answersFrom(log: Content): Lie {
  return (path) => log.get(path) ?? 'nothing';
}

/** A record of `text` that is not in the log, said to be number `number` of it, with all that is signed true. */
export function claimsRecord(log: PlainLog, name: string, number: number, text: string): Lie {
  return answersLookup(name, `${number}\n${text}\n${headOf(log)}`);
}

/**
 * The same, and the full tiles above the record forged to fit, up to the first that ends at the right edge of the tree. A client that does not check
 * every tile that it was sent against the one above takes it for true: CVE-2026-56865.
 */
export function forgesTiles(log: PlainLog, name: string, number: number, text: string): Lie {
  const forged = new Map<string, Buffer>();
  let hash = recordHash(text);
  let at = number;
  for (let level = 0; ; level++) {
    const path = tilePath(level, Math.floor(at / 256));
    const tile = log.get(path);
    if (tile === undefined) break;
    hash.copy(tile, (at % 256) * 32);
    forged.set(path, tile);
    hash = rootOf(tile);
    at = Math.floor(at / 256);
  }
  const claim = claimsRecord(log, name, number, text);
  return (path) => forged.get(path) ?? claim(path);
}

function tilePath(level: number, index: number): string {
  return `tile/8/${level}/${String(index).padStart(3, '0')}`;
}

/** The root of the subtree over a full tile. */
function rootOf(tile: Buffer): Buffer {
  let hashes = Array.from({ length: tile.length / 32 }, (_, i) => tile.subarray(i * 32, i * 32 + 32));
  while (hashes.length > 1) {
    const below = hashes;
    hashes = Array.from({ length: below.length / 2 }, (_, i) => nodeHash(below[2 * i]!, below[2 * i + 1]!)); // both inside
  }
  return hashes[0]!; // a tile is not empty
}

function headOf(log: PlainLog): string {
  return log.get('latest')!.toString(); // a log always has one
}

/** The text of a signed note, without its signature. */
function textOf(note: string): string {
  return note.slice(0, note.lastIndexOf('\n\n') + 1);
}

/** The answer to a lookup, split at its first blank line: the record with its number, and the tree head. */
function partsOf(log: PlainLog, name: string): { readonly record: string; readonly head: string } {
  const answer = log.get(`lookup/${name}`)?.toString() ?? '';
  const blank = answer.indexOf('\n\n');
  return { record: answer.slice(0, blank + 1), head: answer.slice(blank + 2) };
}
