import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import type { AppError } from '../std/errors.ts';
import { fixedLimit, GradientLimit, type Limit } from './gradient.ts';
import { MissBudget } from './miss-budget.ts';
import { type Asker, type EndTurn, type Ending, type Place, type TurnParts, Turns } from './turns.ts';

let clock: ManualClock;
let turns: Turns;
/** Who got a turn, in order. */
let began: string[];
let refused: string[];
let ends: Map<string, EndTurn>;

beforeEach(() => {
  clock = new ManualClock();
  [began, refused, ends] = [[], [], new Map()];
  make(fixedLimit(2));
});

function make(limit: Limit, o: Partial<TurnParts> = {}): void {
  turns = new Turns({
    clock,
    limit,
    limits: { queued: 100, queuedPerClient: 10, waitMs: 15_000, toldAfterMs: 5000 },
    ...o,
  });
}

function enter(name: string, asker: Asker = { client: name.charAt(0) }): Place {
  return turns.enter(asker, {
    onTurn: (end) => {
      began.push(name);
      ends.set(name, end);
    },
    onRefused: (error: AppError) => refused.push(`${name} ${error.code}`),
  });
}

/** Ends the work of `name`, and whatever begins through that, until nothing is left. */
function endAll(how: Ending = 'found'): void {
  for (const [name, end] of ends) {
    ends.delete(name);
    end(how);
  }
}

const behind: Asker = { urgency: 'behind' };

describe('turns', () => {
  test('go round over the clients, in order of arrival within one', () => {
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) enter(name);
    while (ends.size > 0) endAll();
    expect(began).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2']);
  });

  test('one client with thousands of questions does not hold up another with one', () => {
    make(fixedLimit(1), { limits: { queued: 10_000, queuedPerClient: 5000, waitMs: 15_000, toldAfterMs: 5000 } });
    for (let i = 0; i < 5000; i++) enter(`a${i}`);
    enter('b1');
    for (let i = 0; i < 2; i++) endAll();
    expect(began.slice(0, 3)).toContain('b1');
  });

  test('are bounded in all, and for each client; who finds no place hears so after five seconds', async () => {
    for (let i = 0; i < 13; i++) enter(`a${i}`);
    enter('b1');
    for (let i = 0; i < 89; i++) enter(`x${i}`, { client: `x${i}` });
    expect(turns.counts).toMatchObject({ running: 2, waiting: 101 });
    await clock.advance(4999);
    expect(refused).toEqual([]);
    await clock.advance(1);
    expect(refused).toEqual(['a12 OVERLOADED']);
    expect(turns.counts).toMatchObject({ waiting: 100, refused: { 'queue full': 0, 'client queue full': 1 } });
  });

  test('who finds no place hears so at once where that is wanted, and when nobody waits for it', () => {
    make(fixedLimit(1), { limits: { queued: 1, queuedPerClient: 1, waitMs: 15_000, toldAfterMs: 0 } });
    for (const name of ['a1', 'a2']) enter(name);
    expect(() => enter('a3')).toThrow(/client queue full/);
    make(fixedLimit(1), { limits: { queued: 1, queuedPerClient: 1, waitMs: 15_000, toldAfterMs: 5000 } });
    for (const name of ['a1', 'a2']) enter(name);
    expect(() => enter('x', behind)).toThrow(/queue full/);
  });

  test('when all places are taken, whoever has the most gives up the newest for who has fewer', () => {
    make(fixedLimit(1), { limits: { queued: 6, queuedPerClient: 5, waitMs: 15_000, toldAfterMs: 5000 } });
    for (const name of ['a0', 'a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1', 'c2', 'd1']) enter(name);
    expect(refused).toEqual(['a4 OVERLOADED', 'a3 OVERLOADED', 'a2 OVERLOADED']);
    expect(turns.counts.waiting).toBe(6);
    while (ends.size > 0) endAll();
    expect(began).toEqual(['a0', 'a1', 'b1', 'c1', 'd1', 'b2', 'c2']);
  });

  test('nobody gives up a place for who has as many, nor one that somebody else shares', async () => {
    make(fixedLimit(1), { limits: { queued: 3, queuedPerClient: 5, waitMs: 15_000, toldAfterMs: 5000 } });
    enter('a0');
    for (const name of ['a1', 'a2']) enter(name).share({ client: 'b' });
    enter('c1');
    enter('c2');
    expect(refused).toEqual([]);
    enter('d1');
    await clock.advance(5000);
    expect(refused).toEqual(['c2 OVERLOADED', 'd1 OVERLOADED']);
  });

  test('who was turned away and is joined by a client that has room waits with it, and then has its time', async () => {
    make(fixedLimit(1), { limits: { queued: 10, queuedPerClient: 1, waitMs: 15_000, toldAfterMs: 5000 } });
    for (const name of ['a0', 'a1', 'b1']) enter(name);
    const place = enter('a2');
    enter('a3').leave();
    await clock.advance(4000);
    place.share({ client: 'b' });
    place.share({ client: 'c' });
    await clock.advance(2000);
    expect(refused).toEqual([]);
    await clock.advance(13_000);
    expect(refused).toEqual(['a1 OVERLOADED', 'b1 OVERLOADED', 'a2 OVERLOADED']);
    expect(turns.counts.refused).toMatchObject({ 'client queue full': 0, 'waited too long': 3 });
  });

  test('who was turned away and is joined by clients without room hears so no later', async () => {
    make(fixedLimit(1), { limits: { queued: 10, queuedPerClient: 1, waitMs: 15_000, toldAfterMs: 5000 } });
    for (const name of ['a0', 'a1', 'b1']) enter(name);
    const place = enter('a2');
    await clock.advance(4000);
    place.share({ client: 'b' });
    await clock.advance(1000);
    expect(refused).toEqual(['a2 OVERLOADED']);
  });

  test('who was turned away has a turn when there is one by then, or a place', async () => {
    make(fixedLimit(1), { limits: { queued: 10, queuedPerClient: 1, waitMs: 15_000, toldAfterMs: 5000 } });
    for (const name of ['a0', 'a1', 'a2', 'a3']) enter(name);
    ends.get('a0')?.('found');
    ends.get('a1')?.('found');
    await clock.advance(5000);
    expect([began, refused]).toEqual([['a0', 'a1', 'a2'], []]);
    ends.get('a2')?.('found');
    expect(began.at(-1)).toBe('a3');
    expect(clock.sleeping).toBe(0);
  });

  test('a question that cannot wait takes one that was turned away along', () => {
    make(fixedLimit(1), { limits: { queued: 10, queuedPerClient: 1, waitMs: 15_000, toldAfterMs: 5000 } });
    for (const name of ['a0', 'a1']) enter(name);
    enter('a2').share({ urgency: 'now' });
    expect(began).toEqual(['a0', 'a2']);
  });

  test('are waited for no longer than the bound; then it is OVERLOADED', async () => {
    for (const name of ['a1', 'a2', 'a3']) enter(name);
    await clock.advance(14_999);
    expect(refused).toEqual([]);
    await clock.advance(1);
    expect(refused).toEqual(['a3 OVERLOADED']);
    expect(clock.sleeping).toBe(0);
  });

  test('are not kept for who left, nor by an end that comes twice', () => {
    const places = ['a1', 'a2', 'a3', 'a4'].map((name) => enter(name));
    places[2]?.leave();
    const end = ends.get('a1');
    end?.('found');
    end?.('found');
    expect(began).toEqual(['a1', 'a2', 'a4']);
    expect(turns.counts.running).toBe(2);
  });

  test('come to work that has one already, whatever else waits', () => {
    for (const name of ['a1', 'a2', 'a3']) enter(name);
    enter('nested', { urgency: 'now' });
    expect(began).toEqual(['a1', 'a2', 'nested']);
    expect(turns.counts.running).toBe(3);
    ends.get('a1')?.('found');
    expect([turns.counts.running, began.length]).toEqual([2, 3]);
    ends.get('a2')?.('found');
    expect(began.at(-1)).toBe('a3');
  });

  test('what several want comes up at whoever of them is first', () => {
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) enter(name);
    enter('a6').share({ client: 'b' });
    ends.get('a1')?.('found');
    ends.get('a2')?.('found');
    expect(began.slice(2)).toEqual(['a3', 'a6']);
  });
});

describe('work that nobody waits for', () => {
  test('goes last, but for its share', () => {
    make(fixedLimit(4));
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']) enter(name);
    for (const name of ['x1', 'x2']) enter(name, behind);
    ends.get('a1')?.('found');
    expect(began.at(-1)).toBe('x1');
    ends.get('a2')?.('found');
    ends.get('a3')?.('found');
    expect(began.slice(-2)).toEqual(['a5', 'a6']);
    ends.get('a4')?.('found');
    expect(began.at(-1)).toBe('x2');
  });

  test('leaves half of the turns for those who wait', () => {
    make(fixedLimit(4));
    for (const name of ['x1', 'x2', 'x3', 'x4']) enter(name, behind);
    expect(began).toEqual(['x1', 'x2']);
    enter('a1');
    expect(began).toEqual(['x1', 'x2', 'a1']);
  });

  test('is waited for as soon as somebody joins it', () => {
    for (const name of ['a1', 'a2', 'a3']) enter(name);
    const x = enter('x1', behind);
    enter('x2', behind);
    x.share({ client: 'b' });
    for (let i = 0; i < 3; i++) ends.get(began[i] ?? '')?.('found');
    expect(began).toEqual(['a1', 'a2', 'x2', 'a3', 'x1']);
  });

  test('is turned away when all of it waits too long (CoDel), and only then', async () => {
    make(fixedLimit(1));
    enter('a1');
    for (let i = 0; i < 8; i++) enter(`x${i}`, behind);
    await clock.advance(400);
    ends.get('a1')?.('found');
    expect([began.at(-1), refused]).toEqual(['x0', []]);
    for (let i = 0; i < 4; i++) {
      await clock.advance(1200);
      ends.get(began.at(-1) ?? '')?.('found');
    }
    expect(refused.length).toBeGreaterThan(0);
    expect(turns.counts.refused['waited for nothing']).toBe(refused.length);
  });
});

describe('questions that lead nowhere', () => {
  const limits = { perSecond: 50, burst: 20, clients: 1000 };
  const make20 = (): void =>
    make(fixedLimit(100), {
      budget: new MissBudget(clock, limits),
      limits: { queued: 1000, queuedPerClient: 500, waitMs: 15_000, toldAfterMs: 5000 },
    });

  test('are paced once a client has spent what it had, while the others go on', async () => {
    make20();
    for (let i = 0; i < 200; i++) {
      enter(`flood${i}`, { client: 'flood' });
      endAll('nowhere');
    }
    expect(began).toHaveLength(20);
    enter('b1');
    expect(began.at(-1)).toBe('b1');
    endAll();
    for (let i = 0; i < 20; i++) {
      await clock.advance(50);
      endAll('nowhere');
    }
    expect(began.length - 21).toBeGreaterThanOrEqual(45);
    expect(began.length - 21).toBeLessThanOrEqual(51);
  });

  test('end in OVERLOADED when the client has nothing left for too long', async () => {
    make20();
    for (let i = 0; i < 500; i++) enter(`flood${i}`, { client: 'flood' });
    expect(began).toHaveLength(20);
    await clock.advance(16_000);
    expect(began.length).toBeLessThanOrEqual(100);
    expect(refused.length).toBeGreaterThanOrEqual(400);
    expect(turns.counts.waiting).toBe(0);
  });

  test('cost nothing when they find something, or when nobody could tell: thousands at once pass', () => {
    make20();
    for (let i = 0; i < 5000; i++) {
      enter(`a${i}`);
      endAll(i % 2 === 0 ? 'found' : 'failed');
    }
    expect(began).toHaveLength(5000);
  });

  test('of a work that has a turn are its own matter', () => {
    make20();
    for (let i = 0; i < 50; i++) {
      enter(`n${i}`, { client: 'a', urgency: 'now' });
      endAll('nowhere');
    }
    expect(began).toHaveLength(50);
    enter('a1');
    expect(began).toHaveLength(51);
  });
});

describe('how many turns there are', () => {
  test('is less while things are short, and never none', async () => {
    let isShort = true;
    make(fixedLimit(8), { allowed: (limit) => (isShort ? limit / 16 : limit) });
    for (let i = 0; i < 6; i++) enter(`a${i}`);
    expect(began).toHaveLength(1);
    isShort = false;
    await clock.advance(50);
    expect(began).toHaveLength(6);
  });

  test('grows while what runs waits for others, so that one hung upstream does not keep all of them', async () => {
    make(new GradientLimit({ initial: 20, least: 20, most: 100 }), {
      limits: { queued: 1000, queuedPerClient: 500, waitMs: 15_000, toldAfterMs: 5000 },
    });
    for (let i = 0; i < 60; i++) enter(`hung${i}`, { client: 'h' });
    enter('b1');
    expect(began).toHaveLength(20);
    await clock.advance(1000);
    expect(began).toContain('b1');
    await clock.advance(6000);
    expect(began).toHaveLength(61);
  });
});
