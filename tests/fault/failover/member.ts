/** An upstream that has every version of every module at example.com, as slow as a good proxy on another continent, behind a fault proxy. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultProxy, startFaultProxy } from '../../../src/drill/fault-proxy.ts';
import type { Origin, OriginAnswer } from '../../../src/drill/origin.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';

/** What probes of these upstreams ask for: no client does. */
export const PROBED = 'example.com/probed@v1.0.0';
const PROBE_PATH = '/example.com/probed/@v/v1.0.0.info';
const PATH = /^\/(example\.com\/[^@]+)\/@v\/(v1\.\d+\.\d+)\.(info|mod)$/;

export interface Member {
  readonly name: string;
  readonly proxy: FaultProxy;
  /** What its times are multiplied with; 1 is usual. */
  slowness: number;
  /** Paths that it does not have. */
  lacks: (path: string) => boolean;
  /** Requests of clients that arrived since `at` (performance.now), oldest first, no probes. Of the last 10,000. */
  asked(since: number): readonly { readonly at: number; readonly path: string; readonly status: number }[];
  close(): Promise<void>;
}

export interface MemberOptions {
  readonly name: string;
  readonly seed: number;
  /** The middle of its times, ms; log-normal around it. */
  readonly medianMs?: number;
}

/** Starts one. Close it. */
export async function startMember({ name, seed, medianMs = 40 }: MemberOptions): Promise<Member> {
  const random = seededRandom(seed);
  const origin: Origin = async ({ path }, { signal }) => {
    await sleep(latencyMs(random, medianMs) * member.slowness, undefined, { signal });
    return member.lacks(path) ? answer(404, 'not found\n') : answerTo(path);
  };
  const proxy = await startFaultProxy({ target: { kind: 'http', origin }, random });
  const member: Member = {
    name,
    proxy,
    slowness: 1,
    lacks: () => false,
    asked: (since) => {
      const { requests } = proxy.log;
      const first = requests.findLastIndex(({ at }) => at < since) + 1;
      return requests.slice(first).filter(({ path }) => path !== PROBE_PATH);
    },
    close: () => proxy.close(),
  };
  return member;
}

/** What a client has to get for a path. */
export function bodyOf(path: string): string | undefined {
  const [, module, version, extension] = PATH.exec(path) ?? [];
  if (module === undefined) return undefined;
  return extension === 'mod' ? `module ${module}\n` : `{"Version":"${version}","Time":"2024-05-06T07:08:09Z"}`;
}

function answerTo(path: string): OriginAnswer {
  const body = bodyOf(path);
  return body === undefined ? answer(404, 'not found\n') : answer(200, body);
}

function answer(status: number, body: string): OriginAnswer {
  const bytes = Buffer.from(body);
  return { status, headers: [['content-type', 'text/plain']], sizeBytes: bytes.length, body: pieces(bytes) };
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function latencyMs(random: () => number, medianMs: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return medianMs * Math.exp(0.5 * normal);
}
