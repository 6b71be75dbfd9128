import { describe, expect, test } from 'vitest';
import { type AddressClass, readAddress, readHost } from './addresses.ts';

describe('an address in any spelling', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['127.0.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['0X7F.1', '127.0.0.1'],
    ['0177.0.0.01', '127.0.0.1'],
    ['017700000001', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['①②⑦.⓪.⓪.①', '127.0.0.1'],
    ['１２７.0.0.1', '127.0.0.1'],
    ['127。0。0。1', '127.0.0.1'],
    ['%31%32%37.0.0.1', '127.0.0.1'],
    ['0', '0.0.0.0'],
    ['0x', '0.0.0.0'],
    ['10.1', '10.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['[::ffff:7f00:1]', '127.0.0.1'],
    ['[0:0:0:0:0:ffff:10.0.0.1]', '10.0.0.1'],
    ['::1', '::1'],
    ['[0000:0000::0001]', '::1'],
    ['FE80::1%eth0', 'fe80::1%eth0'],
    ['[fe80::1%25eth0]', 'fe80::1%25eth0'],
    ['FD00:0::A', 'fd00::a'],
  ])('%s is %s', (spelling, text) => {
    expect(readAddress(spelling)).toMatchObject({ text });
  });

  test.each([
    'example.com',
    'localhost',
    '',
    '[127.0.0.1]',
    '127.0.0.1:80',
    '127.0.0.1/x',
    'a@127.0.0.1',
    '127.0.0.1 ',
    '127.0.0.1\n',
    '256.1.1.1',
    '1.2.3.4.5',
    '08.0.0.1',
    '0x100000000',
    '::1::',
    '[::1',
    '[::1]]',
  ])('%j is none', (text) => {
    expect(readAddress(text)).toBeUndefined();
  });
});

describe('names', () => {
  test.each([
    ['Git.Corp.Example', 'git.corp.example'],
    ['git.corp.example.', 'git.corp.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['a_b.example', 'a_b.example'],
    ['localhost', 'localhost'],
  ])('%s is the name %s', (text, name) => {
    expect(readHost(text)).toEqual({ name });
  });

  test.each([
    '',
    '-oProxyCommand=x',
    'a.-b',
    'a..b',
    'a b',
    'a/b',
    'a\\b',
    'a?b',
    'a#b',
    'u@b',
    'a:b',
    'a\0b',
    'é\n',
    'x'.repeat(300),
  ])('%j is no host', (text) => {
    expect(readHost(text)).toBeUndefined();
  });
});

/** First, last and an inner address of every range, and what lies right beside it. */
const CLASSES: readonly (readonly [AddressClass, readonly string[]])[] = [
  ['unspecified', ['0.0.0.0', '0.255.255.255', '::']],
  ['loopback', ['127.0.0.0', '127.255.255.255', '::1']],
  ['private', ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.0', '192.168.255.255']],
  ['private', ['fc00::', 'fdff:ffff::1', 'fec0::1', 'feff::1']],
  ['shared', ['100.64.0.0', '100.127.255.255']],
  ['link-local', ['169.254.0.0', '169.254.169.253', '169.254.255.255', 'fe80::', 'febf:ffff::1']],
  ['metadata', ['100.100.100.200', '192.0.0.192', '168.63.129.16', 'fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254']],
  ['metadata', ['169.254.169.254', '169.254.170.2', 'fe80::a9fe:a9fe', '::ffff:169.254.169.254']],
  ['benchmarking', ['198.18.0.0', '198.19.255.255', '2001:2::1']],
  ['multicast', ['224.0.0.0', '239.255.255.255', 'ff00::', 'ff02::1']],
  ['reserved', ['192.0.0.0', '192.0.0.255', '192.88.99.1', '240.0.0.0', '255.255.255.255', '100::1']],
  ['reserved', ['2001:10::1', '2001:20::1', '4000::1', '5f00::1', '::ffff:0:127.0.0.1', '200::1']],
  ['translated', ['::2', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::', '64:ff9b:1:ffff::1', '2001::1', '2002::1']],
  ['public', ['1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0']],
  ['public', ['169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255']],
  ['public', ['192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255', '::ffff:8.8.8.8']],
  ['public', ['2001:1::1', '2001:4860:4860::8888', '2003::1', '2606:4700::1111', '3fff::1']],
];

describe('what an address is for', () => {
  test.each(CLASSES.flatMap(([name, addresses]) => addresses.map((one) => [one, name] as const)))(
    '%s is %s',
    (address, name) => {
      expect(readAddress(address)?.class).toBe(name);
    },
  );

  test.each([
    ['64:ff9b::10.0.0.1', '10.0.0.1'],
    ['2002:7f00:1::', '127.0.0.1'],
    ['2001:0:1:2:3:4:f5ff:fffe', '10.0.0.1'],
    ['::169.254.169.254', '169.254.169.254'],
  ])('%s stands for %s', (address, inner) => {
    expect(readAddress(address)?.inner?.text).toBe(inner);
  });
});
