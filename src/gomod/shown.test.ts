import { describe, expect, test } from 'vitest';
import { shown } from './shown.ts';

describe('a name in a message', () => {
  test('is quoted, on one line, and printable ASCII only', () => {
    expect(shown('a\nb\u001b[31m\u2028é"')).toBe('"a\\nb\\u001b[31m\\u2028\\u00e9\\""');
  });

  test('is cut when it is long', () => {
    expect(shown('x'.repeat(1_000_000)).length).toBeLessThan(200);
  });
});
