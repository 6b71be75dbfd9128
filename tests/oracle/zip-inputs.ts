import * as fc from 'fast-check';
import type { ModuleFile } from '../../src/gomod/zip/check.ts';
import { damaged, filePathLikes } from './inputs.ts';

/** A file of a made-up module. `size` is what the file says of itself where that is not its content's. */
export interface InputFile {
  readonly path: string;
  readonly mode: ModuleFile['mode'];
  readonly size: number | undefined;
  readonly content: string;
}

/** Few names, so that they meet: equal but for case, as file and as directory, in vendor and nested module directories. */
const NAMES = [
  'a.go',
  'A.go',
  'b',
  'B',
  'k',
  'K',
  '\u212a',
  's',
  'ſ',
  'σ',
  'ς',
  'ß',
  'ss',
  'é',
  'É',
  '\u01c5',
  '\u01c4',
  '中',
  'vendor',
  'vendor',
  'Vendor',
  'modules.txt',
  'go.mod',
  'go.mod',
  'GO.MOD',
  'Go.mod',
  'LICENSE',
  'license',
  'sub',
  'sub',
  'v2',
  '.hg_archival.txt',
  '.git',
  '.gitignore',
  'x y',
];
const ODD_NAMES = ['..', '.', '', 'con', 'a\\b', 'a:b', 'x.', '\udcff', 'a\nb', '😀'];

const paths: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }).map((names) => names.join('/')),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.constantFrom(...NAMES, ...ODD_NAMES), { minLength: 1, maxLength: 4 })
      .map((names) => names.join('/')),
  },
);

const CONTENTS = ['', 'package p\n', 'x'.repeat(5000), 'module m\n', '\udcff\0'];
const GO_MODS = [
  'module m\n',
  'module m\ngo 1.23\n',
  'module m\ngo 1.24\n',
  'module m\ngo 1.24rc1\n',
  'module m\ngo v1.25.3\n',
  'module m\ngo 1.9\n',
  'module m\ngo 2.0\n',
  'go 1.24\n(\n',
  'go 1.24\ngo 1.24\n',
  '',
];

const MIB = 1024 * 1024;
const SIZES = [0, 16 * MIB, 16 * MIB + 1, 250 * MIB, 500 * MIB, 500 * MIB + 1];

const anyFile: fc.Arbitrary<InputFile> = fc.record({
  path: paths,
  mode: fc.constantFrom('regular', 'regular', 'regular', 'regular', 'regular', 'symlink', 'directory', 'other'),
  size: fc.option(fc.constantFrom(...SIZES), { freq: 9, nil: undefined }),
  content: fc.constantFrom(...CONTENTS),
});

const goModFile: fc.Arbitrary<InputFile> = fc
  .constantFrom(...GO_MODS)
  .map((content) => ({ path: 'go.mod', mode: 'regular', size: undefined, content }));

/** Source trees, most of which have something that must be left out or refused. */
export const trees: fc.Arbitrary<InputFile[]> = fc
  .tuple(fc.option(goModFile, { freq: 3, nil: undefined }), fc.array(anyFile, { maxLength: 8 }))
  .map(([goMod, files]) => (goMod === undefined ? files : [...files, goMod]));

const DIRECTORIES = ['', '', 'lib/', 'lib/x/', 'vendor/', 'é/', '中/文/', 'sub/'];
const FILES = ['a.go', 'b.go', 'README', 'é', '\ufb01', 'LICENSE', 'modules.txt', 'A', 'z z', 'go.sum'];

/** Source trees of regular files of honest sizes: most make a zip. */
export const plainTrees: fc.Arbitrary<InputFile[]> = fc
  .uniqueArray(
    fc.record({
      path: fc
        .tuple(fc.constantFrom(...DIRECTORIES), fc.constantFrom(...FILES, 'go.mod', 'a.GO'))
        .map((parts) => parts.join('')),
      content: fc.oneof(fc.constantFrom(...CONTENTS), fc.string({ maxLength: 300 })),
    }),
    { selector: ({ path }) => path, maxLength: 8 },
  )
  .map((files) => files.map((file) => ({ ...file, mode: 'regular', size: undefined })));

/** Module paths with a version; some cannot name a zip. */
export const names: fc.Arbitrary<readonly [string, string]> = fc.constantFrom(
  ['a.b/c', 'v1.2.3'],
  ['a.b/c', 'v1.2.3'],
  ['github.com/Azure/x/v2', 'v2.0.0-rc.1'],
  ['gopkg.in/yaml.v2', 'v2.4.0'],
  ['a.b/c', 'v2.0.0+incompatible'],
  ['a.b/c', 'v0.0.0-20060102150405-0123456789ab'],
  ['a.b/c', 'v2.0.0'],
  ['a.b/c', 'v1.2'],
  ['a.b/c', 'v1.2.3+meta'],
  ['nodot', 'v1.0.0'],
);

/** Names of entries of a zip that is said to be of a@v1.0.0, as `a.b/c@v1.0.0/...`; some are outside of it. */
export const entryNames: fc.Arbitrary<string[]> = fc.array(
  fc
    .tuple(
      fc.constantFrom(...Array.from({ length: 19 }, () => 'a.b/c@v1.0.0/'), 'a.b/C@v1.0.0/', 'a.b/c@v1.0.0', '', '/'),
      paths,
      fc.constantFrom('', '', '', '/'),
    )
    .map((parts) => parts.join(''))
    .filter((name) => name !== ''),
  { maxLength: 7 },
);

/** Files by name and content for a hash: order, repeats and odd names matter. */
export const hashedFiles: fc.Arbitrary<(readonly [string, string])[]> = fc.array(
  fc.tuple(
    fc.oneof(damaged(paths, ['/', '\ue000', '\uffff', '😀', '\udc80', 'a', '\n']), filePathLikes),
    fc.constantFrom(...CONTENTS),
  ),
  { maxLength: 8 },
);
