import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { boundedBody } from './http-body.ts';
import { Watch } from './watch.ts';

const HELD_BACK = { bytes: 65_557, waitMs: 5000 };
const SIZE = 200 + HELD_BACK.bytes;

/** A body that has come slowly for as long as it may, and then waits a moment for its end. */
async function* waiting(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(100);
  await sleep(2100);
  yield Buffer.alloc(100);
  await sleep(300);
  yield Buffer.alloc(HELD_BACK.bytes);
}

async function read(more: object): Promise<number> {
  const pace = { idleTimeoutMs: 5000, minBytesPerSecond: 1_000_000, progressWindowMs: 100 };
  const facts = { attempt: 'fetch x', sizeBytes: SIZE, maxBytes: SIZE, ...pace, ...more };
  const watch = new Watch(new AbortController().signal, 60_000, 'fetch x');
  let received = 0;
  for await (const piece of boundedBody(Readable.from(waiting()), facts, watch)) received += piece.length;
  return received;
}

test('the wait for what is held back makes a body no slower; any other does', async () => {
  const [heldBack, other] = await Promise.allSettled([read({ heldBack: HELD_BACK }), read({})]);
  expect(heldBack).toEqual({ status: 'fulfilled', value: SIZE });
  expect(other).toMatchObject({ status: 'rejected', reason: { code: 'UPSTREAM_TIMEOUT' } });
});
