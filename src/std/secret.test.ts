import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { KnownSecrets } from './known-secrets.ts';
import { Secret, withHiddenValues } from './secret.ts';

const canary = 'canary"5c\\b1 ä';

test('a secret is not shown by anything but reveal', () => {
  const secret = new Secret(canary);
  const shown = [String(secret), JSON.stringify({ secret }), inspect({ secret }, { showHidden: true, depth: 9 })];
  expect(shown.filter((text) => text.includes('canary'))).toEqual([]);
  expect(secret.reveal()).toBe(canary);
});

test('hidden values are not shown, and copied as they are', () => {
  const hidden = withHiddenValues({ authorization: canary });
  expect(inspect({ hidden }, { depth: 9 })).toContain("authorization: '[secret]'");
  expect(JSON.stringify({ hidden })).toBe('{"hidden":{"authorization":"[secret]"}}');
  expect({ ...hidden }).toEqual({ authorization: canary });
});

describe('what is known is taken out of a text', () => {
  const known = new KnownSecrets();
  known.add(canary);
  known.add('canary');
  test.each([
    ['as it is', `a ${canary} b`],
    ['in JSON', JSON.stringify({ msg: canary })],
    ['in a URL', `https://h/?t=${encodeURIComponent(canary)}`],
    ['in base64', Buffer.from(canary).toString('base64')],
  ])('%s', (_, text) => {
    expect(known.redact(text)).toContain('[secret]');
    expect(known.redact(text)).not.toMatch(/canary|5c|Y2Fu/);
  });

  test('but nothing too short to be told from a word', () => {
    const short = new KnownSecrets();
    short.add('error');
    expect(short.redact('an error')).toBe('an error');
  });

  test('the newest 512 of them', () => {
    const many = new KnownSecrets();
    for (let i = 0; i < 600; i++) many.add(`secret-number-${i}.`);
    expect(many.redact('secret-number-599.')).toBe('[secret]');
    expect(many.redact('secret-number-0.')).toBe('secret-number-0.');
  });

  test('and all that were added for good', () => {
    const many = new KnownSecrets();
    many.addForGood('for-good');
    for (let i = 0; i < 600; i++) many.add(`secret-number-${i}.`);
    expect(many.redact('for-good secret-number-599.')).toBe('[secret] [secret]');
  });
});
