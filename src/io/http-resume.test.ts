import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type Behaviour, type RangeServer, startRangeServer } from '../../tests/fakes/range-server.ts';
import { isAppError } from '../std/errors.ts';
import { type HttpAsk, HttpClient } from './http-client.ts';

const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));
const signal = new AbortController().signal;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Got {
  readonly bytes: Buffer;
  readonly end: string;
  readonly server: RangeServer;
}

/** Fetches the body from a server that behaves so, and tells what came and how it ended. */
async function fetchFrom(
  behave: Behaviour,
  more: Partial<Pick<HttpAsk, 'totalTimeoutMs' | 'signal' | 'heldBack'>> = {},
): Promise<Got> {
  const server = await startRangeServer(() => bytes, behave);
  const times = { idleTimeoutMs: 150, connectTimeoutMs: 200 };
  const client = new HttpClient({ userAgent: 'larder/test', random: () => 0.1, ...times });
  closers.push(
    () => client.close(),
    () => server.close(),
  );
  const pieces: Uint8Array[] = [];
  let end = 'whole';
  try {
    const ask = { signal, attempt: 'fetch x', maxBytes: 1_000_000, ...more };
    const answer = await client.getResumable(new URL(`${server.origin}/x`), ask);
    if (answer.kind === 'refused') throw new Error(`refused ${answer.status}`);
    for await (const piece of answer.body) pieces.push(piece);
  } catch (error) {
    end = isAppError(error) ? `${error.code}: ${error.message}` : String(error);
  }
  return { bytes: Buffer.concat(pieces), end, server };
}

/** Cuts the first answer after `at` bytes. */
const cutOnce =
  (at: number, next: Behaviour = () => ({})): Behaviour =>
  (proper, nth, request) =>
    nth === 0 ? { cutAfter: at } : next(proper, nth, request);

describe('a body that breaks off goes on where it was', () => {
  test.each([0, 1, 65_536, 299_999])('after %i bytes', async (at) => {
    const { bytes: got, end, server } = await fetchFrom(cutOnce(at));
    expect(end).toBe('whole');
    expect(got.equals(bytes)).toBe(true);
    expect(server.ranges).toEqual([undefined, `bytes=${at}-`]);
  });

  test('when it stalls', async () => {
    const { bytes: got, end } = await fetchFrom((_, nth) => (nth === 0 ? { stallAfter: 100_000 } : {}));
    expect(end).toBe('whole');
    expect(got.equals(bytes)).toBe(true);
  });

  test('again and again, six times; after that it fails as it was cut', async () => {
    const steadily = (cuts: number) => fetchFrom((_, nth) => (nth < cuts ? { cutAfter: 40_000 } : {}));
    const often = await steadily(6);
    expect(often.end).toBe('whole');
    expect(often.bytes.equals(bytes)).toBe(true);
    expect(often.server.ranges).toEqual([undefined, ...[40, 80, 120, 160, 200, 240].map((at) => `bytes=${at}000-`)]);
    const more = await steadily(7);
    expect(more.end).toMatch(/^UPSTREAM_UNAVAILABLE: fetch x: cut after 40000/);
    expect(more.bytes.equals(bytes.subarray(0, 280_000))).toBe(true);
    expect(more.server.ranges).toHaveLength(7);
  });

  test('when the other side is back after a moment', async () => {
    const busy = { status: 503, headers: {}, body: Buffer.from('starting\n') };
    const { bytes: got, end } = await fetchFrom(cutOnce(100_000, (_, nth) => (nth < 6 ? busy : {})));
    expect(end).toBe('whole');
    expect(got.equals(bytes)).toBe(true);
  });

  test('by its date where it has no tag', async () => {
    const asked: unknown[] = [];
    const headers = { 'content-length': '300000', 'last-modified': 'Tue, 15 Nov 1994 12:45:26 GMT' };
    const rest = { status: 206, headers: { 'content-range': 'bytes 1000-299999/300000' }, body: bytes.subarray(1000) };
    const dated: Behaviour = (_, nth, request) => {
      asked.push(request.headers['if-range']);
      return nth === 0 ? { headers, cutAfter: 1000 } : rest;
    };
    const { bytes: got, end } = await fetchFrom(dated);
    expect(asked).toEqual([undefined, headers['last-modified']]);
    expect(end).toBe('whole');
    expect(got.equals(bytes)).toBe(true);
  });
});

describe('a body whose end the other side keeps back until it has checked it', () => {
  const heldBack = { bytes: 65_557, waitMs: 2000 };
  const headers = { 'content-length': '300000' };
  const pausing = (missing: number, ms = 500): Behaviour => {
    return () => ({ headers, pause: { after: 300_000 - missing, until: sleep(ms) } });
  };

  test.each([65_557, 65_557 + 16_384])(
    'is waited for, also by way of a proxy that gathers (%i missing)',
    async (missing) => {
      const { bytes: got, end } = await fetchFrom(pausing(missing), { heldBack });
      expect(end).toBe('whole');
      expect(got.equals(bytes)).toBe(true);
    },
  );

  test('is waited for as long as anything else where that is longer', async () => {
    const { end } = await fetchFrom(pausing(65_557, 100), { heldBack: { ...heldBack, waitMs: 1 } });
    expect(end).toBe('whole');
  });

  test.each<[string, number, object]>([
    ['that is more than may be kept back', 200_000, { heldBack }],
    ['that is less', 65_556, { heldBack }],
    ['of whom that is not expected', 65_557, {}],
    ['for longer than it may', 65_557, { heldBack: { ...heldBack, waitMs: 200 } }],
  ])('is a stall, %s', async (_, missing, more) => {
    const { end } = await fetchFrom(pausing(missing), more);
    expect(end).toBe(`UPSTREAM_TIMEOUT: fetch x: stalled after ${300_000 - missing} of 300000 bytes`);
  });
});

describe('a body that breaks off fails, and has no byte too many,', () => {
  const whole = { etag: '"one-body"', 'content-length': '300000' };
  const other = (contentRange: string, length = 200_000): Behaviour => {
    const headers = { 'content-range': contentRange, 'content-length': String(length) };
    return () => ({ status: 206, headers, body: bytes.subarray(0, length) });
  };
  test.each<[string, Behaviour]>([
    ['when the whole comes instead of the rest', () => ({ status: 200, headers: whole, body: bytes })],
    ['when another part comes', other('bytes 99999-299999/300000', 200_001)],
    ['when a later part comes', other('bytes 100001-299999/300000', 199_999)],
    ['when less than the rest comes', other('bytes 100000-299998/300000', 199_999)],
    ['when the body is longer now', other('bytes 100000-300000/300001', 200_001)],
    ['when its size is not told any more', other('bytes 100000-299999/*')],
    ['when the length does not go with the part', other('bytes 100000-299999/300000', 199_999)],
    ['when it is not said which part it is', ({ body }) => ({ status: 206, headers: {}, body })],
    ['when it is another body now', ({ headers }) => ({ headers: { ...headers, etag: '"another"' } })],
    ['when the rest is encoded', ({ headers }) => ({ headers: { ...headers, 'content-encoding': 'gzip' } })],
    ['when there is no such part', () => ({ status: 416, headers: {}, body: Buffer.alloc(0) })],
    ['when it is gone', () => ({ status: 404, headers: {}, body: Buffer.from('not here\n') })],
  ])('%s', async (_, behave) => {
    const { bytes: got, end, server } = await fetchFrom(cutOnce(100_000, behave));
    expect(end).toMatch(/^UPSTREAM_UNAVAILABLE: fetch x: cut after 100000 of 300000 bytes/);
    expect(got.equals(bytes.subarray(0, 100_000))).toBe(true);
    expect(server.ranges).toHaveLength(2);
  });

  test.each<[string, Record<string, string>]>([
    ['it has no length', { etag: '"a"', 'transfer-encoding': 'chunked' }],
    ['it has neither tag nor date', { 'content-length': '300000' }],
    ['its tag is a weak one', { 'content-length': '300000', etag: 'W/"a"' }],
  ])('without being asked for again, when %s', async (_, headers) => {
    const { end, server } = await fetchFrom(() => ({ headers, cutAfter: 100_000 }));
    expect(end).toMatch(/^UPSTREAM_UNAVAILABLE/);
    expect(server.ranges).toEqual([undefined]);
  });

  test('when its whole time is over', async () => {
    const slowly: Behaviour = () => ({ stallAfter: 1000 });
    const { end, server } = await fetchFrom(slowly, { totalTimeoutMs: 250 });
    expect(end).toMatch(/^UPSTREAM_TIMEOUT/);
    expect(server.ranges.length).toBeLessThan(4);
  });

  test('when nothing more comes for a while, though the rest is promised again and again', async () => {
    const { end, server } = await fetchFrom(cutOnce(1000, () => ({ stallAfter: 0 })));
    expect(end).toMatch(/^UPSTREAM_TIMEOUT: fetch x: stalled after 0 of 299000 bytes/);
    expect(server.ranges.length).toBeLessThan(5);
  });

  test('when nobody wants it any more', async () => {
    const stop = new AbortController();
    const { end, server } = await fetchFrom(
      cutOnce(1000, () => {
        stop.abort();
        return { stallAfter: 0 };
      }),
      { signal: stop.signal },
    );
    expect(end).toMatch(/^UPSTREAM_UNAVAILABLE/);
    expect(server.ranges).toHaveLength(2);
  });
});
