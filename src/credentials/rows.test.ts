import { describe, expect, test } from 'vitest';
import { type CredentialRow, credentialRowFault } from './rows.ts';

const url = 'https://git.corp.example';

describe('a row is good', () => {
  const rows: readonly CredentialRow[] = [
    { url, token: 't' },
    { url: 'HTTPS://Git.Corp.Example:8443/Team/', token: 'env:NAME', form: 'bearer' },
    { url, token: 'file:/run/secrets/token', username: 'deploy' },
    { url, username: 'u', password: 'p' },
    { url, netrc: '/etc/larder/netrc' },
    { url, helper: ['git', 'credential-store'], username: 'u' },
    { url, command: ['/usr/local/bin/token-for', '--quiet'] },
    {
      url: 'ssh://git.corp.example:2222/team',
      sshKey: '/etc/larder/key',
      knownHosts: '/etc/larder/known',
      username: 'git',
    },
    { url: 'ssh://git.corp.example', knownHosts: '/etc/larder/known' },
    { url: 'http://git.test', token: 't' },
    { url: 'https://[2001:db8::1]/x', token: 't' },
  ];
  test.each(rows)('%j', (row) => expect(credentialRowFault(row)).toBeUndefined());
});

describe('a row is refused, by the key that is wrong', () => {
  const rows: readonly (readonly [keyof CredentialRow, CredentialRow])[] = [
    ['url', { url: 'git.corp.example', token: 't' }],
    ['url', { url: 'ftp://git.corp.example', token: 't' }],
    ['url', { url: 'https:/git.corp.example', token: 't' }],
    ['url', { url: 'https://user:pass@git.corp.example', token: 't' }],
    ['url', { url: 'https://@git.corp.example', token: 't' }],
    ['url', { url: 'https://git.corp.example/?a', token: 't' }],
    ['url', { url: 'https://git.corp.example/#', token: 't' }],
    ['url', { url: 'https://*.corp.example', token: 't' }],
    ['url', { url: 'https://git.corp.example/a/../b', token: 't' }],
    ['url', { url: 'https://git.corp.example/a%2fb', token: 't' }],
    ['url', { url: 'https://git.corp.example/a%0dhost=evil.example', helper: ['h'] }],
    ['url', { url: 'https://git.corp.example//a', token: 't' }],
    ['url', { url: 'https://git.corp.example\\a', token: 't' }],
    ['url', { url }],
    ['url', { url, username: 'u' }],
    ['url', { url: 'ssh://git.corp.example' }],
    ['token', { url, username: 'u', password: 'p', token: 't' }],
    ['helper', { url, netrc: '/n', helper: ['h'] }],
    ['command', { url, token: 't', command: ['c'] }],
    ['token', { url: 'ssh://git.corp.example', token: 't' }],
    ['sshKey', { url, token: 't', sshKey: '/k' }],
    ['password', { url, password: 'p' }],
    ['password', { url, username: 'u', password: '' }],
    ['username', { url, username: 'a:b', password: 'p' }],
    ['username', { url: 'ssh://git.corp.example', sshKey: '/k', username: '-oProxyCommand=x' }],
    ['username', { url, netrc: '/n', username: 'u' }],
    ['username', { url, token: 't', form: 'bearer', username: 'u' }],
    ['form', { url, username: 'u', password: 'p', form: 'gitlab' }],
    ['token', { url, token: 'env:' }],
    ['token', { url, token: 'env:A B' }],
    ['token', { url, token: 'file:secret' }],
    ['token', { url, token: 'a\nb' }],
    ['netrc', { url, netrc: 'netrc' }],
    ['helper', { url, helper: [] }],
    ['helper', { url, helper: ['./helper'] }],
    ['command', { url, command: ['-x'] }],
    ['command', { url, command: ['c', 'a\0b'] }],
  ];
  test.each(rows)('%s: %j', (key, row) => expect(credentialRowFault(row)?.key).toBe(key));
});

test('a fault never repeats what was written', () => {
  const canary = 'canary-9f2e';
  const faults = [
    credentialRowFault({ url: `https://u:${canary}@h`, token: 't' }),
    credentialRowFault({ url, token: `env:${canary} x` }),
    credentialRowFault({ url, token: `${canary}\n` }),
    credentialRowFault({ url, password: canary }),
  ];
  expect(faults).not.toContain(undefined);
  expect(JSON.stringify(faults)).not.toContain(canary);
});
