/**
 * kill -9 at random moments while artifacts are committed by two processes at once. A killed process keeps what the kernel has taken, so this
 * proves the order of visibility; order.test.ts proves what a power cut needs. LARDER_KILLS=500 runs the long form.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTempDirectory } from '../../src/io/temp-directory.ts';
import { type Survivors, survivorsIn } from './survivors.ts';

const KILLS = Number(process.env['LARDER_KILLS'] ?? 40);
/** Processes writing into one folder at a time. */
const LANES = 2;
/** Longest life of a writer after it is ready, ms. */
const LONGEST_LIFE_MS = 120;

let root: string;
const living = new Set<ChildProcess>();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-kill-'));
});
afterEach(async () => {
  for (const child of living) child.kill('SIGKILL');
  await rm(root, { recursive: true, force: true });
});

/** Runs one writer, kills it at a random moment, and notes what it had acknowledged. */
async function writeAndKill(writer: number, mode: 'commit' | 'in-place', acknowledged: Set<string>): Promise<void> {
  const script = join(import.meta.dirname, 'writer.ts');
  const child = spawn(process.execPath, [script, root, String(writer), 'Infinity', mode], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  let complaint = '';
  child.stderr.on('data', (text) => (complaint += String(text)));
  const ended = once(child, 'close');
  let timer: NodeJS.Timeout | undefined;
  // An acknowledgement that was cut off by the kill has no newline and comes as a line all the same; it is no key then.
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'ready') timer = setTimeout(() => child.kill('SIGKILL'), Math.random() * LONGEST_LIFE_MS);
    else if (/\.(?:info|mod|zip)$/.test(line)) acknowledged.add(line);
  });
  const [code] = await ended;
  clearTimeout(timer);
  living.delete(child);
  if (code !== null) throw new Error(`the writer ended by itself: ${complaint}`);
}

async function killMany(kills: number, mode: 'commit' | 'in-place'): Promise<Set<string>> {
  const acknowledged = new Set<string>();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < kills) await writeAndKill(next++, mode, acknowledged);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return acknowledged;
}

describe(`${KILLS} kills during commits`, () => {
  test('leave no corrupt file, lose nothing that was acknowledged, and the next start takes the rubbish away', {
    timeout: 10_000 + KILLS * 2000,
  }, async () => {
    const acknowledged = await killMany(KILLS, 'commit');
    const { corrupt, lost, orphans, files }: Survivors = await survivorsIn(root, acknowledged);
    expect({ corrupt, lost }).toEqual({ corrupt: [], lost: [] });
    expect(acknowledged.size).toBeGreaterThan(KILLS / 4);

    const startedAt = performance.now();
    const temp = await openTempDirectory(root);
    await temp.swept;
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(await readdir(join(root, '.tmp'))).toHaveLength(1);
    await temp.close();
    console.log(
      `${KILLS} kills: ${acknowledged.size} acknowledged, ${files} files, ${orphans} orphans, 0 corrupt, 0 lost`,
    );
  });

  test('of a writer that writes in place are caught by the same check', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 10; round++) {
      const { corrupt } = await survivorsIn(root, await killMany(4, 'in-place'));
      if (corrupt.length > 0) return;
    }
    expect.unreachable('40 kills of a writer in place left no partial file: the check sees nothing');
  });
});
