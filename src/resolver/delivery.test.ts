import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { createRig, idOf, type Rig } from '../../tests/fakes/resolver-rig.ts';
import { AppError } from '../std/errors.ts';
import type { ArtifactAnswer } from './resolver.ts';

const M = 'rsc.io/quote@v1.5.2';
const ZIP = idOf(M, 'zip');
const SIZE = 400_000;
const FREE = SIZE - 65_557;

let rig: Rig;
beforeEach(() => {
  rig = createRig({ limits: { streamAboveBytes: 100_000 } });
  for (const name of ['A', 'B']) has(name, zipOf('x'));
});

/** Bytes that are the same up to the last ten, which are `end`. */
function zipOf(end: string): Buffer {
  return Buffer.from('0123456789'.repeat(SIZE / 10 - 1) + end.padEnd(10));
}

/** `zip` in pieces of which the last one waits while the source is held. */
function has(source: string, zip: Buffer, cutAt = 300_000): void {
  rig.source(source).has('rsc.io/quote', 'v1.5.2');
  const pieces = [zip.subarray(0, 50_000), zip.subarray(50_000, cutAt), zip.subarray(cutAt)];
  rig.source(source).zips.set(M, pieces);
}

const ask = (list = 'A', signal = new AbortController().signal): Promise<ArtifactAnswer> =>
  rig.resolver.artifact(ZIP, rig.question(list, { accepts: 'arriving', signal }));

/** Reads to the end or a failure. */
function follow(asked: Promise<ArtifactAnswer>, stepBytes = 64_000, signal = new AbortController().signal) {
  const got = { bytes: Buffer.alloc(0), end: 'none yet' };
  void (async () => {
    try {
      const reader = await (await asked).open({ signal });
      const into = Buffer.alloc(stepBytes);
      try {
        for (let length = await reader.pull(into); length > 0; length = await reader.pull(into))
          got.bytes = Buffer.concat([got.bytes, into.subarray(0, length)]);
        got.end = 'whole';
      } finally {
        await reader.close();
      }
    } catch (error) {
      got.end = error instanceof AppError ? error.code : String(error);
    }
  })();
  return got;
}

describe('a large zip', () => {
  test('is answered while it comes in, with its announced size and without a hash', async () => {
    rig.source('A').hold();
    const answer = await ask();
    expect(answer).toMatchObject({ result: 'miss', source: 'A', sizeBytes: SIZE, sha256: undefined });
    const got = follow(Promise.resolve(answer));
    await settle();
    expect(got).toMatchObject({ end: 'none yet', bytes: zipOf('x').subarray(0, 300_000) });
    expect(rig.artifacts.held.size).toBe(0);
    rig.source('A').release();
    await settle();
    expect(got.end).toBe('whole');
    expect(got.bytes.equals(zipOf('x'))).toBe(true);
    expect(rig.artifacts.held.size).toBe(1);
    expect(rig.spooled.size).toBe(0);
  });

  test('is joined by who comes in the middle, from its first byte', async () => {
    rig.source('A').hold();
    const first = follow(ask());
    await settle();
    const second = await ask();
    expect(second.result).toBe('joined');
    const got = follow(Promise.resolve(second));
    rig.source('A').release();
    await settle();
    expect([first.end, got.end]).toEqual(['whole', 'whole']);
    expect(got.bytes.equals(zipOf('x'))).toBe(true);
    expect(rig.source('A').count('zip')).toBe(1);
  });

  test('is read by 200 at once, each at its own pace, from one fetch', async () => {
    rig.source('A').hold();
    const all = Array.from({ length: 200 }, (_, i) => follow(ask(), 3000 + i * 1000));
    await settle();
    rig.source('A').release();
    await expect.poll(() => new Set(all.map((one) => one.end)), { timeout: 10_000 }).toEqual(new Set(['whole']));
    expect(all.every((one) => one.bytes.equals(zipOf('x')))).toBe(true);
    expect(rig.source('A').count('zip')).toBe(1);
  });

  test('is not given before it is stored to who wants only that', async () => {
    rig.source('A').hold();
    const wants = rig.resolver.artifact(ZIP, rig.question());
    const takes = await ask();
    expect(takes.sha256).toBeUndefined();
    expect(await Promise.race([wants, settle()])).toBeUndefined();
    rig.source('A').release();
    expect((await wants).sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ['is not larger than the bound', (): void => void (rig = createRig({ limits: { streamAboveBytes: SIZE } }))],
    ['has no announced size', (): void => void (rig.source('A').announcesSize = false)],
  ])('that %s is answered when it is stored', async (_, arrange) => {
    arrange();
    has('A', zipOf('x'));
    rig.source('A').hold();
    const asked = ask();
    expect(await Promise.race([asked, settle()])).toBeUndefined();
    rig.source('A').release();
    expect((await asked).sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('keeps its end until the commit is done', async () => {
    const committed = Promise.withResolvers<void>();
    const commit = rig.artifacts.commit.bind(rig.artifacts);
    rig.artifacts.commit = async (scope, verified) => {
      await committed.promise;
      return commit(scope, verified);
    };
    const got = follow(ask());
    await settle();
    expect([got.end, got.bytes.length]).toEqual(['none yet', FREE]);
    committed.resolve();
    await settle();
    expect([got.end, got.bytes.length]).toEqual(['whole', SIZE]);
  });

  test('is given whole when the store has no room for it', async () => {
    rig.artifacts.fails = { commit: 'STORE_UNAVAILABLE' };
    const got = follow(ask());
    await settle();
    expect(got.end).toBe('whole');
    expect(got.bytes.equals(zipOf('x'))).toBe(true);
    await rig.clock.advance(60_000);
    expect(rig.spooled.size).toBe(0);
  });

  test('is fetched no further when its last reader has left', async () => {
    has('A', zipOf('x'), 100_000);
    rig.source('A').hold();
    const [first, second] = [new AbortController(), new AbortController()];
    const got = [first, second].map(({ signal }) => follow(ask('A', signal), 64_000, signal));
    await settle();
    first.abort();
    await rig.clock.advance(60_000);
    expect(rig.source('A').stopped).toEqual([]);
    second.abort();
    await rig.clock.advance(2000);
    expect(rig.source('A').stopped).toEqual([`zip ${M}`]);
    expect(got.map((one) => one.end)).toEqual(['ABORTED', 'ABORTED']);
    expect(rig.spooled.size).toBe(0);
  });

  test('fails with the process', async () => {
    rig.source('A').hold();
    rig.source('A').isDeaf = true;
    const got = follow(ask());
    await settle();
    await rig.resolver.close();
    await settle();
    expect(got.end).toBe('ABORTED');
    rig.source('A').release();
  });
});

describe('a large zip that is refused', () => {
  test('gives no reader its end, and is not stored', async () => {
    has('A', zipOf('evil'));
    const got = Array.from({ length: 5 }, () => follow(ask()));
    await settle();
    expect(got.map((one) => one.end)).toEqual(Array(5).fill('CHECKSUM_MISMATCH'));
    expect(got.every((one) => one.bytes.length <= FREE)).toBe(true);
    expect(rig.artifacts.held.size).toBe(0);
    expect(rig.artifacts.refused).toEqual([`public zip ${M}`]);
    expect(rig.spooled.size).toBe(0);
  });

  test('is not made good by the next source, though that one begins with the same bytes; who asks again gets the right one', async () => {
    has('A', zipOf('evil'));
    const got = follow(ask('A,B'));
    await settle();
    expect(got.end).toBe('CHECKSUM_MISMATCH');
    const again = follow(ask('A,B'));
    await settle();
    expect(again.end).toBe('whole');
    expect(again.bytes.equals(zipOf('x'))).toBe(true);
  });
});

describe('a large zip that breaks off', () => {
  /** Has A break off after `cutAt` bytes while B is held. */
  const breakOff = async (list: string, cutAt = 300_000) => {
    has('A', zipOf('x'), cutAt);
    rig.source('A').hold();
    rig.source('B').hold();
    const got = follow(ask(list));
    await settle();
    expect(got.bytes.length).toBe(Math.min(FREE, cutAt));
    rig.source('A').fails = { zip: 'UPSTREAM_UNAVAILABLE' };
    rig.source('A').release();
    await settle();
    return got;
  };

  test('goes on with the next source when that one begins with the same bytes', async () => {
    const got = await breakOff('A|B');
    expect(got.end).toBe('none yet');
    rig.source('B').release();
    await settle();
    expect(got.end).toBe('whole');
    expect(got.bytes.equals(zipOf('x'))).toBe(true);
    expect([rig.source('A').count('zip'), rig.source('B').count('zip')]).toEqual([1, 1]);
  });

  test('whose beginning the next source does not have fails; who asks now gets what the next source has', async () => {
    const other = Buffer.from(zipOf('x'));
    other.writeUInt8(other.readUInt8(299_999) ^ 1, 299_999);
    has('B', other);
    const got = await breakOff('A|B');
    const joined = follow(ask('A|B'));
    rig.source('B').release();
    await settle();
    expect([got.end, got.bytes.length]).toEqual(['UPSTREAM_UNAVAILABLE', 300_000]);
    expect(joined.end).toBe('whole');
    expect(joined.bytes.equals(other)).toBe(true);
  });

  test('fails when the next source has a zip of another size', async () => {
    has('B', Buffer.concat([zipOf('x'), Buffer.from('.')]));
    const got = await breakOff('A|B');
    rig.source('B').release();
    await settle();
    expect([got.end, got.bytes.length]).toEqual(['UPSTREAM_UNAVAILABLE', 300_000]);
  });

  test('goes on although all but its end had come', async () => {
    const got = await breakOff('A|B', SIZE - 1);
    rig.source('B').release();
    await settle();
    expect(got.end).toBe('whole');
    expect(got.bytes.equals(zipOf('x'))).toBe(true);
  });

  test('fails when there is nobody else to ask', async () => {
    const got = await breakOff('A');
    expect([got.end, got.bytes.length]).toEqual(['UPSTREAM_UNAVAILABLE', 300_000]);
    expect(rig.artifacts.held.size).toBe(0);
  });

  test('goes on over a source that does not have it', async () => {
    rig.source('C').fails = 'NOT_FOUND';
    const got = await breakOff('A|C|B');
    rig.source('B').release();
    await settle();
    expect(got.end).toBe('whole');
    expect(got.bytes.equals(zipOf('x'))).toBe(true);
  });
});
