/** The log of a checksum database in memory that can show itself as it was at any size, and ways to it that lie when told to. */
import {
  escapePath,
  escapeVersion,
  type ModuleVersion,
  parseModulePath,
  type Version,
} from '../../src/gomod/module.ts';
import { formatDataTile } from '../../src/gomod/sumdb/data-tile.ts';
import { type Hash, recordHash } from '../../src/gomod/sumdb/hash.ts';
import { generateKey, parseSignerKey, type SignerKey, type VerifierKey } from '../../src/gomod/sumdb/key.ts';
import { signNote } from '../../src/gomod/sumdb/note.ts';
import { formatRecord, formatTreeHead, sumLines } from '../../src/gomod/sumdb/text.ts';
import { parseTilePath, type Tile, tileBytes } from '../../src/gomod/sumdb/tile.ts';
import { type HashReader, storedHashesForRecord, treeHash } from '../../src/gomod/sumdb/tree.ts';
import { encodeUtf8 } from '../../src/std/bytes.ts';
import { AppError } from '../../src/std/errors.ts';
import type { SumdbRemote } from '../../src/verify/sumdb-remote.ts';

/** `example.com/m7@v1.0.0` for 7. */
export function testModule(n: number): ModuleVersion {
  return { path: parseModulePath(`example.com/m${n}`), version: 'v1.0.0' as Version };
}

/** A hash that looks like one, made of `n`. */
export function testH1(n: number): string {
  return `h1:${Buffer.alloc(32, `hash ${n} `).toString('base64')}`;
}

export class TestLog {
  readonly name: string;
  readonly key: VerifierKey;
  readonly #signer: SignerKey;
  readonly #texts: string[] = [];
  readonly #hashes: Hash[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #read: HashReader = async (indexes) =>
    indexes.map((index) => {
      const hash = this.#hashes[index];
      if (hash === undefined) throw new Error(`the log has no hash ${index}`);
      return hash;
    });

  constructor(name = 'sum.example.org', seed = 1) {
    this.#signer = parseSignerKey(generateKey(name, Buffer.alloc(32, seed)).signer);
    this.name = name;
    this.key = this.#signer.verifier;
  }

  get size(): number {
    return this.#texts.length;
  }

  /** Logs a module: with the lines every record has, unless other text is given. */
  async add(module: ModuleVersion, text?: string): Promise<void> {
    const number = this.#texts.length;
    const lines = text ?? sumLines(module, { zip: testH1(number), mod: testH1(number + 0.5) });
    this.#hashes.push(...(await storedHashesForRecord(number, recordHash(encodeUtf8(lines)), this.#read)));
    this.#texts.push(lines);
    this.#numbers.set(nameOf(module), number);
  }

  /** Adds testModule(size) and so on until there are `size` records. */
  async growTo(size: number): Promise<void> {
    while (this.size < size) await this.add(testModule(this.size));
  }

  /** The head of the first `size` records, signed. `more` is further text below it, signed too. */
  async head(size = this.size, more = ''): Promise<Uint8Array> {
    const head = { size, hash: await treeHash(size, this.#read) };
    return signNote({ text: formatTreeHead(head) + more }, this.#signer);
  }

  text(number: number): string {
    return this.#texts[number] ?? '';
  }

  numberOf(module: ModuleVersion): number | undefined {
    return this.#numbers.get(nameOf(module));
  }

  async tile(tile: Tile): Promise<Uint8Array> {
    const first = tile.index * 2 ** tile.height;
    if (tile.level === 'data') return formatDataTile(this.#texts.slice(first, first + tile.width));
    return await tileBytes(tile, this.#read);
  }

  /** The body at `/latest`, `/lookup/...` or `/tile/...` as an honest database with the first `size` records has it; undefined for what it does not have. */
  async body(path: string, size = this.size): Promise<Uint8Array | undefined> {
    if (path === '/latest') return await this.head(size);
    if (path.startsWith('/tile/')) return await this.#tileAt(path.slice(1), size);
    const number = this.#numbers.get(path.replace('/lookup/', ''));
    if (number === undefined || number >= size) return undefined;
    return Buffer.concat([formatRecord(number, this.text(number)), await this.head(size)]);
  }

  async #tileAt(path: string, size: number): Promise<Uint8Array | undefined> {
    const tile = parseTilePath(path);
    const span = tile.level === 'data' ? 1 : 2 ** (tile.height * tile.level);
    const end = (tile.index * 2 ** tile.height + tile.width) * span;
    return end <= size ? await this.tile(tile) : undefined;
  }
}

function nameOf({ path, version }: ModuleVersion): string {
  return `${escapePath(path)}@${escapeVersion(version)}`;
}

/** A way to a TestLog. Honest until its members are set. */
export class TestRemote implements SumdbRemote {
  readonly host: string;
  /** What was asked for, in order. */
  readonly asked: string[] = [];
  /** The log it answers from, and how many records it tells of. */
  log: TestLog;
  size: number | undefined;
  /** What isUsable says or rejects with. */
  usable: boolean | AppError = true;
  /** Not reachable. */
  isDead = false;
  /** Changes what is sent; undefined = NOT_FOUND. */
  lie: (path: string, body: Uint8Array | undefined) => Uint8Array | undefined | Promise<Uint8Array | undefined> = (
    _path,
    body,
  ) => body;
  /** How often it went from no request to at least one: requests at the same time are one round. */
  rounds = 0;
  #underWay = 0;

  constructor(log: TestLog, host = 'sum.example.org') {
    this.log = log;
    this.host = host;
  }

  async isUsable(): Promise<boolean> {
    if (this.usable instanceof AppError) throw this.usable;
    return this.usable;
  }

  async read(path: string): Promise<Uint8Array> {
    this.asked.push(path);
    if (this.#underWay++ === 0) this.rounds++;
    // Requests of one round are all sent before any is answered.
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.#underWay--;
    if (this.isDead) throw new AppError('UPSTREAM_UNAVAILABLE', `fetch ${path} from ${this.host}: connection refused`);
    const body = await this.lie(path, await this.log.body(path, this.size));
    if (body === undefined) throw new AppError('NOT_FOUND', `fetch ${path} from ${this.host}: 404`);
    return body;
  }
}
