import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { NO_CREDENTIALS } from '../credentials/credentials.ts';
import { parseProxyList } from '../gomod/goenv.ts';
import { HttpClient } from '../io/http-client.ts';
import { createSources } from './registry.ts';

const client = new HttpClient({ userAgent: 'larder/test' });
afterAll(() => client.close());
const from = (list: string): readonly { readonly source: { readonly name: string } }[] =>
  createSources(
    parseProxyList(list).filter((entry) => entry.kind === 'proxy'),
    { client, credentials: NO_CREDENTIALS },
  );

describe('the registry', () => {
  test.each([
    ['https://mirror.test', ['mirror.test']],
    ['https://mirror.test/go/', ['mirror.test']],
    ['https://user:pass@mirror.test:8443/go?token=x', ['mirror.test:8443']],
    ['https://mirror.test/canary/go,https://mirror.test/other', ['mirror.test', 'mirror.test#2']],
    ['http://mirror.test,https://mirror.test|https://mirror.test', ['mirror.test', 'mirror.test#2', 'mirror.test#3']],
    ['file:///srv/go%20mod', ['file:/srv/go mod']],
    ['https://direct,https://off', ['direct#2', 'off#2']],
  ])('names the sources of %s without secrets, each differently', (list, names) => {
    expect(from(list).map(({ source }) => source.name)).toEqual(names);
  });

  test('keeps passwords and tokens out of what is printed of a source', () => {
    const [made] = from('https://user:canary@mirror.test/go?token=canary');
    expect(inspect(made?.source, { depth: 9, showHidden: true })).not.toContain('canary');
  });

  test('refuses a password over plain http, also to this machine', () => {
    expect(() => from('http://user:canary@127.0.0.1:1')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.not.stringContaining('canary') }),
    );
  });
});
