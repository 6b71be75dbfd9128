/** Repositories whose makers want something executed or written where they are fetched and archived. All are at `evil/NAME` and claim the module `github.com/evil/NAME`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommitSpec, makeRepository, plainGit, type RepositoryFile } from './git-repositories.ts';

/** Of a file that asks git for the message of its commit. */
export const SUBSTITUTION = 'asked: $Format:%s$\n';

/** `served`: what is harmless about it is a module like any other. `refused`: there is nothing to serve. `either`: no rule says. */
export type Fate = 'served' | 'refused' | 'either';

export interface HostileRepository {
  readonly name: string;
  readonly fate: Fate;
}

interface Plan {
  readonly fate: Fate;
  /** Beside go.mod and x.go. */
  readonly files?: Readonly<Record<string, RepositoryFile>>;
  readonly commit?: CommitSpec;
  /** What plumbing does to it afterwards. */
  readonly finish?: (folder: string) => void;
}

/** Makes them below `folder`. Each payload would make the file `canary`. */
export async function makeHostileRepositories(folder: string, canary: string): Promise<readonly HostileRepository[]> {
  const made: HostileRepository[] = [];
  for (const [name, { fate, files = {}, commit = {}, finish }] of Object.entries(plansFor(canary))) {
    const at = join(folder, 'evil', `${name}.git`);
    const base = { 'go.mod': `module github.com/evil/${name}\n`, 'x.go': 'package x\n', ...files };
    await makeRepository(at, { commits: [{ name: 'first', files: base, tags: ['v1.0.0'], ...commit }] });
    finish?.(at);
    made.push({ name, fate });
  }
  return made;
}

function plansFor(canary: string): Readonly<Record<string, Plan>> {
  const touch = `touch ${canary}`;
  const spaceless = `touch\${IFS}${canary}`;
  return {
    filters: {
      fate: 'served',
      files: {
        '.gitattributes': '* filter=evil diff=evil merge=evil\n*.lfs filter=lfs -text\n',
        'a.txt': 'a\n',
        'b.lfs': 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n',
        '.lfsconfig': `[lfs]\n\turl = ext::sh -c ${spaceless}\n\tcustomtransfer.evil.path = ${touch}\n`,
      },
    },
    'attributes-of-many-kinds': {
      fate: 'served',
      files: {
        '.gitattributes': `${'[attr]a'.repeat(1)} filter=evil\n*.txt a working-tree-encoding=UTF-7;${spaceless}\n`,
        'deep/.gitattributes': '*.txt !filter\n* export-subst export-ignore\n',
        'info/attributes': '* filter=evil\n',
        'a.txt': 'a\n',
      },
    },
    hooks: {
      fate: 'served',
      files: Object.fromEntries(
        ['hooks/post-checkout', '.githooks/pre-commit', 'hooks/reference-transaction'].map((path) => [
          path,
          { mode: '100755', content: `#!/bin/sh\n${touch}\n` } as const,
        ]),
      ),
    },
    'configuration-in-the-tree': {
      fate: 'served',
      files: {
        config: `[core]\n\tfsmonitor = ${touch}\n\tsshCommand = ${touch}\n[alias]\n\tarchive = !${touch}\n`,
        HEAD: 'ref: refs/heads/main\n',
        'objects/info/alternates': '/etc\n',
        'refs/heads/main': '0'.repeat(40),
        '.gitconfig': `[core]\n\tpager = ${touch}\n`,
      },
    },
    submodules: {
      fate: 'served',
      files: {
        '.gitmodules': [
          ['sub', `ext::sh -c ${spaceless}`],
          ['sub\r', `file://${canary}`],
          ['../../../hooks', `-u./${spaceless}`],
          ['x', `--upload-pack=${spaceless}`],
        ]
          .map(([name, url]) => `[submodule "${name}"]\n\tpath = ${name}\n\turl = ${url}\n\tupdate = !${touch}\n`)
          .join(''),
        sub: { mode: '160000', commit: '11'.repeat(20) },
      },
    },
    /** What git itself takes for one: it refuses the file above for its `update`. */
    'a-submodule-that-runs': {
      fate: 'served',
      files: {
        '.gitmodules': `[submodule "sub"]\n\tpath = sub\n\turl = ext::sh -c ${spaceless}\n`,
        sub: { mode: '160000', commit: '11'.repeat(20) },
      },
    },
    links: {
      fate: 'served',
      files: {
        up: { mode: '120000', content: '../../../../../../../../tmp' },
        away: { mode: '120000', content: canary },
        '.gitattributes': { mode: '120000', content: '/etc/passwd' },
        LICENSE: { mode: '120000', content: '/etc/shadow' },
      },
    },
    substitution: {
      fate: 'served',
      files: {
        '.gitattributes': '* export-subst\n',
        'b.txt': SUBSTITUTION,
        'a.txt': `$Format:%<(2147483647)%H$ $Format:%(trailers:key=${'x'.repeat(1000)})$ $Format:%(describe)$\n`.repeat(
          50,
        ),
      },
    },
    'options-as-refs': {
      fate: 'served',
      finish: (at) => {
        for (const name of optionsAsNames(spaceless, canary)) {
          plainGit(at, ['update-ref', `refs/tags/${name}`, 'refs/heads/main']);
          plainGit(at, ['update-ref', `refs/heads/${name}`, 'refs/heads/main']);
        }
      },
    },
    'escapes-in-messages': {
      fate: 'served',
      commit: {
        message: '\u001b]0;owned\u0007\u001b[2J\u001b[31m fatal: \r\n$(touch x)',
        annotated: ['v1.0.1'],
      },
    },
    'a-tag-of-a-tag-of-a-tag': {
      fate: 'served',
      finish: (at) => {
        let tagged = plainGit(at, ['rev-parse', 'refs/heads/main']);
        for (let i = 0, type = 'commit'; i < 50; i++, type = 'tag')
          tagged = plainGit(at, ['hash-object', '-t', 'tag', '-w', '--stdin'], {}, tagText(tagged, type, `t${i}`));
        plainGit(at, ['update-ref', 'refs/tags/v1.1.0', tagged]);
      },
    },
    'heads-in-a-circle': {
      fate: 'either',
      finish: (at) => {
        plainGit(at, ['symbolic-ref', 'refs/heads/a', 'refs/heads/b']);
        plainGit(at, ['symbolic-ref', 'refs/heads/b', 'refs/heads/a']);
        plainGit(at, ['symbolic-ref', 'HEAD', 'refs/heads/a']);
      },
    },
    'many-refs': {
      fate: 'served',
      finish: (at) => {
        const head = plainGit(at, ['rev-parse', 'refs/heads/main']);
        const names = ['heads/main', ...Array.from({ length: 3000 }, (_, i) => `tags/n${i}/${'x'.repeat(40)}`)];
        const lines = [...names, 'tags/v1.0.0'].toSorted().map((name) => `${head} refs/${name}\n`);
        writeFileSync(join(at, 'packed-refs'), `# pack-refs with: peeled fully-peeled sorted \n${lines.join('')}`);
      },
    },
    /** Ten folders in each of ten folders, ten times: one object each. */
    'a-bomb-of-folders': { fate: 'refused', finish: (at) => commitTree(at, bomb(at)) },
    /** Fine for git as long as nobody unpacks it. */
    'a-deep-tree': { fate: 'either', finish: (at) => commitTree(at, deep(at, 3000)) },
    ...Object.fromEntries(ESCAPES.map((path, i) => [`escape-${i}`, escapePlan(path)])),
  };
}

/** Paths that lie outside, in git's own folder, or are taken for it by some file system. */
const ESCAPES: readonly (readonly string[])[] = [
  ['..', 'x.txt'],
  ['..', '..', '..', 'tmp', 'larder-escape'],
  ['.', 'x.txt'],
  ['.git', 'config'],
  ['.GIT', 'hooks', 'post-checkout'],
  ['git~1', 'config'],
  ['.git.', 'config'],
  ['.git ', 'config'],
  ['.g\u200cit', 'config'],
  ['.git::$INDEX_ALLOCATION', 'config'],
  ['.git\\hooks\\post-checkout'],
  ['..\\..\\x.txt'],
  ['C:\\windows\\x.txt'],
  ['a\r\n', 'x.txt'],
  ['\u001b[2J.txt'],
  ['', 'etc', 'passwd'],
];

function escapePlan(path: readonly string[]): Plan {
  const isOrdinary = ['git~1', '.git.', '.git ', '.g\u200cit', '.git::$INDEX_ALLOCATION', '.GIT'].includes(
    path[0] ?? '',
  );
  return {
    fate: isOrdinary ? 'either' : 'refused',
    finish(at) {
      const blob = plainGit(at, ['hash-object', '-w', '--stdin'], {}, '[core]\n\tfsmonitor = false\n');
      let entry = { mode: '100644', name: path.at(-1) ?? '', hash: blob };
      for (const name of path.slice(0, -1).toReversed()) entry = { mode: '40000', name, hash: writeTree(at, [entry]) };
      const goMod = plainGit(at, ['rev-parse', 'refs/heads/main:go.mod']);
      commitTree(at, writeTree(at, [entry, { mode: '100644', name: 'go.mod', hash: goMod }]));
    },
  };
}

interface TreeEntry {
  readonly mode: string;
  readonly name: string;
  readonly hash: string;
}

/** Whatever its entries are called. */
function writeTree(at: string, entries: readonly TreeEntry[]): string {
  const bytes = entries.flatMap(({ mode, name, hash }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(hash, 'hex')]);
  return plainGit(at, ['hash-object', '-t', 'tree', '--literally', '-w', '--stdin'], {}, Buffer.concat(bytes));
}

/** A commit of the tree, as the only one, under the branch and the tag. */
function commitTree(at: string, tree: string): void {
  const date = '1600000000 +0000';
  const who = `Larder Test <test@corp.example> ${date}`;
  const text = `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nhostile\n`;
  const commit = plainGit(at, ['hash-object', '-t', 'commit', '--literally', '-w', '--stdin'], {}, text);
  for (const ref of ['refs/heads/main', 'refs/tags/v1.0.0']) plainGit(at, ['update-ref', ref, commit]);
}

function tagText(object: string, type: string, name: string): string {
  return `object ${object}\ntype ${type}\ntag ${name}\ntagger Larder Test <test@corp.example> 1600000000 +0000\n\n${name}\n`;
}

function bomb(at: string): string {
  const goMod = { mode: '100644', name: 'go.mod', hash: plainGit(at, ['rev-parse', 'refs/heads/main:go.mod']) };
  const blob = plainGit(at, ['hash-object', '-w', '--stdin'], {}, 'boom\n');
  let level = Array.from({ length: 10 }, (_, i) => ({ mode: '100644', name: `f${i}`, hash: blob }));
  for (let depth = 0; depth < 9; depth++) {
    const tree = writeTree(at, level);
    level = Array.from({ length: 10 }, (_, i) => ({ mode: '40000', name: `d${i}`, hash: tree }));
  }
  return writeTree(at, [...level, goMod]);
}

function deep(at: string, levels: number): string {
  const goMod = { mode: '100644', name: 'go.mod', hash: plainGit(at, ['rev-parse', 'refs/heads/main:go.mod']) };
  const blob = plainGit(at, ['hash-object', '-w', '--stdin'], {}, 'deep\n');
  // In one go: a process for each of thousands of folders takes long.
  const lines = [
    'feature done',
    'commit refs/heads/deep',
    'committer Larder Test <test@corp.example> 1600000000 +0000',
    'data 0',
  ];
  lines.push(`M 100644 ${blob} ${'d/'.repeat(levels)}x.txt`, 'done', '');
  plainGit(at, ['fast-import', '--quiet', '--done'], {}, lines.join('\n'));
  const hash = plainGit(at, ['rev-parse', 'refs/heads/deep:d']);
  plainGit(at, ['update-ref', '-d', 'refs/heads/deep']);
  return writeTree(at, [{ mode: '40000', name: 'd', hash }, goMod]);
}

/** Names of tags and branches that are options where somebody forgets that they are names. */
export function optionsAsNames(command: string, file: string): readonly string[] {
  return [
    `--upload-pack=${command}`,
    `-u${command}`,
    `--exec=${command}`,
    `--output=${file}`,
    `-o${file}`,
    `-oProxyCommand=${command}`,
    `--format=tar.gz`,
    `--remote=ext::${command}`,
    `-c`,
    `--git-dir=x`,
    `$(${command})`,
    `\`${command}\``,
    `;${command}`,
    `|${command}`,
    `&${command}`,
    `'\u0022${command}`,
  ].filter((name) => !/[\s~^:?*[\\]|\.\.|@\{/.test(name));
}
