/** What befalls an upstream, and when. */
import type { Fault, FaultRule } from '../../../src/drill/fault.ts';
import type { Member } from './member.ts';

/** As a client of the upstream sees it: no answer; 25 times as slow; 6 of 10 answers 500; nobody listens; reset; accepted and never read; no packet passes; too much is asked. */
const KINDS = ['hang', 'slow', 'errors', 'refuse', 'reset', 'silence', 'black-hole', '429'] as const;
export type Kind = (typeof KINDS)[number];

const RULES: Readonly<Record<Exclude<Kind, 'slow'>, readonly (Fault | FaultRule)[]>> = {
  hang: [{ kind: 'hang', after: 'request' }],
  errors: [{ fault: { kind: 'status', status: 500 }, share: 0.6 }],
  refuse: [{ kind: 'refuse' }],
  reset: [{ kind: 'reset' }],
  silence: [{ kind: 'silence' }],
  'black-hole': [{ kind: 'timeout', ms: 0 }],
  '429': [{ kind: 'status', status: 429, retryAfter: '2' }],
};

/** `member` is so from now on, and in no other way. */
export async function befall(member: Member, kind: Kind): Promise<void> {
  member.slowness = kind === 'slow' ? 25 : 1;
  await member.proxy.set(kind === 'slow' ? [] : RULES[kind]);
}

export async function heal(member: Member): Promise<void> {
  member.slowness = 1;
  await member.proxy.clear();
}

export interface PlannedFault {
  readonly kind: Kind;
  /** Since the beginning, ms. */
  readonly from: number;
  readonly to: number;
}

/** `count` faults within `ms`, one after the other, each kind as often as the others, in an order and for times that `random` decides. */
export function planFaults(count: number, ms: number, random: () => number): readonly PlannedFault[] {
  const slot = ms / count;
  const kinds: Kind[] = [];
  while (kinds.length < count) kinds.push(...shuffled(KINDS, random));
  return kinds.slice(0, count).map((kind, i) => {
    const from = slot * (i + 0.1 + 0.15 * random());
    return { kind, from, to: from + slot * (0.2 + 0.4 * random()) };
  });
}

function shuffled<T>(all: readonly T[], random: () => number): T[] {
  return all
    .map((one) => ({ one, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}
