/** An HTTP client that costs less than the server that it measures: one request at a time over one connection, bodies counted and dropped. */
import { connect, type Socket } from 'node:net';

/** Where from, and where to. */
export interface Ends {
  readonly port: number;
  /** An address of this machine to come from: each is a client of its own. */
  readonly from: string;
  /** How fast it reads; absent = as fast as it can. */
  readonly bytesPerSecond?: number | undefined;
}

/** One answer. */
export interface Reply {
  readonly status: number;
  readonly bodyBytes: number;
  readonly ms: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

interface Expected {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  readonly begunAt: number;
}

/** A connection. A body that ends early, and a connection that ends before an answer, are failures of what was asked. */
export class Connection {
  readonly socket: Socket;
  readonly opened: Promise<void>;
  #expected: Expected | undefined;
  #head: Buffer = Buffer.alloc(0);
  #status = 0;
  #bodyBytes = 0;
  /** Of the body; undefined while the head is incomplete. */
  #left: number | undefined;

  constructor({ port, from, bytesPerSecond }: Ends) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    promise.catch(() => undefined);
    this.socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true }, resolve);
    this.socket.on('data', (bytes) => {
      this.#take(bytes);
      if (bytesPerSecond !== undefined) this.#rest((bytes.length / bytesPerSecond) * 1000);
    });
    this.socket.on('error', (error) => {
      reject(error);
      this.#fail(error);
    });
    this.socket.on('close', () => this.#fail(new Error('the connection ended')));
  }

  get isOpen(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded;
  }

  async ask(target: string): Promise<Reply> {
    await this.opened;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#expected = { resolve, reject, begunAt: performance.now() };
    this.#left = undefined;
    this.#head = Buffer.alloc(0);
    this.#bodyBytes = 0;
    if (this.socket.destroyed) this.#fail(new Error('the connection had ended'));
    this.socket.write(`GET ${target} HTTP/1.1\r\nHost: larder.test\r\n\r\n`);
    return await promise;
  }

  close(): void {
    this.socket.destroy();
  }

  #rest(ms: number): void {
    this.socket.pause();
    setTimeout(() => this.socket.resume(), ms);
  }

  #take(bytes: Buffer): void {
    if (this.#left !== undefined) return this.#takeBody(bytes.length);
    this.#head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#head.toString('latin1', 0, end);
    this.#status = Number(head.slice(9, 12));
    this.#left = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    this.#takeBody(this.#head.length - end - HEAD_END.length);
  }

  #takeBody(length: number): void {
    this.#bodyBytes += length;
    this.#left = (this.#left ?? 0) - length;
    if (this.#left > 0) return;
    const expected = this.#expected;
    this.#expected = undefined;
    expected?.resolve({
      status: this.#status,
      bodyBytes: this.#bodyBytes,
      ms: performance.now() - expected.begunAt,
    });
  }

  #fail(error: Error): void {
    const expected = this.#expected;
    this.#expected = undefined;
    expected?.reject(error);
  }
}
