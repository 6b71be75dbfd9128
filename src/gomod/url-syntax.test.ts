import { describe, expect, test } from 'vitest';
import { proxyUrlFault, schemeOfUrl, withoutUserinfo } from './url-syntax.ts';

describe('the URL of a proxy', () => {
  test.each([
    'http://x',
    'HTTPS://x',
    'https:/x',
    'https:x',
    'https://a;https://b',
    'https://u:p@a/b?c#d',
    'http://[::1]:80/x',
    'http://[fe80::1%25en0]/',
    'https://a:',
    'https://ö.example',
    'https://%C3%B6.example',
    'file:///x%2Fy',
    'file:///x#',
  ])('%s is taken', (url) => {
    expect(proxyUrlFault(url)).toBeUndefined();
  });

  test.each([
    'x',
    '//x',
    ':x',
    'ftp://x',
    'https://a b',
    'https://a:b',
    'https://a:1:2',
    'https://%zz',
    'https://%41',
    'https://a/%z',
    'https://a/#%',
    'https://u%@a',
    'https://u<@a',
    'https://[::1',
    'https://[1.2.3.4]',
    'https://[]',
    'https://a[::1]',
    'https://a\n',
    'file:/x',
    'file://h/x',
    'file:///x?',
    'file:///x#y',
    'file:x',
    'file:///%',
  ])('%j is not', (url) => {
    expect(proxyUrlFault(url)).toBeTypeOf('string');
  });

  test('is shown without userinfo', () => {
    expect(withoutUserinfo('https://u:p@a/b')).toBe('https://a/b');
    expect(withoutUserinfo('https://u:p/q@a/b')).toBe('https://a/b');
    expect(withoutUserinfo('https://a/b')).toBe('https://a/b');
    expect(withoutUserinfo('bare')).toBe('bare');
  });
});

describe('the scheme of a URL', () => {
  test.each([
    ['https://x/y', 'https'],
    ['GIT+SSH://u@x:1:2/y', 'git+ssh'],
    ['ext::sh -c x', 'ext'],
    ['server:repo.git', 'server'],
    ['x/y:z', ''],
    ['///x', ''],
    ['', ''],
    ['http#://', ''],
  ])('%j is %j', (url, scheme) => {
    expect(schemeOfUrl(url)).toEqual({ scheme });
  });

  test.each(['://x', 'git@x:y', 'https://a:1:2', '//a b', 'x%zz', 'https://x#%', 'a\u0000://x'])(
    '%j has none, being no URL',
    (url) => {
      expect(schemeOfUrl(url)).toEqual({ fault: expect.any(String) as string });
    },
  );
});
