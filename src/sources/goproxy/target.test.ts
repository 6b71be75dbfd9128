import { expect, test } from 'vitest';
import { joinUrl } from './target.ts';

test('a path joined to a base keeps what the base has', () => {
  expect(joinUrl('https://x/p?q=1', '/lookup/a!b@v1.0.0+incompatible')).toBe(
    'https://x/p/lookup/a%21b@v1.0.0+incompatible?q=1',
  );
  expect(joinUrl('https://x', 'lookup/a!b')).toBe('https://x/lookup/a!b');
});
