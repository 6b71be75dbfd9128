import { describe, expect, test } from 'vitest';
import { isAddressRange } from '../std/address-range.ts';
import { proxiesAt } from './proxies.ts';

describe('who the client is', () => {
  const proxies = proxiesAt(['10.0.0.5', '10.1.0.0/16', '2001:db8::/32']);
  test.each([
    ['a stranger is who it is, whatever it says', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['a proxy of ours is believed', '10.0.0.5', '198.51.100.1', '198.51.100.1'],
    ['in IPv4-mapped form too', '::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['and one on this machine', '127.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['only as far as proxies of ours wrote it', '10.0.0.5', '1.1.1.1, 198.51.100.1, 10.1.0.9', '198.51.100.1'],
    ['a client that forges the beginning gains nothing', '127.0.0.1', '9.9.9.9, 198.51.100.1', '198.51.100.1'],
    ['IPv6 clients are networks', '2001:db8::1', '2001:dba:1:2:3::4', '2001:dba:1:2::/64'],
    ['rubbish ends the search', '10.0.0.5', '198.51.100.1, <script>', '10.0.0.5'],
    ['nothing said is nothing known', '10.0.0.5', undefined, '10.0.0.5'],
  ])('%s', (_, address, forwardedFor, client) => {
    expect(proxies.clientOf(address, forwardedFor)).toBe(client);
  });
});

test('a range is an address, or an address and how many bits count', () => {
  expect(['10.0.0.5', '10.1.0.0/16', '::1', '2001:db8::/32', '0.0.0.0/0'].every(isAddressRange)).toBe(true);
  const wrong = ['', 'proxy.example', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0/8', '10.0.0.0/-1'];
  expect(wrong.filter(isAddressRange)).toEqual([]);
});
