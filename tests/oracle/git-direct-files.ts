import type { RepositoryFile } from '../fakes/git-repositories.ts';
import type { Dice } from './dice.ts';

type Files = Record<string, RepositoryFile>;

const GO_LINES = ['', 'go 1.16\n', 'go 1.21\n', 'go 1.23.4\n', 'go 1.24\n', 'go 1.24rc1\n'];
const RETRACTIONS = [
  'retract v1.0.0\n',
  'retract [v1.0.0, v1.1.0] // broken\n',
  'retract (\n\tv0.1.0\n\tv1.1.0-pre\n)\n',
  'retract v2.0.0+incompatible\n',
  'retract not-a-version\n',
];

/** A go.mod of the module `path` that lies in a folder of its repository: most are in order. */
export function goModFile(dice: Dice, path: string): RepositoryFile {
  const rest = dice.pick(GO_LINES) + (dice.chance(25) ? dice.pick(RETRACTIONS) : '');
  if (dice.chance(90)) return `module ${path}\n\n${rest}`;
  return dice.pick<RepositoryFile>([
    `// first\nmodule "${path}" // quoted\r\n${rest}`,
    `module (\n\t${path}\n)\n${rest}`,
    `module ${path}/v2\n${rest}`,
    `module ${path.replace(/\/v\d+$/, '')}\n${rest}`,
    `module example.com/other/name\n${rest}`,
    `module gopkg.in/other.v1\n${rest}`,
    'module foo\n',
    'module example.com/other/v3\n',
    `modul ${path}\n`,
    '',
    'go 1.20\n',
    `module ${path}\nmodule ${path}\n`,
    `module \`${path}\`\n`,
    'module ${path\n',
    { mode: '120000', content: 'other.mod' },
    { mode: '100755', content: `module ${path}\n${rest}` },
    '\u{feff}module x\n',
  ]);
}

const ATTRIBUTES = [
  '*.txt eol=crlf\n',
  '* text=auto\n',
  '*.txt text\n*.go -text\n',
  '*.txt ident\n',
  '* text eol=lf\n',
  'private.txt export-ignore\n*.md export-ignore\n',
  '*.txt export-subst\n',
  '*.txt working-tree-encoding=UTF-16LE\n',
  '*.dat filter=lfs diff=lfs merge=lfs -text\n',
  '[attr]plain -text -ident\n*.txt plain\n',
  '*.txt eol=crlf\nsub/*.txt -text\n/a.txt !eol\n',
  '* -export-ignore\n*.txt text=input\n',
  'odd\u{1}line\n*.txt eol=crlf\n',
];
const TEXTS = [
  'one\ntwo\n',
  'one\r\ntwo\r\n',
  'mixed\r\nlines\n',
  '',
  'no end',
  '$Id$\n$Format:%H$\n',
  '$Id: 0123456789 $\n',
  'nul\0byte\n',
  'naïve\n',
  'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n',
];
const NAMES = [
  'a.txt',
  'b.txt',
  'x.go',
  'doc.md',
  'private.txt',
  'lib/y.go',
  'lib/deep/z.txt',
  'blob.dat',
  'sub/s.txt',
];
const ODD_NAMES = [
  'space name.txt',
  'naïve.go',
  '世界.go',
  '.hidden/x',
  '-dash.go',
  'a+b~c.go',
  '!x.go',
  'x(y).go',
  "it's.txt",
  'ſ.txt',
  '.gitmodules',
  '.gitignore',
  'vendor/modules.txt',
  'vendor/a.com/b/c.go',
  'vendor/x.go',
  'lib/vendor/a.com/c.go',
  'lib/vendor/y.go',
  'lib/vendor/modules.txt',
  'testdata/vendor/v.go',
  'nested/go.mod',
  'nested/GO.MOD',
  'nested/x.go',
  '.hg_archival.txt',
  'LICENSE/why.txt',
  'LICENSE.md',
];
/** Each makes a module zip impossible, unless it lies where nothing is taken from. */
const BAD_NAMES = [
  'A.txt',
  'Lib/Q.go',
  'con.txt',
  'aux',
  'a:b.go',
  'back\\slash.go',
  'q"q.go',
  'dot./x.go',
  'emoji😀.go',
  'ctl\u0001.go',
  'GO.mod',
  'x*.go',
  'semi;.go',
  'license',
  'sub/license',
  'ünï\u0301.go',
];

/** Files that a commit changes in the folder `at`, which ends in a slash or is empty. */
export function someFiles(dice: Dice, at: string): Files {
  const files: Files = {};
  for (const name of dice.some(NAMES, 1 + dice.below(4))) files[at + name] = someContent(dice);
  if (dice.chance(35)) files[at + dice.pick(ODD_NAMES)] = someContent(dice);
  if (dice.chance(3)) files[at + dice.pick(BAD_NAMES)] = someContent(dice);
  if (dice.chance(25))
    files[`${at}.gitattributes`] = dice.pick(ATTRIBUTES) + (dice.chance(30) ? dice.pick(ATTRIBUTES) : '');
  if (dice.chance(12))
    files[`${at}link${dice.below(3)}`] = {
      mode: '120000',
      content: dice.pick(['a.txt', '../..', '/etc/passwd', 'x'.repeat(150)]),
    };
  if (dice.chance(8)) files[`${at}module${dice.below(2)}`] = { mode: '160000', commit: '17'.repeat(20) };
  if (dice.chance(4)) files[`${at}${'long/'.repeat(30)}name-${'n'.repeat(80)}.txt`] = 'far down\n';
  return files;
}

function someContent(dice: Dice): RepositoryFile {
  if (dice.chance(8)) return { mode: '100755', content: dice.pick(TEXTS) };
  if (dice.chance(6)) return Buffer.from(dice.pick(TEXTS).repeat(3000));
  return `${dice.pick(TEXTS)}${dice.chance(50) ? dice.below(1000) : ''}`;
}

/** Where a LICENSE lies, and what it is. */
export function someLicense(dice: Dice, folders: readonly string[]): Files {
  if (dice.chance(35)) return {};
  const files: Files = { LICENSE: dice.chance(85) ? 'the licence of all\n' : { mode: '120000', content: 'COPYING' } };
  if (dice.chance(40))
    files[`${dice.pick(folders)}LICENSE`] = dice.chance(80) ? 'a licence\n' : { mode: '120000', content: '../LICENSE' };
  return files;
}
