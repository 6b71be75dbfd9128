import * as z from 'zod';
import { count, duration, size } from './leaves.ts';

/** Who waits for whom when there is more to do than can be done. */
export const overloadKeys = z.strictObject({
  initial: count(20, [1, 100_000], {
    description:
      'Fetches of anything but zips that run at once in the beginning. More as long as they take no longer for it, up to resolver.flights; fewer when they do.',
  }),
  least: count(20, [1, 100_000], { description: 'The least that this comes down to by itself.' }),
  sendings: count(4096, [1, 1_000_000], {
    description:
      'Stored files that are on their way to clients at once; more wait for their turn. What is in memory needs none. Fewer where there are few file descriptors.',
  }),
  sendingWait: duration('50s', ['0', '1h'], {
    description: 'Longest wait for such a turn; then OVERLOADED. Shorter than the 60 s that a reverse proxy waits.',
  }),
  queuedPerClient: count(5_000, [0, 1_000_000], {
    description:
      'Turns that one client may wait for; one more is OVERLOADED. Those who wait come up one client after the other.',
  }),
  toldAfter: duration('5s', ['0', '50s'], {
    description:
      'Who finds no place to wait hears of it (OVERLOADED) after so long, unless there is one by then; 0 = at once. Those who ask again at once would cost more than those who wait.',
  }),
  missesPerSecond: count(50, [1, 1_000_000], {
    description:
      'Questions of one client per second that may lead nowhere: to "not here", or to an answer of a source that is none. Over that its fetches wait behind those of the others. Questions that find something cost nothing.',
  }),
  missBurst: count(200, [1, 1_000_000], { description: 'How many of them at once, after a pause.' }),
  clients: count(100_000, [1, 10_000_000], { description: 'Clients whose misses are remembered.' }),
  lag: duration('200ms', ['10ms', '1m'], {
    description:
      'The event loop may come this late, 99 times of 100. From an eighth of it on fewer fetches run at once, down to a quarter; above it nothing begins that nobody waits for; at two and a half times as much, three of four turns for fetches rest. What is stored is always served.',
  }),
  memoryPercent: count(80, [10, 100], {
    description:
      'Part of the memory (overload.memory; and of what the JavaScript heap may have) from which on only one zip is fetched at a time. Shortly below it nothing begins that nobody waits for.',
  }),
  memory: size('0', ['0', '64TiB'], {
    description:
      'Memory that each process may have; 0 = the limit of the container, else the memory of the machine, shared by all workers.',
  }),
  descriptorPercent: count(90, [10, 100], {
    description:
      'Part of the file descriptors (ulimit -n) from which on three of four turns for fetches rest and idle connections are closed.',
  }),
});
