import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { hashGoMod } from '../gomod/dirhash.ts';
import { type ArtifactId, parseModulePath, type Version } from '../gomod/module.ts';
import { AppError } from '../std/errors.ts';
import type { Expectation } from './expectation.ts';
import type { SecurityEvent } from './observer.ts';
import { Reprover, WaitingList } from './reprove.ts';
import type { Unproven } from './verified.ts';

const GOOD = hashGoMod(Buffer.from('good'));
const EVIL = hashGoMod(Buffer.from('evil'));
const PROVEN = { by: 'sumdb', database: 'sum.example.org', record: 7, treeSize: 9 } as const;
const IS_GOOD: Expectation = { h1: GOOD, verification: PROVEN };
const down = (): AppError => new AppError('SUMDB_UNAVAILABLE', 'nobody answers');

function unproven(path: string, h1 = GOOD, kind: ArtifactId['kind'] = 'zip'): Unproven {
  return { scope: 'public', id: { module: { path: parseModulePath(path), version: 'v1.0.0' as Version }, kind }, h1 };
}

let clock: ManualClock;
let waiting: WaitingList;
let asked: { readonly path: string; readonly at: number }[];
let done: string[];
let events: SecurityEvent[];
let says: (path: string) => Expectation | AppError;
let storeFails: number;
let reprover: Reprover;

beforeEach(() => {
  clock = new ManualClock();
  waiting = new WaitingList();
  [asked, done, events, storeFails] = [[], [], [], 0];
  says = () => IS_GOOD;
  const store = (what: string): Promise<void> => {
    if (storeFails-- > 0) return Promise.reject(new AppError('STORE_UNAVAILABLE', 'disk full'));
    done.push(what);
    return Promise.resolve();
  };
  reprover = new Reprover({
    waiting,
    artifacts: {
      reverified: ({ id }, { by }) => store(`${id.module.path} ${id.kind} by ${by}`),
      refute: ({ id }) => store(`${id.module.path} ${id.kind} away`),
    },
    ask: (_, { path }) => {
      asked.push({ path, at: clock.monotonic() });
      const said = says(path);
      return said instanceof AppError ? Promise.reject(said) : Promise.resolve(said);
    },
    clock,
    random: () => 1,
    observer: { onSecurityEvent: (event) => events.push(event) },
  });
});
afterEach(() => reprover.close());

describe('what went through unproven', () => {
  test('gets a record that says who proved it, each artifact on its own', async () => {
    for (const kind of ['zip', 'mod'] as const) waiting.add(unproven('a.test/m', GOOD, kind));
    await clock.advance(0);
    expect(done).toEqual(['a.test/m zip by sumdb', 'a.test/m mod by sumdb']);
    waiting.add(unproven('b.test/m'));
    await clock.advance(0);
    expect(done).toHaveLength(3);
  });

  test('is taken away when it is not what is proven, and somebody is told with both hashes', async () => {
    waiting.add(unproven('a.test/m', EVIL));
    await clock.advance(0);
    expect(done).toEqual(['a.test/m zip away']);
    expect(events).toMatchObject([
      { kind: 'unproven-mismatch', subject: 'a.test/m@v1.0.0', detail: { found: EVIL, expected: GOOD } },
    ]);
  });

  test('is exempt when the operator exempts it by now', async () => {
    says = () => ({ verification: { by: 'exemption', because: 'off' } });
    waiting.add(unproven('a.test/m'));
    await clock.advance(0);
    expect(done).toEqual(['a.test/m zip by exemption']);
  });

  test('waits while the database is down, longer and longer, up to five minutes', async () => {
    says = down;
    waiting.add(unproven('a.test/m'));
    await clock.advance(20 * 60_000);
    const times = asked.map(({ at }) => at / 1000);
    expect(times.slice(0, 8)).toEqual([0, 5, 15, 35, 75, 155, 315, 615]);
    expect(done).toEqual([]);
    says = () => IS_GOOD;
    await clock.advance(5 * 60_000);
    expect(done).toEqual(['a.test/m zip by sumdb']);
    expect(waiting.size).toBe(0);
  });

  test('does not keep others from being proven when the database does not know it', async () => {
    says = (path) => (path === 'a.test/m' ? new AppError('NOT_FOUND', 'not known') : IS_GOOD);
    for (const path of ['a.test/m', 'b.test/m', 'c.test/m']) waiting.add(unproven(path));
    await clock.advance(5000);
    expect(done).toEqual(['b.test/m zip by sumdb', 'c.test/m zip by sumdb']);
    expect(waiting.size).toBe(1);
    expect(asked.map(({ path }) => path)).toEqual(['a.test/m', 'b.test/m', 'c.test/m', 'a.test/m']);
  });

  test('waits too when the store cannot take the new record', async () => {
    storeFails = 1;
    waiting.add(unproven('a.test/m'));
    await clock.advance(0);
    expect(done).toEqual([]);
    await clock.advance(5000);
    expect(done).toEqual(['a.test/m zip by sumdb']);
  });
});

describe('the list of those that wait', () => {
  test('has each once, and at most 10,000', async () => {
    await reprover.close();
    for (let i = 0; i < 12_000; i++) waiting.add(unproven(`a.test/m${i}`));
    for (let i = 0; i < 10; i++) waiting.add(unproven('a.test/m0', EVIL));
    expect(waiting.size).toBe(10_000);
    const { signal } = new AbortController();
    expect(await waiting.take({ signal })).toEqual(unproven('a.test/m0', EVIL));
    waiting.add(unproven('a.test/late'));
    expect(waiting.size).toBe(10_000);
  });
});

test('closing ends a wait at once', async () => {
  says = down;
  waiting.add(unproven('a.test/m'));
  await clock.advance(0);
  await reprover.close();
  expect(asked).toHaveLength(1);
});
