import { url as debuggerUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import type { Closing } from './closing.ts';

/** What the thread is started with. */
export interface WatchdogOrder {
  /** Goes up as long as the event loop turns. */
  readonly beats: SharedArrayBuffer;
  /** The process is ended when they have not for this long, ms. */
  readonly limitMs: number;
  /** Between two looks, ms. */
  readonly everyMs: number;
  /** Where the last line goes: a file descriptor, or the path of a file. */
  readonly logTo: number | string;
}

const LOOKS = 20;
const LONGEST_LOOK_MS = 1000;
/** It needs next to nothing. */
const RESOURCES = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 8, stackSizeMb: 1 };

/**
 * From now on a thread looks whether the event loop turns; when it has not for `limitMs` the process is ended with SIGABRT, which leaves a core where they are wanted, after one last line in
 * the log. Whoever started the process starts it again. 0 = never; never in a debugger either, where programs stand still on purpose. Ends with `closing`.
 */
export function watchEventLoop(
  limitMs: number,
  o: { readonly logTo: number | string; readonly closing: Closing },
): void {
  if (limitMs === 0 || debuggerUrl() !== undefined) return;
  const everyMs = Math.min(LONGEST_LOOK_MS, limitMs / LOOKS);
  const beats = new SharedArrayBuffer(4);
  const order: WatchdogOrder = { beats, limitMs, everyMs, logTo: o.logTo };
  const thread = new Worker(programUrl(), { workerData: order, resourceLimits: RESOURCES });
  // Without one the server serves as before.
  thread.on('error', () => undefined);
  thread.unref();
  const count = new Int32Array(beats);
  const timer = setInterval(() => Atomics.add(count, 0, 1), everyMs / 2).unref();
  o.closing.add(async () => {
    clearInterval(timer);
    await thread.terminate();
  });
}

function programUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './watchdog-thread.ts' : './watchdog-thread.js', import.meta.url);
}
