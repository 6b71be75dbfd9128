import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Clock } from '../std/clock.ts';
import type { ConnectionFault } from './fault.ts';

/** What a wire needs of its proxy. */
export interface WireNeeds {
  /** What is in force now. */
  readonly faults: () => readonly ConnectionFault[];
  readonly clock: Clock;
  /** In [0, 1): for jitter. */
  readonly random: () => number;
  readonly onBytes: (direction: 'received' | 'sent', count: number) => void;
}

type Done = (error?: Error | null) => void;

/** Bytes for the client, or the end of them, and from when on they may go. */
interface Due {
  readonly bytes?: Uint8Array;
  readonly dueAt: number;
  /** Called when it has gone; undefined when the writer was let go on at once. */
  readonly done?: Done;
}

/** What may wait here before the writer has to; a slow line has buffers, too. */
const QUEUE_BYTES = 256 * 1024;

/**
 * A client's connection as the proxy's inside sees it: a stream of bytes, with the faults of the line between. Owns the socket. A pure pass-through as
 * long as there are none. What is written may go on in pieces, late, or never.
 */
export class Wire extends Duplex {
  readonly #client: Socket;
  readonly #needs: WireNeeds;
  readonly #openedAt: number;
  readonly #gone = new AbortController();
  readonly #isSilent: boolean;
  readonly #queue: Due[] = [];
  #queued = 0;
  #sent = 0;
  #isPumping = false;
  #isDead = false;
  #wantsMore = false;
  #doom: (() => void) | undefined;
  #onFaults = Promise.withResolvers<void>();

  constructor(client: Socket, needs: WireNeeds) {
    super({ highWaterMark: 64 * 1024 });
    this.#client = client;
    this.#needs = needs;
    this.#openedAt = needs.clock.monotonic();
    this.#isSilent = needs.faults().some(({ kind }) => kind === 'silence');
    // Clients that leave are part of the matter.
    client.on('error', () => this.destroy());
    client.on('close', () => this.destroy());
    client.on('end', () => this.push(null));
    client.on('data', (bytes) => this.#take(bytes));
    client.pause();
    this.#settle();
  }

  /** The rules are other ones: what they do to an open connection is done. `half-open` hits whoever is open now. */
  faultsChanged(): void {
    if (this.#has('half-open')) this.#isDead = true;
    this.#settle();
    this.#onFaults.resolve();
    this.#onFaults = Promise.withResolvers();
  }

  /** Gives the connection up with a reset, as a program that crashed. */
  reset(): void {
    this.#client.resetAndDestroy();
    this.destroy();
  }

  override _read(): void {
    this.#wantsMore = true;
    if (!this.#isHeld) this.#client.resume();
  }

  override _write(bytes: Uint8Array, _: BufferEncoding, done: Done): void {
    if (this.#queue.length === 0 && this.#needs.faults().length === 0 && !this.#isDead) return this.#send(bytes, done);
    const isFull = this.#queued + bytes.length > QUEUE_BYTES;
    this.#enqueue({ bytes, dueAt: this.#dueAt(), ...(isFull && { done }) });
    if (!isFull) done();
  }

  override _final(done: Done): void {
    const late = this.#find('slow-close')?.ms ?? 0;
    this.#enqueue({ dueAt: this.#dueAt() + late, done });
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#doom?.();
    this.#gone.abort();
    this.#client.destroy();
    done(error);
  }

  get #isHeld(): boolean {
    return this.#isDead || this.#has('timeout') || (this.#isSilent && this.#has('silence'));
  }

  #has(kind: ConnectionFault['kind']): boolean {
    return this.#find(kind) !== undefined;
  }

  #find<K extends ConnectionFault['kind']>(kind: K): Extract<ConnectionFault, { kind: K }> | undefined {
    return this.#needs.faults().find((one): one is Extract<ConnectionFault, { kind: K }> => one.kind === kind);
  }

  #settle(): void {
    this.#doom?.();
    this.#doom = undefined;
    const { clock } = this.#needs;
    const reset = this.#find('reset');
    const timeout = this.#find('timeout');
    if (reset !== undefined) {
      const left = (reset.afterMs ?? 0) - (clock.monotonic() - this.#openedAt);
      if (left <= 0) return this.reset();
      this.#doom = clock.after(left, () => this.reset());
    } else if (timeout !== undefined && timeout.ms > 0) this.#doom = clock.after(timeout.ms, () => this.destroy());
    if (this.#isHeld) this.#client.pause();
    else if (this.#wantsMore) this.#client.resume();
  }

  #take(bytes: Uint8Array): void {
    this.#needs.onBytes('received', bytes.length);
    if (this.push(bytes)) return;
    this.#wantsMore = false;
    this.#client.pause();
  }

  #dueAt(): number {
    const { clock, random } = this.#needs;
    const late = this.#find('latency');
    return late === undefined ? 0 : clock.monotonic() + late.ms + (late.jitterMs ?? 0) * random();
  }

  #enqueue(due: Due): void {
    this.#queue.push(due);
    this.#queued += due.bytes?.length ?? 0;
    if (!this.#isPumping) void this.#pump();
  }

  /** Sends what waits, in order, as the line allows. Ends when nothing waits, or the connection is gone. */
  async #pump(): Promise<void> {
    this.#isPumping = true;
    try {
      for (let due = this.#queue[0]; due !== undefined; due = this.#queue[0]) {
        await this.#pause(due.dueAt - this.#needs.clock.monotonic());
        while (this.#isHeld) await this.#onFaults.promise;
        if (due.bytes === undefined) this.#client.end();
        else await this.#sendInPieces(due.bytes);
        this.#queue.shift();
        this.#queued -= due.bytes?.length ?? 0;
        due.done?.();
      }
    } catch {
      // Gone: nobody waits for the rest.
      this.destroy();
    } finally {
      this.#isPumping = false;
    }
  }

  async #sendInPieces(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      while (this.#isHeld) await this.#onFaults.promise;
      const { size, pauseMs } = this.#nextPiece(bytes.length - at);
      const left = (this.#find('limit-data')?.bytes ?? Number.POSITIVE_INFINITY) - this.#sent;
      const piece = bytes.subarray(at, at + Math.min(size, left));
      if (piece.length > 0) await this.#sendAll(piece);
      if (size >= left) return await this.#breakOff();
      at += piece.length;
      await this.#pause(pauseMs);
    }
  }

  #nextPiece(available: number): { readonly size: number; readonly pauseMs: number } {
    const slicer = this.#find('slicer');
    const perSecond = this.#find('bandwidth')?.bytesPerSecond;
    // A tenth of a second at a time.
    const allowed = perSecond === undefined ? available : Math.max(1, Math.round(perSecond / 10));
    const size = Math.min(available, allowed, slicer?.bytes ?? available);
    return { size, pauseMs: (slicer?.everyMs ?? 0) + (perSecond === undefined ? 0 : (size / perSecond) * 1000) };
  }

  /** Ends the connection in good order, in the midst of what was to come. */
  async #breakOff(): Promise<never> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#client.end(() => resolve());
    await promise;
    throw new Error('the data of this connection are used up');
  }

  #sendAll(bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#send(bytes, (error) => (error ? reject(error) : resolve()));
    return promise;
  }

  #send(bytes: Uint8Array, done: Done): void {
    this.#sent += bytes.length;
    this.#needs.onBytes('sent', bytes.length);
    this.#client.write(bytes, done);
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await this.#needs.clock.sleep(ms, { signal: this.#gone.signal });
  }
}
