import { describe, expect, test } from 'vitest';
import { isAppError } from '../std/errors.ts';
import { formatGoSum, GoSumIndex, parseGoSum } from './gosum.ts';

const TEXT = `rsc.io/quote v1.5.2 h1:A
rsc.io/quote v1.5.2/go.mod h1:B

  rsc.io/sampler\tv1.3.0 h1:C\r
`;

describe('a go.sum file', () => {
  test('has three fields a line; blank lines and white space do not matter', () => {
    expect(parseGoSum(TEXT, 'go.sum')).toEqual([
      { path: 'rsc.io/quote', version: 'v1.5.2', hash: 'h1:A' },
      { path: 'rsc.io/quote', version: 'v1.5.2/go.mod', hash: 'h1:B' },
      { path: 'rsc.io/sampler', version: 'v1.3.0', hash: 'h1:C' },
    ]);
  });

  test.each(['a v1', 'a v1 h1:x more', 'a'])('with a line %j is refused, naming the line', (line) => {
    expect(() => parseGoSum(`${TEXT}${line}\n`, 'x/go.sum')).toThrow(
      expect.toSatisfy((e) => isAppError(e, 'CONFIG_INVALID') && e.message.includes('x/go.sum:5:')),
    );
  });

  test('loses the hash of an empty go.mod, which pins nothing', () => {
    expect(parseGoSum('a v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=', 'go.sum')).toEqual([]);
  });

  test('is written sorted and without repeats', () => {
    const lines = parseGoSum(
      'b.c v1.0.0 h1:x\na.b v1.10.0 h1:x\na.b v1.9.0/go.mod h1:x\na.b v1.9.0 h1:y\na.b v1.9.0 h1:x\na.b v1.9.0 h1:x',
      'go.sum',
    );
    expect(formatGoSum(lines)).toBe(
      'a.b v1.9.0 h1:x\na.b v1.9.0 h1:y\na.b v1.9.0/go.mod h1:x\na.b v1.10.0 h1:x\nb.c v1.0.0 h1:x\n',
    );
  });
});

describe('what go.sum files pin', () => {
  const lines = parseGoSum(
    'a.b v1.0.0 h1:x\na.b v1.0.0 h2:y\na.b v1.1.0 h1:x\na.b v1.1.0 h1:y\na.b v1.2.0 h2:z\na.b v1.0.0 h1:x',
    'go.sum',
  );
  const index = new GoSumIndex(lines);

  test('decides about an h1', () => {
    expect(index.verdict('a.b', 'v1.0.0', 'h1:x')).toBe('match');
    expect(index.verdict('a.b', 'v1.0.0', 'h1:y')).toBe('mismatch');
    expect(index.verdict('a.b', 'v1.0.0/go.mod', 'h1:x')).toBe('unknown');
  });

  test('matches nothing where it contradicts itself', () => {
    expect(index.verdict('a.b', 'v1.1.0', 'h1:x')).toBe('mismatch');
    expect(index.verdict('a.b', 'v1.1.0', 'h1:y')).toBe('mismatch');
  });

  test('says nothing with hashes of unknown kind', () => {
    expect(index.verdict('a.b', 'v1.2.0', 'h1:x')).toBe('unknown');
    expect([index.hashesOf('a.b', 'v1.0.0'), index.size]).toEqual([['h1:x', 'h2:y'], 3]);
  });
});
