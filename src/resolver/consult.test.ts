import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { createRig, idOf, type Rig } from '../../tests/fakes/resolver-rig.ts';
import { AppError } from '../std/errors.ts';

const M = 'rsc.io/quote@v1.5.2';
const SECOND = 1000;

let rig: Rig;
beforeEach(() => {
  rig = createRig();
  for (const name of ['A', 'B', 'C']) rig.source(name).has('rsc.io/quote', 'v1.5.2');
});

/** Puts the question and tells what it came to: `pending`, the source that answered, or the code of the failure. */
function asked(kind: 'info' | 'mod' | 'zip', list: string): { outcome: string } {
  const state = { outcome: 'pending' };
  rig.resolver.artifact(idOf(M, kind), rig.question(list)).then(
    (answer) => (state.outcome = answer.source),
    (error: unknown) => (state.outcome = error instanceof AppError ? error.code : String(error)),
  );
  return state;
}

async function after(ms: number): Promise<void> {
  await settle();
  await rig.clock.advance(ms);
  await settle();
}

describe('a source that hangs, before `|`', () => {
  test.each(['info', 'mod'] as const)('of three costs a .%s ten of thirty seconds', async (kind) => {
    rig.source('A').hold();
    const state = asked(kind, 'A|B|C');
    await after(10 * SECOND - 1);
    expect(state.outcome).toBe('pending');
    await after(1);
    expect(state.outcome).toBe('B');
    expect(rig.fetches[0]).toMatchObject({ source: 'A', code: 'UPSTREAM_TIMEOUT', durationMs: 10 * SECOND });
  });

  test('does so also when it does not heed its signal', async () => {
    rig.source('A').hold();
    rig.source('A').isDeaf = true;
    const state = asked('mod', 'A|B');
    await after(15 * SECOND);
    expect(state.outcome).toBe('B');
  });

  test('is followed by another that hangs, and the third still has its third', async () => {
    rig.source('A').hold();
    rig.source('B').hold();
    const state = asked('mod', 'A|B|C');
    await after(10 * SECOND);
    await after(10 * SECOND);
    expect(state.outcome).toBe('C');
  });

  test('leaves the next more time when it failed early', async () => {
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    rig.source('B').hold();
    const state = asked('mod', 'A|B|C');
    await after(15 * SECOND - 1);
    expect(state.outcome).toBe('pending');
    await after(1);
    expect(state.outcome).toBe('C');
  });

  test('has all the time where only `off` follows', async () => {
    rig.source('A').hold();
    const state = asked('mod', 'A|off');
    await after(30 * SECOND - 1);
    expect(state.outcome).toBe('pending');
    await after(1);
    expect(state.outcome).toBe('UPSTREAM_TIMEOUT');
  });

  test('does not keep a list from the step after its group', async () => {
    rig.source('A').hold();
    rig.source('C').lists.set('rsc.io/quote', ['v1.5.2']);
    const list = rig.resolver.list(idOf(M, 'mod').module.path, rig.question('A|B,C'));
    await after(15 * SECOND);
    expect(Buffer.from((await list).bytes).toString()).toBe('v1.5.2\n');
  });
});

describe('a go.mod that waits for its proof', () => {
  test.each(['A|B', 'A,B'])('is not taken from its source for that: %s', async (list) => {
    rig = createRig({ proofMs: 31 * SECOND });
    for (const name of ['A', 'B']) rig.source(name).has('rsc.io/quote', 'v1.5.2');
    const state = asked('mod', list);
    await after(31 * SECOND);
    expect(state.outcome).toBe('A');
    expect(rig.fetches.map(({ source }) => source)).toEqual(['A']);
  });

  test('waits twenty seconds longer than the sources have', async () => {
    rig = createRig({ proofMs: 60 * SECOND });
    rig.source('A').has('rsc.io/quote', 'v1.5.2');
    const state = asked('mod', 'A');
    await after(50 * SECOND - 1);
    expect(state.outcome).toBe('pending');
    await after(1);
    expect(state.outcome).toBe('UPSTREAM_TIMEOUT');
  });
});

describe('a zip, before `|`', () => {
  test('must begin within eight seconds', async () => {
    rig.source('A').hold();
    const state = asked('zip', 'A|B');
    await after(8 * SECOND - 1);
    expect(state.outcome).toBe('pending');
    await after(1);
    expect(state.outcome).toBe('B');
  });

  test('may take longer once it has begun', async () => {
    rig.source('A').zips.set(M, [Buffer.from('first'), Buffer.from('last')]);
    rig.source('A').hold();
    const state = asked('zip', 'A|B');
    await after(60 * SECOND);
    expect(state.outcome).toBe('pending');
    rig.source('A').release();
    await settle();
    expect(state.outcome).toBe('A');
    expect(rig.source('B').count()).toBe(0);
  });
});

test('a source that hangs before `,` has all the time: its failure ends the walk', async () => {
  rig.source('A').hold();
  const state = asked('mod', 'A,B');
  await after(30 * SECOND - 1);
  expect(state.outcome).toBe('pending');
  await after(1);
  expect(state.outcome).toBe('UPSTREAM_TIMEOUT');
  expect(rig.source('B').count()).toBe(0);
});
