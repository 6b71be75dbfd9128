import { describe, expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';
import { isAppError } from '../std/errors.ts';
import type { Version } from './module.ts';
import { formatRevInfo, parseRevInfo, withoutVolatileOrigin } from './rev-info.ts';

const parse = (text: string) => parseRevInfo(encodeUtf8(text));

describe('reading an .info answer', () => {
  test('takes what Go takes: any case, unknown members, null as absence', () => {
    const info = parse(
      ' {"VERSION":"v1.0.0","time":"2018-02-19T18:10:06-05:00","Short":1,"Name":{},"origin":{"vcs":"git","Hash":null,"Later":[]}}\n',
    );
    expect(info).toEqual({ version: 'v1.0.0', time: '2018-02-19T18:10:06-05:00', origin: { VCS: 'git' } });
    expect(parse('{"Version":"v1.0.0","Time":null,"Origin":null}')).toEqual({ version: 'v1.0.0' });
    expect(parse('{"Ver\u017fion":"v1.0.0"}')).toEqual({ version: 'v1.0.0' });
  });

  test.each([
    ['2018-02-19T18:10:06-05:00', '2018-02-19T18:10:06-05:00'],
    ['2018-02-19T23:10:06.250+00:00', '2018-02-19T23:10:06.250+00:00'],
    ['2018-02-19T23:10:06Z', '2018-02-19T23:10:06Z'],
    ['2018-02-19T23:10:06.12345678999+02:00', '2018-02-19T23:10:06.123456789+02:00'],
  ])('keeps the time %s in its own zone, and writes it as it was read', (told, time) => {
    const info = parse(`{"Version":"v1.0.0","Time":"${told}"}`);
    expect(info.time).toBe(time);
    expect(decodeUtf8(formatRevInfo(info))).toBe(`{"Version":"v1.0.0","Time":"${time}"}`);
    expect(parseRevInfo(formatRevInfo(info))).toEqual(info);
  });

  test.each([
    ['nothing', ''],
    ['a page', '<html>'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no version', '{}'],
    ['a version that is not canonical', '{"Version":"v1.0"}'],
    ['a version with build metadata', '{"Version":"v1.0.0+meta"}'],
    ['a branch as version', '{"Version":"main"}'],
    ['a number as version', '{"Version":1}'],
    ['a time that is none', '{"Version":"v1.0.0","Time":"yesterday"}'],
    ['a time that is a number', '{"Version":"v1.0.0","Time":0}'],
    ['an origin that is a list', '{"Version":"v1.0.0","Origin":[]}'],
    ['an origin with a number in it', '{"Version":"v1.0.0","Origin":{"URL":1}}'],
    ['two spellings of the version', '{"Version":"v1.0.0","version":"v1.0.1"}'],
    ['something after the object', '{"Version":"v1.0.0"}{}'],
    ['a byte order mark', '\ufeff{"Version":"v1.0.0"}'],
    ['more than a mebibyte', `{"Version":"v1.0.0","x":"${'x'.repeat(1 << 20)}"}`],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(expect.toSatisfy((e) => isAppError(e, 'UPSTREAM_BAD_RESPONSE')));
  });

  test('refuses bytes that are not UTF-8', () => {
    expect(() => parseRevInfo(Uint8Array.of(0x22, 0xff, 0x22))).toThrow('not UTF-8');
  });

  test('is not misled by a member named __proto__', () => {
    expect(parse('{"__proto__":{"Version":"v9.0.0"},"Version":"v1.0.0"}')).toEqual({ version: 'v1.0.0' });
  });
});

describe('writing an .info answer', () => {
  test("is compact, in Go's order, and escapes what Go escapes", () => {
    const origin = { Ref: 'refs/tags/v1.0.0', Hash: '80d8', URL: 'https://x.y/?a=1&b=<\u2028>', VCS: 'git' };
    const text = decodeUtf8(formatRevInfo({ origin, time: '2018-02-19T23:10:06Z', version: 'v1.0.0' as Version }));
    expect(text).toBe(
      '{"Version":"v1.0.0","Time":"2018-02-19T23:10:06Z","Origin":{"VCS":"git","URL":"https://x.y/?a=1\\u0026b=\\u003c\\u2028\\u003e","Hash":"80d8","Ref":"refs/tags/v1.0.0"}}',
    );
  });

  test('leaves out what is not there, and reads back the same', () => {
    const info = { version: 'v1.0.0' as Version };
    expect(decodeUtf8(formatRevInfo(info))).toBe('{"Version":"v1.0.0"}');
    expect(parseRevInfo(formatRevInfo(info))).toEqual(info);
  });

  test('keeps of Origin under a version only what stays true', () => {
    const origin = { VCS: 'git', TagPrefix: 'x/', TagSum: 't1:', RepoSum: 'r1:', Ref: 'refs/heads/main' };
    const pseudo = 'v0.0.0-20060102150405-0123456789ab' as Version;
    expect(withoutVolatileOrigin({ version: pseudo, origin }).origin).toEqual({ VCS: 'git' });
    expect(withoutVolatileOrigin({ version: 'v1.0.0' as Version, origin }).origin).toEqual({
      VCS: 'git',
      Ref: 'refs/heads/main',
    });
  });
});
