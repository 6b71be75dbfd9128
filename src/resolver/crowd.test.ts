/** What a resolver does when there are fewer turns than questions. */
import { describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { createRig, idOf, infoOf, type Rig, type RigOptions } from '../../tests/fakes/resolver-rig.ts';
import type { ModulePath } from '../gomod/module.ts';
import { AppError } from '../std/errors.ts';

const one: RigOptions = { turns: { initial: 1, least: 1, most: 1, zips: 1 } };
const path = (name: string): ModulePath => `x.test/${name}` as ModulePath;

/** How a promise ended, `…` while it has not. */
function watched(promise: Promise<{ readonly result: string }>): { readonly end: string } {
  const seen = { end: '…' };
  promise.then(
    ({ result }) => (seen.end = result),
    (error: unknown) => (seen.end = error instanceof AppError ? error.code : String(error)),
  );
  return seen;
}

function rigWith(modules: readonly string[], options: RigOptions): Rig {
  const rig = createRig(options);
  for (const name of modules) rig.source('A').has(path(name), 'v1.0.0');
  return rig;
}

const mod = (rig: Rig, name: string, client?: string): { readonly end: string } =>
  watched(rig.resolver.artifact(idOf(`${path(name)}@v1.0.0`, 'mod'), rig.question('A', { client })));

describe('when all turns are taken', () => {
  test('what is stored is answered, and what is remembered', async () => {
    const before = rigWith(['stored', 'cold'], one);
    before.source('A').lists.set(path('stored'), ['v1.0.0']);
    await before.resolver.artifact(idOf(`${path('stored')}@v1.0.0`, 'mod'), before.question());
    await before.resolver.list(path('stored'), before.question());
    await before.resolver.idle();
    const rig = before.restarted();
    rig.source('A').hold();
    const cold = mod(rig, 'cold');
    await settle();
    const hit = mod(rig, 'stored');
    const list = watched(rig.resolver.list(path('stored'), rig.question()));
    await settle();
    expect([cold.end, hit.end, list.end]).toEqual(['…', 'hit', 'hit']);
    rig.source('A').release();
  });

  test('zips and the rest do not wait for each other', async () => {
    const rig = rigWith(['a', 'b'], one);
    rig.source('A').hold();
    mod(rig, 'a');
    watched(rig.resolver.artifact(idOf(`${path('b')}@v1.0.0`, 'zip'), rig.question()));
    await settle();
    expect(rig.source('A').asked).toHaveLength(2);
    rig.source('A').release();
  });

  test('clients come up one after the other', async () => {
    const rig = rigWith(['a1', 'a2', 'a3', 'b1'], one);
    rig.source('A').hold();
    for (const name of ['a1', 'a2', 'a3']) mod(rig, name, 'a');
    mod(rig, 'b1', 'b');
    await settle();
    rig.source('A').release();
    await settle();
    const asked = rig.source('A').asked.map((line) => /x\.test\/(\w+)/.exec(line)?.[1]);
    expect(asked).toEqual(['a1', 'a2', 'b1', 'a3']);
  });

  test('a latest that needs a list and a go.mod gets them in the turn that it has', async () => {
    const rig = rigWith(['m'], one);
    rig.source('A').lists.set(path('m'), ['v1.0.0']);
    rig.source('A').fails = { latest: 'NOT_FOUND' };
    const latest = watched(rig.resolver.latest(path('m'), rig.question()));
    await settle();
    expect(latest.end).toBe('miss');
  });

  test('who waits longer than 15 s is told so, and an old list stands in where there is one', async () => {
    const rig = rigWith(['a', 'b'], one);
    rig.source('A').lists.set(path('l'), ['v1.0.0']);
    await rig.resolver.list(path('l'), rig.question());
    await rig.clock.advance(60 * 60_000);
    rig.source('A').hold();
    mod(rig, 'a');
    const waits = mod(rig, 'b');
    const list = watched(rig.resolver.list(path('l'), rig.question()));
    await rig.clock.advance(2000);
    expect([waits.end, list.end]).toEqual(['…', 'stale']);
    await rig.clock.advance(13_000);
    expect(waits.end).toBe('OVERLOADED');
    rig.source('A').release();
  });
});

describe('a client whose questions lead nowhere', () => {
  const few: RigOptions = { turns: { missesPerSecond: 1, missBurst: 3 } };

  test('is paced, and what it may still have it gets in its time; others are not concerned', async () => {
    const rig = rigWith(['real'], few);
    const misses = ['n1', 'n2', 'n3', 'n4'].map((name) => mod(rig, name, 'flood'));
    const real = mod(rig, 'real', 'flood');
    await settle();
    expect(misses.map(({ end }) => end)).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', '…']);
    const other = mod(rig, 'n9', 'other');
    await settle();
    expect(other.end).toBe('NOT_FOUND');
    await rig.clock.advance(2100);
    expect([misses[3]?.end, real.end]).toEqual(['NOT_FOUND', 'miss']);
  });

  test('pays nothing for what is remembered to be nowhere, nor for what exists', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `m${i}`);
    const rig = rigWith(names, few);
    const found: { readonly end: string }[] = [];
    for (const name of names) {
      found.push(mod(rig, name, 'build'));
      mod(rig, 'nowhere', 'build');
      await settle();
    }
    expect(found.every(({ end }) => end === 'miss')).toBe(true);
  });
});

test('a refresh that nobody waits for is put off while memory is short, and made up for later', async () => {
  const rig = createRig();
  rig.source('A').lists.set(path('l'), ['v1.0.0']);
  rig.source('A').infos.set(`${path('l')}@main`, infoOf('v1.0.0'));
  await rig.resolver.list(path('l'), rig.question());
  const short = { lagMs: 0, memoryShare: 0.99, descriptorShare: 0 };
  for (let i = 0; i < 2; i++) rig.admission.pressure.read(short);
  await rig.clock.advance(90_000);
  const asked = rig.source('A').count();
  expect((await rig.resolver.list(path('l'), rig.question())).result).toBe('stale');
  await settle();
  expect(rig.source('A').count()).toBe(asked);
  for (let i = 0; i < 2; i++) rig.admission.pressure.read({ ...short, memoryShare: 0 });
  await rig.resolver.list(path('l'), rig.question());
  await settle();
  expect(rig.source('A').count()).toBe(asked + 1);
});
