import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { createRig, idOf, type Rig } from '../../tests/fakes/resolver-rig.ts';
import type { Version } from '../gomod/module.ts';
import { AppError } from '../std/errors.ts';
import { readWhole } from './read-whole.ts';
import type { ArtifactAnswer, Question } from './resolver.ts';

const M = 'rsc.io/quote@v1.5.2';
const never = new AbortController().signal;

let rig: Rig;
beforeEach(() => {
  rig = createRig();
  rig.source('A').has('rsc.io/quote', 'v1.5.2');
});

const ask = (kind: 'info' | 'mod' | 'zip', list = 'A', o: Partial<Question> = {}): Promise<ArtifactAnswer> =>
  rig.resolver.artifact(idOf(M, kind), rig.question(list, o));

const textOf = async (answer: ArtifactAnswer): Promise<string> =>
  Buffer.from(await readWhole(answer, { signal: never })).toString();

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    (error: unknown) => error,
  );
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const failure = await failureOf(promise);
  return failure instanceof AppError ? failure.code : String(failure);
};

describe('memory, store, fill', () => {
  test('the first question fetches, the next ones find it stored', async () => {
    expect(await ask('mod')).toMatchObject({ result: 'miss', source: 'A' });
    expect(await ask('mod')).toMatchObject({ result: 'hit', source: 'A' });
    expect(rig.source('A').asked).toEqual([`mod ${M}`]);
    expect(rig.fetches).toMatchObject([{ source: 'A', kind: 'mod', subject: M, sizeBytes: 29 }]);
  });

  test('a question about a go.mod moves no zip and no info', async () => {
    await ask('mod');
    expect(rig.source('A').asked).toEqual([`mod ${M}`]);
    expect([...rig.artifacts.held.keys()]).toEqual([`public mod ${M}`]);
  });

  test('where in a repository it came from goes on to what is stored, also of a branch', async () => {
    const anchor = { url: 'https://git.example/quote', commit: 'c'.repeat(40), tree: 'd'.repeat(40), tag: 'v1.5.2' };
    const git = rig.source('A');
    git.anchor = anchor;
    for (const kind of ['info', 'mod', 'zip'] as const) {
      await ask(kind);
      expect(rig.artifacts.held.get(`public ${kind} ${M}`)?.verified.anchor).toEqual(anchor);
    }
    const version = 'v0.0.0-20260202000000-bbbbbbbbbbbb' as Version;
    git.infos.set('rsc.io/quote@main', { version, time: '2026-02-02T00:00:00Z' });
    await rig.resolver.query(idOf(M, 'info').module.path, 'main', rig.question('A'));
    expect(rig.artifacts.held.get(`public info rsc.io/quote@${version}`)?.verified.anchor).toEqual(anchor);
  });

  test('what proves a go.mod or a zip is looked up meanwhile, once however many sources are asked; an info needs no proof', async () => {
    rig.source('A').fails = 'NOT_FOUND';
    rig.source('B').has('rsc.io/quote', 'v1.5.2');
    await ask('info', 'A,B');
    expect(rig.anticipated).toEqual([]);
    await ask('mod', 'A,B');
    await ask('mod', 'A,B');
    expect(rig.anticipated).toEqual([M]);
    await ask('zip', 'A,B');
    expect(rig.anticipated).toEqual([M, M]);
  });

  test('each kind walks the list on its own: info from A, zip from B', async () => {
    rig.source('A').zips.clear();
    rig.source('B').has('rsc.io/quote', 'v1.5.2', 'from B');
    expect(await ask('info', 'A,B')).toMatchObject({ source: 'A' });
    expect(await ask('zip', 'A,B')).toMatchObject({ source: 'B' });
  });

  test('what is in memory is answered without a promise', async () => {
    rig.artifacts.hasMemory = true;
    expect(rig.resolver.artifactInMemory(idOf(M, 'info'), rig.question())).toBeUndefined();
    await ask('info');
    expect(rig.resolver.artifactInMemory(idOf(M, 'info'), rig.question())).toMatchObject({ result: 'hit' });
  });

  test('500 clients, one cold zip: one fetch, each reads all of it with a reader of its own (athens#2050)', async () => {
    const text = 'x'.repeat(100_000);
    rig.source('A').zips.set(M, [Buffer.from(text)]);
    const answers = await Promise.all(Array.from({ length: 500 }, () => ask('zip')));
    expect(rig.source('A').count('zip')).toBe(1);
    expect(answers.filter((one) => one.result === 'miss')).toHaveLength(1);
    expect(answers.filter((one) => one.result === 'joined')).toHaveLength(499);
    const texts = await Promise.all(answers.map(textOf));
    expect(texts.every((one) => one === text)).toBe(true);
    expect(rig.spooled.size).toBe(0);
  });

  test('who looked into the store just before a fill ended does not fetch again', async () => {
    const find = rig.artifacts.find.bind(rig.artifacts);
    const slow = Promise.withResolvers<void>();
    let looks = 0;
    rig.artifacts.find = async (scope, id) => {
      const found = await find(scope, id);
      if (++looks === 1) await slow.promise;
      return found;
    };
    const late = ask('mod');
    await settle();
    await ask('mod');
    slow.resolve();
    await late;
    expect(rig.source('A').count('mod')).toBe(1);
  });

  test('an info that speaks of another version is refused', async () => {
    rig.source('A').infos.set(M, { version: 'v1.0.0' as never });
    expect(await codeOf(ask('info'))).toBe('UPSTREAM_BAD_RESPONSE');
    expect(rig.artifacts.held.size).toBe(0);
  });

  test('a version that does not fit its path is refused without asking anyone', async () => {
    const refused = rig.resolver.artifact(idOf('rsc.io/quote@v2.0.0', 'mod'), rig.question());
    expect(await codeOf(refused)).toBe('NOT_FOUND');
    expect(rig.source('A').count()).toBe(0);
  });
});

describe('what may not be believed', () => {
  test.each(['evil', 'broken'])(
    '%s bytes are neither stored nor served; the next source is asked, even after a comma',
    async (text) => {
      rig.source('A').zips.set(M, [Buffer.from(text)]);
      rig.source('B').has('rsc.io/quote', 'v1.5.2', 'good');
      const answer = await ask('zip', 'A,B');
      expect(await textOf(answer)).toBe('good');
      expect(answer.source).toBe('B');
      expect(rig.spooled.size).toBe(0);
      expect(rig.fetches.map((one) => one.code)).toEqual([
        text === 'evil' ? 'CHECKSUM_MISMATCH' : 'ZIP_INVALID',
        undefined,
      ]);
    },
  );

  test('nothing is stored when nobody has good bytes, and the failure says why', async () => {
    rig.source('A').zips.set(M, [Buffer.from('evil')]);
    expect(await codeOf(ask('zip', 'A,B'))).toBe('CHECKSUM_MISMATCH');
    expect(rig.artifacts.held.size).toBe(0);
    expect(rig.spooled.size).toBe(0);
  });
});

describe('absence and outage', () => {
  test('an outage is not told as absence: A cannot tell, B does not have it', async () => {
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await codeOf(ask('mod', 'A|B'))).toBe('UPSTREAM_UNAVAILABLE');
  });

  test('off means not found, with the words of the go command', async () => {
    expect(await failureOf(ask('mod', 'B,off'))).toMatchObject({
      code: 'NOT_FOUND',
      message: 'module lookup disabled by GOPROXY=off',
    });
  });

  test('absence of a version older than one that is known is remembered for 30 s', async () => {
    rig.source('B').lists.set('rsc.io/quote', ['v1.9.9']);
    await rig.resolver.list(idOf(M, 'mod').module.path, rig.question('B'));
    rig.source('B').asked.length = 0;
    expect(await codeOf(ask('mod', 'B'))).toBe('NOT_FOUND');
    await rig.clock.advance(29_000);
    expect(await failureOf(ask('mod', 'B'))).toMatchObject({ code: 'NOT_FOUND', detail: { result: 'negative' } });
    expect(rig.source('B').count()).toBe(1);
    await rig.clock.advance(1001);
    await codeOf(ask('mod', 'B'));
    expect(rig.source('B').count()).toBe(2);
  });

  test('absence of a version newer than all known is remembered for 5 s: tag; go get works (golang/go#46369)', async () => {
    rig.source('A').lists.set('rsc.io/quote', ['v1.5.2']);
    await rig.resolver.list(idOf(M, 'mod').module.path, rig.question());
    const newer = idOf('rsc.io/quote@v1.5.3', 'info');
    expect(await codeOf(rig.resolver.artifact(newer, rig.question()))).toBe('NOT_FOUND');
    rig.source('A').has('rsc.io/quote', 'v1.5.3');
    await rig.clock.advance(5001);
    expect(await rig.resolver.artifact(newer, rig.question())).toMatchObject({ result: 'miss' });
    const list = await rig.resolver.list(newer.module.path, rig.question());
    expect(Buffer.from(list.bytes).toString()).toBe('v1.5.2\nv1.5.3\n');
  });

  test('absence of a version by the word of some is remembered for 5 s', async () => {
    rig.source('A').lists.set('rsc.io/quote', ['v1.5.2']);
    rig.source('A').isWordOfSome = true;
    const older = idOf('rsc.io/quote@v1.5.1', 'info');
    await rig.resolver.list(older.module.path, rig.question());
    expect(await codeOf(rig.resolver.artifact(older, rig.question()))).toBe('NOT_FOUND');
    rig.source('A').has('rsc.io/quote', 'v1.5.1');
    await rig.clock.advance(5001);
    expect(await rig.resolver.artifact(older, rig.question())).toMatchObject({ result: 'miss' });
  });

  test('absence of a version is remembered for 5 s at most where no version is known', async () => {
    const late = createRig({ random: () => 0.999 });
    const first = idOf('rsc.io/quote@v1.0.0', 'info');
    expect(await codeOf(late.resolver.artifact(first, late.question()))).toBe('NOT_FOUND');
    late.source('A').has('rsc.io/quote', 'v1.0.0');
    await late.clock.advance(5001);
    expect(await late.resolver.artifact(first, late.question())).toMatchObject({ result: 'miss' });
  });

  test('an outage is repeated to a herd for one second, then tried again', async () => {
    rig.source('A').fails = 'UPSTREAM_TIMEOUT';
    expect(await codeOf(ask('mod'))).toBe('UPSTREAM_TIMEOUT');
    expect(await codeOf(ask('mod'))).toBe('UPSTREAM_TIMEOUT');
    expect(rig.source('A').count()).toBe(1);
    rig.source('A').fails = undefined;
    await rig.clock.advance(1000);
    expect(await ask('mod')).toMatchObject({ result: 'miss' });
  });

  test('a hung source costs 30 s at most, also when it does not heed its signal', async () => {
    rig.source('A').hold();
    rig.source('A').isDeaf = true;
    const waiting = codeOf(ask('mod'));
    await rig.clock.advance(30_000);
    expect(await waiting).toBe('UPSTREAM_TIMEOUT');
  });

  test('a zip that comes after everyone has given up leaves nothing behind', async () => {
    rig.source('A').hold();
    rig.source('A').isDeaf = true;
    const waiting = codeOf(ask('zip'));
    await rig.clock.advance(600_000);
    expect(await waiting).toBe('UPSTREAM_TIMEOUT');
    rig.source('A').release();
    await settle();
    expect(rig.spooled.size).toBe(0);
    expect(rig.artifacts.held.size).toBe(0);
  });
});

describe('from stored things only', () => {
  const stored: Partial<Question> = { mayFetch: 'no' };

  test('a miss is not found, marked as not to be kept, and nobody is asked', async () => {
    expect(await failureOf(ask('zip', 'A', stored))).toMatchObject({ code: 'NOT_FOUND', detail: { uncached: true } });
    expect(rig.source('A').count()).toBe(0);
  });

  test('a hit is a hit', async () => {
    await ask('zip');
    expect(await ask('zip', 'A', stored)).toMatchObject({ result: 'hit' });
  });
});

describe('clients that leave', () => {
  /** Reads in two halves; the source holds back the second. */
  function bigZip(firstHalf: number): void {
    rig.source('A').zips.set(M, [Buffer.alloc(firstHalf), Buffer.alloc(100 - firstHalf)]);
    rig.source('A').hold();
  }

  async function askAndLeave(): Promise<void> {
    const client = new AbortController();
    const waiting = codeOf(ask('zip', 'A', { signal: client.signal }));
    await settle();
    client.abort();
    expect(await waiting).toBe('ABORTED');
    await rig.clock.advance(10_000);
  }

  test('past half, the download is finished and stored', async () => {
    bigZip(60);
    await askAndLeave();
    rig.source('A').release();
    await settle();
    expect(rig.artifacts.held.has(`public zip ${M}`)).toBe(true);
    expect(rig.spooled.size).toBe(0);
  });

  test('before half, it is stopped after two seconds', async () => {
    bigZip(40);
    await askAndLeave();
    expect(rig.source('A').stopped).toEqual([`zip ${M}`]);
    expect(rig.artifacts.held.size).toBe(0);
  });

  test('of unknown length, it is stopped after two seconds', async () => {
    bigZip(90);
    rig.source('A').announcesSize = false;
    await askAndLeave();
    expect(rig.source('A').stopped).toEqual([`zip ${M}`]);
  });

  test('one of many leaving changes nothing for the others', async () => {
    bigZip(10);
    const client = new AbortController();
    const others = Array.from({ length: 50 }, () => ask('zip'));
    const leaving = codeOf(ask('zip', 'A', { signal: client.signal }));
    await settle();
    client.abort();
    expect(await leaving).toBe('ABORTED');
    await rig.clock.advance(60_000);
    rig.source('A').release();
    expect((await Promise.all(others)).every((one) => one.sizeBytes === 100)).toBe(true);
  });
});

describe('a store in trouble', () => {
  test('that cannot be read: the artifact is fetched', async () => {
    rig.artifacts.fails = { find: 'STORE_UNAVAILABLE' };
    expect(await ask('mod')).toMatchObject({ result: 'miss' });
    expect(rig.troubles).toMatchObject([{ operation: 'read', code: 'STORE_UNAVAILABLE', subject: M }]);
  });

  test('that cannot be read, and no source has it: the failure stays a failure, for it may be stored', async () => {
    rig.artifacts.fails = { find: 'STORE_UNAVAILABLE' };
    expect(await codeOf(ask('mod', 'B'))).toBe('STORE_UNAVAILABLE');
    expect(await codeOf(ask('mod', 'B', { mayFetch: 'no' }))).toBe('STORE_UNAVAILABLE');
  });

  test.each(['STORE_CORRUPT', 'TOO_LARGE'] as const)('that answers %s: as good as a miss', async (code) => {
    rig.artifacts.fails = { find: code };
    expect(await ask('mod')).toMatchObject({ result: 'miss' });
    expect(await codeOf(ask('info', 'B'))).toBe('NOT_FOUND');
  });

  test('whose damage shows at the moment of reading: the same bytes are fetched again and read', async () => {
    await ask('zip');
    const answer = await ask('zip');
    rig.artifacts.damage('public', idOf(M, 'zip'));
    expect(await textOf(answer)).toBe(`zip of ${M}`);
    expect(rig.source('A').count('zip')).toBe(2);
  });

  test('whose damaged bytes come back different: the reader gets no mixture', async () => {
    await ask('zip');
    const answer = await ask('zip');
    rig.artifacts.damage('public', idOf(M, 'zip'));
    rig.source('A').zips.set(M, [Buffer.from('other')]);
    expect(await codeOf(textOf(answer))).toBe('STORE_CORRUPT');
  });

  test('that remembers other bytes: what A has is refused like any wrong bytes, and B is asked', async () => {
    const commit = rig.artifacts.commit.bind(rig.artifacts);
    rig.artifacts.commit = async (scope, verified) => {
      if (verified.source === 'A') throw new AppError('CHECKSUM_MISMATCH', 'commit: other bytes were first');
      return commit(scope, verified);
    };
    rig.source('B').has('rsc.io/quote', 'v1.5.2', 'from B');
    expect(await ask('zip', 'A,B')).toMatchObject({ source: 'B' });
    expect(rig.spooled.size).toBe(0);
  });

  test('that cannot be written: the verified bytes are served unstored, for a while and to the last reader', async () => {
    rig.artifacts.fails = { commit: 'STORE_UNAVAILABLE' };
    const answers = await Promise.all([ask('zip'), ask('zip')]);
    expect(await Promise.all(answers.map(textOf))).toEqual([`zip of ${M}`, `zip of ${M}`]);
    expect(rig.troubles).toMatchObject([{ operation: 'commit', code: 'STORE_UNAVAILABLE' }]);
    const reader = await answers[0].open({ signal: never });
    await rig.clock.advance(60_000);
    expect(rig.spooled.size).toBe(1);
    await reader.close();
    await reader.close();
    expect(rig.spooled.size).toBe(0);
    expect(await codeOf(answers[0].open({ signal: never }))).toBe('STORE_UNAVAILABLE');
  });

  test('that cannot be written: who asks next gets the bytes at hand, and nothing is fetched twice', async () => {
    rig.artifacts.fails = { commit: 'STORE_UNAVAILABLE', find: 'STORE_UNAVAILABLE' };
    await ask('zip');
    expect(await textOf(await ask('zip'))).toBe(`zip of ${M}`);
    expect(await textOf(await ask('zip', 'A', { mayFetch: 'no' }))).toBe(`zip of ${M}`);
    expect(rig.source('A').count('zip')).toBe(1);
    await rig.clock.advance(60_000);
    expect(rig.spooled.size).toBe(0);
    await ask('zip');
    expect(rig.source('A').count('zip')).toBe(2);
  });

  test('that cannot be written and leaves no room: the next mirror is not asked for the same bytes', async () => {
    rig = createRig({ limits: { unstoredBytes: 10 } });
    for (const name of ['A', 'B']) rig.source(name).has('rsc.io/quote', 'v1.5.2');
    rig.artifacts.fails = { commit: 'STORE_UNAVAILABLE' };
    expect(await codeOf(ask('zip', 'A|B'))).toBe('STORE_UNAVAILABLE');
    expect(rig.source('B').asked).toEqual([]);
  });

  test('that cannot be written, with no room left for unstored bytes: the failure is the store’s', async () => {
    rig = createRig({ limits: { unstoredBytes: 10 } });
    rig.source('A').has('rsc.io/quote', 'v1.5.2');
    rig.artifacts.fails = { commit: 'STORE_UNAVAILABLE' };
    expect(await codeOf(ask('zip'))).toBe('STORE_UNAVAILABLE');
    expect(rig.spooled.size).toBe(0);
  });

  test('the end of the process gives up what is unstored', async () => {
    rig.artifacts.fails = { commit: 'STORE_UNAVAILABLE' };
    await ask('zip');
    expect(rig.spooled.size).toBe(1);
    await rig.resolver.close();
    expect(rig.spooled.size).toBe(0);
    expect(await codeOf(ask('mod'))).toBe('ABORTED');
  });
});
