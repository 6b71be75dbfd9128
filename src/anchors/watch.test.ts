import { describe, expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import type { AnchorLine } from '../gomod/anchor-file.ts';
import type { Repository } from '../gomod/coderepo/repository.ts';
import type { ModulePath, Version } from '../gomod/module.ts';
import { AppError } from '../std/errors.ts';
import { MemoryRegister } from '../coordination/memory/memory-register.ts';
import type { SecurityEvent } from '../verify/observer.ts';
import { roundMemory } from './round.ts';
import { AnchorWatch } from './watch.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const URL = 'https://git.corp.example/lib';
const DAY = 86_400_000;

const line: AnchorLine = {
  module: { path: 'corp.example/Lib' as ModulePath, version: 'v1.0.0' as Version },
  anchor: { url: URL, commit: A, tree: A, tag: 'v1.0.0' },
};

/** A watch over what is stored, one version unless given, whose repository has the tags that the test says. */
function world(
  stored: readonly AnchorLine[] = [line],
  { clock = new ManualClock(), registers = new MemoryRegister({ capacityBytes: 1e6 }) } = {},
) {
  const events: SecurityEvent[] = [];
  const troubles: string[] = [];
  const origin = { tags: new Map([['v1.0.0', A]]), isDown: false, asked: 0 };
  const watch = new AnchorWatch({
    stored: () => Promise.resolve(stored),
    lookAt: () => {
      origin.asked++;
      if (origin.isDown) return Promise.reject(new AppError('UPSTREAM_UNAVAILABLE', `reach ${URL}: refused`));
      return Promise.resolve({ url: URL, refs: { branches: new Map(), tags: origin.tags } } as unknown as Repository);
    },
    memory: roundMemory(registers),
    everyMs: DAY,
    clock,
    random: () => 0.5,
    observer: { onSecurityEvent: (event) => events.push(event) },
    onTrouble: (message) => troubles.push(message),
  });
  onTestFinished(() => watch.close());
  return { clock, registers, events, troubles, origin, watch };
}

describe('the watch over anchors', () => {
  test('asks nobody before the first interval has passed', async () => {
    const { clock, origin, watch } = world();
    await clock.advance(DAY - 1);
    expect(origin.asked).toBe(0);
    await clock.advance(1);
    expect(origin.asked).toBe(1);
    expect(watch.counts).toEqual({ held: 1, drifted: 0, unknown: 0 });
  });

  test('tells of a tag that moved, once', async () => {
    const { clock, events, origin, watch } = world();
    origin.tags = new Map([['v1.0.0', B]]);
    await clock.advance(3 * DAY);
    expect(origin.asked).toBe(3);
    expect(watch.counts).toEqual({ held: 0, drifted: 1, unknown: 0 });
    expect(events).toEqual([
      {
        kind: 'origin-drift',
        subject: 'corp.example/!lib@v1.0.0',
        message: `corp.example/Lib@v1.0.0 was made from ${A}, and tag v1.0.0 of ${URL} is on ${B} now; what is stored stays as it is`,
        detail: { url: URL, tag: 'v1.0.0', commit: A, state: 'moved', now: B },
      },
    ]);
  });

  test('tells again when it goes elsewhere, and when it comes and goes', async () => {
    const { clock, events, origin } = world();
    for (const commit of [B, 'c'.repeat(40), A, B]) {
      origin.tags = new Map([['v1.0.0', commit]]);
      await clock.advance(DAY);
    }
    expect(events.map(({ detail }) => detail['now'])).toEqual([B, 'c'.repeat(40), B]);
  });

  test('tells nothing again when a repository was silent for a while, nor of two commits of one version', async () => {
    const other: AnchorLine = { ...line, anchor: { ...line.anchor, commit: 'd'.repeat(40) } };
    const { clock, events, origin } = world([line, other]);
    origin.tags = new Map([['v1.0.0', B]]);
    for (const isDown of [false, true, false, false]) {
      origin.isDown = isDown;
      await clock.advance(DAY);
    }
    expect(events.map(({ detail }) => detail['commit'])).toEqual([A, 'd'.repeat(40)]);
  });

  test('takes a repository that cannot be asked for no drift, and says so', async () => {
    const { clock, events, troubles, origin, watch } = world();
    origin.isDown = true;
    await clock.advance(DAY);
    expect(events).toEqual([]);
    expect(troubles).toEqual([`reach ${URL}: refused`]);
    expect(watch.counts).toEqual({ held: 0, drifted: 0, unknown: 1 });
  });

  test('goes on after a restart where it was: no sooner, no later, and without old news', async () => {
    const before = world();
    before.origin.tags = new Map([['v1.0.0', B]]);
    await before.clock.advance(DAY + DAY / 2);
    expect([before.origin.asked, before.events.length]).toEqual([1, 1]);
    await before.watch.close();
    const after = world([line], before);
    after.origin.tags = new Map([['v1.0.0', B]]);
    await after.clock.advance(DAY / 2 - 1);
    expect([after.origin.asked, after.watch.counts]).toEqual([0, { held: 0, drifted: 1, unknown: 0 }]);
    await after.clock.advance(1);
    expect([after.origin.asked, after.events]).toEqual([1, []]);
  });

  test('comes to its first round although the server never runs for a whole interval', async () => {
    const first = world();
    await first.clock.advance(DAY * 0.75);
    await first.watch.close();
    const second = world([line], first);
    await second.clock.advance(DAY * 0.75);
    expect([first.origin.asked, second.origin.asked]).toEqual([0, 1]);
  });

  test('takes a damaged memory for none', async () => {
    const registers = new MemoryRegister({ capacityBytes: 1e6 });
    await registers.create('anchors/round', Buffer.from('{"version":1,"at":"x"}'), {
      signal: AbortSignal.timeout(1000),
    });
    const { clock, origin, troubles } = world([line], { clock: new ManualClock(), registers });
    await clock.advance(DAY);
    expect([origin.asked, troubles]).toEqual([1, []]);
  });
});
