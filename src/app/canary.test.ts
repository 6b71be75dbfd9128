import { beforeEach, describe, expect, test } from 'vitest';
import { manualRig } from '../../tests/fakes/pool-rig.ts';
import type { ControlCommand } from '../control/desk.ts';
import { canaryCommand } from './canary.ts';

const NOW = { signal: new AbortController().signal };
const ON_TRIAL = { next: { isCanary: true } };

type Rig = ReturnType<typeof manualRig>;

let first: Rig;
let ofRoute: Rig;
let steer: ControlCommand;
beforeEach(() => {
  first = manualRig('hub next', { members: ON_TRIAL });
  ofRoute = manualRig('next far', { members: ON_TRIAL });
  steer = canaryCommand(
    new Map([
      ['mirrors', first.pool],
      ['stage/mirrors', ofRoute.pool],
    ]),
  );
});

const percents = (): readonly unknown[] => [first, ofRoute].map((rig) => rig.state('next').canaryPercent);

describe('the operator steers a canary', () => {
  test('by a step in every pool that it is in, and hears where it stands then', async () => {
    await steer({ step: 'rollback', upstream: 'next' }, NOW);
    expect(percents()).toEqual([0, 0]);
    await steer({ step: 'start', upstream: 'next' }, NOW);
    expect(percents()).toEqual([5, 5]);
    const told = await steer({ step: 'promote', upstream: 'next' }, NOW);
    expect(percents()).toEqual([20, 20]);
    expect(told).toMatchObject({ canary: [{ percent: 20 }, { percent: 20 }] });
  });

  test('and is told which there are when there is none of that name, or it is none', async () => {
    await expect(steer({ step: 'promote', upstream: 'nxt' }, NOW)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      detail: { reason: 'canary-unknown', known: 'next' },
    });
    await expect(steer({ step: 'rollback', upstream: 'hub' }, NOW)).rejects.toMatchObject({
      code: 'CONFLICT',
      detail: { reason: 'canary-none', known: 'next' },
    });
    expect(percents()).toEqual([5, 5]);
  });

  test.each([[undefined], [{}], [{ step: 'pause', upstream: 'next' }], [{ step: 'start', upstream: 7 }], ['start']])(
    'what came over the socket as %j is refused',
    async (input) => {
      await expect(steer(input, NOW)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
      expect(percents()).toEqual([5, 5]);
    },
  );
});
