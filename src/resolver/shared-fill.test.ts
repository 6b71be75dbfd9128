import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../../tests/fakes/manual-clock.ts';
import { idOf } from '../../tests/fakes/resolver-rig.ts';
import type { Lease, LeaseBoard, Leases } from '../coordination/lease.ts';
import { MemoryLeaseBoard } from '../coordination/memory/memory-leases.ts';
import { TimedLeases } from '../coordination/timed-leases.ts';
import type { RoutePlan } from '../policy/plan.ts';
import { AppError } from '../std/errors.ts';
import type { Work } from './flight.ts';
import type { Artifacts, Fetched, StoredArtifact } from './needs.ts';
import { SharedFiller } from './shared-fill.ts';

const id = idOf('rsc.io/quote@v1.5.2', 'zip');
const plan = { scope: 'public' } as RoutePlan;
const never = new AbortController().signal;

/** A fetch that a test ends by hand. */
interface Fetch {
  readonly by: string;
  readonly work: Work<Fetched>;
  land(): void;
  fail(error: unknown): void;
}

let clock: ManualClock;
let board: LeaseBoard;
/** What is stored, for all processes. */
let stored: Map<string, StoredArtifact>;
let storeFails: boolean;
let fetches: Fetch[];

beforeEach(() => {
  clock = new ManualClock();
  board = new MemoryLeaseBoard();
  stored = new Map();
  storeFails = false;
  fetches = [];
});

/** One process on the common store. */
class Process {
  readonly leases: Leases;
  readonly #filler: SharedFiller;

  constructor(name: string, leases: Leases = new TimedLeases(board, { clock, ttlMs: 9000 })) {
    this.leases = leases;
    const find: Artifacts['find'] = async () => {
      if (storeFails) throw new AppError('STORE_UNAVAILABLE', 'no');
      return stored.get('it');
    };
    this.#filler = new SharedFiller({
      filler: {
        fill: (_plan, _id, work) => fetchedBy(name, work),
        unstored: () => undefined,
        commit: () => Promise.reject(new Error('not asked')),
      },
      artifacts: { find } as Artifacts,
      leases,
      clock,
      random: () => 0.5,
    });
  }

  /** The source of the answer, or the code of the failure. */
  async fill(signal: AbortSignal = never): Promise<string> {
    const work = { signal, progress: () => undefined, offer: () => () => undefined, hold: () => () => undefined };
    // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type -- not an array
    const got = this.#filler.fill(plan, id, work);
    return await got.then(
      ({ artifact }) => artifact.record.source,
      (error: unknown) => (error instanceof AppError ? error.code : String(error)),
    );
  }
}

async function fetchedBy(by: string, work: Work<Fetched>): Promise<Fetched<StoredArtifact>> {
  const { promise, resolve, reject } = Promise.withResolvers<StoredArtifact>();
  const artifact = { id, record: { source: by } } as StoredArtifact;
  const land = (): void => {
    if (!stored.has('it')) stored.set('it', artifact);
    resolve(artifact);
  };
  fetches.push({ by, work, land, fail: reject });
  return { artifact: await promise, level: 0 };
}

const fetchers = (): string[] => fetches.map(({ by }) => by);

describe('an artifact that several processes want', () => {
  test('is fetched once, and the others have it within half a second of its commit', async () => {
    const [a, b, c] = [new Process('a'), new Process('b'), new Process('c')];
    const first = a.fill();
    await settle();
    const others = [b.fill(), c.fill()];
    await clock.advance(600);
    fetches[0]?.land();
    await clock.advance(600);
    expect(await Promise.all([first, ...others])).toEqual(['a', 'a', 'a']);
    expect(fetchers()).toEqual(['a']);
  });

  test('is fetched one after the other when the first fails, so that each has an answer of its own', async () => {
    const [a, b] = [new Process('a'), new Process('b')];
    const first = a.fill();
    await settle();
    const second = b.fill();
    await clock.advance(100);
    fetches[0]?.fail(new AppError('NOT_FOUND', 'no'));
    await clock.advance(600);
    expect(fetchers()).toEqual(['a', 'b']);
    fetches[1]?.land();
    expect([await first, await second]).toEqual(['NOT_FOUND', 'b']);
  });

  test('is not fetched again by one that looked before the commit and has the lease after it', async () => {
    const a = new Process('a');
    stored.set('it', { id, record: { source: 'earlier' } } as StoredArtifact);
    expect(await a.fill()).toBe('earlier');
    expect(fetchers()).toEqual([]);
    await a.leases.close();
  });

  test('is waited for as long as the holder gets on', async () => {
    const [a, b] = [new Process('a'), new Process('b')];
    void a.fill();
    await settle();
    const second = b.fill();
    for (let share = 0.1; share < 0.6; share += 0.1) {
      await clock.advance(4000);
      fetches[0]?.work.progress(share);
      await settle();
    }
    expect(fetchers()).toEqual(['a']);
    fetches[0]?.land();
    await clock.advance(600);
    expect(await second).toBe('a');
  });

  test.each([
    ['does not get on for 5 s', 5600, 0],
    ['gets on, but for half a minute', 31_000, 0.01],
  ])('is fetched beside a holder that lives and %s', async (_what, ms, step) => {
    const [a, b] = [new Process('a'), new Process('b')];
    void a.fill();
    await settle();
    const second = b.fill();
    for (let at = 0; at < ms; at += 500) {
      if (step > 0) fetches[0]?.work.progress((at / 500) * step);
      await clock.advance(500);
    }
    expect(fetchers()).toEqual(['a', 'b']);
    fetches[1]?.land();
    expect(await second).toBe('b');
  });

  test('is waited for less where fetches usually are quick', async () => {
    const [a, b] = [new Process('a'), new Process('b')];
    const warm = b.fill();
    await settle();
    fetches[0]?.land();
    await warm;
    stored.clear();
    void a.fill();
    await settle();
    void b.fill();
    await clock.advance(900);
    expect(fetchers()).toEqual(['b', 'a']);
    await clock.advance(700);
    expect(fetchers()).toEqual(['b', 'a', 'b']);
  });
});

describe('no request fails because of a lease', () => {
  const broken = (tryHold: Leases['tryHold']): Leases => ({ tryHold, close: async () => undefined });
  const landAll = async (): Promise<void> => {
    await settle();
    for (const one of fetches) one.land();
  };

  test('not when leases cannot be had, which is not tried again for a while', async () => {
    let tries = 0;
    const a = new Process(
      'a',
      broken(() => Promise.reject(new AppError('STORE_UNAVAILABLE', `no ${++tries}`))),
    );
    for (let i = 0; i < 3; i++) {
      const got = a.fill();
      await landAll();
      expect(await got).toBe('a');
    }
    expect(tries).toBe(1);
    await clock.advance(5000);
    void a.fill();
    await settle();
    expect(tries).toBe(2);
  });

  test('not when nobody says whether one can be had; a lease that comes too late is given back', async () => {
    const late = Promise.withResolvers<Lease>();
    let isReleased = false;
    const a = new Process(
      'a',
      broken(() => late.promise),
    );
    const got = a.fill();
    await clock.advance(1000);
    await landAll();
    expect(await got).toBe('a');
    late.resolve({
      fence: 1,
      lost: never,
      progress: () => undefined,
      release: async () => void (isReleased = true),
    });
    await settle();
    expect(isReleased).toBe(true);
  });

  test('not when the store cannot be read while another is waited for', async () => {
    const [a, b] = [new Process('a'), new Process('b')];
    void a.fill();
    await settle();
    storeFails = true;
    const second = b.fill();
    await clock.advance(5600);
    await landAll();
    expect(await second).toBe('b');
  });

  test('and one that nobody wants any more while its lease is being had leaves none behind', async () => {
    const claiming = Promise.withResolvers<void>();
    const claim: LeaseBoard['claim'] = async (...asked) => claiming.promise.then(() => board.claim(...asked));
    const slow: LeaseBoard = { look: (...asked) => board.look(...asked), claim, sweep: () => board.sweep() };
    const a = new Process('a', new TimedLeases(slow, { clock, ttlMs: 9000 }));
    const leaving = new AbortController();
    const left = a.fill(leaving.signal);
    await settle();
    leaving.abort(new AppError('ABORTED', 'nobody waits'));
    expect(await left).toBe('ABORTED');
    claiming.resolve();
    await settle();
    void new Process('b').fill();
    await settle();
    expect(fetchers()).toEqual(['b']);
  });

  test('but one that nobody wants any more stops waiting, and holds nothing', async () => {
    const [a, b] = [new Process('a'), new Process('b')];
    void a.fill();
    await settle();
    const leaving = new AbortController();
    const second = b.fill(leaving.signal);
    await clock.advance(100);
    leaving.abort(new AppError('ABORTED', 'nobody waits'));
    expect(await second).not.toBe('a');
    expect(fetchers()).toEqual(['a']);
  });
});
