import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Level } from '../ladder/level.ts';
import type { CacheResult } from '../resolver/resolver.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, type ErrorCode } from '../std/errors.ts';
import type { RequestKind, ServerObserver } from './observer.ts';
import { toPrintable } from './printable.ts';
import type { Proxies } from './proxies.ts';
import { type RequestHead, readRequestHead } from './request-head.ts';

/** What all exchanges of one edge share. */
export interface ExchangeContext {
  readonly clock: Clock;
  readonly observer: ServerObserver;
  /** A kept-alive client that takes no byte for this long is cut off, ms. */
  readonly writeStallMs: number;
  readonly proxies: Proxies;
  /** `text` without secrets. */
  redact(text: string): string;
  nextRequestId(): string;
  onEnd(): void;
}

/** Status in logs and metrics when the client left before there was a reply; never sent. */
const CLIENT_LEFT = 499;
const MAX_LOGGED = 512;
const saneRequestId = /^[A-Za-z0-9._:+=@-]{1,64}$/;

/** One request and its reply, with what the log and the metrics will say of it. Reported once, when the reply is sent or the client is gone. */
export class Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly head: RequestHead;
  readonly id: string;
  readonly isHead: boolean;

  kind: RequestKind = 'other';
  /** `no` = the client wants what is stored only. */
  mayFetch: 'yes' | 'no' = 'yes';
  result: CacheResult | undefined = undefined;
  source: string | undefined = undefined;
  /** Of a question about a module: the route it takes. */
  route: string | undefined = undefined;
  /** Likewise: on which level of the ladder the route stands, and from when it is answered on which it was. */
  level: Level | undefined = undefined;
  /** What a failure to find it varies by. */
  varyBy: string | undefined = undefined;
  code: ErrorCode | undefined = undefined;
  message: string | undefined = undefined;
  /** Body bytes that the kernel took, while a long body is on its way. */
  sentBytes = 0;

  readonly #context: ExchangeContext;
  readonly #startedAt: number;
  #abort: AbortController | undefined = undefined;
  #deadline: NodeJS.Timeout | undefined = undefined;
  /** Length of a body that was given away whole, counted when the reply has ended. */
  #wholeBytes = 0;
  #ended = false;
  #onConnectionClose: (() => void) | undefined = undefined;

  constructor(context: ExchangeContext, req: IncomingMessage, res: ServerResponse) {
    this.req = req;
    this.res = res;
    this.head = readRequestHead(req.rawHeaders);
    const wanted = this.head.requestId;
    this.id = wanted !== undefined && saneRequestId.test(wanted) ? wanted : context.nextRequestId();
    this.isHead = req.method === 'HEAD';
    this.#context = context;
    this.#startedAt = context.clock.monotonic();
    const onClose = (): void => this.#end();
    res.on('close', onClose);
    // While an earlier request of the same connection is being answered, this reply hears nothing of its connection.
    if (res.socket === null) {
      this.#onConnectionClose = onClose;
      req.socket.on('close', onClose);
    }
  }

  /** Who asks, as far as turns are shared out: the address that the connection comes from, or that a proxy of ours tells of. */
  get client(): string {
    return this.#context.proxies.clientOf(this.req.socket.remoteAddress ?? '', this.head.forwardedFor);
  }

  /** The value of the header of this name in lower case; undefined when it is not there, or is there twice. */
  header(name: string): string | undefined {
    const { rawHeaders } = this.req;
    let found: string | undefined;
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      if (rawHeaders[i]?.toLowerCase() !== name) continue;
      if (found !== undefined) return undefined;
      found = rawHeaders[i + 1];
    }
    return found;
  }

  /** The value of `Authorization`. Attacker-controlled. */
  get authorization(): string | undefined {
    return this.header('authorization');
  }

  /** `text`, which repeats what others said, as it may be told to the client. */
  told(text: string): string {
    return this.#context.redact(text);
  }

  /** Fires when the client leaves, or with UPSTREAM_TIMEOUT when no reply has begun after `ms`. To be asked for once. */
  signal(ms: number): AbortSignal {
    const abort = new AbortController();
    this.#abort = abort;
    if (this.#ended) abort.abort(leftEarly());
    else {
      const late = new AppError('UPSTREAM_TIMEOUT', `no answer within ${Math.round(ms / 1000)} s; ask again later`);
      this.#deadline = setTimeout(() => abort.abort(late), ms);
    }
    return abort.signal;
  }

  /** Whether there is still somebody to reply to, and no reply has begun. */
  get mayReply(): boolean {
    return !this.#ended && !this.res.headersSent && !this.res.destroyed;
  }

  /** Writes the head. From here on only the client decides how long it takes. */
  begin(status: number, headers: string[]): void {
    if (this.#deadline !== undefined) clearTimeout(this.#deadline);
    this.res.writeHead(status, headers);
  }

  /** Sends the last (or only) bytes of the body. */
  finish(body: Uint8Array | string): void {
    if (!this.isHead) this.#wholeBytes = body.length;
    this.res.end(body);
    if ((this.res.socket?.writableLength ?? 0) > 0) this.cutOffWhenStalled();
  }

  /**
   * From now on a client that takes no byte for writeStallMs is cut off, but only while bytes wait for it: it may as well be waiting for us. Node's timer
   * looks at the kernel's progress, not at whole writes, and is reset for the next request.
   */
  cutOffWhenStalled(): void {
    const { writeStallMs } = this.#context;
    const { socket } = this.res;
    this.res.setTimeout(writeStallMs, () => {
      if (socket?.writableLength === 0) socket.setTimeout(writeStallMs);
      else this.res.destroy();
    });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#onConnectionClose !== undefined) this.req.socket.off('close', this.#onConnectionClose);
    if (this.#deadline !== undefined) clearTimeout(this.#deadline);
    const isComplete = this.res.writableFinished;
    if (isComplete) this.sentBytes += this.#wholeBytes;
    else {
      this.code ??= 'ABORTED';
      this.#abort?.abort(leftEarly());
    }
    this.#context.onEnd();
    this.#report(isComplete);
  }

  #report(complete: boolean): void {
    const { req, res, head } = this;
    this.#context.observer.onRequestEnd({
      id: this.id,
      method: req.method ?? '',
      target: loggedTarget(req.url ?? ''),
      kind: this.kind,
      status: res.headersSent ? res.statusCode : CLIENT_LEFT,
      sentBytes: this.sentBytes,
      durationMs: this.#context.clock.monotonic() - this.#startedAt,
      result: this.result,
      source: this.source,
      route: this.route,
      level: this.level,
      code: this.code,
      message: this.message,
      complete,
      remoteAddress: req.socket.remoteAddress ?? '',
      userAgent: head.userAgent === undefined ? undefined : toPrintable(head.userAgent, MAX_LOGGED),
    });
  }
}

/** The query goes: it may carry what nobody meant to have logged. */
function loggedTarget(url: string): string {
  const mark = url.indexOf('?');
  return toPrintable(mark < 0 ? url : url.slice(0, mark), MAX_LOGGED);
}

function leftEarly(): AppError {
  return new AppError('ABORTED', 'answer request: the client left');
}
