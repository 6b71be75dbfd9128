import * as z from 'zod';
import { count, duration } from './leaves.ts';

/** Keys of `engine`: when an upstream is left alone, asked beside another, or asked again. Each has its place in EngineLimits, see app/engine-limits.ts. */
export const engineKeys = z.strictObject({
  failures: count(3, [1, 1000], { description: 'Failures in a row after which an upstream is left alone.' }),
  ratioPercent: count(50, [1, 100], { description: 'Percent of failures within engine.window above which it is.' }),
  ratioSamples: count(10, [1, 10_000], { description: 'Answers and failures that this needs at least.' }),
  window: duration('10s', ['1s', '10m'], { description: 'How far back they count.' }),
  open: duration('2s', ['100ms', '10m'], {
    description: 'How long it is left alone at first; twice as long each time it happens again.',
  }),
  openMost: duration('30s', ['100ms', '1h'], { description: 'The longest.' }),
  openJitterPercent: count(10, [0, 50], { description: 'By how much this time varies, in percent.' }),
  healthy: duration('1m', ['1s', '1d'], {
    description: 'So long without trouble, and it begins anew with engine.open.',
  }),
  integrityOpen: duration('10m', ['1s', '7d'], {
    description: 'How long an upstream is left alone that sent other bytes than the proven ones.',
  }),
  suspectAfter: count(2, [1, 1000], {
    description: 'Unanswered questions that are too old before an upstream is asked last.',
  }),
  suspectAge: duration('250ms', ['10ms', '1m'], {
    description: 'Too old: older than this, and than engine.suspectFactor times the 95th percentile of its answers.',
  }),
  suspectFactor: count(2, [1, 100], { description: 'See engine.suspectAge.' }),
  goodProbes: count(2, [1, 100], { description: 'Good probes in a row that bring an upstream back.' }),
  slowStart: duration('10s', ['0', '1h'], {
    description: 'How long its share of the questions grows after that, until it has all of it.',
  }),
  slowStartPercent: count(10, [1, 100], { description: 'The share that it begins with, in percent.' }),
  probe: duration('1s', ['100ms', '1h'], {
    description: 'Between two probes of an upstream while it is in use, has a canary beside it, or something is wrong.',
  }),
  idleProbe: duration('15s', ['100ms', '1d'], { description: 'Between two probes while nobody asks for anything.' }),
  tlsProbe: duration('30s', ['100ms', '1d'], { description: 'Between two probes after a certificate was refused.' }),
  probeJitterPercent: count(10, [0, 50], { description: 'By how much these times vary, in percent.' }),
  probeTimeout: duration('800ms', ['10ms', '1m'], { description: 'A probe that takes longer has failed.' }),
  inUse: duration('15s', ['1s', '1h'], { description: 'How long after a question an upstream counts as in use.' }),
  trial: duration('1s', ['100ms', '1m'], {
    description: 'While no upstream of a pool is well, each gets one question per this time.',
  }),
  firstByteFactor: count(4, [1, 100], {
    description:
      'So many times its 99th percentile an upstream may take to begin its answer before another one is asked beside it.',
  }),
  firstByteLeast: duration('500ms', ['10ms', '1m'], { description: 'The least time for that.' }),
  firstByteMost: duration('5s', ['10ms', '5m'], { description: 'The most.' }),
  hedgeLeast: duration('100ms', ['1ms', '1m'], {
    description:
      'After the 95th percentile of an upstream a second one is asked beside it, as far as the budget goes: the least time for that.',
  }),
  hedgeMost: duration('2s', ['1ms', '5m'], { description: 'The most.' }),
  hedgePercent: count(10, [0, 100], { description: 'Budget: such questions among a hundred. 0 = none.' }),
  hedgeBurst: count(20, [0, 10_000], { description: 'How many of them may be saved up.' }),
  hedgeLoadPercent: count(80, [1, 100], {
    description: 'None goes to an upstream that has more than this percentage of its connections in use.',
  }),
  hedgeQuiet: duration('10s', ['0', '1h'], { description: 'None so long after somebody answered 429.' }),
  retryPercent: count(20, [0, 100], { description: 'Budget: questions among a hundred that are asked again.' }),
  retriesPerSecond: count(10, [0, 10_000], { description: 'As many per second besides.' }),
  retryExpiry: duration('10s', ['1s', '10m'], { description: 'How long what is left of the budget is kept.' }),
  retryPause: duration('50ms', ['1ms', '1m'], {
    description: 'Pause before one upstream is asked again: anything up to this, twice as much each time.',
  }),
  retryPauseMost: duration('1s', ['1ms', '5m'], { description: 'The longest.' }),
  attempts: count(3, [1, 10], { description: 'Times that one question is put to one upstream at the most.' }),
  retryAfterMost: duration('1m', ['1s', '1d'], { description: 'A Retry-After of an upstream counts up to this.' }),
  throttle: duration('1s', ['10ms', '10m'], { description: 'What a 429 without Retry-After is taken for.' }),
  throttlePercent: count(50, [1, 100], {
    description: 'After a 429 an upstream is asked at this percentage of the rate before.',
  }),
  throttleGrow: duration('10s', ['100ms', '1h'], {
    description: 'One question per second more each time this has passed.',
  }),
  turnWait: duration('15s', ['0', '10m'], {
    description:
      'Longest wait for a turn under a rate limit, of an upstream or of a route, where nobody else can be asked.',
  }),
  listWait: duration('1s', ['0', '1m'], {
    description: 'How much longer the other upstreams of a pool have once one list has come.',
  }),
  absenceWait: duration('12s', ['0', '10m'], {
    description:
      'How long "not here" of the others waits for an upstream that takes long over a question, and may have it: a proxy that fetches a module for the first time does. At most four fifths of the time for the question; one that is left alone is not waited for.',
  }),
  samples: count(200, [10, 10_000], {
    description: 'Latencies that are remembered of each upstream, for percentiles.',
  }),
  newestPercent: count(10, [1, 100], { description: 'Weight of the newest in the mean.' }),
});

/** Keys of `canary`: the stages of an upstream on trial, and when it is rolled back. */
export const canaryKeys = z
  .strictObject({
    firstPercent: count(5, [1, 99], { description: 'Percent of the modules that go to a canary first.' }),
    firstTime: duration('5m', ['1s', '30d'], { description: 'How long at least.' }),
    secondPercent: count(20, [1, 99], {
      description: 'Percent of the modules after that: more than canary.firstPercent.',
    }),
    secondTime: duration('10m', ['1s', '30d'], { description: 'How long at least. Then it is one of all.' }),
    answers: count(200, [1, 1_000_000], { description: 'Answers that each of the two stages needs at least.' }),
    errorPercent: count(2, [1, 100], {
      description:
        'Rolled back above this percentage of failures, where it is also canary.factor times that of the others.',
    }),
    factor: count(2, [1, 100], { description: 'How many times worse than the others, in failures and in latency.' }),
    samples: count(20, [1, 10_000], { description: 'Answers and failures that this needs at least.' }),
    window: duration('30s', ['1s', '1h'], { description: 'How far back they count.' }),
    slow: duration('1m', ['1s', '1d'], {
      description: 'Rolled back when its 99th percentile was too high for so long.',
    }),
  })
  .superRefine(({ firstPercent, secondPercent }, context) => {
    if (secondPercent <= firstPercent)
      context.addIssue({ code: 'custom', path: ['secondPercent'], params: { above: 'canary.firstPercent' } });
  });
