import { describe, expect, test } from 'vitest';
import { discoveryUrl, isSecureScheme, isSecureUrl, repositoryFault } from './repository-url.ts';

describe('the page of a path', () => {
  test.each([
    ['example.com', 'https://example.com/?go-get=1'],
    ['example.com/a/b', 'https://example.com/a/b?go-get=1'],
    ['example.com/a?b#c%2f', 'https://example.com/a%3Fb%23c%252f?go-get=1'],
    ['example.com/é', 'https://example.com/%C3%A9?go-get=1'],
    ['localhost/a.b', undefined],
  ])('%s is %s', (path, url) => {
    expect(discoveryUrl(path)).toBe(url);
  });

  test('is asked without protection where that is said', () => {
    expect(discoveryUrl('example.com/a', 'http')).toBe('http://example.com/a?go-get=1');
  });
});

describe('the URL of a repository', () => {
  test.each(['https://x/y', 'ssh://git@x/y', 'git+ssh://x/y', 'ext::sh -c x', 'https://user:pw@x/y'])(
    '%s is one for the go command',
    (url) => {
      expect(repositoryFault(url)).toBeUndefined();
    },
  );

  test.each(['', '-config', '/x/y', '//x/y', 'git@x:y', 'file:///x', 'FILE:///x', 'https://x y', '://x', 'http#://'])(
    '%j is none',
    (url) => {
      expect(repositoryFault(url)).toBeTypeOf('string');
    },
  );

  test('is secure by its scheme', () => {
    const urls = ['https://x', 'SSH://x', 'git+ssh://x', 'http://x', 'git://x', 'user@x:y', 'x:y', ''];
    expect(urls.map((url) => isSecureUrl(url, 'git'))).toEqual([true, true, true, ...Array<boolean>(5).fill(false)]);
  });

  test('is what GIT_ALLOW_PROTOCOL says, for git alone', () => {
    expect(isSecureScheme('foo', 'git', 'https:foo')).toBe(true);
    expect(isSecureScheme('ssh', 'git', 'https:foo')).toBe(false);
    expect(isSecureScheme('ssh', 'hg', 'https:foo')).toBe(true);
  });
});
