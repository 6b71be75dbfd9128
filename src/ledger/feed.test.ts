import { expect, test } from 'vitest';
import { AppError } from '../std/errors.ts';
import { Ground, moduleNumber, o, textOf } from '../../tests/fakes/ledger-ground.ts';
import { Feed } from './feed.ts';
import type { LedgerObserver } from './observer.ts';

const quiet: LedgerObserver = { onAppended: () => undefined, onRetagged: () => undefined };

test('what is offered is logged in the background, four at a time at most', async () => {
  let running = 0;
  let most = 0;
  const ledger = await new Ground().open({
    discover: async ({ path }) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      return textOf(Number(path.slice('corp.test/m'.length)));
    },
  });
  const feed = new Feed();
  feed.start(ledger, quiet);
  for (let n = 0; n < 20; n++) feed.offer(moduleNumber(n));
  await expect.poll(async () => (await ledger.find(moduleNumber(19), o))?.text).toBe(textOf(19));
  await expect.poll(async () => (await ledger.find(moduleNumber(18), o))?.text).toBe(textOf(18));
  expect(most).toBe(4);
  await feed.close();
});

test('what cannot be logged is told, and the rest goes on', async () => {
  const told: string[] = [];
  const done: string[] = [];
  const feed = new Feed();
  const record = async ({ path }: { path: string }) => {
    if (path.endsWith('m1')) throw new AppError('SUMDB_UNAVAILABLE', 'ask: nobody is there');
    done.push(path);
    return { database: 'sum.corp.test', record: 0, treeSize: 1, text: '' };
  };
  feed.start({ record }, { ...quiet, onNotLogged: ({ subject, message }) => told.push(`${subject}: ${message}`) });
  for (let n = 0; n < 5; n++) feed.offer(moduleNumber(n));
  await expect.poll(() => done.length).toBe(4);
  expect(told).toEqual(['corp.test/m1@v1.0.0: ask: nobody is there']);
});

test('nothing is taken before the start or after the end', async () => {
  let asked = 0;
  const record = async () => {
    asked++;
    return { database: 'sum.corp.test', record: 0, treeSize: 1, text: '' };
  };
  const feed = new Feed();
  feed.offer(moduleNumber(1));
  feed.start({ record }, quiet);
  await feed.close();
  feed.offer(moduleNumber(2));
  expect(asked).toBe(0);
});
