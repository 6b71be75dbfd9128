import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { NO_CREDENTIALS } from '../../credentials/credentials.ts';
import { credentialsFor } from './credentials.ts';

const o = { signal: new AbortController().signal };

test('the userinfo of an upstream is sent, decoded, below its own path, and shown to nobody', async () => {
  const base = new URL('https://a:b%40canary@h/go');
  const given = credentialsFor(base, NO_CREDENTIALS);
  const credential = await given.http(base, o);
  const authorization = `Basic ${Buffer.from('a:b@canary').toString('base64')}`;
  expect(credential).toMatchObject({ origin: 'https://h', pathPrefix: '/go' });
  expect({ ...credential?.headers }).toEqual({ authorization });
  expect(inspect(credential) + JSON.stringify(credential) + given.advice(base)).not.toMatch(/canary|Basic [^[]/);
});

test('an upstream without userinfo has what the operator has for it', async () => {
  expect(credentialsFor(new URL('https://h/go'), NO_CREDENTIALS)).toBe(NO_CREDENTIALS);
  expect(credentialsFor(new URL('http://h/go'), NO_CREDENTIALS)).toBe(NO_CREDENTIALS);
});

test('userinfo in an http URL is refused without being repeated', () => {
  const refused = (): unknown => credentialsFor(new URL('http://u:hunter2@h/go'), NO_CREDENTIALS);
  expect(refused).toThrow(/refusing to send its user name and password over plain http/);
  expect(refused).not.toThrow(/hunter2/);
});
