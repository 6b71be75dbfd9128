import { describe, expect, test } from 'vitest';
import { readAddress, readHost } from './addresses.ts';
import { type EgressSettings, readEgressRules } from './rules.ts';

/** `host` (at `at`, when it is a name) on `port`: `yes`, or what is wrong. */
function verdict(settings: Partial<EgressSettings>, host: string, port: number, at: string = host): string {
  const address = readAddress(at);
  const asked = readHost(host);
  if (address === undefined || asked === undefined) throw new Error(`bad case ${host} ${at}`);
  return readEgressRules({ allow: [], ports: [443, 22], ...settings }).fault(asked, address, port)?.kind ?? 'yes';
}

describe('without entries', () => {
  test.each([
    ['example.com', 443, '1.1.1.1', 'yes'],
    ['example.com', 22, '2606:4700::1', 'yes'],
    ['example.com', 80, '1.1.1.1', 'port'],
    ['example.com', 443, '10.0.0.1', 'address'],
    ['example.com', 443, '127.0.0.1', 'address'],
    ['example.com', 443, '64:ff9b::1.1.1.1', 'address'],
    ['1.1.1.1', 443, '1.1.1.1', 'yes'],
    ['10.0.0.1', 443, '10.0.0.1', 'address'],
    ['169.254.169.254', 443, '169.254.169.254', 'address'],
  ])('%s on %d at %s: %s', (host, port, at, expected) => {
    expect(verdict({}, host, port, at)).toBe(expected);
  });
});

describe('egress.allow', () => {
  test.each([
    // A name, its addresses, any port.
    ['git.corp.example', 'git.corp.example', 443, '10.0.0.1', 'yes'],
    ['git.corp.example', 'GIT.corp.example.', 8443, '127.0.0.1', 'yes'],
    ['git.corp.example', 'git.corp.example', 443, 'fd00::1', 'yes'],
    ['git.corp.example', 'git.corp.example', 443, '100.64.0.1', 'yes'],
    ['git.corp.example', 'git.corp.example', 443, '64:ff9b::1.1.1.1', 'yes'],
    ['git.corp.example', 'git.corp.example', 443, '64:ff9b::169.254.169.254', 'address'],
    ['git.corp.example', 'git.corp.example', 443, '169.254.169.254', 'address'],
    ['git.corp.example', 'git.corp.example', 443, 'fd00:ec2::254', 'address'],
    ['git.corp.example', 'git.corp.example', 443, '100.100.100.200', 'address'],
    ['git.corp.example', 'git.corp.example', 443, '0.0.0.0', 'address'],
    ['git.corp.example', 'evil.example', 443, '10.0.0.1', 'address'],
    ['git.corp.example', 'a.git.corp.example', 443, '10.0.0.1', 'address'],
    // One port of it.
    ['git.corp.example:8443', 'git.corp.example', 8443, '10.0.0.1', 'yes'],
    ['git.corp.example:8443', 'git.corp.example', 8444, '10.0.0.1', 'address'],
    ['git.corp.example:8443', 'git.corp.example', 8444, '1.1.1.1', 'port'],
    // All below a suffix.
    ['*.corp.example', 'git.corp.example', 443, '10.0.0.1', 'yes'],
    ['*.corp.example', 'a.b.corp.example', 443, '10.0.0.1', 'yes'],
    ['*.corp.example', 'corp.example', 443, '10.0.0.1', 'address'],
    ['*.corp.example', 'evilcorp.example', 443, '10.0.0.1', 'address'],
    // Addresses, whatever name they are asked by.
    ['10.0.0.0/8', 'anything.example', 443, '10.9.9.9', 'yes'],
    ['10.0.0.0/8', '10.9.9.9', 443, '10.9.9.9', 'yes'],
    ['10.0.0.0/8', '10.9.9.9', 8443, '10.9.9.9', 'address'],
    ['10.0.0.0/8', 'anything.example', 443, '11.0.0.1', 'yes'],
    ['10.0.0.0/8', 'anything.example', 443, '192.168.0.1', 'address'],
    ['10.0.0.0/8:8443', '10.9.9.9', 8443, '10.9.9.9', 'yes'],
    ['10.1.2.3:8443', '10.1.2.3', 8443, '10.1.2.3', 'yes'],
    ['10.1.2.3:8443', '10.1.2.3', 443, '10.1.2.3', 'address'],
    ['10.1.2.3', '10.1.2.3', 3000, '10.1.2.3', 'yes'],
    ['169.254.169.254', '169.254.169.254', 443, '169.254.169.254', 'yes'],
    ['[fd00::]/8', 'x.example', 443, 'fd00::1', 'yes'],
    ['fd00::/8', 'x.example', 443, 'fd00::2', 'yes'],
    ['169.254.0.0/16', 'x.example', 443, '169.254.1.1', 'yes'],
    // A range is not enough where credentials are given away.
    ['fd00::/8', 'x.example', 443, 'fd00:ec2::254', 'address'],
    ['0.0.0.0/0', 'x.example', 443, '169.254.169.254', 'address'],
    ['100.64.0.0/10', 'x.example', 443, '100.100.100.200', 'address'],
    ['100.100.100.200', 'x.example', 443, '100.100.100.200', 'yes'],
    ['[fd00::]/8:8443', 'x.example', 8443, 'fd00::1', 'yes'],
    ['[fd00::1]:8443', '[fd00::1]', 8443, 'fd00::1', 'yes'],
    ['64:ff9b::/96', 'x.example', 443, '64:ff9b::1.1.1.1', 'yes'],
    ['64:ff9b::/96', 'x.example', 443, '64:ff9b::10.0.0.1', 'address'],
    ['0.0.0.0/0', 'x.example', 443, '10.0.0.1', 'yes'],
  ])('%s: %s on %d at %s: %s', (entry, host, port, at, expected) => {
    expect(verdict({ allow: [entry] }, host, port, at)).toBe(expected);
  });

  test.each([
    '',
    '*',
    'a*.example',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '::/129',
    'fe80::1%eth0',
    'https://git.corp.example',
    'git.corp.example/group',
    'git.corp.example:0',
    'git.corp.example:65536',
    'git.corp.example:https',
    'a b',
    '*.10.0.0.1',
  ])('%j is refused at the start, by name', (entry) => {
    expect(() => readEgressRules({ allow: [entry], ports: [] })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(JSON.stringify(entry)) }),
    );
  });
});

describe('hosts that the rest of the configuration names', () => {
  test.each([
    ['127.0.0.1', 3000, '127.0.0.1', 3000, '127.0.0.1', 'yes'],
    ['127.0.0.1', 3000, '127.0.0.1', 3001, '127.0.0.1', 'address'],
    // Not whatever else stands for the same address.
    ['127.0.0.1', 3000, 'evil.example', 3000, '127.0.0.1', 'address'],
    ['[::1]', 3000, '[::1]', 3000, '::1', 'yes'],
    ['localhost', 3000, 'localhost', 3000, '::1', 'yes'],
    ['git.corp.example', undefined, 'git.corp.example', 2222, '10.0.0.1', 'yes'],
    ['*.corp.example', undefined, 'git.corp.example', 443, '10.0.0.1', 'yes'],
    // A metadata address wants an entry of its own, under egress.allow.
    ['169.254.169.254', 80, '169.254.169.254', 80, '169.254.169.254', 'address'],
  ])('%s:%s: %s on %d at %s: %s', (host, port, asked, askedPort, at, expected) => {
    const named = [port === undefined ? { host } : { host, port }];
    expect(verdict({ named }, asked, askedPort, at)).toBe(expected);
  });
});

test('strangers reach what is allowed, and nothing that was named for another purpose', () => {
  const [inside, host] = [readAddress('10.1.2.3'), readHost('git.corp.example')];
  if (inside === undefined || host === undefined) throw new Error('unreadable');
  const named = [{ host: 'git.corp.example', port: 8443 }];
  for (const [allow, mine, theirs] of [
    [[], undefined, 'address'],
    [['git.corp.example'], undefined, undefined],
    [['10.0.0.0/8:8443'], undefined, undefined],
  ] as const) {
    const rules = readEgressRules({ allow, ports: [443], named });
    expect([rules.fault(host, inside, 8443)?.kind, rules.fault(host, inside, 8443, true)?.kind]).toEqual([
      mine,
      theirs,
    ]);
  }
});
