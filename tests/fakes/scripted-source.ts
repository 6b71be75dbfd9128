import type { Anchor } from '../../src/gomod/anchor.ts';
import type { ModulePath, ModuleVersion, Version } from '../../src/gomod/module.ts';
import type { RevInfo } from '../../src/gomod/rev-info.ts';
import type { Source, Spool, Unverified } from '../../src/sources/source.ts';
import { type Ask, throwIfAborted, waitFor } from '../../src/std/ask.ts';
import { AppError, type ErrorCode } from '../../src/std/errors.ts';
import { asWordOfSome } from '../../src/std/graver.ts';
import type { Spooled } from '../../src/std/spooled.ts';

type Kind = 'list' | 'latest' | 'query' | 'mod' | 'zip';

/** A source that answers from tables a test fills, fails when told to, and waits when told to. It heeds its signal unless told not to. */
export class ScriptedSource implements Source {
  readonly name: string;
  /** Every question put, as `kind module@version`. */
  readonly asked: string[] = [];
  /** Questions whose signal fired before they were answered. */
  readonly stopped: string[] = [];
  readonly lists = new Map<string, readonly string[]>();
  readonly latests = new Map<string, RevInfo>();
  /** By `module@query`. */
  readonly infos = new Map<string, RevInfo>();
  readonly mods = new Map<string, string>();
  readonly zips = new Map<string, readonly Uint8Array[]>();
  /** What every question fails with, or those of one kind. */
  fails: ErrorCode | Partial<Record<Kind, ErrorCode>> | undefined;
  /** Whether its "not here" is said while somebody who may have it cannot be asked. */
  isWordOfSome = false;
  /** Whether it goes on after its signal fired. */
  isDeaf = false;
  /** Whether zips come with their size announced. */
  announcesSize = true;
  /** Where in a repository everything comes from. */
  anchor: Anchor | undefined;
  #held: Promise<void> | undefined;
  #release: (() => void) | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Adds a version with info, go.mod and a zip of `zipText`. */
  has(module: string, version: string, zipText = `zip of ${module}@${version}`): this {
    const key = `${module}@${version}`;
    this.infos.set(key, { version: version as Version, time: '2026-01-01T00:00:00Z' });
    this.mods.set(key, `module ${module}\n\ngo 1.24\n`);
    this.zips.set(key, [Buffer.from(zipText)]);
    return this;
  }

  /** Makes all questions wait until `release` is called. */
  hold(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    this.#release = resolve;
  }

  release(): void {
    this.#release?.();
    this.#held = undefined;
  }

  /** How often `kind` was asked; of everything when absent. */
  count(kind?: Kind): number {
    return this.asked.filter((one) => kind === undefined || one.startsWith(`${kind} `)).length;
  }

  async list(module: ModulePath, o: Ask): Promise<readonly Version[]> {
    await this.#turn('list', module, o);
    return this.#found(this.lists.get(module), `list ${module}`) as readonly Version[];
  }

  async latest(module: ModulePath, o: Ask): Promise<Unverified<RevInfo>> {
    await this.#turn('latest', module, o);
    return this.#unverified(this.#found(this.latests.get(module), `latest of ${module}`));
  }

  async query(module: ModulePath, query: string, o: Ask): Promise<Unverified<RevInfo>> {
    const key = `${module}@${query}`;
    await this.#turn('query', key, o);
    return this.#unverified(this.#found(this.infos.get(key), `query ${key}`));
  }

  async mod(mv: ModuleVersion, o: Ask): Promise<Unverified<Uint8Array>> {
    const key = `${mv.path}@${mv.version}`;
    await this.#turn('mod', key, o);
    return this.#unverified(Buffer.from(this.#found(this.mods.get(key), `go.mod of ${key}`)));
  }

  async zip(mv: ModuleVersion, into: Spool, o: Ask): Promise<Unverified<Spooled>> {
    const key = `${mv.path}@${mv.version}`;
    this.#note('zip', key);
    const chunks = this.zips.get(key);
    if (this.#failure('zip') !== undefined || chunks === undefined) await this.#stand('zip', key, o);
    const body = this.#found(chunks, `zip of ${key}`);
    const sizeBytes = body.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    const announced = this.announcesSize ? { expectedBytes: sizeBytes } : {};
    return this.#unverified(await into.fill(this.#flow(key, body, o), { ...o, ...announced }));
  }

  /** The last chunk waits while the source is held. */
  async *#flow(key: string, chunks: readonly Uint8Array[], o: Ask): AsyncGenerator<Uint8Array> {
    yield* chunks.slice(0, -1);
    await this.#stand('zip', key, o);
    yield* chunks.slice(-1);
  }

  async #turn(kind: Kind, subject: string, o: Ask): Promise<void> {
    this.#note(kind, subject);
    await this.#stand(kind, subject, o);
  }

  #note(kind: Kind, subject: string): void {
    this.asked.push(`${kind} ${subject}`);
  }

  async #stand(kind: Kind, subject: string, { signal }: Ask): Promise<void> {
    const held = this.#held;
    try {
      if (held !== undefined) await (this.isDeaf ? held : waitFor(held, signal));
      if (!this.isDeaf) throwIfAborted(signal);
    } catch (error) {
      this.stopped.push(`${kind} ${subject}`);
      throw error;
    }
    const code = this.#failure(kind);
    if (code !== undefined) throw new AppError(code, `fetch ${kind} of ${subject} from ${this.name}: scripted`);
  }

  #failure(kind: Kind): ErrorCode | undefined {
    return typeof this.fails === 'object' ? this.fails[kind] : this.fails;
  }

  #found<T>(value: T | undefined, what: string): T {
    if (value !== undefined) return value;
    const absence = new AppError('NOT_FOUND', `fetch ${what} from ${this.name}: not here`);
    throw this.isWordOfSome ? asWordOfSome(absence) : absence;
  }

  #unverified<T>(unverified: T): Unverified<T> {
    return { unverified, source: this.name, ...(this.anchor && { anchor: this.anchor }) };
  }
}
