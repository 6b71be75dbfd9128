import { describe, expect, test } from 'vitest';
import { httpFailure } from './http-failure.ts';

const o = { signal: new AbortController().signal };
const refused = (code: string): Error => Object.assign(new Error('refused'), { code });
const BEFORE = Date.UTC(2016, 10, 21);
const AFTER = Date.UTC(2036, 10, 21);

describe('a certificate that is refused for its dates', () => {
  test.each([
    ['CERT_NOT_YET_VALID', 'certificate is not yet valid'],
    ['CERT_HAS_EXPIRED', 'certificate has expired'],
  ])(
    '(%s) under a clock that stands before this program was made is told with a doubt about the clock',
    (code, reason) => {
      const failure = httpFailure(refused(code), 'fetch x from corp', o, BEFORE);
      expect(failure.message).toBe(`fetch x from corp: ${reason} (clock? this machine says 2016-11-21)`);
      expect(failure.detail).toEqual({ tls: reason, clock: '2016-11-21' });
    },
  );

  test('under any other clock is told as it is', () => {
    const failure = httpFailure(refused('CERT_HAS_EXPIRED'), 'fetch x from corp', o, AFTER);
    expect(failure.message).toBe('fetch x from corp: certificate has expired');
    expect(failure.detail).toEqual({ tls: 'certificate has expired' });
  });
});

test('a certificate that is refused for another reason says nothing of the clock', () => {
  const failure = httpFailure(refused('DEPTH_ZERO_SELF_SIGNED_CERT'), 'fetch x from corp', o, BEFORE);
  expect(failure.message).toBe('fetch x from corp: certificate is self-signed');
});
