import { describe, expect, test } from 'vitest';
import { parseModFile, parseModFileLax } from './parse.ts';
import { formatModFile } from './print.ts';
import { formatProblem, MAX_PROBLEMS, type ParseResult } from './problem.ts';
import { parseWorkFile } from './work.ts';

function fileOf<T>(result: ParseResult<T>): T {
  if (!result.ok) throw new Error(result.problems.map((p) => formatProblem(p, 'go.mod')).join('\n'));
  return result.file;
}

function problemsOf(result: ParseResult<unknown>): string[] {
  return result.ok ? [] : result.problems.map((p) => formatProblem(p, 'go.mod'));
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('a main module', () => {
  test('is told every mistake, with its line and column', () => {
    const goMod = 'module m\n  frob x\nrequire a.b/c v2.0.0\nwild (\n)\n';
    expect(problemsOf(parseModFile(bytes(goMod)))).toEqual([
      'go.mod:2:3: unknown directive "frob"',
      'go.mod:3:1: version "v2.0.0" does not fit the module path "a.b/c"',
      'go.mod:4:1: unknown block "wild"',
    ]);
  });

  test('with more mistakes than anyone reads is told the first ones', () => {
    expect(problemsOf(parseModFile(bytes('x\n'.repeat(10_000))))).toHaveLength(MAX_PROBLEMS);
  });

  test('messages stay short and printable whatever the file holds', () => {
    const [problem = ''] = problemsOf(parseModFile(bytes(`\u202e${'é'.repeat(10_000)}\n`)));
    expect(problem).toMatch(/^[\x20-\x7e]{1,1000}$/);
  });
});

describe('a dependency', () => {
  test('may say things this program does not know', () => {
    const goMod =
      'module a.b/m\ngo 1.99.beta1\nfrob x\nwild (\n\tx\n)\nretract [v1.0.0, )\nreplace nonsense\nrequire a.b/c v1\n';
    const file = fileOf(parseModFileLax(bytes(goMod)));
    expect(file).toMatchObject({ module: { path: 'a.b/m' }, go: '1.99', retract: [], replace: [] });
    expect(file.require).toEqual([{ path: 'a.b/c', version: 'v1.0.0', isIndirect: false }]);
  });

  test('may have comments that are not UTF-8, which printing keeps', () => {
    const goMod = Buffer.concat([bytes('module a.b/m // '), Uint8Array.of(0xb0, 0xd7), bytes('\n')]);
    expect(Buffer.from(formatModFile(fileOf(parseModFileLax(goMod)).syntax))).toEqual(goMod);
  });
});

test('comments say which module is deprecated and why versions are retracted', () => {
  const goMod =
    '// Deprecated: use\n// that\nmodule m\n\n// broken\nretract (\n\tv1.0.0\n\t[v1.1.0, v1.2.0] // slow\n)\n';
  const file = fileOf(parseModFile(bytes(goMod)));
  expect(file.module?.deprecated).toBe('use\nthat');
  expect(file.retract.map((r) => r.rationale)).toEqual(['broken', 'slow']);
});

test('printing brings a file into the standard layout', () => {
  const untidy =
    '\n\n module   "m"// x\r\n\n\n\nrequire(\n\n"a.b/c"   v1 //indirect\n\n\n// why\na.b/d v1.0.0\n\n)\nretract [ v1.0.0,v1.1.0 ]\n';
  expect(Buffer.from(formatModFile(fileOf(parseModFile(bytes(untidy))).syntax)).toString()).toBe(
    'module m // x\n\nrequire (\n\ta.b/c v1.0.0 //indirect\n\n\t// why\n\ta.b/d v1.0.0\n)\n\nretract [v1.0.0, v1.1.0]\n',
  );
});

describe('a workspace', () => {
  test('names its modules', () => {
    const work = fileOf(parseWorkFile(bytes('go 1.22\nuse (\n\t./a\n\t"./b c"\n)\nreplace x.y/z => ./z\n')));
    expect(work).toMatchObject({
      go: '1.22',
      use: ['./a', './b c'],
      replace: [{ old: { path: 'x.y/z', version: '' }, new: { path: './z' } }],
    });
  });

  test('has no other directives', () => {
    expect(problemsOf(parseWorkFile(bytes('module m\nuse a b\nrequire (\n)\n')))).toHaveLength(3);
  });
});

test('a file of too many tokens is refused before its tree fills the memory', () => {
  expect(problemsOf(parseModFileLax(bytes('x\n'.repeat(600_000))))).toEqual([
    'go.mod:500001:1: more than 1000000 tokens',
  ]);
});

describe('a hostile file of 1 MB is done with in time', () => {
  const hostile: Record<string, string> = {
    'open parentheses': '('.repeat(1 << 20),
    'pairs of parentheses': '()'.repeat(1 << 19),
    'a block opened on every line': 'x (\n'.repeat(1 << 18),
    'one line of many tokens': 'a '.repeat(1 << 19),
    'one word': 'a'.repeat(1 << 20),
    'one word of letters outside ASCII': 'é'.repeat(1 << 19),
    'one comment': `//${' x'.repeat(1 << 19)}`,
    'one comment of spaces before a word': `module m // ${' '.repeat(1 << 20)}x`,
    'comments only': '//\n'.repeat(1 << 18),
    'lines of one letter': 'x\n'.repeat(1 << 19),
    'retracted nonsense': `retract (\n${'[\n'.repeat(1 << 19)})\n`,
    'a quoted string of escapes': `module "${'\\x41'.repeat(1 << 18)}"`,
    'an unclosed string': `module "${'\\"'.repeat(1 << 19)}`,
    'deprecation everywhere': `${'// Deprecated:\n//\n'.repeat(1 << 16)}module m\n`,
    'escaped newlines with comments': '"\\\n" // x\n'.repeat(1 << 16),
    'bytes that are not UTF-8': `module m // ${'\xff'.repeat(1 << 20)}`,
  };
  test.each(Object.entries(hostile))('%s', (name, text) => {
    const goMod = Buffer.from(text, name.includes('UTF-8') ? 'latin1' : 'utf8');
    const start = performance.now();
    parseModFile(goMod);
    const lax = parseModFileLax(goMod);
    if (lax.ok) formatModFile(lax.file.syntax);
    const millis = performance.now() - start;
    // Far above the 20 to 400 ms that these three steps take, far below what anything quadratic would.
    expect(millis).toBeLessThan(3000);
  });
});
