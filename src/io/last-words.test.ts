import { expect, test } from 'vitest';
import { LastWords } from './last-words.ts';

function said(text: string): string {
  const words = new LastWords();
  words.add(Buffer.from(text));
  return words.text();
}

test('lines end where those who look for something in them would take long', () => {
  expect(said(`${'x'.repeat(5000)}\nfatal: no\r${'y'.repeat(1001)}`)).toBe(
    `${'x'.repeat(1000)}\nfatal: no\n${'y'.repeat(1000)}`,
  );
});

test('nothing that a terminal obeys is left, however it is nested', () => {
  expect(said('a\u001b[31mb\u001b]0;title\u0007c\u001b\u001b[2Jd\u009b31me\u202ef\0g')).toMatch(/^ab?c[\x20-\x7e]*g$/);
});
