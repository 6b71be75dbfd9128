import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import type { AnswerFault } from './fault.ts';
import type { Origin, OriginAnswer, OriginRequest } from './origin.ts';
import { inOnePiece, type Sending, spoil, whole } from './spoil.ts';

/** Answers that are remembered for `stale`, and the largest. */
const REMEMBERED = 1000;
const REMEMBERED_BYTES = 256 * 1024;
/** Where the proxy's own page for people is: no path of a module. */
const PAGE_PATH = '/.fault/page.html';
const PAGE = '<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>\n';

type Remembered = Omit<OriginAnswer, 'body'> & { readonly bytes: Uint8Array };

/** What an answer needs beside the faults. */
export interface AnswerAsk extends Ask {
  readonly clock: Clock;
  /** In [0, 1): for jitter. */
  readonly random: () => number;
}

/** The target's answers with the faults in them. Remembers what was said last, for answers that are stale. */
export class Answers {
  readonly #origin: Origin;
  readonly #remembered = new Map<string, Remembered>();

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  /** Resolves with undefined for a request that is never answered. Rejects with what the target fails with. */
  async to(request: OriginRequest, faults: readonly AnswerFault[], o: AnswerAsk): Promise<Sending | undefined> {
    for (const fault of faults) {
      if (fault.kind === 'delay') await o.clock.sleep(fault.ms + (fault.jitterMs ?? 0) * o.random(), o);
      if (fault.kind === 'hang' && fault.after === 'request') return undefined;
    }
    return await spoil(await this.#answer(request, faults, o), faults);
  }

  async #answer(request: OriginRequest, faults: readonly AnswerFault[], o: Ask): Promise<OriginAnswer> {
    if (request.path === PAGE_PATH) return page();
    for (const fault of faults) {
      const other = this.#instead(fault, request);
      if (other !== undefined) return other;
    }
    const swap = faults.find((fault) => fault.kind === 'swap');
    if (swap !== undefined) return await this.#origin({ ...request, path: swap.path }, o);
    const answer = await this.#origin(request, o);
    // What is frozen is not overwritten by what is asked meanwhile.
    return faults.some(({ kind }) => kind === 'stale') ? answer : await this.#remember(request, answer);
  }

  #instead(fault: AnswerFault, request: OriginRequest): OriginAnswer | undefined {
    switch (fault.kind) {
      case 'status':
        return refusal(fault);
      case 'html':
        return page();
      case 'json':
        return local(200, 'application/json', '{"status":"ok","results":[]}\n');
      case 'redirect':
        return local(fault.status ?? 302, 'text/html', '', [['location', fault.to ?? PAGE_PATH]]);
      case 'stale': {
        const known = this.#remembered.get(keyOf(request));
        return known && { ...known, body: inOnePiece(known.bytes) };
      }
      default:
        return undefined;
    }
  }

  async #remember(request: OriginRequest, answer: OriginAnswer): Promise<OriginAnswer> {
    if (request.method !== 'GET' || answer.sizeBytes === undefined || answer.sizeBytes > REMEMBERED_BYTES)
      return answer;
    const bytes = await whole(answer);
    const key = keyOf(request);
    this.#remembered.delete(key);
    const { status, headers } = answer;
    this.#remembered.set(key, { status, headers, sizeBytes: bytes.length, bytes });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
    return { ...answer, body: inOnePiece(bytes) };
  }
}

function keyOf({ method, path, headers }: OriginRequest): string {
  return `${method} ${path} ${String(headers['range'] ?? '')}`;
}

function refusal({ status, retryAfter, body }: Extract<AnswerFault, { kind: 'status' }>): OriginAnswer {
  const more = retryAfter === undefined ? [] : [['retry-after', retryAfter] as const];
  return local(status, 'text/plain; charset=utf-8', body ?? `status ${status}\n`, more);
}

function page(): OriginAnswer {
  return local(200, 'text/html; charset=utf-8', PAGE);
}

function local(status: number, type: string, text: string, more: OriginAnswer['headers'] = []): OriginAnswer {
  const bytes = Buffer.from(text);
  return {
    status,
    headers: [['content-type', type], ...more],
    sizeBytes: bytes.length,
    body: inOnePiece(bytes),
  };
}
