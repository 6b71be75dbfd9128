import * as z from 'zod';
import { count, duration, size } from './leaves.ts';

/** How questions are answered, and how long answers hold. */
export const resolverKeys = z.strictObject({
  metadataDeadline: duration('30s', ['1s', '1h'], {
    description: 'Whole time for one .info, .mod, list, latest or query, over all sources.',
  }),
  proof: duration('20s', ['0', '10m'], {
    description:
      'How much longer a .mod may take for its proof. With resolver.metadataDeadline at least sumdb.newVersion, and less than server.answer.',
  }),
  zipDeadline: duration('10m', ['1s', '6h'], { description: 'Whole time for fetching one zip.' }),
  flights: count(256, [1, 100_000], {
    description:
      'Fetches of anything but zips that run at once, at the most. How many it really are is learnt from how long they take, see overload.initial.',
  }),
  zipFlights: count(64, [1, 10_000], {
    description: 'Fetches of zips that run at once. Each may hold 500 MiB of disk while it arrives.',
  }),
  loads: count(16, [1, 100_000], {
    description:
      'Remembered answers that are read from the store at once, one client after the other. They never wait for fetches; more of them would only make everything else wait that reads files.',
  }),
  queuedFlights: count(10_000, [0, 1_000_000], {
    description:
      'Fetches that may wait for their turn, zips apart from the others. When there are so many, the client with the most gives up a place for one with fewer; else one more is OVERLOADED.',
  }),
  queueWait: duration('15s', ['0', '10m'], {
    description: 'Longest wait for a turn; then OVERLOADED, some seconds later when thousands came together.',
  }),
  linger: duration('2s', ['0', '10m'], {
    description: 'How long a fetch goes on when nobody waits for it any more and it is not past half.',
  }),
  errorMemo: duration('1s', ['0', '10m'], {
    description: 'How long a failure is repeated to new callers without a new attempt.',
  }),
  fresh: duration('1m', ['0', '1d'], {
    description: 'How long list, latest and query answers are used without asking, give or take the jitter.',
  }),
  staleWhileRevalidate: duration('10m', ['0', '30d'], {
    description: 'After that: how long they are answered at once while a refresh goes on behind.',
  }),
  staleIfError: duration('30d', ['0', '3650d'], {
    description: 'How old an answer may be to stand in when no source can be asked.',
  }),
  staleWait: duration('2s', ['0', '10m'], {
    description: 'Longest wait for a source while an old answer is at hand.',
  }),
  staleRetry: duration('5s', ['0', '10m'], {
    description: 'After a failed attempt: how long the old answer is given without another one.',
  }),
  refreshEvery: duration('1m', ['0', '1d'], { description: 'Least time between two refreshes of one answer.' }),
  refreshesPerSecond: count(50, [1, 10_000], { description: 'Refreshes started per second, over all modules.' }),
  refreshBurst: count(50, [1, 10_000], { description: 'Refreshes that may start at once after a pause.' }),
  background: count(32, [1, 1_000], {
    description: 'Refreshes and writes of remembered answers that run at once.',
  }),
  queuedWrites: count(10_000, [0, 1_000_000], {
    description: 'Writes of remembered answers that may wait for their turn; more are left out until the next refresh.',
  }),
  storeDeadline: duration('5s', ['100ms', '10m'], {
    description: 'Longest time the store may take over what is only remembered; then the question goes on without it.',
  }),
  mutableEntries: count(20_000, [1, 10_000_000], { description: 'List, latest and query answers kept in memory.' }),
  mutableMemory: size('64MiB', ['1MiB', '64GiB'], { description: 'Memory for them.' }),
  persistEvery: duration('5m', ['0', '1d'], {
    description: 'Least time between two writes of an answer whose content did not change.',
  }),
  mirrorWait: duration('1s', ['0', '1m'], {
    description: 'Extra wait for the other entries of a `|` group after the first list came.',
  }),
  negativeVersion: duration('30s', ['0', '1d'], { description: 'How long "no such version" is remembered.' }),
  negativeNewVersion: duration('5s', ['0', '1d'], {
    description: 'The same for a version newer than all known: it may just have been published.',
  }),
  negativeModule: duration('5m', ['0', '1d'], { description: 'How long "no such module" is remembered.' }),
  negativeEntries: count(100_000, [1, 10_000_000], { description: 'How many such answers are remembered.' }),
  jitterPercent: count(20, [0, 90], {
    description: 'By how much, in percent, fresh and negative times vary, so that they do not end together.',
  }),
  unstoredMemory: size('1GiB', ['0', '64GiB'], {
    description: 'Verified bodies that could not be stored, on disk or in memory, that may be served all the same.',
  }),
  unstored: duration('1m', ['0', '1d'], { description: 'How long each of them.' }),
});
