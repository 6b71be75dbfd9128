import { describe, expect, test } from 'vitest';
import { rewriteBy } from './rewrites.ts';

describe('a rewrite', () => {
  const rewrite = rewriteBy([
    { from: 'https://github.com', to: 'ssh://git@mirror.test:2222' },
    { from: 'https://github.com/acme/', to: 'https://git.test/acme' },
    { from: 'ssh://git@Old.test/', to: 'ssh://git@new.test/old/' },
  ]);

  test.each([
    ['https://github.com/u/r', 'ssh://git@mirror.test:2222/u/r'],
    ['https://github.com/acme/r.git', 'https://git.test/acme/r.git'],
    ['https://github.com/acme', 'https://git.test/acme'],
    ['https://github.com/acmeother/r', 'ssh://git@mirror.test:2222/acmeother/r'],
    ['https://GitHub.com:443/acme/r', 'https://git.test/acme/r'],
    ['https://github.com/u/../acme/r', 'https://git.test/acme/r'],
    ['ssh://git@OLD.test:22/x', 'ssh://git@new.test/old/x'],
  ])('of %s is %s', (url, expected) => {
    expect(rewrite(url).href).toBe(expected);
  });

  test.each([
    'https://github.com.evil.test/u/r',
    'https://github.com:8443/u/r',
    'http://github.com/u/r',
    'https://example.test/github.com/u',
    'ssh://other@old.test/x',
  ])('has nothing to say about %s', (url) => {
    expect(rewrite(url).href).toBe(url);
  });

  test('takes git+ssh for ssh', () => {
    expect(rewriteBy([])('git+ssh://git@a.test/x').href).toBe('ssh://git@a.test/x');
    expect(rewrite('git+ssh://git@old.test/x').href).toBe('ssh://git@new.test/old/x');
  });
});
