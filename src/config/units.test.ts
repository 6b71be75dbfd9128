import { describe, expect, test } from 'vitest';
import { nearest } from './nearest.ts';
import { isSecretName, redactUrls, redactValue, withoutPaths } from './redact.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

describe('units', () => {
  test.each([
    ['60s', 60_000],
    ['1m30s', 90_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['30d', 2_592_000_000],
    ['0', 0],
    ['0s', 0],
  ])('the duration %s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '60', '-1s', '1 s', '1S', 's', '1m30', '1e3s', '99999999999999999d', '1s'.repeat(40)])(
    '%j is no duration',
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );

  test.each([
    ['256MiB', 268_435_456],
    ['1.5GB', 1_500_000_000],
    ['4096', 4096],
    ['4096B', 4096],
    ['2 KiB', 2048],
  ])('the size %s is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', '1K', '1G', '1mb', '-1', '1e9', '9999999999TiB'])('%j is no size', (text) =>
    expect(parseSize(text)).toBeUndefined(),
  );

  test('what is printed is read back as the same', () => {
    for (const ms of [0, 1, 999, 1000, 61_000, 90_061_001]) expect(parseDuration(formatDuration(ms))).toBe(ms);
    for (const bytes of [0, 1, 1023, 1024, 1536, 2 ** 40]) expect(parseSize(formatSize(bytes))).toBe(bytes);
    expect(formatDuration(90_000)).toBe('1m30s');
    expect(formatSize(268_435_456)).toBe('256MiB');
  });
});

describe('did you mean', () => {
  const keys = ['listen', 'data', 'log.level', 'tls.cert', 'tls.key'];
  test.each([
    ['lisetn', 'listen'],
    ['Listen', 'listen'],
    ['log.levle', 'log.level'],
    ['tls.crt', 'tls.cert'],
  ])('%s is near %s', (word, key) => expect(nearest(word, keys)).toBe(key));
  test('nothing is near what resembles nothing', () => {
    expect(nearest('frobnicate', keys)).toBeUndefined();
    expect(nearest('x'.repeat(100_000), keys)).toBeUndefined();
  });
});

describe('what is shown', () => {
  test.each([
    ['https://user:pass@proxy.corp/x,direct', 'https://***@proxy.corp/x,direct'],
    ['https://a:b@c:d@host|off', 'https://***@host|off'],
    ['https://h/p?token=abc&x=1', 'https://h/p?token=***&x=***'],
    ['https://proxy.golang.org,direct', 'https://proxy.golang.org,direct'],
    ['fetch git@host:x failed', 'fetch git@host:x failed'],
  ])('%s is shown as %s', (text, shown) => expect(redactUrls(text)).toBe(shown));
  test.each([
    ['https://user:pass@proxy.corp:8443/tok/x,direct', 'https://proxy.corp:8443,direct'],
    ['https://a/tok|http://b?key=x,off', 'https://a|http://b,off'],
    ['file:///srv/go,https://h', 'file:///srv/go,https://h'],
  ])('%s is logged as %s', (text, logged) => expect(withoutPaths(text)).toBe(logged));

  test('lists are redacted item by item, secrets whole', () => {
    expect(redactValue('upstream', ['https://u:p@h', 'direct'])).toEqual(['https://***@h', 'direct']);
    expect(redactValue('auth.token', 'abc')).toBe('***');
    expect(isSecretName('tls.key')).toBe(false);
    expect(isSecretName('s3.secret')).toBe(true);
  });
});
