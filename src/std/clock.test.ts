import { describe, expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { AppError } from './errors.ts';

describe('sleep', () => {
  test('ends after its time', async () => {
    const before = systemClock.monotonic();
    await systemClock.sleep(20, { signal: new AbortController().signal });
    expect(systemClock.monotonic() - before).toBeGreaterThan(15);
  });

  test('is ended by the signal, with ABORTED or with the reason that is an AppError', async () => {
    const late = new AppError('UPSTREAM_TIMEOUT', 'fetch x: too late');
    for (const [reason, code] of [
      [undefined, 'ABORTED'],
      [late, 'UPSTREAM_TIMEOUT'],
    ] as const) {
      const stop = new AbortController();
      const sleeping = systemClock.sleep(60_000, { signal: stop.signal });
      stop.abort(reason);
      await expect(sleeping).rejects.toBeInstanceOf(AppError);
      await expect(sleeping).rejects.toMatchObject({ code });
      await expect(systemClock.sleep(1, { signal: stop.signal })).rejects.toMatchObject({ code });
    }
  });

  test.each([2 ** 31, 1e12, Number.POSITIVE_INFINITY])('of %d ms does not end at once', async (ms) => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(ms, { signal: stop.signal });
    const first = await Promise.race([sleeping.then(() => 'slept'), systemClock.sleep(30, stop).then(() => 'waited')]);
    stop.abort();
    await expect(sleeping).rejects.toMatchObject({ code: 'ABORTED' });
    expect(first).toBe('waited');
  });
});
