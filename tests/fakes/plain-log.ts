/**
 * The log of a checksum database in memory, written down from RFC 6962 and the format of notes alone, without anything of the product: what the
 * product, and the go command, have to agree with. Slow: most hashes are made anew whenever they are needed.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';

export interface PlainLogOptions {
  /** `PRIVATE+KEY+NAME+HASH+BASE64` */
  readonly signerKey: string;
  /** The text of the record of `escaped/path@version`, asked for at its first lookup. */
  readonly textOf: (name: string) => string | undefined;
}

export class PlainLog {
  /** Of the database: `sum.golang.org`. */
  readonly name: string;
  readonly #keyHash: Buffer;
  readonly #key: KeyObject;
  readonly #textOf: PlainLogOptions['textOf'];
  readonly #texts: string[] = [];
  readonly #leaves: Buffer[] = [];
  readonly #numbers = new Map<string, number>();
  /** Roots of complete subtrees of LARGE records and more, which never change, by `FROM+COUNT`. */
  readonly #large = new Map<string, Buffer>();

  constructor({ signerKey, textOf }: PlainLogOptions) {
    const [, name = '', hash = '', key = ''] = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(signerKey) ?? [];
    this.name = name;
    this.#keyHash = Buffer.from(hash, 'hex');
    this.#key = privateKey(Buffer.from(key, 'base64').subarray(1));
    this.#textOf = textOf;
  }

  get size(): number {
    return this.#leaves.length;
  }

  /** Base64 of the hash of the tree of the first `size` records; undefined where there are not so many. */
  rootOf(size: number): string | undefined {
    if (size > this.size) return undefined;
    return (size === 0 ? sha256() : this.#root(0, size)).toString('base64');
  }

  /** Adds a record and returns its number. */
  append(text: string): number {
    this.#texts.push(text);
    return this.#leaves.push(recordHash(text)) - 1;
  }

  /** The body of `latest`, `lookup/M@V` or `tile/H/L/N`; undefined for what is unknown. A lookup of a module that is new adds its record. */
  get(path: string): Buffer | undefined {
    if (path === 'latest') return Buffer.from(this.#head());
    return path.startsWith('lookup/') ? this.#lookup(path.slice('lookup/'.length)) : this.#tile(path);
  }

  /** Makes the record of a module, as its first lookup does. */
  #numberOf(name: string): number | undefined {
    const known = this.#numbers.get(name);
    const text = known === undefined ? this.#textOf(name) : undefined;
    if (text === undefined) return known;
    const number = this.append(text);
    this.#numbers.set(name, number);
    return number;
  }

  #lookup(name: string): Buffer | undefined {
    const number = this.#numberOf(name);
    return number === undefined ? undefined : Buffer.from(`${number}\n${this.#texts[number]}\n${this.#head()}`);
  }

  #head(): string {
    const root = this.size === 0 ? sha256() : this.#root(0, this.size);
    return this.signed(`go.sum database tree\n${this.size}\n${root.toString('base64')}\n`);
  }

  /** A note of `text`, which ends in a newline, signed with the key of the database. */
  signed(text: string): string {
    const signature = Buffer.concat([this.#keyHash, sign(null, Buffer.from(text), this.#key)]);
    return `${text}\n\u2014 ${this.name} ${signature.toString('base64')}\n`;
  }

  #tile(path: string): Buffer | undefined {
    const match = /^tile\/(\d+)\/(\d+|data)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path);
    const [, height = '', level = '', groups = '', width = String(2 ** Number(height))] = match ?? [];
    const first = Number(groups.replaceAll(/[x/]/g, '')) * 2 ** Number(height);
    const span = level === 'data' ? 1 : 2 ** (Number(height) * Number(level));
    if (match === null || (first + Number(width)) * span > this.size) return undefined;
    const entries = Array.from({ length: Number(width) }, (_, i) => (first + i) * span);
    if (level === 'data') return Buffer.from(entries.map((at) => `${this.#texts[at]}\n`).join(''));
    return Buffer.concat(entries.map((at) => this.#root(at, at + span)));
  }

  /** The root of the records from `from` up to, not including, `end`, of which there is at least one. */
  #root(from: number, end: number): Buffer {
    const count = end - from;
    if (count === 1) return this.#leaves[from]!; // the caller counted
    let half = 1;
    while (half * 2 < count) half *= 2;
    const known = this.#large.get(`${from}+${count}`);
    const root = known ?? nodeHash(this.#root(from, from + half), this.#root(from + half, end));
    if (half * 2 === count && count >= LARGE) this.#large.set(`${from}+${count}`, root);
    return root;
  }
}

const LARGE = 256;

/** The hash of the record with the text `text`. */
export function recordHash(text: string): Buffer {
  return sha256(Buffer.from([0]), Buffer.from(text));
}

export function nodeHash(left: Buffer, right: Buffer): Buffer {
  return sha256(Buffer.from([1]), left, right);
}

function sha256(...parts: readonly Buffer[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

/** What stands before the seed of an Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

function privateKey(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
}

/** The keys of a database called `name`, as texts, the same for the same `seed`. */
export function plainKeys(name: string, seed = 1): { readonly signer: string; readonly verifier: string } {
  const secret = Buffer.alloc(32, seed);
  const { x = '' } = createPublicKey(privateKey(secret)).export({ format: 'jwk' });
  const [ed25519, key] = [Buffer.from([1]), Buffer.from(x, 'base64url')];
  const hash = sha256(Buffer.from(`${name}\n`), ed25519, key).toString('hex', 0, 4);
  const text = (bytes: Buffer): string => `${name}+${hash}+${Buffer.concat([ed25519, bytes]).toString('base64')}`;
  return { signer: `PRIVATE+KEY+${text(secret)}`, verifier: text(key) };
}
