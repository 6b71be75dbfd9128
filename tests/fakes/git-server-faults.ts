import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebAnswer } from './git-server-cgi.ts';

/** How an answer of a git host goes wrong. All that is given applies. */
export interface GitServerFault {
  /** Instead of the proper answer: of what is left out there, nothing is sent. */
  readonly answer?: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
  };
  /** Sends the client there. */
  readonly redirect?: { readonly to: string; readonly status?: 301 | 302 | 303 | 307 | 308 };
  /** Headers beside the proper ones. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly delayMs?: number;
  /** Sends the body in pieces. */
  readonly trickle?: { readonly bytes: number; readonly everyMs: number };
  /** Closes the connection after this many bytes of the body. */
  readonly cutAfter?: number;
  /** After the proper body, for as long as the client takes it: this again and again. */
  readonly endless?: Uint8Array;
  /** Never answers, or never goes on after the head. */
  readonly hang?: 'before-head' | 'after-head';
  /** Resets the connection at once. */
  readonly reset?: boolean;
  /** Changes the body. */
  readonly rewrite?: (body: Buffer) => Uint8Array;
}

/** Sends the answer with the fault. */
export async function sendWithFault(
  response: ServerResponse,
  proper: () => Promise<WebAnswer>,
  fault: GitServerFault,
  onStatus: (status: number) => void,
): Promise<void> {
  if (fault.delayMs !== undefined) await sleep(fault.delayMs);
  if (fault.hang === 'before-head') return;
  if (fault.reset) return void response.req.socket.resetAndDestroy();
  const answer = instead(fault) ?? (await proper());
  const body = fault.rewrite?.(Buffer.from(answer.body)) ?? answer.body;
  const isWhole = fault.endless === undefined && fault.cutAfter === undefined && fault.hang === undefined;
  onStatus(answer.status);
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(isWhole && { 'content-length': body.length }),
    ...fault.headers,
  });
  if (fault.hang === 'after-head') return response.flushHeaders();
  await sendBody(response, body.subarray(0, fault.cutAfter), fault);
  if (fault.cutAfter === undefined) return void response.end();
  response.req.socket.destroySoon();
}

function instead({ answer, redirect }: GitServerFault): WebAnswer | undefined {
  if (redirect !== undefined)
    return { status: redirect.status ?? 302, headers: { location: redirect.to }, body: Buffer.alloc(0) };
  if (answer === undefined) return undefined;
  return { status: answer.status, headers: answer.headers ?? {}, body: Buffer.from(answer.body ?? '') };
}

async function sendBody(
  response: ServerResponse,
  body: Uint8Array,
  { trickle, endless }: GitServerFault,
): Promise<void> {
  const size = trickle?.bytes ?? Math.max(body.length, 1);
  for (let at = 0; at < body.length && !response.destroyed; at += size) {
    await write(response, body.subarray(at, at + size));
    if (trickle !== undefined) await sleep(trickle.everyMs);
  }
  if (endless === undefined) return;
  while (!response.destroyed) {
    await write(response, endless);
    if (trickle !== undefined) await sleep(trickle.everyMs);
  }
}

/** Waits until there is room again, or the client is gone. */
async function write(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (response.write(bytes)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once('drain', resolve);
  response.once('close', resolve);
  await promise;
  response.off('drain', resolve);
  response.off('close', resolve);
}

/** Resolves when the server listens. */
export async function listenOn(server: Server, address: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, address, resolve);
  await promise;
}

/** Ends a server and its connections. */
export async function closeListener(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets) socket.destroy();
  await closed;
}
