/**
 * Runs inside a network namespace whose only resolver is this process: has the shipped program fetch by the name of an upstream, then answers no question any more, and measures what is left.
 * Prints it as JSON. Started by resolver.test.ts as `resolver-lab.ts DIST FOLDER WAIT_MS`.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLarderProcess } from '../e2e/larder-process.ts';
import { madeUpModule } from '../fakes/content.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import { startNameServer } from '../fakes/name-server.ts';

/** How one way of asking went. */
export interface Asked {
  /** In the order of the questions; 0 for one that had no answer, which is the last then. */
  readonly statuses: readonly number[];
  readonly slowestMs: number;
}

export interface ResolverReport {
  /** Zips that are read from disk, while the resolver answers. */
  readonly before: Asked;
  /** The same while it is silent and forty names are waited for. */
  readonly during: Asked;
  /** Modules that only the upstream has, meanwhile. */
  readonly cold: Asked;
  /** One of them, so long after the last good answer of the resolver. */
  readonly later: Asked;
  /** What the forty came to. */
  readonly unknown: Asked;
  readonly questionsUnanswered: number;
}

const [dist = '', folder = '', waitMs = '0'] = process.argv.slice(2);
const UNKNOWN = 40;
const WARM = 40;
/** What takes longer hangs, and is the last that is asked. */
const PATIENCE_MS = 15_000;

const names = ['warm', 'cold0', 'cold1', 'cold2', 'later'];
const content = names.map((name) => madeUpModule(`example.com/${name}`, 'v1.0.0', { zipBytes: 300_000 }));
const zipOf = (name: string): string => `example.com/${name}/@v/v1.0.0.zip`;

let isSilent = false;
let unanswered = 0;
await startNameServer({ address: '127.0.0.53', port: 53 }, (name) => {
  if (!isSilent) return name === 'up.test' ? ['127.0.0.1'] : undefined;
  unanswered++;
  return 'silence';
});
const upstream = await startFakeUpstream({ content });
const larder = await startLarderProcess({
  dist,
  data: join(folder, 'data'),
  upstream: `${upstream.base.replace('127.0.0.1', 'up.test')},direct`,
  env: { LARDER_MEMORY_LARGEST: '1KiB' },
});

async function ask(paths: readonly string[], pauseMs = 0): Promise<Asked> {
  const statuses: number[] = [];
  let slowestMs = 0;
  for (const path of paths) {
    const startedAt = performance.now();
    const status = await statusOf(path);
    statuses.push(status);
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    if (status === 0) break;
    await sleep(pauseMs);
  }
  return { statuses, slowestMs: Math.round(slowestMs) };
}

/** 0 when nothing came. */
async function statusOf(path: string): Promise<number> {
  try {
    const reply = await fetch(`${larder.base}/${path}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    await reply.arrayBuffer();
    return reply.status;
  } catch {
    return 0;
  }
}

const warm = Array<string>(WARM).fill(zipOf('warm'));
await ask(warm.slice(0, 3));
const before = await ask(warm, 20);
isSilent = true;
const waiting = Promise.all(Array.from({ length: UNKNOWN }, (_, i) => ask([`host${i}.test/m/@v/list`])));
await sleep(300);
const [during, cold] = await Promise.all([ask(warm, 20), ask(['cold0', 'cold1', 'cold2'].map(zipOf))]);
const ends = await waiting;
await sleep(Number(waitMs));
const later = await ask([zipOf('later')]);
const report: ResolverReport = {
  before,
  during,
  cold,
  later,
  unknown: {
    statuses: ends.flatMap(({ statuses }) => statuses),
    slowestMs: Math.max(...ends.map(({ slowestMs }) => slowestMs)),
  },
  questionsUnanswered: unanswered,
};
await larder.signal('SIGKILL');
process.stdout.write(JSON.stringify(report), () => process.exit(0));
