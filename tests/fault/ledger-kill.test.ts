/**
 * kill -9 at random moments while two processes at once log records. After every few kills: each record that was acknowledged is there under its number, and
 * each head that was given out is a beginning of the log. LARDER_KILLS=500 runs the long form.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Log } from '../../src/ledger/log.ts';
import { RecordIndex } from '../../src/ledger/record-index.ts';
import { replayLog } from '../../src/ledger/replay.ts';
import { openDiskLedger } from '../fakes/disk-ledger.ts';
import { moduleNumber, o } from '../fakes/ledger-ground.ts';

const KILLS = Number(process.env['LARDER_KILLS'] ?? 30);
const LANES = 2;
/** Kills between two looks. */
const ROUND = 6;
/** Longest life of a writer after it is ready, ms. */
const LONGEST_LIFE_MS = 400;

let root: string;
const living = new Set<ChildProcess>();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-ledger-'));
});
afterEach(async () => {
  for (const child of living) child.kill('SIGKILL');
  await rm(root, { recursive: true, force: true });
});

/** What the writers said before they were killed. */
class Said {
  /** Record numbers by module number; undefined where only the module is known. */
  readonly acknowledged = new Map<number, number | undefined>();
  readonly heads = new Map<number, string>();

  hear(line: string): void {
    const [, n, record] = /^ack (\d+) (\d+|\?)$/.exec(line) ?? [];
    if (n !== undefined) this.acknowledged.set(Number(n), record === '?' ? undefined : Number(record));
    const [, size, hash] = /^head (\d+) (.{44})$/.exec(line) ?? [];
    if (size !== undefined && hash !== undefined) this.heads.set(Number(size), hash);
  }
}

async function writeAndKill(run: number, mode: string, said: Said): Promise<void> {
  const script = join(import.meta.dirname, 'ledger-writer.ts');
  const child = spawn(process.execPath, [script, root, String(run), mode], { stdio: ['ignore', 'pipe', 'pipe'] });
  living.add(child);
  let complaint = '';
  child.stderr.on('data', (text) => (complaint += String(text)));
  const ended = once(child, 'close');
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'ready') setTimeout(() => child.kill('SIGKILL'), Math.random() * LONGEST_LIFE_MS);
    else said.hear(line);
  });
  const [code] = await ended;
  living.delete(child);
  if (code !== null) throw new Error(`the writer ended by itself: ${complaint}`);
}

async function killMany(first: number, kills: number, mode: string, said: Said): Promise<void> {
  let next = first;
  const lane = async (): Promise<void> => {
    while (next < first + kills) await writeAndKill(next++, mode, said);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

interface Broken {
  readonly lost: readonly number[];
  readonly forked: readonly number[];
  readonly faults: readonly string[];
}

/** What is not as it was said, after a restart. */
async function brokenIn({ acknowledged, heads }: Said): Promise<Broken> {
  const { ledger, store, registers, copy, close } = await openDiskLedger(root);
  try {
    const log = await Log.open({ store, registers }, o);
    const lost: number[] = [];
    for (const [n, record] of acknowledged) {
      const found = await ledger.find(moduleNumber(n), o);
      if (found === undefined || (record !== undefined && found.record !== record)) lost.push(n);
    }
    const forked: number[] = [];
    for (const [size, hash] of heads) {
      const isThere = log !== undefined && size <= log.head.size;
      if (!isThere || Buffer.from(await log.view.rootHash(size, o)).toString('base64') !== hash) forked.push(size);
    }
    const replayed = await replayLog({ store, registers, copy, index: new RecordIndex(':memory:'), ...o });
    return { lost, forked, faults: replayed?.faults ?? ['no log'] };
  } finally {
    await close();
  }
}

describe(`${KILLS} kills while two processes log`, () => {
  test('lose nothing that was acknowledged, and fork no head that was given out', {
    timeout: 30_000 + KILLS * 4000,
  }, async () => {
    const said = new Said();
    for (let kills = 0; kills < KILLS; kills += ROUND) {
      await killMany(kills, Math.min(ROUND, KILLS - kills), 'durable', said);
      expect(await brokenIn(said)).toEqual({ lost: [], forked: [], faults: [] });
    }
    expect(said.acknowledged.size).toBeGreaterThan(KILLS);
    expect(said.heads.size).toBeGreaterThan(KILLS / 4);
    console.log(
      `${KILLS} kills: ${said.acknowledged.size} records acknowledged, ${said.heads.size} heads, 0 lost, 0 forked`,
    );
  });
});

test('the checker catches a writer that acknowledges too early', { timeout: 60_000 }, async () => {
  const said = new Said();
  for (let tries = 0; tries < 10; tries++) {
    await killMany(tries * LANES, LANES, 'early', said);
    if ((await brokenIn(said)).lost.length > 0) return;
  }
  throw new Error('ten kills and nothing was lost');
});
