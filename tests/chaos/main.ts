/** `npm run chaos -- --minutes N [--seed N] [--out FILE]`: a chaos run. Exit code 0: nothing was wrong; 1: something was; 2: not understood; 130: interrupted. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { goVersion } from '../e2e/go-client.ts';
import { hasNginx } from '../fakes/nginx.ts';
import { isGood, textOf, writeJson } from './report.ts';
import { runChaos } from './run.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, out: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
/** Set in the process that does it: the folder for everything, and whether it may have mounts that nobody else sees. */
const [SCRATCH, MAY_MOUNT] = ['CHAOS_SCRATCH', 'CHAOS_MAY_MOUNT'];

const INTERRUPTED = 130;

process.exitCode = await main();

async function main(): Promise<number> {
  const scratch = process.env[SCRATCH];
  if (scratch !== undefined) return await run(scratch);
  if (!(minutes > 0) || !Number.isSafeInteger(seed))
    return say('usage: npm run chaos -- --minutes N [--seed N] [--out FILE]', 2);
  const lacks = [...(hasNginx() ? [] : ['nginx']), ...(goVersion() === undefined ? ['go'] : [])];
  if (lacks.length > 0) return say(`a chaos run needs ${lacks.join(' and ')}`, 2);
  return await runApart();
}

/** In a process group of its own, of which nothing is left when this process is told to end; and in a mount namespace of its own where there may be one. */
async function runApart(): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'larder-chaos-'));
  const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
  const out = values.out === undefined ? [] : ['--out', resolve(values.out)];
  const command = [process.execPath, import.meta.filename, '--minutes', `${minutes}`, '--seed', `${seed}`, ...out];
  const [program = '', ...args] = mayMount ? ['unshare', '--mount', ...command] : command;
  const env = { ...process.env, [SCRATCH]: scratch, ...(mayMount ? { [MAY_MOUNT]: '1' } : {}) };
  const child = spawn(program, args, { stdio: 'inherit', env, detached: true });
  const { promise, resolve: ended } = Promise.withResolvers<number>();
  child.on('error', () => ended(1)).on('exit', (code) => ended(code ?? 1));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended(INTERRUPTED));
  const code = await promise;
  killGroup(child.pid);
  // What is being killed may write for a moment yet.
  if (process.env['CHAOS_KEEP'] === undefined) rmSync(scratch, { recursive: true, force: true, maxRetries: 10 });
  else say(`kept: ${scratch}`);
  return code;
}

/** Also when its first process has ended by itself: nothing of it goes on. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

async function run(scratch: string): Promise<number> {
  say(`seed ${seed}: npm run chaos -- --minutes ${minutes} --seed ${seed}`);
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const report = await runChaos({ seed, minutes, scratch, mayMount: process.env[MAY_MOUNT] !== undefined, tell });
  process.stdout.write(textOf(report));
  if (values.out !== undefined) writeJson(values.out, report);
  return isGood(report) ? 0 : 1;
}

function say(text: string, code = 0): number {
  process.stdout.write(`${text}\n`);
  return code;
}
