/**
 * `npm run simulate -- --seed N`: plays one world and tells what happened. `npm run simulate -- --schedules N [--from SEED]`: plays many, in as many processes as
 * there are processors. Exit code 0: nothing was wrong; 1: something was, with its seed; 2: not understood.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { playMany, ticker } from './many.ts';
import { playWorld } from './world.ts';

const USAGE = 'usage: npm run simulate -- --seed N | --schedules N [--from SEED]';
const PROGRESS_EVERY = 10_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    schedules: { type: 'string' },
    from: { type: 'string', default: '1' },
    part: { type: 'boolean', default: false },
  },
});
const [seed, schedules, from] = [values.seed, values.schedules, values.from].map((one) =>
  one === undefined ? undefined : Number(one),
);

if (values.part) await playPart(from ?? 1, schedules ?? 0);
else if (Number.isSafeInteger(seed)) process.exitCode = await tellOne(seed as number);
else if (Number.isSafeInteger(schedules)) process.exitCode = await playAll(from ?? 1, schedules as number);
else {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = 2;
}

async function tellOne(one: number): Promise<number> {
  const { lines, violations, hash } = await playWorld({ seed: one, trace: 'lines' }, ticker());
  for (const line of lines) process.stdout.write(`${line}\n`);
  process.stdout.write(`\nseed ${one} · trace ${hash} · ${violations.length} violations\n`);
  for (const violation of violations) process.stdout.write(`  ${violation}\n`);
  return violations.length === 0 ? 0 : 1;
}

/** What a part tells the whole. */
interface Report {
  readonly played: number;
  readonly wrong: readonly string[];
}

async function playAll(first: number, count: number): Promise<number> {
  const started = performance.now();
  const parts = Math.min(availableParallelism(), count);
  const share = Math.ceil(count / parts);
  let played = 0;
  let wrong = 0;
  const onReport = (report: Report): void => {
    played += report.played;
    wrong += report.wrong.length;
    for (const line of report.wrong) process.stdout.write(`${line}\n`);
    process.stderr.write(`${played} of ${count} schedules, ${wrong} wrong\n`);
  };
  const ranges = Array.from(
    { length: parts },
    (_, i) => [first + i * share, Math.min(share, count - i * share)] as const,
  );
  const codes = await Promise.all(ranges.map(([start, length]) => part(start, length, onReport)));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${played} schedules from seed ${first}, ${wrong} wrong, ${seconds} s\n`);
  return wrong === 0 && played === count && codes.every((code) => code === 0) ? 0 : 1;
}

function part(first: number, count: number, onReport: (report: Report) => void): Promise<number> {
  const args = ['--part', '--from', String(first), '--schedules', String(count)];
  const child = fork(import.meta.filename, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.on('message', (report) => onReport(report as Report));
  const { promise, resolve } = Promise.withResolvers<number>();
  child.on('exit', (code) => resolve(code ?? 1));
  return promise;
}

async function playPart(first: number, count: number): Promise<void> {
  let wrong: string[] = [];
  let played = 0;
  const report = (): void => {
    process.send?.({ played, wrong } satisfies Report);
    [played, wrong] = [0, []];
  };
  const onPlayed = (world: { seed: number; violations: readonly string[] }): boolean => {
    played++;
    if (world.violations.length > 0) wrong.push(`--seed ${world.seed}: ${world.violations.join('; ')}`);
    if (played === PROGRESS_EVERY) report();
    return true;
  };
  await playMany({ from: first, count, onPlayed });
  report();
  process.disconnect();
}
