import type { Readable } from 'node:stream';
import { AppError } from '../std/errors.ts';
import { httpFailure } from './http-failure.ts';
import { type Pace, Progress } from './progress.ts';
import type { Watch } from './watch.ts';

/** How the end of a body is told: only `until-close` cannot tell a complete body from a cut one. */
export type Framing = 'length' | 'chunked' | 'until-close';

/** What the other side may do with a body that it sends before it has checked it. */
export interface HeldBack {
  /** How many of its last bytes may be kept back until then. */
  readonly bytes: number;
  /** Longest wait for them, ms, where no longer one is allowed anyway. */
  readonly waitMs: number;
}

/** What a proxy in between may have gathered, and not passed on, when nothing more comes. */
const GATHERED_BYTES = 64 * 1024;

export interface BodyFacts extends Pace {
  /** For messages: what is being fetched. */
  readonly attempt: string;
  /** Content-Length, when given. */
  readonly sizeBytes?: number;
  readonly maxBytes: number;
  /** Longest wait for the next piece. */
  readonly idleTimeoutMs: number;
  readonly heldBack?: HeldBack;
}

/**
 * The pieces of `raw`, exactly as many bytes as announced. Rejects with UPSTREAM_UNAVAILABLE when the body is cut (`detail.phase` `body`), UPSTREAM_TIMEOUT
 * when it stalls or comes too slowly, TOO_LARGE past `maxBytes`. The waits for a slow reader and for what is held back count as neither. Destroys `raw` when left.
 */
export async function* boundedBody(
  raw: Readable,
  facts: BodyFacts,
  watch: Watch,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = raw[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const progress = new Progress(facts);
  let received = 0;
  let waitedMs = 0;
  try {
    for (;;) {
      const asked = performance.now();
      const heldBack = heldBackAfter(received, facts);
      watch.phase(
        Math.max(facts.idleTimeoutMs, heldBack?.waitMs ?? 0),
        `${facts.attempt}: stalled after ${received}${ofTotal(facts)} bytes`,
      );
      const next = await pieces.next().catch((error: unknown) => Promise.reject(cutOr(error, received, facts, watch)));
      watch.endPhase();
      if (next.done) break;
      received += next.value.byteLength;
      if (heldBack === undefined) waitedMs += performance.now() - asked;
      if (received > facts.maxBytes)
        throw new AppError('TOO_LARGE', `${facts.attempt}: more than ${facts.maxBytes} bytes`);
      if (progress.isTooSlow(waitedMs, received)) throw tooSlow(received, facts);
      yield next.value;
    }
    if (facts.sizeBytes !== undefined && received !== facts.sizeBytes) throw cut(received, facts);
  } finally {
    raw.destroy();
    watch.dispose();
  }
}

/** Given when as much is missing as may be held back. */
function heldBackAfter(received: number, { sizeBytes = 0, heldBack }: BodyFacts): HeldBack | undefined {
  if (heldBack === undefined || received === 0) return undefined;
  const before = sizeBytes - received - heldBack.bytes;
  return before >= 0 && before <= GATHERED_BYTES ? heldBack : undefined;
}

/** A connection that ends inside a body is a cut body, whatever the socket called it. */
function cutOr(error: unknown, received: number, facts: BodyFacts, watch: Watch): AppError {
  const failure = httpFailure(error, facts.attempt, watch);
  return failure.code === 'UPSTREAM_UNAVAILABLE' ? cut(received, facts, error) : failure;
}

function cut(received: number, facts: BodyFacts, cause?: unknown): AppError {
  return new AppError('UPSTREAM_UNAVAILABLE', `${facts.attempt}: cut after ${received}${ofTotal(facts)} bytes`, {
    cause,
    detail: { phase: 'body' },
  });
}

function tooSlow(received: number, facts: BodyFacts): AppError {
  const pace = `less than ${facts.minBytesPerSecond} bytes/s over ${facts.progressWindowMs} ms`;
  return new AppError(
    'UPSTREAM_TIMEOUT',
    `${facts.attempt}: too slow, ${pace}, after ${received}${ofTotal(facts)} bytes`,
  );
}

function ofTotal({ sizeBytes }: BodyFacts): string {
  return sizeBytes === undefined ? '' : ` of ${sizeBytes}`;
}
