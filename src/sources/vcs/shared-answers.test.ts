import { describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../../../tests/fakes/manual-clock.ts';
import { SharedAnswers } from './shared-answers.ts';

const o = { signal: new AbortController().signal };

function ground(more: { readonly maxSize?: number; readonly maxUnderWay?: number } = {}) {
  const clock = new ManualClock();
  const limits = { freshMs: 1000, absentMs: 100, timeoutMs: 5000, maxSize: 10, maxUnderWay: 2, ...more };
  return { clock, answers: new SharedAnswers<string>({ clock, ...limits, sizeOf: (answer) => answer.length }) };
}

describe('shared answers', () => {
  test('end when a question takes too long, for all who asked, and the next asks anew', async () => {
    const { clock, answers } = ground();
    let signal: AbortSignal | undefined;
    const asked = [1, 2].map(() =>
      answers.get('a', o, (inner) => {
        signal = inner.signal;
        return new Promise(() => {});
      }),
    );
    const ended = Promise.all(asked.map((one) => expect(one).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' })));
    await clock.advance(5000);
    await ended;
    expect(signal?.aborted).toBe(true);
    expect(await answers.get('a', o, async () => 'good')).toBe('good');
  });

  test('are refused when too many questions are under way', async () => {
    const { answers } = ground();
    const open = Promise.withResolvers<string>();
    const first = ['a', 'b'].map((key) => answers.get(key, o, () => open.promise));
    await expect(answers.get('c', o, async () => 'c')).rejects.toMatchObject({ code: 'OVERLOADED' });
    open.resolve('done');
    await Promise.all(first);
    expect(await answers.get('c', o, async () => 'c')).toBe('c');
  });

  test('are forgotten when they take too much room', async () => {
    const { answers } = ground({ maxSize: 10 });
    let asked = 0;
    const ask = (key: string) => answers.get(key, o, async () => `${key}${++asked}`.padEnd(6));
    await ask('a');
    await ask('b');
    await ask('a');
    expect(asked).toBe(3);
  });

  test('leave no timer behind', async () => {
    const { clock, answers } = ground();
    await answers.get('a', o, async () => 'a');
    await settle();
    expect(clock.sleeping).toBe(0);
  });

  test('that nobody waits for any more may fail', async () => {
    const { answers } = ground();
    const open = Promise.withResolvers<string>();
    const leaving = new AbortController();
    const left = answers.get('a', { signal: leaving.signal }, () => open.promise);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
    open.reject(new Error('nobody hears this'));
    await settle();
  });
});
