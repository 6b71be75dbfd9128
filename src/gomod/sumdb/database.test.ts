import { describe, expect, test } from 'vitest';
import { messageOf } from '../../std/errors.ts';
import { isDatabaseName, parseGosumdb } from './database.ts';
import { generateKey } from './key.ts';

const keys = generateKey('sum.corp.example', new Uint8Array(32).fill(1));

describe('a checksum database in the form of GOSUMDB', () => {
  test('is a name that Go knows, a key, or off', () => {
    expect(parseGosumdb('off')).toBe('off');
    expect(parseGosumdb('sum.golang.org')).toMatchObject({ name: 'sum.golang.org' });
    expect(parseGosumdb(keys.verifier)).toMatchObject({ name: 'sum.corp.example', key: { text: keys.verifier } });
    expect(parseGosumdb(`${keys.verifier} http://larder:8080/sumdb/sum.corp.example/`)).toMatchObject({
      url: 'http://larder:8080/sumdb/sum.corp.example',
    });
    // White space of any kind, as a file or a variable may hold it.
    expect(parseGosumdb('sum.golang.org\n')).toMatchObject({ name: 'sum.golang.org' });
    expect(parseGosumdb(` ${keys.verifier}\thttp://a `)).toMatchObject({ url: 'http://a' });
  });

  test('has a second name where the first cannot be reached: the same key at another place', () => {
    const first = parseGosumdb('sum.golang.org');
    const second = parseGosumdb('sum.golang.google.cn');
    expect(second).toMatchObject({ name: 'sum.golang.org', url: 'https://sum.golang.google.cn' });
    expect(first !== 'off' && second !== 'off' && first.key.text === second.key.text).toBe(true);
  });

  test.each([
    '',
    'sum.example',
    `${keys.verifier} ftp://x`,
    `${keys.verifier} http://a http://b`,
    'a+b',
    'off http://x',
  ])('%j is none', (text) =>
    expect(() => parseGosumdb(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' })),
  );

  test('a key that signs, or a password, written there by mistake is not repeated', () => {
    const secret = keys.signer.slice(-20);
    for (const text of [keys.signer, `${keys.verifier} ftp://user:${secret}@host`]) {
      let said = '';
      try {
        parseGosumdb(text);
      } catch (error) {
        said = JSON.stringify(error) + messageOf(error) + String((error as Error).cause);
      }
      expect(said).not.toBe('');
      expect(said).not.toContain(secret);
    }
  });
});

test.each([
  ['sum.golang.org', true],
  ['sum.corp.example/team', true],
  ['localhost.localdev/sumdb', true],
  ['sum.corp.example:8443', true],
  ['https://sum.corp.example', false],
  ['sum.corp.example/', false],
  ['sum.corp.example/tile', false],
  ['sum.corp.example/a b', false],
  ['sum.corp.example?x', false],
  ['a+b', false],
  ['', false],
])('%j can name a database: %s', (name, expected) => expect(isDatabaseName(name)).toBe(expected));
