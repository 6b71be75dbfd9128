import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { type Running, runUntilStopped } from './lifecycle.ts';

/** A server that says what was asked of it; its drain ends when `release` is called. */
function server(): Running & { readonly asked: string[]; release(): void } {
  const asked: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    asked,
    release: resolve,
    drain: ({ lingers }) => {
      asked.push(lingers ? 'drain, lingering' : 'drain');
      return promise;
    },
    stopNow: async () => void asked.push('now'),
    logFatal: (error) => void asked.push(`fatal ${String(error)}`),
  };
}

describe('a running server', () => {
  test.each([
    ['SIGTERM', 'drain, lingering'],
    ['SIGINT', 'drain'],
    ['SIGHUP', 'drain'],
  ])('drains on %s and then is stopped', async (name, asked) => {
    const [signals, running] = [new EventEmitter(), server()];
    const over = runUntilStopped(running, { signals });
    signals.emit(name, name);
    running.release();
    expect(await over).toBe(true);
    expect(running.asked).toEqual([asked]);
    expect(signals.eventNames()).toEqual([]);
  });

  test('stops at once on the second signal', async () => {
    const [signals, running] = [new EventEmitter(), server()];
    const over = runUntilStopped(running, { signals });
    signals.emit('SIGTERM', 'SIGTERM');
    signals.emit('SIGTERM', 'SIGTERM');
    expect(await over).toBe(true);
    expect(running.asked).toEqual(['drain, lingering', 'now']);
  });

  test.each(['uncaughtException', 'unhandledRejection'])('logs an %s and ends as failed', async (name) => {
    const [signals, running] = [new EventEmitter(), server()];
    const over = runUntilStopped(running, { signals });
    signals.emit(name, new Error('boom'));
    expect(await over).toBe(false);
    expect(running.asked).toEqual(['fatal Error: boom', 'now']);
  });
});
