import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { Pressure } from '../admission/pressure.ts';
import type { MemberStanding } from '../upstream/standing.ts';
import { deepHealth, type DependencyNeeds } from './deep-health.ts';
import { healthFrom, mergedHealth, workersState } from './health-of-all.ts';

const DAY_MS = 86_400_000;
const clock = new ManualClock();
const member: MemberStanding = {
  name: 'a',
  state: 'up',
  inFlight: 0,
  consecutiveFailures: 0,
  share: 1,
  isDetoured: false,
};

/** One line for each thing, of a server where all is well but what is given. */
async function lines(o: Partial<DependencyNeeds> = {}): Promise<string[]> {
  const states = await deepHealth({
    health: { readiness: () => Promise.resolve({ ready: true, detail: 'the store can be read' }) },
    clock,
    isOffline: () => false,
    routes: () => [{ route: 'default', level: 0, since: 0, why: 'well' } as never],
    pools: () => [{ name: 'main', isUsable: true, members: [member] }],
    logs: [{ name: 'sum.test', canServe: () => true, head: () => ({ size: 7 }), headSeenAt: clock.now() - 3 * DAY_MS }],
    pressure: new Pressure({ lagMs: 100, memoryShare: 0.9, descriptorShare: 0.9 }),
    hasGit: () => Promise.resolve(true),
    certificateNotAfter: () => clock.now() + 40 * DAY_MS,
    anchors: () => ({ drifted: 0, unknown: 0, at: clock.now() - 5 * 3_600_000 }),
    ...o,
  }).read();
  return states.map(({ state, name, says, advice }) => `${state} ${name}: ${says}${advice ? ` | ${advice}` : ''}`);
}

describe('what a server depends on', () => {
  test('is a line each, when all is well', async () => {
    expect(await lines()).toEqual([
      'ok store: the store can be read',
      'ok offline: no',
      'ok route default: level 0 (normal)',
      'ok pool main: 1 of 1 upstreams are well',
      'ok upstream main/a: up',
      'ok database sum.test: tree of 7, adopted 3 d ago',
      'ok load: short of nothing',
      'ok git: can be started',
      'ok certificate: ends in 40 d',
      'ok repositories: compared 5 h ago: no tag has moved',
    ]);
  });

  test('leaves out what nobody looks at', async () => {
    const none = { hasGit: undefined, certificateNotAfter: () => undefined, anchors: undefined, pools: () => [] };
    expect((await lines({ ...none, logs: [] })).map((line) => line.split(':')[0])).toEqual([
      'ok store',
      'ok offline',
      'ok route default',
      'ok load',
    ]);
  });

  test.each<[Partial<DependencyNeeds>, RegExp]>([
    [
      { health: { readiness: () => Promise.resolve({ ready: true, degraded: true, detail: 'full' }) } },
      /^warn store: full \| ./,
    ],
    [{ health: { readiness: () => Promise.resolve({ ready: false, detail: 'gone' }) } }, /^fail store: gone \| ./],
    [{ isOffline: () => true }, /^warn offline: .*\| larder offline off/],
    [
      {
        routes: () => [
          { route: 'default', level: 3, since: clock.monotonic() - 60_000, why: 'upstreams-out' } as never,
        ],
      },
      /^warn route default: level 3 \(bundle\) for 60 s: upstreams-out \| ./,
    ],
    [
      { pools: () => [{ name: 'main', isUsable: false, members: [{ ...member, state: 'open', reason: 'failures' }] }] },
      /^fail pool main: 0 of 1 upstreams are well \| ./,
    ],
    [
      {
        pools: () => [
          {
            name: 'main',
            isUsable: true,
            members: [member, { ...member, name: 'b', state: 'open', reason: 'tls', fault: 'certificate has expired' }],
          },
        ],
      },
      /^warn upstream main\/b: open, certificate has expired \| see its certificate/,
    ],
    [
      { logs: [{ name: 'sum.test', canServe: () => false, head: () => undefined, headSeenAt: undefined }] },
      /^fail database sum.test: cannot be reached, and nothing of it is stored \| ./,
    ],
    [{ pressure: shortOf({ memoryShare: 0.85 }) }, /^warn load: short of memory: .*\| give it more memory/],
    [{ pressure: shortOf({ descriptorShare: 1 }) }, /^warn load: out of descriptors: fetches wait \| raise the limit/],
    [{ hasGit: () => Promise.resolve(false) }, /^warn git: cannot be started \| install git/],
    [{ certificateNotAfter: () => clock.now() + 3 * DAY_MS }, /^warn certificate: ends in 3 d \| replace/],
    [{ certificateNotAfter: () => clock.now() - 1 }, /^fail certificate: has ended \| replace/],
    [
      { anchors: () => ({ drifted: 2, unknown: 0, at: clock.now() }) },
      /^warn repositories: .* 2 stored versions .* \| ./,
    ],
  ])('says what is wrong and what to do: %o', async (o, line) => {
    const troubled = (await lines(o)).filter((one) => !one.startsWith('ok'));
    expect(troubled).toContainEqual(expect.stringMatching(line));
  });
});

function shortOf(readings: Partial<Pressure['readings']>): Pressure {
  const pressure = new Pressure({ lagMs: 100, memoryShare: 0.9, descriptorShare: 0.9 });
  for (let i = 0; i < 3; i++) pressure.read({ lagMs: 0, memoryShare: 0, descriptorShare: 0, ...readings });
  return pressure;
}

describe('what several processes depend on', () => {
  const ok = { state: 'ok', name: 'pool', says: 'well' } as const;
  const bad = { state: 'fail', name: 'pool', says: 'out', advice: 'look' } as const;

  test('is one line for what they say alike, and says who differs', () => {
    const git = { state: 'ok', name: 'git', says: 'can be started' } as const;
    expect(
      mergedHealth([
        { worker: 1, states: [ok, git] },
        { worker: 2, states: [ok] },
      ]),
    ).toEqual([ok, git]);
    expect(
      mergedHealth([
        { worker: 1, states: [ok] },
        { worker: 2, states: [bad] },
        { worker: 3, states: [ok] },
      ]),
    ).toEqual([
      { ...ok, name: 'pool (worker 1, 3)' },
      { ...bad, name: 'pool (worker 2)' },
    ]);
  });

  test('is what this one depends on when the others cannot be asked', async () => {
    const own = { read: () => Promise.resolve([ok]) };
    expect(await healthFrom(own, () => Promise.resolve([bad])).read()).toEqual([bad]);
    expect(await healthFrom(own, () => Promise.reject(new Error('gone'))).read()).toEqual([ok]);
  });

  test('has a line for who does not answer', () => {
    expect([workersState(2, 2).state, workersState(1, 2).state]).toEqual(['ok', 'warn']);
  });
});
