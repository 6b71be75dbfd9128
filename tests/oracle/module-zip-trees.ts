import type { RepositoryFile } from '../fakes/git-repositories.ts';
import type { Dice } from './dice.ts';
import { someFiles, someLicense } from './git-direct-files.ts';

/** A module in a tree, and where the go command looks for it. */
export interface TreeModule {
  readonly module: string;
  readonly version: string;
  readonly tag: string;
  readonly directory: string;
}

export interface ModuleTrees {
  readonly files: Readonly<Record<string, RepositoryFile>>;
  readonly modules: readonly TreeModule[];
}

const GO_LINES = ['', 'go 1.17\n', 'go 1.23.9\n', 'go 1.24\n', 'go 1.24rc1\n', 'go 1.25\n', 'go what\n'];
/** What else decides about a zip, seldom seen: attributes of the files that have rules of their own, and vendored files. */
const ATTRIBUTES = [
  'go.mod eol=crlf\n',
  'go.mod working-tree-encoding=UTF-16LE\n',
  'LICENSE eol=crlf\n',
  'LICENSE export-ignore\n',
  '* ident\n',
  'vendor/** export-ignore\n',
];
const VENDORED = [
  'vendor/modules.txt',
  'vendor/p.go',
  'vendor/a/q.go',
  'x/vendor/r.go',
  'x/vendor/a/s.go',
  'x/vendor/',
];
const MEETING = ['K.txt', 'k.txt', '\u212a.txt', 'dir/x', 'Dir/y', 'dir', 'go.MOD', 'LICENSE', 'licensE', 'LICENSE/a'];

/** A tree with modules at its root, in a folder, and in the folder of that one's second major version. */
export function modulesOfTree(dice: Dice, root: string, i: number): ModuleTrees {
  const files: Record<string, RepositoryFile> = {};
  const modules: TreeModule[] = [
    { module: root, version: `v0.0.${i}`, tag: `v0.0.${i}`, directory: '' },
    { module: `${root}/sub`, version: `v0.0.${i}`, tag: `sub/v0.0.${i}`, directory: 'sub' },
    { module: `${root}/sub/v2`, version: `v2.0.${i}`, tag: `sub/v2.0.${i}`, directory: 'sub/v2' },
  ];
  for (const { module, directory } of modules) {
    const at = directory === '' ? '' : `${directory}/`;
    Object.assign(files, someFiles(dice, at), meetingFiles(dice, at));
    files[`${at}go.mod`] = `module ${module}\n${dice.pick(GO_LINES)}`;
    if (dice.chance(30)) files[`${at}.gitattributes`] = dice.pick(ATTRIBUTES) + dice.pick(ATTRIBUTES);
  }
  Object.assign(files, someLicense(dice, ['sub/', 'sub/v2/']));
  return { files, modules };
}

function meetingFiles(dice: Dice, at: string): Record<string, RepositoryFile> {
  const names = [...(dice.chance(50) ? dice.some(VENDORED, 3) : []), ...(dice.chance(25) ? dice.some(MEETING, 2) : [])];
  const link: RepositoryFile = { mode: '120000', content: 'elsewhere' };
  return Object.fromEntries(
    names.map((name) => [name.endsWith('/') ? `${at}${name}modules.txt` : at + name, dice.chance(15) ? link : 'x\n']),
  );
}
