import { describe, expect, test } from 'vitest';
import { type Conditions, entityTag, matchesAny, select } from './conditional.ts';

const etag = entityTag('ab12');

describe('If-None-Match', () => {
  const table: [string, boolean][] = [
    ['"ab12"', true],
    ['W/"ab12"', true],
    ['*', true],
    [' * ', true],
    ['"zz", W/"ab12"', true],
    ['"zz" ,"ab12" ', true],
    ['"zz"', false],
    ['ab12', false],
    ['"ab12', false],
    ['w/"ab12"', false],
    ['', false],
    ['"a,b"', false],
  ];
  test.each(table)('%s matches: %s', (value, expected) => {
    expect(matchesAny(value, etag)).toBe(expected);
  });

  test('wins over Range', () => {
    expect(select({ ifNoneMatch: etag, range: 'bytes=0-1' }, etag, 10, true)).toEqual({ status: 304 });
  });

  test('that does not match leaves Range in force', () => {
    expect(select({ ifNoneMatch: '"zz"', range: 'bytes=0-1' }, etag, 10, true).status).toBe(206);
  });
});

describe('Range over 10 bytes', () => {
  const table: [string, [number, number] | 200 | 416][] = [
    ['bytes=0-0', [0, 1]],
    ['bytes=0-9', [0, 10]],
    ['bytes=2-4', [2, 5]],
    ['bytes=2-', [2, 10]],
    ['bytes=9-', [9, 10]],
    ['bytes=0-999999', [0, 10]],
    ['bytes=-3', [7, 10]],
    ['bytes=-10', [0, 10]],
    ['bytes=-99', [0, 10]],
    ['BYTES=1-1', [1, 2]],
    ['bytes= 1-1 ', [1, 2]],
    ['bytes=10-', 416],
    ['bytes=10-20', 416],
    ['bytes=-0', 416],
    ['bytes=4-2', 416],
    ['bytes=-', 416],
    ['bytes=', 416],
    ['bytes=a-b', 416],
    ['bytes=1', 416],
    ['bytes=1-2-3', 416],
    ['bytes=+1-2', 416],
    ['bytes=1e1-', 416],
    ['bytes=99999999999999999999-', 416],
    ['bytes=0-1,3-4', 200],
    ['bytes=0-1, 99-', 200],
    ['lines=0-1', 200],
    ['0-1', 200],
    ['', 200],
  ];
  test.each(table)('%s', (range, expected) => {
    const got = select({ range }, etag, 10, true);
    if (typeof expected === 'number') expect(got).toEqual({ status: expected });
    else expect(got).toEqual({ status: 206, span: { start: expected[0], end: expected[1] } });
  });

  test('never asks for a byte that is not there, whatever is sent', () => {
    for (const size of [0, 1, 7]) {
      for (const range of ['bytes=0-', 'bytes=-1', 'bytes=0-0', 'bytes=6-6', 'bytes=7-']) {
        const got = select({ range }, etag, size, true);
        if (got.status !== 206) continue;
        expect(got.span.start).toBeGreaterThanOrEqual(0);
        expect(got.span.end).toBeLessThanOrEqual(size);
        expect(got.span.start).toBeLessThan(got.span.end);
      }
    }
  });

  test('is ignored where ranges are not offered', () => {
    expect(select({ range: 'bytes=0-1' }, etag, 10, false)).toEqual({ status: 200 });
  });
});

describe('If-Range', () => {
  const table: [string, number][] = [
    ['"ab12"', 206],
    ['W/"ab12"', 200],
    ['"zz"', 200],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 200],
    ['*', 200],
  ];
  test.each(table)('%s gives %i', (ifRange, status) => {
    const asked: Conditions = { ifRange, range: 'bytes=1-2' };
    expect(select(asked, etag, 10, true).status).toBe(status);
  });
});
