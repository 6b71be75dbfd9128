/** Load and latency: wrk for throughput, a keep-alive client of our own for single latencies. */
import { execFile } from 'node:child_process';
import { Agent, get } from 'node:http';
import { promisify } from 'node:util';
import { cpuSeconds, LOAD_CORE, type Subject } from './processes.ts';

export interface Throughput {
  readonly requestsPerSecond: number;
  readonly megabytesPerSecond: number;
  /** CPU of the server per request, µs; NaN for a peer whose process is not ours. */
  readonly cpuMicros: number;
}

/** One run of wrk against one URL. Fails when any answer was not 200. */
export async function throughput(
  subject: Subject,
  target: string,
  o: { readonly seconds: number; readonly connections: number },
): Promise<Throughput> {
  const cpuBefore = subject.pid === undefined ? Number.NaN : cpuSeconds(subject.pid);
  const args = [
    '-c',
    LOAD_CORE,
    'wrk',
    '-t1',
    `-c${o.connections}`,
    `-d${o.seconds}s`,
    '--timeout',
    '30s',
    subject.base + target,
  ];
  const { stdout } = await promisify(execFile)('taskset', args);
  if (/Non-2xx/.test(stdout) || /Socket errors: connect [1-9]/.test(stdout))
    throw new Error(`${subject.name}${target}: ${stdout}`);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const cpu = (subject.pid === undefined ? Number.NaN : cpuSeconds(subject.pid)) - cpuBefore;
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    megabytesPerSecond: megabytes(/Transfer\/sec:\s+([\d.]+)(KB|MB|GB|B)/.exec(stdout)),
    cpuMicros: (cpu / requests) * 1e6,
  };
}

function megabytes(match: RegExpExecArray | null): number {
  const unit = { B: 1e-6, KB: 1024 / 1e6, MB: 1024 ** 2 / 1e6, GB: 1024 ** 3 / 1e6 }[match?.[2] ?? 'B'] ?? Number.NaN;
  return Number(match?.[1]) * unit;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** Milliseconds to the end of one answer. Fails when it is not 200. */
export async function latencyMs(url: string): Promise<number> {
  const started = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  get(url, { agent }, (response) => {
    if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
    response.on('end', resolve).on('error', reject).resume();
  }).on('error', reject);
  await promise;
  return performance.now() - started;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;
}
