import { describe, expect, test } from 'vitest';
import { isAppError } from '../std/errors.ts';
import { matchesAnyPrefix, matchPrefixPatterns, parsePrefixPatterns, parseProxyList } from './goenv.ts';

/** `url` and then its separator, for each entry. */
function listed(goproxy: string, gonoproxy = ''): string {
  return parseProxyList(goproxy, gonoproxy)
    .map((entry) => (entry.kind === 'proxy' ? entry.url : entry.kind) + entry.separator)
    .join(' ');
}

describe('a GOPROXY list', () => {
  test.each([
    ['https://a,https://b|https://c,direct', 'https://a, https://b| https://c, direct,'],
    [' https://a , | https://b ', 'https://a, https://b,'],
    ['https://a|,https://b', 'https://a| https://b,'],
    ['https://a|off,https://b', 'https://a| off,'],
    ['direct,https://a', 'direct,'],
    ['proxy.example.com/path', 'https://proxy.example.com/path,'],
    ['localhost:8080', 'https://localhost:8080,'],
    ['file:///srv/mods', 'file:///srv/mods,'],
    ['\u00a0https://a\u0085', 'https://a,'],
  ])('%j is read as %s', (goproxy, entries) => {
    expect(listed(goproxy)).toBe(entries);
  });

  test.each([
    '',
    ' ',
    ',',
    '|,',
    'foo',
    'Direct',
    'OFF',
    '/srv/mods',
    'ftp://x',
    'file://host/x',
    'file:///x?y',
    'https://a b',
    'https://%zz',
    'https://a,foo',
  ])('%j is refused', (goproxy) => {
    expect(() => parseProxyList(goproxy)).toThrow(expect.toSatisfy((e) => isAppError(e, 'CONFIG_INVALID')));
  });

  test('begins with noproxy when GONOPROXY is set, unless it is just direct', () => {
    expect(listed('https://a', 'corp.example')).toBe('noproxy, https://a,');
    expect(listed('off', 'corp.example')).toBe('noproxy, off,');
    expect(listed('direct', 'corp.example')).toBe('direct,');
    expect(() => parseProxyList(',', 'corp.example')).toThrow('contains no entries');
  });

  test.each(['https://user:s3cret@a b/', 'ftp://user:s3cret@a/', 'https://user:s3c/s3cret@a b/', 'user:s3cret@%zz/x'])(
    'keeps passwords out of its error: %s',
    (goproxy) => {
      expect(() => parseProxyList(goproxy)).toThrow(
        expect.toSatisfy((e) => isAppError(e) && !e.message.includes('s3c')),
      );
    },
  );
});

describe('a list of patterns', () => {
  test.each([
    ['*.corp.example', 'git.corp.example/x/y', true],
    ['*.corp.example', 'corp.example/x', false],
    ['github.com/org', 'github.com/org/repo', true],
    ['github.com/org', 'github.com/organization', false],
    ['github.com/org/', 'github.com/org', true],
    ['github.com/*/repo', 'github.com/org', false],
    ['github.com/org/*', 'github.com/org', false],
    ['GitHub.com/org', 'github.com/org', false],
    [',,x.y,[', 'x.y/z', true],
    ['[', '[', false],
    [' x.y', 'x.y', false],
    ['', '', false],
    ['*', '', true],
    ['none', 'x.y/z', false],
  ])('%j on %s: %s', (globs, target, matches) => {
    expect(matchPrefixPatterns(globs, target)).toBe(matches);
  });

  test('can be read once and used often', () => {
    const patterns = parsePrefixPatterns('a.b,[,c.d/*');
    expect(patterns).toHaveLength(2);
    expect([
      matchesAnyPrefix(patterns, 'c.d/x/y'),
      matchesAnyPrefix(patterns, 'c.d'),
      matchesAnyPrefix([], 'a.b'),
    ]).toEqual([true, false, false]);
  });
});
