/** What every Register must do. Each adapter's test runs it; the adapter is given behind checkedRegister, as callers see it. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { isAppError } from '../std/errors.ts';
import type { Register } from './register.ts';

export interface RegisterUnderTest {
  /** Two ways to the same values, as two processes have them; the same object where there is only one. */
  readonly registers: readonly [Register, Register];
  close(): Promise<void>;
}

/** States about `name`; `make` gives a register without values. */
export function describeRegister(name: string, make: () => Promise<RegisterUnderTest>): void {
  describe(`${name} keeps the contract of a register`, () => {
    let subject: RegisterUnderTest | undefined;
    let register: Register;
    let other: Register;
    const o = { signal: new AbortController().signal };
    const bytes = (text: string): Uint8Array => Buffer.from(text);
    const current = async (key: string): Promise<string | undefined> => {
      const held = await other.read(key, o);
      return held === undefined ? undefined : Buffer.from(held.value).toString();
    };

    beforeEach(async () => {
      await subject?.close();
      subject = await make();
      [register, other] = subject.registers;
    });
    afterAll(async () => {
      await subject?.close();
    });

    test('a name without a value reads as undefined', async () => {
      expect(await register.read('a/b', o)).toBeUndefined();
    });

    test('what was created is read, also by others', async () => {
      const held = await register.create('a/b', bytes('one'), o);
      expect(Buffer.from(held.value).toString()).toBe('one');
      expect(await current('a/b')).toBe('one');
    });

    test('a value may be empty, and may be any bytes', async () => {
      await register.create('empty', bytes(''), o);
      await register.create(
        'bytes',
        Uint8Array.from({ length: 256 }, (_, i) => i),
        o,
      );
      expect((await other.read('empty', o))?.value).toHaveLength(0);
      expect([...((await other.read('bytes', o))?.value ?? [])]).toEqual(Array.from({ length: 256 }, (_, i) => i));
    });

    test('to create twice is a CONFLICT and changes nothing', async () => {
      await register.create('a', bytes('one'), o);
      await expect(other.create('a', bytes('two'), o)).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await current('a')).toBe('one');
    });

    test('a chain of replaces, each with what the one before gave', async () => {
      let held = await register.create('a', bytes('0'), o);
      for (let i = 1; i <= 20; i++) held = await (i % 2 === 0 ? register : other).replace(held, bytes(String(i)), o);
      expect(await current('a')).toBe('20');
    });

    test('to replace what is no longer current is a CONFLICT and changes nothing', async () => {
      const old = await register.create('a', bytes('one'), o);
      await register.replace(old, bytes('two'), o);
      await expect(other.replace(old, bytes('three'), o)).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await current('a')).toBe('two');
    });

    test('the same bytes written again are a new generation', async () => {
      const old = await register.create('a', bytes('same'), o);
      await register.replace(old, bytes('same'), o);
      await expect(other.replace(old, bytes('x'), o)).rejects.toMatchObject({ code: 'CONFLICT' });
    });

    test('names do not disturb each other, also when one continues another', async () => {
      const a = await register.create('a', bytes('a'), o);
      await register.create('a/b', bytes('a/b'), o);
      await register.create('a-b', bytes('a-b'), o);
      await register.replace(a, bytes('A'), o);
      expect([await current('a'), await current('a/b'), await current('a-b')]).toEqual(['A', 'a/b', 'a-b']);
    });

    test('of 30 creates at once one wins', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? register : other).create('race', bytes(String(i)), o)),
      );
      const won = results.flatMap((one, i) => (one.status === 'fulfilled' ? [i] : []));
      expect(won).toHaveLength(1);
      expect(await current('race')).toBe(String(won[0]));
    });

    test('of 30 replaces of one value at most one is told that it won, and its value is there', async () => {
      const old = await register.create('race', bytes('old'), o);
      const results = await Promise.allSettled(
        Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? register : other).replace(old, bytes(String(i)), o)),
      );
      const won = results.flatMap((one, i) => (one.status === 'fulfilled' ? [i] : []));
      expect(won).toHaveLength(1);
      expect(await current('race')).toBe(String(won[0]));
    });

    test('counters by read and replace lose no increment', async () => {
      await register.create('counter', bytes('0'), o);
      const increment = async (by: Register): Promise<void> => {
        for (;;) {
          const held = await by.read('counter', o);
          if (held === undefined) throw new Error('the value vanished');
          try {
            await by.replace(held, bytes(String(Number(Buffer.from(held.value).toString()) + 1)), o);
            return;
          } catch (error) {
            if (!isAppError(error, 'CONFLICT')) throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: 12 }, (_, i) => increment(i % 2 === 0 ? register : other)));
      // A writer may be told CONFLICT although its value was current for a moment, so the sum may be higher, never lower.
      expect(Number(await current('counter'))).toBeGreaterThanOrEqual(12);
    });

    test('a reader never sees the name without a value while others replace it', async () => {
      let held = await register.create('busy', bytes('0'), o);
      const done = new AbortController();
      const reading = (async () => {
        while (!done.signal.aborted) expect(await other.read('busy', o)).toBeDefined();
      })();
      for (let i = 1; i <= 40; i++) held = await register.replace(held, bytes(String(i)), o);
      done.abort();
      await reading;
    });

    test('a buffer changed after the write does not change the value', async () => {
      const value = Buffer.from('kept');
      const held = await register.create('own', value, o);
      value.fill('!');
      expect(await current('own')).toBe('kept');
      expect(Buffer.from(held.value).toString()).toBe('kept');
    });

    test('4 MiB is taken, more is TOO_LARGE', async () => {
      const held = await register.create('big', Buffer.alloc(4 * 1024 * 1024, 'x'), o);
      expect((await other.read('big', o))?.value).toHaveLength(4 * 1024 * 1024);
      const more = Buffer.alloc(4 * 1024 * 1024 + 1);
      await expect(register.replace(held, more, o)).rejects.toMatchObject({ code: 'TOO_LARGE' });
      await expect(register.create('bigger', more, o)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    });

    test.each(['', '/a', 'a/', 'a//b', '..', 'a/../b', '.x', 'A', 'a b', 'a\0'])(
      'the malformed name %j is the caller’s mistake',
      async (key) => {
        await expect(register.read(key, o)).rejects.toMatchObject({ code: 'INTERNAL' });
        await expect(register.create(key, bytes('x'), o)).rejects.toMatchObject({ code: 'INTERNAL' });
      },
    );

    test('a fired signal stops everything with ABORTED', async () => {
      const held = await register.create('a', bytes('one'), o);
      const fired = { signal: AbortSignal.abort() };
      await expect(register.read('a', fired)).rejects.toMatchObject({ code: 'ABORTED' });
      await expect(register.create('b', bytes('x'), fired)).rejects.toMatchObject({ code: 'ABORTED' });
      await expect(register.replace(held, bytes('x'), fired)).rejects.toMatchObject({ code: 'ABORTED' });
      expect([await current('a'), await current('b')]).toEqual(['one', undefined]);
    });
  });
}
