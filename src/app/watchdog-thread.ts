/** The program of the thread that ends a process whose event loop stands still. Started by watchdog.ts; it asks nobody for anything, and sleeps between its looks. */
import { openSync, write } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { Stall } from './stall.ts';
import type { WatchdogOrder } from './watchdog.ts';

const { beats, limitMs, everyMs, logTo } = workerData as WatchdogOrder;
/** A log that nobody reads must not keep a dead process alive. */
const LAST_WORDS_MS = 500;

const count = new Int32Array(beats);
const sleeping = new Int32Array(new SharedArrayBuffer(4));
const stall = new Stall(everyMs);
let seen = 0;
let lookedAt = performance.now();
let standsMs = 0;
while (standsMs < limitMs) {
  Atomics.wait(sleeping, 0, 0, everyMs);
  const [now, beat] = [performance.now(), Atomics.load(count, 0)];
  standsMs = stall.look({ passedMs: now - lookedAt, hasMoved: beat !== seen });
  [lookedAt, seen] = [now, beat];
}

const end = (): void => void process.kill(process.pid, 'SIGABRT');
setTimeout(end, LAST_WORDS_MS);
write(typeof logTo === 'number' ? logTo : openSync(logTo, 'a'), lastLine(), end);

function lastLine(): string {
  const msg = 'the event loop stands still; the process is ended with SIGABRT';
  const line = { level: 'error', time: new Date().toISOString(), stoodForMs: Math.round(standsMs), msg };
  return `${JSON.stringify(line)}\n`;
}
