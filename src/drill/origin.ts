import type { Socket } from 'node:net';
import type { Ask } from '../std/ask.ts';

/** A request as it came to the proxy. Bodies are not taken: GET and HEAD only. */
export interface OriginRequest {
  readonly method: string;
  /** Raw, with query string. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What the target said to it. */
export interface OriginAnswer {
  readonly status: number;
  /** Without what belongs to the connection (`connection`, `transfer-encoding`) and without Content-Length. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Of `body`; undefined when it is not known before its end. */
  readonly sizeBytes?: number;
  /** May be read once, and fails when the target breaks off. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Asks the true target, whatever that takes: credentials, TLS, a proxy. A rejection is answered with 502. */
export type Origin = (request: OriginRequest, o: Ask) => Promise<OriginAnswer>;

/** What stands behind a fault proxy: a server of anything, or one of HTTP whose answers it can spoil. */
export type FaultTarget =
  | { readonly kind: 'tcp'; readonly dial: (o: Ask) => Promise<Socket> }
  | { readonly kind: 'http'; readonly origin: Origin };
