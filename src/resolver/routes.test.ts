import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { createRig, idOf, planOf, type Rig } from '../../tests/fakes/resolver-rig.ts';
import type { MutableAnswer, Question } from './resolver.ts';

/** Two routes: of the default one A is the source, of `stage` it is B. */
const M = 'rsc.io/quote@v1.5.2';
const PATH = idOf(M, 'mod').module.path;

let rig: Rig;
beforeEach(() => {
  rig = createRig({ routes: 'several' });
});

const byDefault = (): Question => rig.question('A');
const onStage = (): Question => ({ ...rig.question(), plan: { ...planOf('B'), route: 'stage' } });
const versionsOf = async (answer: Promise<MutableAnswer>): Promise<string> =>
  Buffer.from((await answer).bytes)
    .toString()
    .trim()
    .replaceAll('\n', ' ');

describe('routes', () => {
  test('share verified files: what one has fetched is stored for the other', async () => {
    rig.source('A').has('rsc.io/quote', 'v1.5.2');
    expect(await rig.resolver.artifact(idOf(M, 'mod'), byDefault())).toMatchObject({ result: 'miss', source: 'A' });
    expect(await rig.resolver.artifact(idOf(M, 'mod'), onStage())).toMatchObject({ result: 'hit', source: 'A' });
    expect(rig.source('B').count()).toBe(0);
  });

  test('do not share a fetch: each asks its own sources', async () => {
    for (const name of ['A', 'B']) {
      rig.source(name).has('rsc.io/quote', 'v1.5.2');
      rig.source(name).hold();
    }
    const both = [byDefault(), onStage()].map((q) => rig.resolver.artifact(idOf(M, 'mod'), q));
    await settle();
    for (const name of ['A', 'B']) rig.source(name).release();
    await Promise.all(both);
    expect([rig.source('A').count(), rig.source('B').count()]).toEqual([1, 1]);
  });

  test('do not share that something is not there', async () => {
    rig.source('B').has('rsc.io/quote', 'v1.5.2');
    await expect(rig.resolver.artifact(idOf(M, 'mod'), byDefault())).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await rig.resolver.artifact(idOf(M, 'mod'), onStage())).toMatchObject({ source: 'B' });
    await expect(rig.resolver.latest(PATH, byDefault())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('do not share lists, not even by way of what is stored, also after a restart', async () => {
    rig.source('A').lists.set(PATH, ['v1.0.0']);
    rig.source('B').lists.set(PATH, ['v1.0.0', 'v1.5.2']);
    rig.source('B').has('rsc.io/quote', 'v1.5.2');
    await rig.resolver.artifact(idOf(M, 'zip'), onStage());
    const lists = async (): Promise<readonly string[]> => [
      await versionsOf(rig.resolver.list(PATH, byDefault())),
      await versionsOf(rig.resolver.list(PATH, onStage())),
    ];
    expect(await lists()).toEqual(['v1.0.0', 'v1.0.0 v1.5.2']);
    await rig.resolver.idle();
    rig = rig.restarted();
    for (const name of ['A', 'B']) rig.source(name).fails = 'UPSTREAM_UNAVAILABLE';
    expect(await lists()).toEqual(['v1.0.0', 'v1.0.0 v1.5.2']);
  });

  test('list what is stored when no source answers and nothing else is known', async () => {
    rig.source('B').has('rsc.io/quote', 'v1.5.2');
    await rig.resolver.artifact(idOf(M, 'zip'), onStage());
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await versionsOf(rig.resolver.list(PATH, byDefault()))).toBe('v1.5.2');
  });

  test('keep what changes in memory apart', async () => {
    rig.source('A').infos.set(`${PATH}@main`, { version: 'v1.0.0', time: '2026-01-01T00:00:00Z' } as never);
    rig.source('B').infos.set(`${PATH}@main`, { version: 'v1.5.2', time: '2026-01-01T00:00:00Z' } as never);
    for (const [q, version] of [
      [byDefault(), 'v1.0.0'],
      [onStage(), 'v1.5.2'],
    ] as const) {
      expect(await versionsOf(rig.resolver.query(PATH, 'main', q))).toContain(version);
      const known = rig.resolver.mutableInMemory({ kind: 'query', module: PATH, query: 'main' }, q);
      expect(Buffer.from(known?.bytes ?? '').toString()).toContain(version);
    }
  });
});

test('with one route what is stored is listed, as ever', async () => {
  rig = createRig();
  rig.source('A').lists.set(PATH, ['v1.0.0']);
  rig.source('A').has('rsc.io/quote', 'v1.5.2');
  await rig.resolver.artifact(idOf(M, 'zip'), byDefault());
  expect(await versionsOf(rig.resolver.list(PATH, byDefault()))).toBe('v1.0.0 v1.5.2');
});
