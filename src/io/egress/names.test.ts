import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../../../tests/fakes/manual-clock.ts';
import { Names, type NameLimits } from './names.ts';

const signal = new AbortController().signal;
const HOUR = 3_600_000;
let clock: ManualClock;
let resolver: Resolver;
let names: Names;

/** Answers when and what a test says. */
class Resolver {
  readonly asked: string[] = [];
  readonly #open: PromiseWithResolvers<readonly string[]>[] = [];
  readonly #prepared: (() => Promise<readonly string[]>)[] = [];

  readonly lookup = (name: string): Promise<readonly string[]> => {
    this.asked.push(name);
    const prepared = this.#prepared.shift();
    if (prepared !== undefined) return prepared();
    const open = Promise.withResolvers<readonly string[]>();
    this.#open.push(open);
    return open.promise;
  };

  /** The next question is answered at once. */
  willSay(answer: readonly string[] | string): this {
    this.#prepared.push(() => (typeof answer === 'string' ? Promise.reject(failure(answer)) : Promise.resolve(answer)));
    return this;
  }

  /** The oldest open question is answered now. */
  async says(answer: readonly string[] | string): Promise<void> {
    const open = this.#open.shift();
    if (typeof answer === 'string') open?.reject(failure(answer));
    else open?.resolve(answer);
    await settle();
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code}`), { code });
}

function namesWith(limits: Partial<NameLimits> = {}): Names {
  return new Names(resolver.lookup, { clock, limits });
}

const ask = (name = 'a.test'): Promise<readonly string[]> => names.addressesOf(name, { signal });

beforeEach(() => {
  clock = new ManualClock();
  resolver = new Resolver();
  names = namesWith();
});

describe('a name', () => {
  test('is looked up once for all who want it at a time, and again after a minute', async () => {
    const asking = [ask(), ask(), ask()];
    await settle();
    await resolver.says(['1.1.1.1']);
    expect(await Promise.all(asking)).toEqual([['1.1.1.1'], ['1.1.1.1'], ['1.1.1.1']]);
    await clock.advance(59_999);
    expect(await ask()).toEqual(['1.1.1.1']);
    expect(resolver.asked).toHaveLength(1);
    await clock.advance(20_000);
    resolver.willSay(['2.2.2.2']);
    expect(await ask()).toEqual(['2.2.2.2']);
  });

  test('that has just grown old is refreshed behind', async () => {
    resolver.willSay(['1.1.1.1']);
    await ask();
    await clock.advance(60_000);
    expect(await ask()).toEqual(['1.1.1.1']);
    await resolver.says(['2.2.2.2']);
    expect(await ask()).toEqual(['2.2.2.2']);
    expect(resolver.asked).toHaveLength(2);
  });

  test('whose addresses did not answer is looked up at the next question', async () => {
    resolver.willSay(['1.1.1.1']).willSay(['2.2.2.2']);
    await ask();
    names.doubt('a.test');
    expect(await ask()).toEqual(['2.2.2.2']);
    expect(await ask()).toEqual(['2.2.2.2']);
  });

  test('that does not exist is not asked for again for two seconds, and no more', async () => {
    resolver.willSay('ENOTFOUND').willSay(['1.1.1.1']);
    for (let i = 0; i < 3; i++) await expect(ask()).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(resolver.asked).toHaveLength(1);
    await clock.advance(2000);
    expect(await ask()).toEqual(['1.1.1.1']);
  });

  test('that has gone is not served from memory', async () => {
    resolver.willSay(['1.1.1.1']).willSay('ENOTFOUND').willSay('EAI_AGAIN');
    await ask();
    await clock.advance(120_000);
    await expect(ask()).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await clock.advance(2000);
    await expect(ask()).rejects.toMatchObject({ code: 'EAI_AGAIN' });
  });

  test('without an address does not exist', async () => {
    resolver.willSay([]);
    await expect(ask()).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  test('that nobody wants any more goes from a full memory', async () => {
    names = namesWith({ names: 2 });
    for (const name of ['a.test', 'b.test', 'a.test', 'c.test']) {
      resolver.willSay(['1.1.1.1']);
      await ask(name);
      if (resolver.asked.length > 1) await ask('a.test');
    }
    const before = resolver.asked.length;
    await ask('a.test');
    expect(resolver.asked).toHaveLength(before);
    resolver.willSay(['1.1.1.1']);
    await ask('b.test');
    expect(resolver.asked).toHaveLength(before + 1);
  });
});

describe('a resolver that fails', () => {
  beforeEach(async () => {
    resolver.willSay(['1.1.1.1']);
    await ask();
    await clock.advance(120_000);
  });

  test('leaves the last good addresses for an hour, and no longer', async () => {
    for (const ms of [0, 1_000_000, 2_000_000]) {
      await clock.advance(ms);
      resolver.willSay('EAI_AGAIN');
      expect(await ask()).toEqual(['1.1.1.1']);
      await settle();
    }
    await clock.advance(HOUR - 3_120_000);
    resolver.willSay('EAI_AGAIN');
    await expect(ask()).rejects.toMatchObject({ code: 'EAI_AGAIN' });
  });

  test('keeps one waiting for half a second, and the others not at all', async () => {
    const first = ask();
    await clock.advance(499);
    const second = ask();
    await clock.advance(1);
    expect(await first).toEqual(['1.1.1.1']);
    expect(await second).toEqual(['1.1.1.1']);
    // Still the same lookup, and its time is over.
    const third = ask();
    await clock.advance(0);
    expect(await third).toEqual(['1.1.1.1']);
    expect(resolver.asked).toHaveLength(2);
    await resolver.says('EAI_AGAIN');
    // Another hangs, and nobody waits for it.
    expect(await ask()).toEqual(['1.1.1.1']);
    expect(resolver.asked).toHaveLength(3);
    await resolver.says(['2.2.2.2']);
    expect(await ask()).toEqual(['2.2.2.2']);
  });

  test('leaves also those that did not answer: they may by now', async () => {
    names.doubt('a.test');
    resolver.willSay('EAI_AGAIN');
    expect(await ask()).toEqual(['1.1.1.1']);
  });
});

describe('a resolver that hangs', () => {
  test('keeps who knows nothing waiting for two seconds, and then says so', async () => {
    const waiting = ask();
    const refused = expect(waiting).rejects.toMatchObject({ code: 'ETIMEOUT' });
    await clock.advance(2000);
    await refused;
    // What it says later is not lost.
    await resolver.says(['1.1.1.1']);
    expect(await ask()).toEqual(['1.1.1.1']);
  });

  test('is asked no more than eight questions at a time, and those not at all that came too late', async () => {
    const all = Array.from({ length: 20 }, (_, i) => ask(`${i}.test`));
    const ends = Promise.allSettled(all);
    await clock.advance(2000);
    expect((await ends).every(({ status }) => status === 'rejected')).toBe(true);
    expect(resolver.asked).toHaveLength(8);
    for (let i = 0; i < 8; i++) await resolver.says(['1.1.1.1']);
    expect(resolver.asked).toHaveLength(8);
    resolver.willSay(['1.1.1.1']);
    expect(await ask('19.test')).toEqual(['1.1.1.1']);
  });

  test('has no endless queue before it', async () => {
    names = namesWith({ lookups: 1, queued: 1 });
    const waiting = [ask('1.test'), ask('2.test')];
    await expect(ask('3.test')).rejects.toMatchObject({
      code: 'EAI_AGAIN',
      message: 'too many name lookups at a time',
    });
    await resolver.says(['1.1.1.1']);
    await resolver.says(['2.2.2.2']);
    expect(await Promise.all(waiting)).toEqual([['1.1.1.1'], ['2.2.2.2']]);
  });

  test('does not keep who has left', async () => {
    const stop = new AbortController();
    const left = names.addressesOf('a.test', { signal: stop.signal });
    stop.abort();
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
