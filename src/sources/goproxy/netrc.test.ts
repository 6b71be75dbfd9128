import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { credentialFor } from './credentials.ts';
import { findInNetrc, parseNetrc, readNetrc } from './netrc.ts';
import { joinUrl } from './target.ts';

const entry = { machine: 'h', login: 'u', password: 'p' };

describe('netrc', () => {
  test.each([
    ['machine h login u password p', [entry]],
    ['machine h\nlogin u\n\npassword p\n', [entry]],
    ['machine other login u machine h login u password p', [entry]],
    ['macdef init\nmachine x login u password p\n\nmachine h login u password p\n', [entry]],
    ['machine h login u password p default\nmachine i login u password p\n', [entry]],
    ['default login u password p\nmachine h login u password p\n', [entry]],
    ['machine h login u', []],
  ])('%j', (text, entries) => expect(parseNetrc(text)).toEqual(entries));

  test('the first entry of a machine wins, and the port is part of its name', () => {
    const entries = parseNetrc(
      'machine h:8443 login a password b\nmachine h login u password p\nmachine h login x password y',
    );
    expect(findInNetrc(entries, 'h')).toEqual(entry);
    expect(findInNetrc(entries, 'h:8443')?.login).toBe('a');
    expect(findInNetrc(entries, 'h:1')).toBeUndefined();
  });

  test('is read from $NETRC, else from the home folder; none is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'larder-netrc-'));
    try {
      expect(await readNetrc({}, folder)).toEqual([]);
      await writeFile(join(folder, '.netrc'), 'machine h login u password p\n');
      expect(await readNetrc({}, folder)).toEqual([entry]);
      expect(await readNetrc({ NETRC: join(folder, 'none') }, folder)).toEqual([]);
      await expect(readNetrc({ NETRC: folder }, folder)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('what an upstream is sent', () => {
  const basic = (text: string): object => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  const at = (url: string): unknown => credentialFor(new URL(url), [entry]);

  test('its own userinfo, decoded, below its own path', () => {
    expect(at('https://a:b%40c@h/go')).toEqual({ origin: 'https://h', pathPrefix: '/go', headers: basic('a:b@c') });
  });

  test('else what netrc has for its host, over https only', () => {
    expect(at('https://h/go')).toEqual({ origin: 'https://h', pathPrefix: '/', headers: basic('u:p') });
    expect(at('https://h:444/go')).toBeUndefined();
    expect(at('http://h/go')).toBeUndefined();
  });
});

test('a path joined to a base keeps what the base has', () => {
  expect(joinUrl('https://x/p?q=1', '/lookup/a!b@v1.0.0+incompatible')).toBe(
    'https://x/p/lookup/a%21b@v1.0.0+incompatible?q=1',
  );
  expect(joinUrl('https://x', 'lookup/a!b')).toBe('https://x/lookup/a!b');
});
