import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { createRig, idOf, infoOf, type Rig } from '../../tests/fakes/resolver-rig.ts';
import type { ModulePath } from '../gomod/module.ts';
import { AppError } from '../std/errors.ts';
import type { MutableAnswer, Question } from './resolver.ts';

const M = 'rsc.io/quote' as ModulePath;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let rig: Rig;
beforeEach(() => {
  rig = createRig();
  rig.source('A').lists.set(M, ['v1.0.0', 'v1.1.0']);
});

const list = (names = 'A', o: Partial<Question> = {}): Promise<MutableAnswer> =>
  rig.resolver.list(M, rig.question(names, o));
const latest = (names = 'A', o: Partial<Question> = {}): Promise<MutableAnswer> =>
  rig.resolver.latest(M, rig.question(names, o));
const query = (name: string, names = 'A', o: Partial<Question> = {}): Promise<MutableAnswer> =>
  rig.resolver.query(M, name, rig.question(names, o));

const textOf = (answer: MutableAnswer): string => Buffer.from(answer.bytes).toString();
const versions = async (answer: Promise<MutableAnswer>): Promise<string> =>
  textOf(await answer)
    .trimEnd()
    .replaceAll('\n', ' ');
const versionOf = async (answer: Promise<MutableAnswer>): Promise<unknown> =>
  (JSON.parse(textOf(await answer)) as { Version: unknown }).Version;

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    (error: unknown) => error,
  );
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const failure = await failureOf(promise);
  return failure instanceof AppError ? failure.code : String(failure);
};

describe('fresh, stale, old', () => {
  test('a fresh list is answered without asking, as the same bytes', async () => {
    const first = await list();
    expect(first).toMatchObject({ result: 'miss', source: 'A', ageMs: 0, freshForMs: MINUTE });
    expect(textOf(first)).toBe('v1.0.0\nv1.1.0\n');
    await rig.clock.advance(59_000);
    const second = await list();
    expect(second).toMatchObject({ result: 'hit', ageMs: 59_000, freshForMs: 1000 });
    expect(second.bytes).toBe(first.bytes);
    expect(rig.source('A').count()).toBe(1);
  });

  test('while it is fresh it is there without waiting, and not a moment longer', async () => {
    const inMemory = (): unknown => rig.resolver.mutableInMemory({ kind: 'list', module: M }, rig.question());
    expect(inMemory()).toBeUndefined();
    const first = await list();
    await rig.clock.advance(59_000);
    expect(inMemory()).toMatchObject({ result: 'hit', bytes: first.bytes, freshForMs: 1000 });
    await rig.clock.advance(1000);
    expect(inMemory()).toBeUndefined();
  });

  test('for ten minutes after that the old list is given at once and refreshed behind', async () => {
    await list();
    rig.source('A').lists.set(M, ['v1.0.0', 'v1.1.0', 'v1.2.0']);
    await rig.clock.advance(MINUTE);
    expect(await list()).toMatchObject({ result: 'stale', freshForMs: 0 });
    await rig.resolver.idle();
    expect(await versions(list())).toBe('v1.0.0 v1.1.0 v1.2.0');
    expect(await list()).toMatchObject({ result: 'hit', ageMs: 0 });
    expect(rig.source('A').count()).toBe(2);
  });

  test('an unchanged list stays the same bytes over a refresh', async () => {
    const first = await list();
    await rig.clock.advance(MINUTE);
    await list();
    await rig.resolver.idle();
    expect((await list()).bytes).toBe(first.bytes);
  });

  test('a hung upstream costs nobody anything while the list is not ten minutes old, and is asked once a minute', async () => {
    await list();
    rig.source('A').hold();
    await rig.clock.advance(MINUTE);
    for (let i = 0; i < 100; i++) expect(await list()).toMatchObject({ result: 'stale' });
    expect(rig.source('A').count()).toBe(2);
    await rig.clock.advance(59_999);
    await list();
    expect(rig.source('A').count()).toBe(2);
    await rig.clock.advance(1);
    await list();
    await settle();
    expect(rig.source('A').count()).toBe(3);
  });

  test('after that the source is asked first, for two seconds at most, counted from the beginning of the attempt', async () => {
    await list();
    await rig.clock.advance(12 * MINUTE);
    rig.source('A').hold();
    const first = list();
    await rig.clock.advance(1500);
    const second = list();
    await rig.clock.advance(500);
    expect(await Promise.all([first, second])).toMatchObject([{ result: 'stale' }, { result: 'stale' }]);
    expect(await list()).toMatchObject({ result: 'stale' });
    expect(rig.source('A').count()).toBe(2);
  });

  test('an attempt that took too long still counts when it comes to its end', async () => {
    await list();
    await rig.clock.advance(12 * MINUTE);
    rig.source('A').lists.set(M, ['v1.2.0']);
    rig.source('A').hold();
    const waiting = list();
    await rig.clock.advance(9000);
    await waiting;
    rig.source('A').release();
    await rig.resolver.idle();
    expect(await versions(list())).toBe('v1.0.0 v1.1.0 v1.2.0');
    expect(await list()).toMatchObject({ result: 'hit' });
  });

  test('an old list is good for 30 days while sources fail, and a new one is had as soon as they do not', async () => {
    await list();
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    await rig.clock.advance(29 * DAY);
    expect(await list()).toMatchObject({ result: 'stale', ageMs: 29 * DAY });
    rig.source('A').fails = undefined;
    await rig.clock.advance(5000);
    expect(await list()).toMatchObject({ result: 'miss', ageMs: 0 });
  });

  test('after 30 days an outage is an outage', async () => {
    await list();
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    await rig.clock.advance(30 * DAY + 1);
    expect(await codeOf(list())).toBe('UPSTREAM_UNAVAILABLE');
  });

  test('500 clients, one cold list: one question', async () => {
    const answers = await Promise.all(Array.from({ length: 500 }, () => list()));
    expect(rig.source('A').count()).toBe(1);
    expect(answers.filter((one) => one.result === 'miss')).toHaveLength(1);
  });

  test('fresh times vary by a fifth, so that they do not end together', async () => {
    const edges: number[] = [];
    for (const random of [0, 0.999_999]) {
      rig = createRig({ random: () => random });
      rig.source('A').lists.set(M, ['v1.0.0']);
      edges.push((await list()).freshForMs);
    }
    expect(edges[0]).toBe(48_000);
    expect(edges[1]).toBeCloseTo(72_000, 0);
  });

  test('however short a list is fresh, it is not refreshed twice in a minute (M22)', async () => {
    rig = createRig({ random: () => 0 });
    rig.source('A').lists.set(M, ['v1.0.0']);
    for (let second = 0; second < 600; second++) {
      await list();
      await rig.resolver.idle();
      await rig.clock.advance(1000);
    }
    expect(rig.source('A').count()).toBe(10);
  });

  test('1,000 lists that end together cause at most 50 refreshes a second (P9)', async () => {
    rig = createRig({ limits: { concurrentBackground: 1000 } });
    const modules = Array.from({ length: 1000 }, (_, i) => `x.example/m${i}` as ModulePath);
    for (const module of modules) rig.source('A').lists.set(module, ['v1.0.0']);
    for (const module of modules) await rig.resolver.list(module, rig.question());
    await rig.clock.advance(MINUTE);
    const asked = rig.source('A').count();
    for (const module of modules) await rig.resolver.list(module, rig.question());
    await rig.resolver.idle();
    expect(rig.source('A').count() - asked).toBe(50);
    await rig.clock.advance(1000);
    for (const module of modules) await rig.resolver.list(module, rig.question());
    await rig.resolver.idle();
    expect(rig.source('A').count() - asked).toBe(100);
  });
});

describe('a version once seen does not vanish', () => {
  test('though the source no longer tells of it', async () => {
    await list();
    rig.source('A').lists.set(M, ['v1.1.0']);
    await rig.clock.advance(12 * MINUTE);
    expect(await versions(list())).toBe('v1.0.0 v1.1.0');
  });

  test('though the whole module is gone from every source', async () => {
    await list();
    rig.source('A').lists.delete(M);
    await rig.clock.advance(12 * MINUTE);
    expect(await list()).toMatchObject({ result: 'miss', freshForMs: MINUTE });
    expect(await versions(list())).toBe('v1.0.0 v1.1.0');
  });

  test('nor over a restart, with the upstream dead', async () => {
    await list();
    await rig.resolver.idle();
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    rig = rig.restarted();
    await rig.clock.advance(DAY);
    expect(await list()).toMatchObject({ result: 'stale', source: 'A', ageMs: DAY });
    expect(await versions(list())).toBe('v1.0.0 v1.1.0');
  });

  test('stored versions are listed, pseudo-versions are not', async () => {
    for (const version of ['v1.5.0', 'v0.0.0-20260101000000-abcdefabcdef']) {
      rig.source('A').has(M, version);
      await rig.resolver.artifact(idOf(`${M}@${version}`, 'mod'), rig.question());
    }
    expect(await versions(list())).toBe('v1.0.0 v1.1.0 v1.5.0');
  });

  test('with nothing but stored versions and no upstream there is a list', async () => {
    rig.source('A').has(M, 'v1.5.0');
    await rig.resolver.artifact(idOf(`${M}@v1.5.0`, 'info'), rig.question());
    rig.source('A').fails = 'UPSTREAM_TIMEOUT';
    expect(await list()).toMatchObject({ result: 'stale', source: 'store' });
    rig = rig.restarted();
    expect(await versions(list())).toBe('v1.5.0');
    expect(await versions(list('A', { mayFetch: 'no' }))).toBe('v1.5.0');
  });

  test('a version that was just fetched is in the list at once: tag; go get m@v; list', async () => {
    await list();
    rig.source('A').has(M, 'v1.2.0');
    await rig.resolver.artifact(idOf(`${M}@v1.2.0`, 'info'), rig.question());
    expect(await versions(list())).toBe('v1.0.0 v1.1.0 v1.2.0');
    expect(rig.source('A').count('list')).toBe(1);
  });

  test('nor over a restart, with the upstream dead and some of it stored', async () => {
    rig.source('A').has(M, 'v1.0.0');
    await rig.resolver.artifact(idOf(`${M}@v1.0.0`, 'info'), rig.question());
    await list();
    await rig.resolver.idle();
    rig = rig.restarted();
    expect(await list()).toMatchObject({ result: 'hit' });
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    await rig.clock.advance(DAY);
    expect(await list()).toMatchObject({ result: 'stale', source: 'A', ageMs: DAY });
    expect(await versions(list())).toBe('v1.0.0 v1.1.0');
  });

  test('though who asked could not read what was remembered, and others could meanwhile', async () => {
    rig.source('A').has(M, 'v1.0.0');
    await rig.resolver.artifact(idOf(`${M}@v1.0.0`, 'info'), rig.question());
    await list();
    await rig.resolver.idle();
    rig = rig.restarted();
    await rig.clock.advance(11 * MINUTE);
    rig.source('A').hold();
    rig.source('A').fails = 'UPSTREAM_TIMEOUT';
    rig.registers.fails = 'STORE_UNAVAILABLE';
    const early = versions(list());
    await settle();
    rig.registers.fails = undefined;
    const late = versions(list());
    await settle();
    rig.source('A').release();
    expect(await late).toBe('v1.0.0 v1.1.0');
    expect(await early).toBe('v1.0.0 v1.1.0');
  });

  test('what another process has seen comes in with the next write', async () => {
    await list();
    await rig.resolver.idle();
    const other = rig.restarted();
    await other.clock.advance(12 * MINUTE);
    other.source('A').lists.set(M, ['v1.9.0']);
    await other.resolver.list(M, other.question());
    await other.resolver.idle();
    other.source('A').lists.set(M, ['v1.3.0']);
    await list();
    await rig.resolver.idle();
    expect(await versions(list())).toBe('v1.0.0 v1.1.0 v1.3.0 v1.9.0');
  });
});

describe('mirrors', () => {
  test('sources joined by a bar are asked side by side and their lists united: U13, A6', async () => {
    rig.source('B').lists.set(M, ['v1.1.0', 'v1.5.1']);
    expect(await versions(list('A|B'))).toBe('v1.0.0 v1.1.0 v1.5.1');
  });

  test('a name that the first source knows does not leak over a comma', async () => {
    rig.source('B').lists.set(M, ['v9.0.0']);
    expect(await versions(list('A,B'))).toBe('v1.0.0 v1.1.0');
    expect(rig.source('B').count()).toBe(0);
  });

  test('a slow mirror costs one second at most', async () => {
    rig.source('B').hold();
    const waiting = list('A|B');
    await rig.clock.advance(1000);
    expect(await versions(waiting)).toBe('v1.0.0 v1.1.0');
    expect(rig.source('B').stopped).toEqual([`list ${M}`]);
  });

  test('a failing mirror costs nothing', async () => {
    rig.source('B').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await versions(list('B|A'))).toBe('v1.0.0 v1.1.0');
  });

  test('when the whole group does not have it the walk goes on; when it cannot tell, it ends', async () => {
    expect(await versions(list('B|C,A'))).toBe('v1.0.0 v1.1.0');
    await rig.clock.advance(12 * MINUTE);
    rig = createRig();
    rig.source('A').lists.set(M, ['v1.0.0']);
    rig.source('C').fails = 'UPSTREAM_TIMEOUT';
    expect(await codeOf(list('B|C,A'))).toBe('UPSTREAM_TIMEOUT');
    expect(rig.source('A').count()).toBe(0);
  });

  test('a module without tags is an empty list, not an absence', async () => {
    rig.source('A').lists.set(M, []);
    expect(textOf(await list())).toBe('');
  });

  test('what does not belong into the list of this module is left out', async () => {
    rig.source('A').lists.set(M, ['v1.0.0', 'v2.0.0', 'v2.0.0+incompatible', 'v0.0.0-20260101000000-abcdefabcdef']);
    expect(await versions(list())).toBe('v1.0.0 v2.0.0+incompatible');
  });
});

describe('absence', () => {
  test('of a module is remembered for five minutes', async () => {
    expect(await codeOf(list('B'))).toBe('NOT_FOUND');
    await rig.clock.advance(5 * MINUTE - 1);
    expect(await failureOf(list('B'))).toMatchObject({ code: 'NOT_FOUND', detail: { result: 'negative' } });
    expect(rig.source('B').count()).toBe(1);
    await rig.clock.advance(1);
    await codeOf(list('B'));
    expect(rig.source('B').count()).toBe(2);
  });

  test('ends when a version is fetched', async () => {
    expect(await codeOf(list('B'))).toBe('NOT_FOUND');
    rig.source('B').has(M, 'v1.0.0').lists.set(M, ['v1.0.0']);
    await rig.resolver.artifact(idOf(`${M}@v1.0.0`, 'info'), rig.question('B'));
    expect(await versions(list('B'))).toBe('v1.0.0');
  });

  test('is not made from an outage (golang/go#72118)', async () => {
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await codeOf(list('A|B'))).toBe('UPSTREAM_UNAVAILABLE');
    rig.source('A').fails = undefined;
    await rig.clock.advance(1000);
    expect(await versions(list('A|B'))).toBe('v1.0.0 v1.1.0');
  });

  test.each(['B', 'B,C', 'C,B'])('of %s by the word of some is remembered for half a minute', async (names) => {
    rig.source('B').isWordOfSome = true;
    expect(await codeOf(list(names))).toBe('NOT_FOUND');
    rig.source('B').lists.set(M, ['v1.0.0']);
    await rig.clock.advance(29_999);
    expect(await codeOf(list(names))).toBe('NOT_FOUND');
    await rig.clock.advance(1);
    expect(await versions(list(names))).toBe('v1.0.0');
  });

  test('by the word of some is said neither now nor later where what is stored can stand in', async () => {
    const several = createRig({ routes: 'several' });
    const ask = async (): Promise<string> => await versions(several.resolver.list(M, several.question('A')));
    several.source('A').has(M, 'v1.0.0');
    await several.resolver.artifact(idOf(`${M}@v1.0.0`, 'mod'), several.question('A'));
    several.source('A').isWordOfSome = true;
    expect([await ask(), await ask()]).toEqual(['v1.0.0', 'v1.0.0']);
  });

  test('by the word of some is remembered for half a minute, too, where what was known holds no longer', async () => {
    rig.source('A').infos.set(`${M}@main`, infoOf('v0.0.0-20260101000000-abcdefabcdef'));
    await query('main');
    rig.source('A').infos.clear();
    rig.source('A').isWordOfSome = true;
    await rig.clock.advance(31 * DAY);
    expect(await codeOf(query('main'))).toBe('NOT_FOUND');
    const asked = rig.source('A').count();
    await rig.clock.advance(20_000);
    expect(await codeOf(query('main'))).toBe('NOT_FOUND');
    expect(rig.source('A').count()).toBe(asked);
  });

  test('by the word of some ends nothing that is known', async () => {
    const version = 'v0.0.0-20260101000000-abcdefabcdef';
    rig.source('A').infos.set(`${M}@main`, infoOf(version));
    await query('main');
    rig.source('A').infos.clear();
    rig.source('A').isWordOfSome = true;
    for (const ms of [MINUTE, 11 * MINUTE, DAY]) {
      await rig.clock.advance(ms);
      expect(await versionOf(query('main'))).toBe(version);
      await rig.resolver.idle();
    }
    rig.source('A').isWordOfSome = false;
    await rig.clock.advance(MINUTE);
    expect(await codeOf(query('main'))).toBe('NOT_FOUND');
  });

  test('is not told while the memory of answers cannot be read', async () => {
    rig.registers.fails = 'STORE_UNAVAILABLE';
    expect(await codeOf(list('B'))).toBe('STORE_UNAVAILABLE');
    rig.registers.fails = undefined;
    await rig.clock.advance(1000);
    expect(await codeOf(list('B'))).toBe('NOT_FOUND');
  });

  test('of a branch ends a remembered answer, which does not come back when the source fails', async () => {
    rig.source('A').infos.set(`${M}@main`, infoOf('v0.0.0-20260101000000-abcdefabcdef'));
    await query('main');
    rig.source('A').infos.clear();
    await rig.clock.advance(MINUTE);
    expect(await query('main')).toMatchObject({ result: 'stale' });
    await rig.resolver.idle();
    expect(await codeOf(query('main'))).toBe('NOT_FOUND');
    await rig.clock.advance(31_000);
    expect(await codeOf(query('main'))).toBe('NOT_FOUND');
    expect(rig.source('A').count()).toBe(3);
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    await rig.clock.advance(31_000);
    expect(await codeOf(query('main'))).toBe('UPSTREAM_UNAVAILABLE');
  });
});

describe('from stored things only', () => {
  const stored: Partial<Question> = { mayFetch: 'no' };

  test.each(['list', 'latest', 'query'] as const)(
    'a %s that is not known is not found, marked as not to be kept',
    async (kind) => {
      const ask = {
        list: () => list('A', stored),
        latest: () => latest('A', stored),
        query: () => query('main', 'A', stored),
      };
      expect(await failureOf(ask[kind]())).toMatchObject({ code: 'NOT_FOUND', detail: { uncached: true } });
      expect(rig.source('A').count()).toBe(0);
    },
  );

  test('what is known is told, however old, and not refreshed', async () => {
    await list();
    await rig.clock.advance(3 * MINUTE);
    expect(await list('A', stored)).toMatchObject({ result: 'stale' });
    await rig.resolver.idle();
    expect(rig.source('A').count()).toBe(1);
  });
});

describe('latest', () => {
  test('is what the sources tell, and its info is stored under its version', async () => {
    rig.source('A').latests.set(M, infoOf('v1.1.0'));
    expect(await versionOf(latest())).toBe('v1.1.0');
    const info = rig.resolver.artifact(idOf(`${M}@v1.1.0`, 'info'), rig.question('A', { mayFetch: 'no' }));
    expect(await info).toMatchObject({ result: 'hit' });
  });

  test('is chosen from the list when no source has it: the highest release', async () => {
    rig.source('A').lists.set(M, ['v1.0.0', 'v1.1.0', 'v1.2.0-rc.1']);
    for (const version of ['v1.0.0', 'v1.1.0', 'v1.2.0-rc.1']) rig.source('A').has(M, version);
    expect(await versionOf(latest())).toBe('v1.1.0');
    expect(rig.source('A').count('zip')).toBe(0);
  });

  test('is a pre-release when there is no release', async () => {
    rig.source('A').lists.set(M, ['v1.0.0-rc.1', 'v1.0.0-rc.2']);
    rig.source('A').has(M, 'v1.0.0-rc.2');
    expect(await versionOf(latest())).toBe('v1.0.0-rc.2');
  });

  test('is not what the go.mod of the highest version retracts', async () => {
    rig.source('A').has(M, 'v1.0.0').has(M, 'v1.1.0');
    rig.source('A').mods.set(`${M}@v1.1.0`, `module ${M}\n\nretract v1.1.0\n`);
    expect(await versionOf(latest())).toBe('v1.0.0');
  });

  test('is not +incompatible when a compatible version has a go.mod of its own', async () => {
    rig.source('A').lists.set(M, ['v1.0.0', 'v2.0.0+incompatible']);
    rig.source('A').has(M, 'v1.0.0').has(M, 'v2.0.0+incompatible');
    expect(await versionOf(latest())).toBe('v1.0.0');
  });

  test('is +incompatible when it has not', async () => {
    rig.source('A').lists.set(M, ['v1.0.0', 'v2.0.0+incompatible']);
    rig.source('A').has(M, 'v1.0.0').has(M, 'v2.0.0+incompatible');
    rig.source('A').mods.set(`${M}@v1.0.0`, `module ${M}\n`);
    expect(await versionOf(latest())).toBe('v2.0.0+incompatible');
  });

  test('is not found when there is nothing to choose from', async () => {
    expect(await codeOf(latest('B'))).toBe('NOT_FOUND');
  });

  test('is put together from stored things when nobody can tell', async () => {
    rig.source('A').has(M, 'v1.0.0');
    await rig.resolver.artifact(idOf(`${M}@v1.0.0`, 'info'), rig.question());
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await latest()).toMatchObject({ result: 'stale', freshForMs: 0 });
    expect(await versionOf(latest())).toBe('v1.0.0');
  });
});

describe('queries', () => {
  const PSEUDO = 'v0.0.0-20260101000000-abcdefabcdef';

  test('the info of a branch is stored under its version, without what speaks of the branch', async () => {
    const origin = {
      VCS: 'git',
      URL: 'https://rsc.io/quote',
      Ref: 'refs/heads/main',
      Hash: 'abcdefabcdef',
      TagSum: 't1:x',
    };
    rig.source('A').infos.set(`${M}@main`, { ...infoOf(PSEUDO), origin });
    expect(textOf(await query('main'))).toContain('refs/heads/main');
    const answer = await rig.resolver.artifact(idOf(`${M}@${PSEUDO}`, 'info'), rig.question('B'));
    expect(answer).toMatchObject({ result: 'hit', source: 'A' });
    const kept = rig.artifacts.held.get(`public info ${M}@${PSEUDO}`)?.bytes ?? Buffer.alloc(0);
    expect(JSON.parse(Buffer.from(kept).toString())).toEqual({
      Version: PSEUDO,
      Time: '2026-01-01T00:00:00Z',
      Origin: { VCS: 'git', URL: 'https://rsc.io/quote', Hash: 'abcdefabcdef' },
    });
  });

  test('a canonical version that does not fit the path may be asked as a name', async () => {
    rig.source('A').infos.set(`${M}@v2.0.0`, infoOf('v2.0.0+incompatible'));
    expect(await versionOf(query('v2.0.0'))).toBe('v2.0.0+incompatible');
  });

  test('a moved branch is seen after a minute', async () => {
    rig.source('A').infos.set(`${M}@main`, infoOf(PSEUDO));
    await query('main');
    rig.source('A').infos.set(`${M}@main`, infoOf('v0.0.0-20260202000000-bbbbbbbbbbbb'));
    await rig.clock.advance(MINUTE);
    await query('main');
    await rig.resolver.idle();
    expect(await versionOf(query('main'))).toBe('v0.0.0-20260202000000-bbbbbbbbbbbb');
  });

  test('a store that cannot keep the info does not make the answer fail', async () => {
    rig.source('A').infos.set(`${M}@main`, infoOf(PSEUDO));
    rig.artifacts.fails = { commit: 'STORE_UNAVAILABLE' };
    expect(await versionOf(query('main'))).toBe(PSEUDO);
    expect(rig.troubles).toMatchObject([{ operation: 'commit' }]);
  });
});

describe('memory over a restart', () => {
  test('an answer is as old as it is', async () => {
    await list();
    await rig.resolver.idle();
    rig = rig.restarted();
    await rig.clock.advance(40_000);
    expect(await list()).toMatchObject({ result: 'hit', source: 'A', ageMs: 40_000 });
    expect(rig.source('A').count()).toBe(1);
  });

  test('an answer from the future counts as just out of date', async () => {
    await list();
    await rig.resolver.idle();
    rig.clock.setWall(rig.clock.now() - DAY);
    rig = rig.restarted();
    expect(await list()).toMatchObject({ result: 'stale' });
    await rig.resolver.idle();
    expect(await list()).toMatchObject({ result: 'hit' });
  });

  test.each([10, -10])(
    'a clock that is set by %i years while it runs makes no answer older or younger',
    async (years) => {
      rig.source('A').infos.set(`${M}@main`, infoOf('v1.1.0'));
      await query('main');
      await rig.resolver.idle();
      await rig.clock.advance(40_000);
      rig = rig.restarted();
      rig.clock.setWall(rig.clock.now() + years * 365 * DAY);
      rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
      expect(await query('main')).toMatchObject({ result: 'hit', ageMs: 40_000 });
    },
  );

  test.each([10, -10])('what was remembered after the clock was set by %i years is as old as it is', async (years) => {
    const before = rig.restarted();
    rig.clock.setWall(rig.clock.now() + years * 365 * DAY);
    await list();
    await rig.resolver.idle();
    await rig.clock.advance(40_000);
    rig = before;
    expect(await list()).toMatchObject({ result: 'hit', ageMs: 40_000 });
  });

  test('what was never confirmed is older than anything, also under a clock that begins in 1970', async () => {
    rig.source('A').has(M, 'v1.5.0');
    await rig.resolver.artifact(idOf(`${M}@v1.5.0`, 'info'), rig.question());
    rig.clock.setWall(5000);
    rig = rig.restarted();
    expect(await list()).toMatchObject({ result: 'miss', source: 'A' });
  });

  test('a damaged record is told of, left out of account, and replaced', async () => {
    await list();
    await rig.resolver.idle();
    const [name = ''] = rig.registers.values.keys();
    rig.registers.values.set(name, { name, value: Buffer.from('{"format":1}'), token: 'x' });
    rig = rig.restarted();
    expect(await list()).toMatchObject({ result: 'miss' });
    await rig.resolver.idle();
    expect(rig.troubles).toMatchObject([{ operation: 'read', code: 'STORE_CORRUPT', subject: M }]);
    expect(rig.registers.values.get(name)?.value.byteLength).toBeGreaterThan(50);
  });

  test('a register that fails fails no question', async () => {
    rig.registers.fails = 'STORE_UNAVAILABLE';
    expect(await versions(list())).toBe('v1.0.0 v1.1.0');
    await rig.resolver.idle();
    expect(rig.troubles.map((one) => one.operation)).toEqual(['read', 'remember']);
  });

  test('an unchanged answer is written again only every five minutes', async () => {
    for (let minute = 0; minute <= 6; minute++) {
      await list();
      await rig.resolver.idle();
      await rig.clock.advance(MINUTE);
    }
    expect(rig.registers.writes).toBe(2);
  });

  test('the end of the process waits for writes and takes no more questions', async () => {
    await list();
    await rig.resolver.close();
    expect(rig.registers.writes).toBe(1);
    await rig.clock.advance(12 * MINUTE);
    expect(await codeOf(query('main'))).toBe('ABORTED');
  });
});

test('a client that leaves ends its own wait only', async () => {
  rig.source('A').hold();
  const client = new AbortController();
  const leaving = codeOf(list('A', { signal: client.signal }));
  const staying = list();
  await settle();
  client.abort();
  expect(await leaving).toBe('ABORTED');
  rig.source('A').release();
  expect(await versions(staying)).toBe('v1.0.0 v1.1.0');
});
