/** Large zips between an upstream that breaks off, lies or dawdles and the clients that read them while they come in: all parts but the database are real. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromBuffer } from 'yauzl';
import type { Behaviour, PartAnswer } from '../fakes/range-server.ts';
import { type Larder, moduleZip, type Setup, startLarder } from './streaming-larder.ts';

const GOOD = moduleZip('v1.0.0');
const EVIL = moduleZip('v1.0.0', 'evil');
const HELD_BACK = 65_557;

let folder: string;
let closers: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-streaming-'));
  closers = [() => rmSync(folder, { recursive: true, force: true })];
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** One before an upstream that has GOOD, unless told otherwise. */
const start = (setup: Partial<Setup> = {}): Promise<Larder> =>
  startLarder({ folder, closers, zipOf: () => GOOD, ...setup });

/** Whether a zip reader takes the bytes for a zip. */
function isZip(bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => fromBuffer(bytes, { lazyEntries: true }, (error) => resolve(error === null)));
}

/** An upstream that pauses after `after` bytes until told to go on. */
function pausing(after: number): { behave: Behaviour; goOn: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { behave: () => ({ pause: { after, until: promise } }), goOn: resolve };
}

describe('a large zip', () => {
  test('reaches the client while the upstream is still sending it, and is stored as it was sent', async () => {
    const { behave, goOn } = pausing(400_000);
    const { client, stored } = await start({ behave });
    const first = client();
    await expect.poll(() => first.bytes.length).toBe(400_000);
    expect(first.status).toBe(200);
    expect(first.headers).toMatchObject({ 'content-length': String(GOOD.length), 'x-cache': 'miss' });
    expect(first.headers.etag).toBeUndefined();
    expect(await stored()).toEqual([]);
    goOn();
    await first.ended;
    expect([first.end, first.bytes.equals(GOOD)]).toEqual(['whole', true]);
    const second = client();
    await second.ended;
    expect(second.headers).toMatchObject({
      'x-cache': 'hit',
      etag: expect.stringMatching(/^"[0-9a-f]{64}"$/) as string,
    });
    expect(second.bytes.equals(GOOD)).toBe(true);
  });

  test('is joined in the middle from its first byte', async () => {
    const { behave, goOn } = pausing(700_000);
    const { client, upstream } = await start({ behave });
    const first = client();
    await expect.poll(() => first.bytes.length).toBe(700_000);
    const second = client();
    await expect.poll(() => second.bytes.length).toBe(700_000);
    expect(second.headers['x-cache']).toBe('joined');
    goOn();
    await Promise.all([first.ended, second.ended]);
    expect([first, second].map((one) => one.bytes.equals(GOOD))).toEqual([true, true]);
    expect(upstream.ranges).toHaveLength(1);
  });

  test('is read by 200 clients from one request', async () => {
    const { behave, goOn } = pausing(300_000);
    const { client, upstream } = await start({ behave });
    const all = Array.from({ length: 200 }, () => client());
    await expect.poll(() => all.every((one) => one.bytes.length === 300_000), { timeout: 20_000 }).toBe(true);
    goOn();
    await Promise.all(all.map((one) => one.ended));
    expect(all.every((one) => one.end === 'whole' && one.bytes.equals(GOOD))).toBe(true);
    expect(upstream.ranges).toHaveLength(1);
  }, 40_000);

  test('goes on when the first client leaves, and ends when the last one has', async () => {
    const { behave } = pausing(300_000);
    const { client, served } = await start({ behave });
    const [first, second] = [client(), client()];
    await expect.poll(() => [first, second].map((one) => one.bytes.length)).toEqual([300_000, 300_000]);
    first.leave();
    await new Promise((later) => setTimeout(later, 300));
    expect(second.end).toBe('none yet');
    second.leave();
    expect(await served.outcome(2)).toMatchObject({ complete: false, code: 'ABORTED' });
    const temporary = async (): Promise<string[]> =>
      (await readdir(join(folder, '.tmp'), { recursive: true })).filter((name) => name.includes('/'));
    await expect.poll(temporary).toEqual([]);
  });

  test.each(['HEAD', 'Range', 'If-None-Match'])('is answered when it is stored to who asks with %s', async (how) => {
    const { behave, goOn } = pausing(700_000);
    const { client, served } = await start({ behave });
    const streaming = client();
    await expect.poll(() => streaming.bytes.length).toBe(700_000);
    const headers = how === 'Range' ? { range: 'bytes=0-9' } : how === 'HEAD' ? {} : { 'if-none-match': '"x"' };
    const asked = fetch(`${served.url}/x.test/m/@v/v1.0.0.zip`, { method: how === 'HEAD' ? 'HEAD' : 'GET', headers });
    const early = await Promise.race([asked, new Promise((later) => setTimeout(later, 200))]);
    expect(early).toBeUndefined();
    goOn();
    const answer = await asked;
    expect(answer.status).toBe(how === 'Range' ? 206 : 200);
    expect(answer.headers.get('etag')).toMatch(/^"[0-9a-f]{64}"$/);
    await streaming.ended;
    expect(streaming.end).toBe('whole');
  });

  test('whose check takes longer than a client may take to read is given whole to who waits', async () => {
    const { client } = await start({
      checking: () => new Promise((later) => setTimeout(later, 900)),
      writeStallMs: 200,
    });
    const one = client();
    await expect.poll(() => one.bytes.length).toBe(GOOD.length - HELD_BACK);
    await one.ended;
    expect([one.end, one.bytes.equals(GOOD)]).toEqual(['whole', true]);
  });

  test('whose check takes longer than an upstream may be silent reaches who asks by way of another Larder', async () => {
    const before = await start({ checking: () => new Promise((later) => setTimeout(later, 3000)) });
    const { client } = await start({ folder: join(folder, 'second'), origin: before.served.url });
    const one = client();
    await expect.poll(() => one.bytes.length, { timeout: 2000 }).toBe(GOOD.length - HELD_BACK);
    await one.ended;
    expect([one.end, one.bytes.equals(GOOD)]).toEqual(['whole', true]);
  }, 10_000);

  test('that dawdles longer than a client may take to read is given whole to who waits', async () => {
    const { behave, goOn } = pausing(300_000);
    const { client } = await start({ behave, writeStallMs: 200 });
    const one = client();
    setTimeout(goOn, 900);
    await one.ended;
    expect([one.end, one.bytes.equals(GOOD)]).toEqual(['whole', true]);
  });
});

describe('a large zip that is not the proven one', () => {
  test('ends in a destroyed connection, without its end, for all who read it, and is not stored', async () => {
    const { behave, goOn } = pausing(700_000);
    const { client, stored, served } = await start({ behave, zipOf: () => EVIL });
    const all = [client(), client(), client()];
    await expect.poll(() => all.map((one) => one.bytes.length)).toEqual([700_000, 700_000, 700_000]);
    goOn();
    await Promise.all(all.map((one) => one.ended));
    expect(all.map((one) => `${one.status} ${one.end}`)).toEqual(Array(3).fill('200 cut'));
    expect(all.every((one) => one.bytes.length <= EVIL.length - HELD_BACK)).toBe(true);
    expect(await served.outcome(1)).toMatchObject({ complete: false, code: 'CHECKSUM_MISMATCH' });
    expect(await stored()).toEqual([]);
    // Control: with its end it would have been a zip.
    const [one] = all;
    expect(await isZip(EVIL)).toBe(true);
    expect(await isZip(one?.bytes ?? EVIL)).toBe(false);
  });

  test('refused before anybody was given a byte is answered with its status', async () => {
    const { client } = await start({ zipOf: () => EVIL.subarray(0, 199_999) });
    const one = client();
    await one.ended;
    expect([one.status, one.end]).toEqual([502, 'whole']);
  });
});

describe('an upstream that breaks off', () => {
  test('at 50 random places: the client gets every byte, once', async () => {
    const places = Array.from({ length: 50 }, (_, i) => (i * 7_919_993 + 12_345) % GOOD.length);
    const zips = new Map(places.map((_, i) => [`/x.test/m/@v/v1.${i}.0.zip`, moduleZip(`v1.${i}.0`)]));
    const cut: Behaviour = (proper, _, { url, headers }) => {
      const place = places[Number(/v1\.(\d+)\.0\.zip$/.exec(url ?? '')?.[1])] ?? 0;
      return headers.range === undefined ? { cutAfter: Math.min(place, proper.body.length - 1) } : {};
    };
    const { client, upstream } = await start({ behave: cut, zipOf: (path) => zips.get(path) });
    for (const [path, zip] of zips) {
      const one = client(path);
      await one.ended;
      expect([path, one.status, one.end, one.bytes.equals(zip)]).toEqual([path, 200, 'whole', true]);
    }
    expect(upstream.ranges.filter((range) => range !== undefined)).toHaveLength(50);
  }, 60_000);

  const other = (bytes: Buffer, over: Partial<PartAnswer> = {}): Behaviour => {
    return (proper, nth) => (nth === 0 ? { cutAfter: 500_000 } : { ...proper, body: bytes.subarray(500_000), ...over });
  };
  test.each<[string, Behaviour]>([
    ['goes on with other bytes', other(Buffer.from(EVIL).fill('!', 600_000, 700_000))],
    ['goes on with the end of another zip', other(EVIL)],
    [
      'goes on elsewhere',
      other(GOOD, { headers: { 'content-range': `bytes 499999-${GOOD.length - 1}/${GOOD.length}` } }),
    ],
  ])('and %s never makes a whole answer that is wrong', async (_, behave) => {
    const { client, stored } = await start({ behave });
    const one = client();
    await one.ended;
    expect([one.status, one.end]).toEqual([200, 'cut']);
    expect(one.bytes.length).toBeLessThanOrEqual(GOOD.length - HELD_BACK);
    expect(await stored()).toEqual([]);
  });

  test('and begins again is asked once more from the start: what the client has is what it gives now, and the client gets the rest', async () => {
    const whole = { status: 200, body: GOOD, headers: { 'content-length': String(GOOD.length) } };
    const { client } = await start({ behave: other(GOOD, whole) });
    const one = client();
    await one.ended;
    expect([one.status, one.end, one.bytes.equals(GOOD)]).toEqual([200, 'whole', true]);
  });
});
