/** `npm run chaos -- --minutes N [--seed N] [--out FILE]`: a chaos run. Exit code 0: nothing was wrong; 1: something was; 2: not understood. */
import { spawnSync } from 'node:child_process';
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
/** Set in the process that is alone in its mount namespace. */
const INSIDE = 'CHAOS_INSIDE';

process.exitCode = await main();

async function main(): Promise<number> {
  if (!(minutes > 0) || !Number.isSafeInteger(seed))
    return say('usage: npm run chaos -- --minutes N [--seed N] [--out FILE]', 2);
  const lacks = [...(hasNginx() ? [] : ['nginx']), ...(goVersion() === undefined ? ['go'] : [])];
  if (lacks.length > 0) return say(`a chaos run needs ${lacks.join(' and ')}`, 2);
  if (process.env[INSIDE] === undefined && canBeAlone()) return runAlone();
  return await run();
}

/** Whether we may have mounts that nobody else sees. */
function canBeAlone(): boolean {
  return spawnSync('unshare', ['--mount', 'true']).status === 0;
}

function runAlone(): number {
  const args = [
    '--mount',
    process.execPath,
    import.meta.filename,
    '--minutes',
    String(minutes),
    '--seed',
    String(seed),
  ];
  const out = values.out === undefined ? [] : ['--out', resolve(values.out)];
  return (
    spawnSync('unshare', [...args, ...out], { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } }).status ?? 1
  );
}

async function run(): Promise<number> {
  say(`seed ${seed}: npm run chaos -- --minutes ${minutes} --seed ${seed}`);
  const scratch = mkdtempSync(join(tmpdir(), 'larder-chaos-'));
  try {
    const tell = (line: string): void => void process.stderr.write(`${line}\n`);
    const report = await runChaos({ seed, minutes, scratch, mayMount: process.env[INSIDE] !== undefined, tell });
    process.stdout.write(textOf(report));
    if (values.out !== undefined) writeJson(values.out, report);
    return isGood(report) ? 0 : 1;
  } finally {
    if (process.env['CHAOS_KEEP'] === undefined) rmSync(scratch, { recursive: true, force: true });
    else say(`kept: ${scratch}`);
  }
}

function say(text: string, code = 0): number {
  process.stdout.write(`${text}\n`);
  return code;
}
