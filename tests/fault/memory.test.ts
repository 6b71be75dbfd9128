/**
 * M19, P4: cold zips that are together far larger than the memory a server may have. The short form asks for 18 of 24 and 40 MiB at once; MEMORY_ZIPS=50 MEMORY_MIB=400 for those of the rules, and
 * more memory for the test itself.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { build, startLarderProcess } from '../e2e/larder-process.ts';
import { madeUpModule } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { memoryMib } from '../fakes/process-memory.ts';
import { skipUnless } from '../skip.ts';
import { limitMemory } from './memory-limit.ts';

const MIB = 1 << 20;
const LIMIT_BYTES = 256 * MIB;
const ZIPS = Number(process.env['MEMORY_ZIPS'] ?? 18);
const LARGE_MIB = Number(process.env['MEMORY_MIB'] ?? 40);
const probe = limitMemory(`larder-probe-${process.pid}`, LIMIT_BYTES);
probe?.remove();

const scratch = mkdtempSync(join(tmpdir(), 'larder-memory-'));
let upstream: FakeUpstream;

describe('a server that may have 256 MiB', () => {
  skipUnless(probe !== undefined, 'control groups cannot be made here');
  // Below and above the size from which zips are sent while they come in.
  const sizes = Array.from({ length: ZIPS }, (_, i) => (i % 3 === 0 ? LARGE_MIB : 24) * MIB);
  const wanted = new Map<string, string>();

  beforeAll(async () => {
    build(join(scratch, 'dist'));
    const content = sizes.map((zipBytes, i) => madeUpModule(`example.com/large${i}`, 'v1.0.0', { zipBytes }));
    upstream = await startFakeUpstream({ content });
    for (const [i, one] of content.entries()) {
      const target = `example.com/large${i}/@v/v1.0.0.zip`;
      wanted.set(
        target,
        createHash('sha256')
          .update(one.get(target) ?? '')
          .digest('hex'),
      );
    }
  }, 180_000);
  afterAll(async () => {
    await upstream.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  test('serves zips that are together far larger, all asked for at once, whole and right; the kernel has to kill nobody', async () => {
    const limit = limitMemory(`larder-${process.pid}`, LIMIT_BYTES);
    if (limit === undefined) throw new Error('no control group');
    const data = mkdtempSync(join(scratch, 'data-'));
    const larder = await startLarderProcess({
      dist: join(scratch, 'dist'),
      data,
      upstream: upstream.base,
      within: limit.within,
    });
    onTestFinished(async () => {
      await larder.signal('SIGKILL');
      limit.remove();
    });
    const began = performance.now();
    const got = await Promise.all(
      [...wanted.keys()].map(async (target) => [target, await sumOf(`${larder.base}/${target}`)] as const),
    );
    expect(new Map(got)).toEqual(wanted);
    const peak = memoryMib(larder.pid, 'VmHWM');
    const totalMib = sizes.reduce((sum, size) => sum + size, 0) / MIB;
    console.log(
      `${ZIPS} zips, ${totalMib} MiB, in ${((performance.now() - began) / 1000).toFixed(1)} s: peak RSS ${peak.toFixed(0)} MiB`,
    );
    expect(limit.kills()).toBe(0);
    expect((await fetch(`${larder.base}/readyz`)).status).toBe(200);
    const stored = [...wanted].map(([target]) => [target, fileSum(join(data, 'download', target))] as const);
    expect(new Map(stored)).toEqual(wanted);
  }, 600_000);

  test('a program that holds that much is killed: the bound is one', () => {
    const limit = limitMemory(`larder-control-${process.pid}`, LIMIT_BYTES);
    if (limit === undefined) throw new Error('no control group');
    onTestFinished(() => limit.remove());
    const [program, ...args] = [...limit.within, process.execPath, '-e', 'Buffer.alloc(400 << 20, 1)'];
    expect(spawnSync(program, args).signal).toBe('SIGKILL');
    expect(limit.kills()).toBe(1);
  }, 60_000);
});

/** SHA-256 of the body of a 200, as it comes; else what went wrong. */
async function sumOf(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(300_000) });
    if (answer.status !== 200) return `${answer.status} ${await answer.text()}`;
    const hash = createHash('sha256');
    for await (const chunk of answer.body ?? []) hash.update(chunk as Uint8Array);
    return hash.digest('hex');
  } catch (error) {
    return String(error);
  }
}

function fileSum(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
