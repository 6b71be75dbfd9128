import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { Ladder } from './ladder.ts';
import type { LadderStep } from './observer.ts';
import type { Place, Wellness } from './place.ts';

/** A place that is as a test says. */
class Told implements Place {
  is: Wellness = 'well';
  readonly level: Place['level'];

  constructor(level: Place['level']) {
    this.level = level;
  }

  readonly wellness = (): Wellness => this.is;
}

let clock: ManualClock;
let first: Told;
let peers: Told;
let bundle: Told;
let steps: LadderStep[];
let ladder: Ladder;
beforeEach(() => {
  clock = new ManualClock();
  [first, peers, bundle] = [new Told(0), new Told(2), new Told(3)];
  steps = [];
  ladder = started([first, peers, bundle]);
});

function started(places: readonly Place[], isOffline = false): Ladder {
  const observer = { onLadderStep: (step: LadderStep) => void steps.push(step) };
  const made = new Ladder({ routes: new Map([['default', places]]), isOffline, clock, observer });
  made.start();
  return made;
}

const level = (): number => ladder.levelOf('default');
const path = (): readonly string[] => steps.map(({ from, to, why }) => `${from}>${to} ${why}`);

test('stands at 0 while the first place is well, and tells of nothing', async () => {
  await clock.advance(60_000);
  expect([level(), steps]).toEqual([0, []]);
});

describe('down', () => {
  test('goes within half a second, and only when all above are out', async () => {
    first.is = 'trying';
    await clock.advance(60_000);
    expect(level()).toBe(0);
    first.is = 'out';
    await clock.advance(500);
    expect(level()).toBe(2);
    expect(steps).toEqual([{ route: 'default', from: 0, to: 2, why: 'out' }]);
  });

  test('goes past what is out as well, and to 1 when nobody can be had', () => {
    [first.is, peers.is] = ['out', 'out'];
    ladder.look();
    expect(level()).toBe(3);
    bundle.is = 'out';
    ladder.look();
    expect(level()).toBe(1);
    expect(path()).toEqual(['0>3 out', '3>1 out']);
  });
});

describe('up', () => {
  beforeEach(() => {
    first.is = 'out';
    ladder.look();
  });

  test('goes when the first place has been well for ten seconds', async () => {
    first.is = 'well';
    await clock.advance(10_000);
    expect(level()).toBe(2);
    await clock.advance(500);
    expect(level()).toBe(0);
    expect(path()).toEqual(['0>2 out', '2>0 back']);
  });

  test('does not go for a place that only tries', async () => {
    first.is = 'trying';
    await clock.advance(60_000);
    expect(level()).toBe(2);
  });

  test('begins to count anew when it was not well in between: what flaps changes nothing', async () => {
    for (let round = 0; round < 20; round++) {
      first.is = 'well';
      await clock.advance(9_000);
      first.is = round % 2 === 0 ? 'out' : 'trying';
      await clock.advance(500);
    }
    expect(path()).toEqual(['0>2 out']);
  });

  test('goes over what came back meanwhile', async () => {
    [peers.is, bundle.is] = ['out', 'out'];
    ladder.look();
    expect(level()).toBe(1);
    [first.is, bundle.is] = ['well', 'well'];
    await clock.advance(11_000);
    expect(level()).toBe(0);
    expect(path()).toEqual(['0>2 out', '2>1 out', '1>0 back']);
  });
});

describe('offline', () => {
  test('is 5 whatever is well, from the start or at run time, and back at once', async () => {
    ladder.setOffline('on');
    ladder.setOffline('on');
    await clock.advance(60_000);
    expect(level()).toBe(5);
    ladder.setOffline('off');
    ladder.setOffline('off');
    expect(level()).toBe(0);
    expect(path()).toEqual(['0>5 offline', '5>0 online']);
    ladder = started([first], true);
    expect(level()).toBe(5);
  });

  test('ends at the first place that is not out', () => {
    ladder.setOffline('on');
    first.is = 'out';
    ladder.setOffline('off');
    expect(level()).toBe(2);
  });
});

test('two places of one level make no step between them', () => {
  const other = new Told(0);
  ladder = started([first, other]);
  first.is = 'out';
  ladder.look();
  expect([level(), steps]).toEqual([0, []]);
  other.is = 'out';
  ladder.look();
  expect(level()).toBe(1);
});

test('routes stand apart; one that is not known stands at 0', () => {
  const other = new Told(0);
  const routes = new Map([
    ['default', [first]],
    ['prod', [other]],
  ]);
  ladder = new Ladder({ routes, isOffline: false, clock, observer: { onLadderStep: (step) => void steps.push(step) } });
  other.is = 'out';
  ladder.look();
  expect([ladder.levelOf('default'), ladder.levelOf('prod'), ladder.levelOf('strange')]).toEqual([0, 1, 0]);
  expect(ladder.standings()).toEqual([
    { route: 'default', level: 0, since: clock.monotonic(), why: 'start' },
    { route: 'prod', level: 1, since: clock.monotonic(), why: 'out' },
  ]);
});

test('does not look any more when it is closed', async () => {
  ladder.close();
  first.is = 'out';
  await clock.advance(60_000);
  expect(level()).toBe(0);
});
