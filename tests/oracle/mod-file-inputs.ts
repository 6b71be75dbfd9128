import * as fc from 'fast-check';
import { damaged } from './inputs.ts';

/** Texts of go.mod and go.work files: directives as people write them, in all layouts, with some damage. */

const PATHS = [
  'a.b/c',
  'a.b/c/v2',
  'a.b/c/v3',
  '"a.b/c"',
  'gopkg.in/yaml.v2',
  'gopkg.in/x.v1',
  'gopkg.in/bad',
  'm',
  'a.b/c/v1',
  '"a b"',
  '../x',
  '`a.b`',
  "'x'",
  'a.b/é',
  '"a\\x2eb"',
  '""',
  '=>',
  '(',
];
const VERSIONS = [
  'v1.2.3',
  'v1.2.3',
  'v2.0.0',
  'v3.1.0-rc.1',
  'v0.0.0-20060102150405-0123456789ab',
  'v2.0.0+incompatible',
  'v1',
  'v1.2',
  '"v1.0.0"',
  '"v1"',
  'v1.2.3+meta',
  'master',
  'v01.0.0',
  '`v1.0.0`',
  '"v1.0.0\\n"',
];
const TARGETS = [
  './d',
  '../d',
  '/abs',
  '"./a b"',
  '"./a()"',
  '..',
  '.',
  'C:\\x',
  '.\\x',
  './a\\b',
  'a.b/d v1.0.0',
  'a.b/d/v2 v1',
  './d v1.0.0',
  'a.b/d',
  'a.b/d@v1.0.0',
  'a.b/d master',
  '"a.b/d" "v1.1"',
];
const GO_VERSIONS = [
  '1.20',
  '1.21.3',
  '1.22rc1',
  '1.2.beta1',
  'v1.2.3',
  '1',
  '1.020',
  '01.2',
  '1.22.0-custom',
  '"1.20"',
  'go1.20',
  '1.20 // why',
  '1.20 1.21',
  '',
];
const TOOLCHAINS = [
  'go1.22.3',
  'default',
  'go1',
  'go1.',
  'go2.0',
  'go1x',
  'gccgo',
  'defaults',
  'go1.22.3-custom',
  '"go1.22"',
];
const SETTINGS = ['a=b', 'default=go1.21', 'a', 'a=b,c', 'a=b c=d', '=', 'a="b"', 'a==b'];
const INTERVALS = [
  '[v1.0.0, v1.9.9]',
  '[v1.0.0,v1.1.0]',
  '[ "v1" , v2 ]',
  '[v1.0.0]',
  '[v1.0.0, ',
  '[v1.0.0, v1.1.0] x',
  '[',
  '[v2, v1]',
  '(v1)',
  "[v1, 'x']",
  '["a b", "c]"]',
];

const from = (...texts: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);
const words = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(' '));

/** For each verb, what may follow it; also inside a block. */
const ARGUMENTS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  module: from('a.b/m', 'm', '"a.b/m"', 'a.b/m/v2', '`a.b/m`', '"a b"', 'a b', '', '"x\\u00e9"', "'x'"),
  go: from(...GO_VERSIONS),
  toolchain: from(...TOOLCHAINS),
  godebug: from(...SETTINGS),
  require: words(from(...PATHS), from(...VERSIONS)),
  exclude: words(from(...PATHS), from(...VERSIONS)),
  replace: fc.oneof(
    words(from(...PATHS), from('=>', '=>', '=', ''), from(...TARGETS)),
    words(from(...PATHS), from(...VERSIONS), from('=>'), from(...TARGETS)),
  ),
  retract: fc.oneof(from(...VERSIONS), from(...INTERVALS)),
  tool: from('a.b/c/cmd/x', '"a.b/c"', 'a b', '', './x'),
  ignore: from('./node_modules', 'static', '"a b"', '', 'a b'),
  use: from('./a', '../b', '"./a b"', '', 'a b', '.'),
  frob: from('x', 'x y', '"z"', ''),
};

const SUFFIXES = [
  '',
  '',
  '',
  ' // indirect',
  ' //indirect',
  '// indirect; why',
  ' // Indirect',
  ' // c',
  ' //',
  '\t',
  ' // Deprecated: gone',
  ' // \xa0x',
  ' // a // b ',
];
const COMMENTS = [
  '// c',
  '//',
  '// Deprecated: use n',
  '// more',
  '//Deprecated:  x  ',
  '\t// indented',
  '',
  '',
  '/* no */',
  '// \udcff\udcfe',
  '// 中文\r',
];
const ENDS = ['\n', '\n', '\n', '\r\n', '\n\n', ' \n'];

function linesOf(verbs: readonly string[], alone: boolean): fc.Arbitrary<string> {
  return fc
    .constantFrom(...verbs)
    .chain((verb) =>
      fc
        .tuple(from('', '', ' ', '\t'), ARGUMENTS[verb] ?? from(''), from(...SUFFIXES), from(...ENDS))
        .map(([indent, args, suffix, end]) => `${indent}${alone ? `${verb} ` : ''}${args}${suffix}${end}`),
    );
}

function blocksOf(verbs: readonly string[]): fc.Arbitrary<string> {
  return fc.constantFrom(...verbs).chain((verb) =>
    fc
      .tuple(
        from(' (\n', '(\n', ' ( // c\n', ' (\r\n', ' x (\n', ' ()', ' ( )', ' (', ' ( ( )'),
        fc.array(fc.oneof({ weight: 3, arbitrary: linesOf([verb], false) }, { weight: 1, arbitrary: commentLines }), {
          maxLength: 4,
        }),
        from(')\n', ')\n', ') // c\n', ')', '', ') x\n', '\n)\n'),
      )
      .map(([open, lines, close]) => `${verb}${open}${lines.join('')}${close}`),
  );
}

const commentLines: fc.Arbitrary<string> = from(...COMMENTS).map((comment) => `${comment}\n`);

const ALPHABET = [
  '\n',
  '\n',
  ' ',
  '(',
  ')',
  '[',
  ']',
  ',',
  '"',
  '`',
  "'",
  '\\',
  '\\\n',
  '/',
  '//',
  '/*',
  '=>',
  '{',
  '\r',
  '\t',
  '\0',
  '\v',
  '\u0085',
  '\u00a0',
  '\ufeff',
  'é',
  '😀',
  '\udcff',
  ';',
  'a',
  'module m\n',
];

function filesOf(verbs: readonly string[], verbsOfBlocks: readonly string[]): fc.Arbitrary<string> {
  const statements = fc.oneof(
    { weight: 3, arbitrary: linesOf(verbs, true) },
    { weight: 2, arbitrary: blocksOf(verbsOfBlocks) },
    { weight: 1, arbitrary: commentLines },
  );
  const whole = fc.tuple(
    from('module a.b/m\n', 'module a.b/m\n', '// Deprecated: x\nmodule m\n', ''),
    fc.array(statements, { maxLength: 4 }),
  );
  const intact = whole.map(([head, others]) => head + others.join(''));
  return fc.oneof({ weight: 2, arbitrary: intact }, { weight: 1, arbitrary: damaged(intact, ALPHABET) });
}

const MOD_VERBS = [
  'go',
  'toolchain',
  'godebug',
  'require',
  'require',
  'exclude',
  'replace',
  'retract',
  'retract',
  'tool',
  'ignore',
];

/** Texts of go.mod files. */
export const modFiles: fc.Arbitrary<string> = filesOf(
  [...MOD_VERBS, 'module', 'frob'],
  [...MOD_VERBS, 'module', 'frob'],
);

/** Texts of few kinds of lines in random order, so that brackets, comments and strings meet in all ways. */
export const plainModFiles: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      from(
        'require a.b/c v1.2.3',
        'retract v1.0.0',
        'retract [v1.0.0, v1.1.0]',
        'go 1.21',
        'require (',
        ')',
        'exclude (',
        'a.b/d "v1.0.0"',
        'x y (',
        ')',
        'ignore ()',
        '"\\',
        '"',
      ),
      from(...COMMENTS),
    ),
    { maxLength: 10 },
  )
  .chain((lines) =>
    fc
      .array(fc.tuple(from(...SUFFIXES), from(...ENDS)), { minLength: lines.length, maxLength: lines.length })
      .map((tails) => lines.map((line, i) => line + (tails[i] ?? []).join('')).join('')),
  );

/** Texts of go.work files. */
export const workFiles: fc.Arbitrary<string> = filesOf(
  ['go', 'toolchain', 'godebug', 'use', 'use', 'replace', 'frob'],
  ['use', 'replace', 'godebug', 'go', 'frob'],
).map((text) => text.replace(/^module.*\n/, ''));

/** Texts in which a module line may be found by the tolerant scan. */
export const scannedFiles: fc.Arbitrary<string> = fc.oneof(
  modFiles,
  damaged(
    from(
      'module a.b/c',
      'module\t"a.b/c"',
      ' module `a.b/c` // x',
      'x\nmodule m; go 1.20\n',
      'module (\n\ta.b/c\n)\n',
      'module "a//b"',
      'modulex y\nmodule\u00a0z',
      'module "\\xff\\"x"\r\n',
    ),
    ALPHABET,
  ),
);
