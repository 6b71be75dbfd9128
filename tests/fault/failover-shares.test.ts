/** Which upstream of a pool a whole server asks how much: weight, region, rate, 429, and what is no failure. No request fails meanwhile. What does not hang on shares and speed runs side by side: it is mostly waiting. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { askOnce, type Clients } from './failover/clients.ts';
import { rigsOfThisFile } from './failover/rigs.ts';
import type { Rig } from './failover/rig.ts';

const startRig = rigsOfThisFile();

/** Requests of clients that each member got within the next `ms`, beside how many clients sent. */
async function sharesOf(
  rig: Rig,
  clients: Clients,
  ms: number,
): Promise<{ readonly sent: number; readonly got: readonly number[] }> {
  const [since, before] = [performance.now(), clients.count];
  await sleep(ms);
  return { sent: clients.count - before, got: rig.members.map((member) => member.asked(since).length) };
}

function wrongIn(clients: Clients): readonly unknown[] {
  return clients.seen.filter(({ status }) => status !== 200);
}

test('the heavier of two that are equally fast is asked', async (context) => {
  const { rig, clients } = await startRig(context, { rows: ['weight: 10', 'weight: 100'] });
  clients.start();
  await sleep(2000);
  const { sent, got } = await sharesOf(rig, clients, 3000);
  expect(got[1]).toBeGreaterThan(0.8 * sent);
  await clients.stop();
  expect(wrongIn(clients)).toEqual([]);
}, 60_000);

test('of two that are equally fast the one of our region is asked, also when it stands behind', async (context) => {
  const { rig, clients } = await startRig(context, {
    rows: ['region: us', 'region: eu'],
    settings: ['region: eu'],
    medianMs: 30,
  });
  clients.start();
  await sleep(3000);
  const { sent, got } = await sharesOf(rig, clients, 3000);
  expect(got[1]).toBeGreaterThan(0.6 * sent);
  await clients.stop();
  expect(wrongIn(clients)).toEqual([]);
}, 60_000);

test('none is asked beyond its rate, and the next one takes what is more', async (context) => {
  const { rig, clients } = await startRig(context, { rows: ['weight: 100, rate: 10/s', 'weight: 1'] });
  clients.start();
  await sleep(2000);
  const { sent, got } = await sharesOf(rig, clients, 4000);
  expect(sent).toBeGreaterThan(100);
  // What is saved up is a second's worth at the most.
  expect(got[0]).toBeLessThanOrEqual(10 * 4 + 10 + 2);
  expect(got[0]).toBeGreaterThan(20);
  expect(got[1]).toBeGreaterThan(got[0] ?? 0);
  await clients.stop();
  expect(wrongIn(clients)).toEqual([]);
}, 60_000);

test.concurrent('one that answers 429 is left in peace for as long as it said, is asked at half the rate then, and is not out', async (context) => {
  const { rig, clients } = await startRig(context, { rows: ['weight: 100', 'weight: 1'] });
  const [busy] = rig.members as [Rig['members'][0]];
  clients.start();
  await sleep(2000);
  await busy.proxy.set([
    {
      fault: { kind: 'status', status: 429, retryAfter: '3' },
      when: ({ request }) => !request?.path.includes('probed'),
    },
  ]);
  const before = performance.now();
  while (busy.asked(before).every(({ status }) => status !== 429)) await sleep(5);
  const toldAt = busy.asked(before).find(({ status }) => status === 429)?.at ?? 0;
  // Until the answer is there more may be under way.
  await sleep(500);
  const quiet = performance.now();
  await busy.proxy.clear();
  await sleep(toldAt + 2900 - performance.now());
  expect(busy.proxy.log.requests.filter(({ at }) => at > quiet && at < toldAt + 3000)).toEqual([]);
  await sleep(1100);
  const { sent, got } = await sharesOf(rig, clients, 3000);
  expect(got[0]).toBeGreaterThan(0);
  expect(got[0]).toBeLessThanOrEqual(0.75 * sent);
  expect(rig.told().filter(({ to }) => to === 'open')).toEqual([]);
  expect(rig.told().some(({ msg }) => msg === 'upstream throttles us')).toBe(true);
  await clients.stop();
  expect(wrongIn(clients)).toEqual([]);
}, 60_000);

test.concurrent.for([401, 403, 404, 410])(
  'an upstream that says %i to all that clients ask is not left alone, and the other one answers',
  { timeout: 60_000 },
  async (status, context) => {
    const { rig, clients } = await startRig(context, { rows: ['weight: 100', 'weight: 1'], perSecond: 20 });
    const [refusing] = rig.members as [Rig['members'][0]];
    await refusing.proxy.set([
      { fault: { kind: 'status', status }, when: ({ request }) => !request?.path.includes('probed') },
    ]);
    clients.start();
    await sleep(3000);
    await clients.stop();
    expect(clients.seen.length).toBeGreaterThan(30);
    expect(wrongIn(clients)).toEqual([]);
    expect(refusing.asked(0).length).toBeGreaterThan(0);
    expect(rig.told().filter(({ member, to }) => member === 'u0' && to === 'open')).toEqual([]);
  },
);

test('the only one that has a module may take ten seconds for it while the others say 404', async (context) => {
  const { rig, clients } = await startRig(context, { rows: ['', '', ''], perSecond: 20 });
  clients.start();
  await sleep(3000);
  const path = '/example.com/first-time/@v/v1.0.1.info';
  const [fetching, ...others] = rig.members as [Rig['members'][0], ...Rig['members']];
  for (const one of others) one.lacks = (asked) => asked === path;
  await fetching.proxy.set([{ fault: { kind: 'delay', ms: 10_000 }, when: ({ request }) => request?.path === path }]);
  const seen = await askOnce(rig.larder.base, path);
  expect(seen.status, JSON.stringify(rig.told())).toBe(200);
  expect(seen.tookMs).toBeGreaterThan(10_000);
  await clients.stop();
  expect(wrongIn(clients)).toEqual([]);
}, 60_000);
