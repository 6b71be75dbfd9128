import { describe, expect, test } from 'vitest';
import { waitFor } from './ask.ts';
import { AppError } from './errors.ts';

describe('waiting with a signal', () => {
  test('a failure that comes after the wait was given up ends nothing', async () => {
    const unheard: unknown[] = [];
    const listen = (reason: unknown): void => void unheard.push(reason);
    process.on('unhandledRejection', listen);
    try {
      const { promise, reject } = Promise.withResolvers<never>();
      await expect(waitFor(promise, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
      reject(new Error('nobody listens'));
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(unheard).toEqual([]);
    } finally {
      process.off('unhandledRejection', listen);
    }
  });

  test('the wait ends when the signal fires, with the signal’s own AppError where it has one', async () => {
    const controller = new AbortController();
    const waiting = waitFor(new Promise<never>(() => undefined), controller.signal);
    controller.abort(new AppError('UPSTREAM_TIMEOUT', 'late'));
    await expect(waiting).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
  });
});
