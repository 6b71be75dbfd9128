/**
 * `npm run bench [-- --json FILE] [--only NAME] [--seconds 3] [--rounds 3] [--stored 1000000] [--minutes 15] [--upstream-port N] [--peer NAME=URL]...`
 *
 * Bounded in time (about half an hour with the defaults, most of it `failover` and `overload`). Servers run on one core, the load generator on the other. A peer is
 * another proxy that is running already and has this benchmark's upstream (printed first) as its own. Exit code 1: a goal was not reached; 2: it cannot run, or nothing has that name.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { CASES, type Ground, type Row } from './cases.ts';
import { freePort } from '../tests/fakes/free-port.ts';
import { startUpstream, type Subject } from './processes.ts';
import { makeTree } from './tree.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    stored: { type: 'string', default: '1000000' },
    minutes: { type: 'string', default: '15' },
    'upstream-port': { type: 'string' },
    peer: { type: 'string', multiple: true, default: [] },
  },
});

const missing = ['nginx', 'wrk', 'taskset'].filter((tool) => !has(tool));
if (missing.length > 0) {
  process.stderr.write(
    `bench: not found: ${missing.join(', ')} (Debian: apt-get install nginx-light wrk util-linux)\n`,
  );
  process.exit(2);
}

const chosen = Object.entries(CASES).filter(
  ([name]) => values.only.length === 0 || values.only.some((part) => name.includes(part)),
);
if (chosen.length === 0) {
  process.stderr.write(`bench: nothing is named so; there are: ${Object.keys(CASES).join(', ')}\n`);
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), 'larder-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const rows: Row[] = [];
const ground = await prepare();
try {
  for (const [, measure] of chosen) {
    for (const row of await measure(ground)) {
      rows.push(row);
      process.stdout.write(`${line(row)}\n`);
    }
  }
} finally {
  await ground.upstream.stop();
}
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  nginx: version('nginx'),
};
process.stdout.write(
  `\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.nginx}; servers on one core, n = rounds of ${values.seconds} s\n`,
);
if (values.json !== undefined) {
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify({ machine, cases: rows }, undefined, 2)}\n`);
}
const short = rows.filter((row) => row.reached === false);
process.stdout.write(
  short.length === 0 ? 'every goal reached\n' : `not reached: ${short.map((row) => row.name).join('; ')}\n`,
);
process.exit(short.length === 0 ? 0 : 1);

async function prepare(): Promise<Ground> {
  process.stderr.write('bench: building and making modules ...\n');
  const dist = join(scratch, 'dist');
  execFileSync('node_modules/.bin/rolldown', ['-c', 'tools/rolldown.config.ts'], {
    env: { ...process.env, LARDER_BUILD_DIR: dist },
    stdio: 'ignore',
  });
  const tree = await makeTree(join(scratch, 'tree'));
  const upstream = await startUpstream(tree.folder, Number(values['upstream-port'] ?? (await freePort())));
  process.stderr.write(`bench: upstream for peers: ${upstream.base}\n`);
  const peers = values.peer.map(peer);
  return {
    scratch,
    dist,
    tree,
    upstream,
    peers,
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
    storedVersions: Number(values.stored),
    minutes: Number(values.minutes),
  };
}

function peer(text: string): Subject {
  const [name = '', base = ''] = text.split(/=(.*)/s);
  return { name, base: base.replace(/\/$/, ''), stop: async () => undefined };
}

function line(row: Row): string {
  const figures = Object.entries({ ...row.figures, ...row.ratios }).map(([name, value]) => `${name} ${round(value)}`);
  const goal = row.goal === undefined ? '' : `   [${row.reached === true ? 'reached' : 'NOT REACHED'}: ${row.goal}]`;
  return `${row.name.padEnd(54)} ${row.subject.padEnd(9)} ${figures.join(' · ')}${goal}`;
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

function has(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `PATH="$PATH:/usr/sbin" command -v ${tool}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function version(tool: string): string {
  return execFileSync('sh', ['-c', `PATH="$PATH:/usr/sbin" ${tool} -v 2>&1`], { encoding: 'utf8' }).trim();
}
