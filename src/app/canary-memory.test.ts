/** What is known of a canary is known after a restart, and by whoever shares the data folder. */
import { afterEach, expect, test } from 'vitest';
import { ManualClock, settle } from '../../tests/fakes/manual-clock.ts';
import { MapRegister } from '../../tests/fakes/resolver-rig.ts';
import { ScriptedSource } from '../../tests/fakes/scripted-source.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import { AppError } from '../std/errors.ts';
import { createPool, type EnginePool } from '../upstream/engine.ts';
import type { UpstreamEvent } from '../upstream/observer.ts';
import { canaryMemory } from './canary-memory.ts';

const MINUTE = 60_000;
const POOL = 'Stage/mirrors';
const NAME = 'upstreams/canary/=53tage=2fmirrors/next';

const clock = new ManualClock();
const opened: EnginePool[] = [];
afterEach(() => {
  for (const pool of opened.splice(0)) pool.close();
  expect(clock.sleeping).toBe(0);
});

interface Server {
  readonly pool: EnginePool;
  readonly events: UpstreamEvent[];
  readonly percent: () => number | undefined;
}

/** A server on the folder of `registers`, as far as a canary goes. */
async function started(registers: MapRegister): Promise<Server> {
  const events: UpstreamEvent[] = [];
  const usual = { weight: 1, regionFactor: 1, maxInFlight: 9 };
  const pool = createPool(
    {
      name: POOL,
      members: [
        { ...usual, source: new ScriptedSource('hub'), isCanary: false },
        {
          ...usual,
          source: new ScriptedSource('next'),
          isCanary: true,
          canaryMemory: canaryMemory(registers, POOL, 'next'),
        },
      ],
    },
    {
      clock,
      random: () => 0.5,
      observer: { onUpstreamEvent: (event) => void events.push(event), onMemberOutcome: () => undefined },
    },
  );
  opened.push(pool);
  pool.start();
  await settle();
  return { pool, events, percent: () => pool.standing().members[1]?.canaryPercent };
}

async function restarted(registers: MapRegister): Promise<Server> {
  opened.pop()?.close();
  return await started(registers);
}

/** The canary sends them to somebody whom nobody else could answer. */
async function sendWrongBytes({ pool }: Server): Promise<void> {
  const ask = async ({ name }: { readonly name: string }): Promise<never> => {
    throw new AppError(name === 'next' ? 'CHECKSUM_MISMATCH' : 'AUTH_REQUIRED', name);
  };
  const asked = pool.first({ kind: 'info', key: 'm', attempted: 'fetch m', ask }, new AbortController());
  await expect(asked).rejects.toThrow('next');
  await settle();
}

async function pass(ms: number): Promise<void> {
  await clock.advance(ms);
  await settle();
}

test('a new canary begins with the first stage, and that is written down', async () => {
  const registers = new MapRegister();
  const { percent } = await started(registers);
  expect(percent()).toBe(5);
  expect([...registers.values.keys()]).toEqual([NAME]);
});

test('one that was rolled back, or has come further, is that after a restart, and says so', async () => {
  const registers = new MapRegister();
  const first = await started(registers);
  first.pool.promoteCanary('next');
  await settle();
  const second = await restarted(registers);
  expect(second.percent()).toBe(20);
  expect(second.events).toEqual([{ kind: 'canary', pool: POOL, member: 'next', from: 0, to: 20, why: 'remembered' }]);
  second.pool.rollBackCanary('next');
  await settle();
  const third = await restarted(registers);
  expect(third.percent()).toBe(0);
  third.pool.startCanary('next');
  await settle();
  expect((await restarted(registers)).percent()).toBe(5);
});

test('one that sent wrong bytes is asked by nobody after a restart', async () => {
  const registers = new MapRegister();
  await sendWrongBytes(await started(registers));
  const { pool } = await restarted(registers);
  const asked: string[] = [];
  const ask = async ({ name }: { readonly name: string }): Promise<never> => {
    asked.push(name);
    throw new Error('refused');
  };
  const failed = pool.first(
    { kind: 'info', key: 'm', attempted: 'fetch m', ask },
    { signal: AbortSignal.timeout(9e5) },
  );
  await Promise.all([expect(failed).rejects.toThrow('refused'), pass(5000)]);
  expect(asked).not.toContain('next');
});

test('what one process rolls back, or an operator starts again there, others hear of within half a minute', async () => {
  const registers = new MapRegister();
  const [one, other] = [await started(registers), await started(registers)];
  expect([one.percent(), other.percent()]).toEqual([5, 5]);
  await sendWrongBytes(one);
  expect(other.percent()).toBe(5);
  await pass(30_000);
  expect(other.percent()).toBe(0);
  other.pool.startCanary('next');
  await settle();
  await pass(30_000);
  expect(one.percent()).toBe(5);
});

test('a stage that was reached is not begun anew, nor taken back by a process that is behind', async () => {
  const registers = new MapRegister();
  const [ahead, behind] = [await started(registers), await started(registers)];
  ahead.pool.promoteCanary('next');
  await settle();
  await pass(MINUTE);
  expect([ahead.percent(), behind.percent()]).toEqual([20, 5]);
  expect((await started(registers)).percent()).toBe(20);
});

test('a memory that fails keeps nobody waiting, and is written and heard as soon as it can be', async () => {
  const registers = new MapRegister();
  registers.fails = 'STORE_UNAVAILABLE';
  const server = await started(registers);
  expect(server.percent()).toBe(5);
  server.pool.rollBackCanary('next');
  registers.fails = undefined;
  await pass(30_000);
  expect((await restarted(registers)).percent()).toBe(0);
  registers.fails = 'STORE_UNAVAILABLE';
  const blind = await restarted(registers);
  expect(blind.percent()).toBe(5);
  registers.fails = undefined;
  await pass(30_000);
  expect(blind.percent()).toBe(0);
});

test('what cannot be read is as if it were not there, and written anew', async () => {
  const registers = new MapRegister();
  await registers.create(NAME, encodeUtf8('{"format":2,"percent":0}'));
  expect((await started(registers)).percent()).toBe(5);
  expect(Buffer.from(registers.values.get(NAME)?.value ?? []).toString()).toContain('"format":1');
});
