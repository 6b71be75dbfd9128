import * as fc from 'fast-check';

/**
 * Inputs that start from what is seen in the world and are then damaged a little: uniformly random text would be refused at
 * its first character and prove nothing about the rest of a rule.
 */

/** `base` with up to three edits: a character or a run deleted, doubled, replaced or inserted. */
export function damaged(base: fc.Arbitrary<string>, alphabet: readonly string[]): fc.Arbitrary<string> {
  const edit = fc.record({
    kind: fc.constantFrom('delete', 'double', 'replace', 'insert'),
    at: fc.nat(),
    length: fc.integer({ min: 1, max: 4 }),
    piece: fc.constantFrom(...alphabet),
  });
  return fc.tuple(base, fc.array(edit, { maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((damagedText, { kind, at, length, piece }) => {
      const chars = Array.from(damagedText);
      const start = at % (chars.length + 1);
      const run = chars.slice(start, start + length);
      if (kind === 'delete') chars.splice(start, length);
      else if (kind === 'double') chars.splice(start, 0, ...run);
      else chars.splice(start, kind === 'replace' ? 1 : 0, piece);
      return chars.join('');
    }, text),
  );
}

const NUMBERS = [
  '0',
  '0',
  '1',
  '2',
  '3',
  '9',
  '10',
  '11',
  '123',
  '18446744073709551616',
  '99999999999999999999',
] as const;
const IDENTIFIERS = [
  '0',
  '1',
  '9',
  '10',
  'a',
  'alpha',
  'beta',
  'rc1',
  'rc-1',
  '-',
  'A',
  '0a',
  '20200101000000-abcdef012345',
] as const;

/** Valid, complete versions without build metadata. */
export const releases: fc.Arbitrary<string> = fc
  .tuple(
    fc.tuple(fc.constantFrom(...NUMBERS), fc.constantFrom(...NUMBERS), fc.constantFrom(...NUMBERS)),
    fc.option(fc.array(fc.constantFrom(...IDENTIFIERS), { minLength: 1, maxLength: 3 }), { nil: [] }),
  )
  .map(([numbers, pre]) => `v${numbers.join('.')}${pre.length > 0 ? '-' : ''}${pre.join('.')}`);

/** Versions with something odd about them: short, leading zeros, build metadata. */
const oddVersions: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(fc.constantFrom(...NUMBERS, '00', '01'), { minLength: 1, maxLength: 3 }),
    fc.option(fc.array(fc.constantFrom(...IDENTIFIERS, '01', '00'), { minLength: 1, maxLength: 3 }), { nil: [] }),
    fc.constantFrom('', '', '+incompatible', '+meta', '+01.x', '+incompatible.1'),
  )
  .map(([numbers, pre, build]) => `v${numbers.join('.')}${pre.length > 0 ? '-' : ''}${pre.join('.')}${build}`);

/** Versions of all kinds: most are valid. */
export const versions: fc.Arbitrary<string> = fc.oneof(
  releases,
  fc.tuple(releases, fc.constantFrom('+incompatible', '+meta', '+01.x')).map((parts) => parts.join('')),
  oddVersions,
);

/** The same, some of them damaged. */
export const versionLikes: fc.Arbitrary<string> = damaged(versions, [
  'v',
  '.',
  '-',
  '+',
  '0',
  '1',
  'a',
  'Z',
  ' ',
  '_',
  'é',
  '\u0660',
  '',
]);

/** Pseudo-versions of all three forms, some with impossible dates. */
export const pseudoVersions: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(
      'v0.0.0-',
      'v1.0.0-',
      'v2.0.0-',
      'v1.2.3-0.',
      'v1.2.0-0.',
      'v1.2.3-pre.0.',
      'v1.2.3-0.0.',
      'v2.0.1-0.',
      'v1.2.10000000000000000000-0.',
      'v1.2.3-rc.1.0.',
    ),
    fc.constantFrom(
      '20060102150405',
      '20240229235959',
      '20230229000000',
      '20241301000000',
      '00010101000000',
      '99991231235959',
      '20200101240000',
      '2020010100000',
    ),
    fc.constantFrom('0123456789ab', 'abcdef012345', '000000000000', 'ABC', 'x', '0123456789abc-d'),
    fc.constantFrom('', '', '+incompatible', '+meta.1', '+'),
  )
  .map(([base, time, rev, build]) => `${base}${time}-${rev}${build}`);

const hosts = fc.constantFrom(
  'github.com',
  'golang.org',
  'gopkg.in',
  'example.com',
  'a.b',
  'rsc.io',
  'k8s.io',
  'my-host.dev',
  'localhost',
  'Example.com',
  '-x.y',
);
const elements = fc.constantFrom(
  'x',
  'Azure',
  'azure-sdk-for-go',
  'a.b',
  'a..b',
  '.hidden',
  'v2',
  'v1',
  'v0',
  'v02',
  'v10',
  'v2.0',
  'V2',
  'v',
  'yaml.v2',
  'check.v1',
  'x.v0',
  'x.v2-unstable',
  'con',
  'CON.txt',
  'com1',
  'lpt9.x',
  'aux~1',
  'a~1',
  'a~',
  'a~1b',
  '~',
  'a+b',
  'a b',
  'a_b',
  '-x',
  'é',
  'σ',
  'x.',
  '...',
  '',
  '!x',
  'a!b',
  'UPPER',
  '\u0301',
  '\udcff',
);

/** Module paths, import paths and file paths: elements that each rule has something to say about. */
export const paths: fc.Arbitrary<string> = fc
  .tuple(hosts, fc.array(elements, { maxLength: 4 }))
  .map(([host, others]) => [host, ...others].join('/'));

/** The same, some of them damaged. */
export const pathLikes: fc.Arbitrary<string> = damaged(paths, [
  '/',
  '.',
  '~',
  '1',
  'v',
  '-',
  '!',
  'A',
  'z',
  ' ',
  '\\',
  ':',
  '+',
  'é',
  '\0',
  '😀',
  '\u00b2',
  '"',
  '*',
]);

/** Elements a file name may have, from many scripts. */
export const filePathLikes: fc.Arbitrary<string> = damaged(
  fc
    .array(
      fc.oneof(
        elements,
        fc.constantFrom(
          'go.mod',
          'README.md',
          'ſ.txt',
          '中文',
          'ไทย',
          '٣',
          'ª',
          '½',
          'a,b',
          '#x',
          "o'k",
          'a;b',
          '[x]',
          '{x}',
          '$x',
          '%20',
          '^',
          '@v',
          'nul',
          'NUL.',
          'prn.go',
        ),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => parts.join('/')),
  [
    '/',
    '.',
    '~',
    '1',
    ' ',
    '\\',
    ':',
    '*',
    '<',
    '|',
    '?',
    '`',
    '&',
    '=',
    '\u200b',
    '\u0303',
    '\ud55c',
    '\u{20000}',
    '\n',
  ],
);

/** Escaped paths and versions, some wrongly. */
export const escapedLikes: fc.Arbitrary<string> = damaged(
  fc.oneof(paths, versions).map((text) => text.replace(/[A-Z]/g, (c) => `!${c.toLowerCase()}`)),
  ['!', '!!', 'A', 'a', '!1', '!A', '/', '.', 'é', '%21', '+'],
);

/** Suffixes as SplitPathVersion gives them, and others. */
export const pathMajors: fc.Arbitrary<string> = fc.constantFrom(
  '',
  '/v2',
  '/v3',
  '/v10',
  '.v0',
  '.v1',
  '.v2',
  '.v1-unstable',
  '.v2-unstable',
);

/** Comma-separated globs as in GOPRIVATE. */
export const globLists: fc.Arbitrary<string> = damaged(
  fc
    .array(
      fc.constantFrom(
        '*',
        'github.com',
        'github.com/*',
        '*.com',
        'github.com/Azure',
        'a.b/x',
        'a.b/*/y',
        '?.b',
        'a.[b-d]',
        'a.[^b]/x',
        'a.b/x*',
        '[',
        'a\\.b',
        'a.b/',
        '/x',
        '',
        ' a.b',
        'rsc.io/**',
        '[]a]',
        '[-]',
        '[a-]',
        'é.*',
      ),
      { maxLength: 3 },
    )
    .map((globs) => globs.join(',')),
  ['*', '?', '[', ']', '-', '^', '\\', ',', '/', 'a', '.'],
);

/** Texts that need quotes for one reason or another, and texts that do not. */
export const strings: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      'a',
      'b/c',
      'v1.2.3',
      '(',
      ')',
      '[',
      ',',
      '{',
      ' ',
      '"',
      "'",
      '`',
      '\\',
      '/',
      '//',
      '/*',
      '\n',
      '\t',
      '\0',
      '\x07',
      '\x7f',
      '\x1b',
      '\u0085',
      '\u00a0',
      'é',
      '\u0301',
      '€',
      '中',
      '\ufeff',
      '\ufffd',
      '\u2028',
      '\ue000',
      '😀',
      '\u{e0001}',
      '\udcff',
      '\udc80',
    ),
    { maxLength: 5 },
  )
  .map((pieces) => pieces.join(''));

/** Go string literals, right and wrong. Rune literals ('x') are no strings, so none starts with a single quote. */
export const literals: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('"', '"', '"', '`', '', 'x'),
    fc.array(
      fc.constantFrom(
        'a',
        'é',
        '😀',
        '\\n',
        '\\x41',
        '\\xff',
        '\\xc3\\xa9',
        '\\u00e9',
        '\\ud800',
        '\\U0001f600',
        '\\U00110000',
        '\\101',
        '\\400',
        '\\1',
        '\\x4',
        '\\"',
        "\\'",
        '\\\\',
        '\\q',
        '"',
        '`',
        "'",
        '\r',
        '\n',
        '\t',
        '\0',
        '\udcff',
        '\\',
      ),
      { maxLength: 5 },
    ),
    fc.constantFrom('"', '"', '"', '`', ''),
  )
  .map(([open, pieces, close]) => open + pieces.join('') + close)
  .filter((literal) => !literal.startsWith("'"));
