import { describe, expect, test } from 'vitest';
import { parseModuleArgument } from './module-argument.ts';

describe('MODULE@VERSION', () => {
  test.each(['rsc.io/quote@v1.5.2', 'github.com/Azure/sdk@v68.0.0+incompatible', 'gopkg.in/yaml.v3@v3.0.1'])(
    '%s names a module',
    (text) => {
      const [path, version] = text.split('@');
      expect(parseModuleArgument(text)).toEqual({ path, version });
    },
  );

  test.each([
    ['rsc.io/quote', 'no-version'],
    ['rsc.io/quote@', 'no-version'],
    ['@v1.0.0', 'no-version'],
    ['', 'no-version'],
    ['rsc.io/quote@latest', 'not-canonical'],
    ['rsc.io/quote@v1.5.2@v1.5.3', 'not-canonical'],
    ['gopkg.in/yaml.v3@master', 'not-canonical'],
    ['quote@v1.0.0', 'impossible'],
    ['rsc.io/../quote@v1.0.0', 'impossible'],
    ['rsc.io/quote@v2.0.0', 'impossible'],
    ['rsc.io/!!quote@v1.0.0', 'impossible'],
  ])('%j does not: %s', (text, fault) => {
    expect(parseModuleArgument(text)).toMatchObject({ fault });
    expect(parseModuleArgument(text)).not.toHaveProperty('meant');
  });

  test.each([
    ['github.com/!azure/sdk@v1.0.0', 'escaped', 'github.com/Azure/sdk@v1.0.0'],
    ['rsc.io/quote@v1.0.0-!r!c1', 'escaped', 'rsc.io/quote@v1.0.0-RC1'],
    ['rsc.io/quote@1.5.2', 'not-canonical', 'rsc.io/quote@v1.5.2'],
    ['rsc.io/quote@v1.5', 'not-canonical', 'rsc.io/quote@v1.5.0'],
    ['rsc.io/quote@v1.5.2+meta', 'not-canonical', 'rsc.io/quote@v1.5.2'],
  ])('%j does not: %s, and %s was meant', (text, fault, meant) => {
    expect(parseModuleArgument(text)).toMatchObject({ fault, meant });
  });

  test('shows nothing raw', () => {
    expect(parseModuleArgument('\u001b[31m')).toMatchObject({ text: '"\\u001b[31m"' });
    expect(JSON.stringify(parseModuleArgument('a\u001b.b/c@v1.0.0'))).not.toContain('\u001b');
  });
});
