import { describe, expect, test } from 'vitest';
import { isAppError } from '../../std/errors.ts';
import { parseSumdbPath, sumdbPath } from './request.ts';

function outcome(path: string): unknown {
  try {
    return parseSumdbPath(path);
  } catch (error) {
    if (isAppError(error)) return error.code;
    throw error;
  }
}

function tile(level: number | 'data', index: number, width: number): object {
  return { endpoint: 'tile', tile: { height: 8, level, index, width } };
}

const understood: readonly (readonly [path: string, name: string, question: object])[] = [
  ['sum.golang.org/supported', 'sum.golang.org', { endpoint: 'supported' }],
  ['sum.corp.example:8443/a/b~c/latest', 'sum.corp.example:8443/a/b~c', { endpoint: 'latest' }],
  [
    's.org/lookup/github.com/!azure/x@v1.0.0-!r!c1',
    's.org',
    { endpoint: 'lookup', module: { path: 'github.com/Azure/x', version: 'v1.0.0-RC1' } },
  ],
  [
    's.org/lookup/x.y/z@v2.0.0+incompatible',
    's.org',
    { endpoint: 'lookup', module: { path: 'x.y/z', version: 'v2.0.0+incompatible' } },
  ],
  ['s.org/tile/8/0/x001/067.p/23', 's.org', tile(0, 1067, 23)],
  ['s.org/tile/8/data/000', 's.org', tile('data', 0, 256)],
];

describe('a question to a checksum database', () => {
  test.each(understood)('%s is understood', (path, name, question) => {
    expect(outcome(path)).toEqual({ kind: 'sumdb', name, ...question });
  });

  test.each(understood.map(([path]) => path))('%s leads back to itself', (path) => {
    const request = parseSumdbPath(path);
    expect(request && sumdbPath(request)).toBe(path);
  });

  test.each([
    'supported',
    '/supported',
    '../supported',
    's.org/',
    's.org/other',
    's.org/supported/x',
    's.org/latest/',
    's.org/lookup',
    's.org/tile',
    's.org//latest',
    'user@s.org/supported',
    's.org?/supported',
    's.org#/latest',
    's.\u0130org/latest',
  ])('%s leads nowhere', (path) => {
    expect(outcome(path)).toBeUndefined();
  });

  test.each([
    '',
    'rsc.io/quote',
    'rsc.io/quote@latest',
    'rsc.io/quote@v1.5',
    'rsc.io/quote@v1.5.2@v1',
    'rsc.io/quote@v1.5.2/go.mod',
    'rsc.io/quote@v1.5.2+meta',
    '@v1.5.2',
  ])('a lookup of %j is malformed', (rest) => {
    expect(outcome(`s.org/lookup/${rest}`)).toEqual({
      kind: 'sumdb',
      name: 's.org',
      endpoint: 'malformed',
      of: 'lookup',
      rest,
    });
  });

  test.each([
    '',
    '8/0/00',
    '8/0/0000',
    '8/x/000',
    '8/-1/000',
    '31/0/000',
    '0/0/000',
    '8/0/000.p/256',
    '8/0/000.p/0',
    '8/0/../../x',
  ])('tile %j is malformed', (rest) => {
    expect(outcome(`s.org/tile/${rest}`)).toMatchObject({ endpoint: 'malformed', of: 'tile', rest });
  });

  test.each([
    ['rsc.io/Quote@v1.5.2', 'BAD_MODULE_PATH'],
    ['rsc.io/!!quote@v1.5.2', 'BAD_MODULE_PATH'],
    ['rsc@v1.0.0', 'BAD_MODULE_PATH'],
    ['../rsc.io/x@v1.0.0', 'BAD_MODULE_PATH'],
    ['rsc.io/quote@v1.5.2-RC', 'BAD_VERSION'],
    ['rsc.io/quote@v1.5.2-a/b', 'BAD_VERSION'],
    ['rsc.io/quote@v01.5.2', 'NOT_FOUND'],
    ['rsc.io/quote@v2.0.0', 'NOT_FOUND'],
    ['rsc.io/quote@v1.5.2-rc+meta', 'NOT_FOUND'],
  ])('a lookup of %s names nothing that can be there: %s', (rest, code) => {
    expect(outcome(`s.org/lookup/${rest}`)).toBe(code);
  });
});
