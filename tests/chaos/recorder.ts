/** What clients ask and are answered, written down on the way, whole. */
import { createHash } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One question of a client and what came back. */
export interface Heard {
  /** ms since the run began. */
  readonly at: number;
  readonly endedAt: number;
  /** Decoded path, without leading slash. */
  readonly target: string;
  /** 0 = there was no answer. */
  readonly status: number;
  /** Hex, of what came. */
  readonly sha256: string;
  /** Whether all that was announced came. */
  readonly isWhole: boolean;
  /** Address of the server that gave it, behind whatever stands before it. */
  readonly replica: string;
  /** The text, of what is no file: lists, latest, heads and records. */
  readonly text?: string;
}

export interface Recorder {
  readonly base: string;
  readonly history: readonly Heard[];
  close(): Promise<void>;
}

const KEPT_TEXT = /\/@v\/list$|\/@latest$|^sumdb\/[^/]+\/(latest|lookup)/;

/** Starts one before `behind`. Close it. */
export async function startRecorder(behind: string): Promise<Recorder> {
  const history: Heard[] = [];
  const started = performance.now();
  const server = createServer((request, response) =>
    pass(request, response, behind, (heard) => {
      const since = (ms: number): number => Math.round(ms - started);
      history.push({ ...heard, at: since(heard.at), endedAt: since(heard.endedAt) });
    }),
  );
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    history,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pass(request: IncomingMessage, response: ServerResponse, behind: string, tell: (heard: Heard) => void): void {
  const at = performance.now();
  const target = decodeURIComponent((request.url ?? '').slice(1));
  const hash = createHash('sha256');
  const pieces: Buffer[] = [];
  let status = 0;
  let replica = '';
  let isTold = false;
  const end = (isWhole: boolean): void => {
    if (isTold) return;
    isTold = true;
    const text = KEPT_TEXT.test(target) ? { text: Buffer.concat(pieces).toString() } : {};
    tell({ at, endedAt: performance.now(), target, status, sha256: hash.digest('hex'), isWhole, replica, ...text });
  };
  const asked = httpRequest(new URL(request.url ?? '/', behind), { method: request.method, headers: request.headers });
  asked.on('response', (answer) => {
    status = answer.statusCode ?? 0;
    replica =
      String(answer.headers['x-replica'] ?? '')
        .split(/[\s,]+/)
        .at(-1) ?? '';
    response.writeHead(status, answer.rawHeaders);
    answer.on('data', (piece: Buffer) => {
      hash.update(piece);
      if (KEPT_TEXT.test(target)) pieces.push(piece);
    });
    answer.on('end', () => end(answer.complete));
    answer.on('error', () => (end(false), response.destroy()));
    answer.on('close', () => end(answer.complete));
    answer.pipe(response);
  });
  asked.on('error', () => (end(false), response.destroy()));
  response.on('close', () => response.writableFinished || asked.destroy());
  asked.end();
}
