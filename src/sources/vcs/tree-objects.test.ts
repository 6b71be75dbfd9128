/** Trees read as git itself lists them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type CommitSpec, makeRepository, plainGit } from '../../../tests/fakes/git-repositories.ts';
import type { GitObject } from './object-reader.ts';
import { treeFilesIn } from './tree-listing.ts';
import { filesOfTree } from './tree-objects.ts';

const scratch = mkdtempSync(join(tmpdir(), 'larder-trees-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
async function repositoryOf(files: CommitSpec['files'], more: { objectFormat?: 'sha1' | 'sha256' } = {}) {
  const path = join(scratch, `r${++count}.git`);
  const { commits } = await makeRepository(path, { ...more, commits: [{ name: 'one', files }] });
  return { path, commit: commits.get('one') ?? '' };
}

function objectIn(path: string, name: string): GitObject {
  const hash = plainGit(path, ['rev-parse', name]);
  const type = plainGit(path, ['cat-file', '-t', hash]);
  return { hash, type, bytes: execFileSync('git', ['-C', path, 'cat-file', type, hash]) };
}

function listed(path: string, tree: string, directory: string) {
  return treeFilesIn(execFileSync('git', ['-C', path, 'ls-tree', '-r', '-t', '-z', tree]), directory);
}

async function read(path: string, tree: string, directory = '') {
  return await filesOfTree(objectIn(path, tree), directory, (hash) => Promise.resolve(objectIn(path, hash)));
}

const ODD: CommitSpec['files'] = {
  'go.mod': 'module x\n',
  'a b/c\td': '1',
  'a-b': '2',
  'a/b/c/d.go': '3',
  'a.go': '4',
  'ünï/код.go': '5',
  run: { mode: '100755', content: '#!' },
  link: { mode: '120000', content: 'go.mod' },
  module: { mode: '160000', commit: '1'.repeat(40) },
};

describe('the files of a tree', () => {
  test.each(['sha1', 'sha256'] as const)('are those that git lists, in its order: %s', async (objectFormat) => {
    const { module: _, ...files } = ODD;
    const { path, commit } = await repositoryOf(objectFormat === 'sha1' ? ODD : files, { objectFormat });
    expect(await read(path, `${commit}^{tree}`)).toEqual(listed(path, commit, ''));
    expect(await read(path, `${commit}:a`, 'a')).toEqual(listed(path, `${commit}:a`, 'a'));
  });

  test('are left to git where there are many folders, and no more of them are read', async () => {
    const many = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`d${i}/f.go`, '']));
    const few = await repositoryOf(many(48));
    expect(await read(few.path, `${few.commit}^{tree}`)).toEqual(listed(few.path, few.commit, ''));
    const { path, commit } = await repositoryOf(many(49));
    const never = (): Promise<undefined> => Promise.reject(new Error('was read'));
    expect(await filesOfTree(objectIn(path, `${commit}^{tree}`), '', never)).toBeUndefined();
  });
});

/** A tree of entries with a hash of 20 bytes, as git writes them. */
function treeOf(entries: readonly string[]): GitObject {
  const bytes = Buffer.concat(entries.map((entry) => Buffer.concat([Buffer.from(`${entry}\0`), Buffer.alloc(20, 1)])));
  return { hash: '1'.repeat(40), type: 'tree', bytes };
}

describe('a tree that is none', () => {
  test('that names itself ends', async () => {
    const tree = treeOf(['40000 a']);
    expect(await filesOfTree(tree, '', () => Promise.resolve(tree))).toBeUndefined();
  });

  test('that stands for more names than fit is left to git', async () => {
    const wide = treeOf(Array.from({ length: 3000 }, (_, i) => `100644 ${i}`));
    const deep = (name: string) => filesOfTree(treeOf([`40000 ${name}`]), '', () => Promise.resolve(wide));
    expect(await deep('a'.repeat(100))).toHaveLength(3001);
    expect(await deep('a'.repeat(5000))).toBeUndefined();
  });

  test.each([
    ['cut', treeOf(['100644 a']).bytes.subarray(0, 20)],
    ['without modes', treeOf([' a']).bytes],
    ['with other modes', treeOf(['x100644 a']).bytes],
    ['without names', treeOf(['100644 ']).bytes],
    ['of text', Buffer.from('no tree')],
  ])('is left to git: one %s', async (_, bytes) => {
    const tree: GitObject = { ...treeOf([]), bytes };
    expect(await filesOfTree(tree, '', () => Promise.resolve(undefined))).toBeUndefined();
  });

  test('nor is what should be a folder and is a file, or is not there', async () => {
    const file: GitObject = { ...treeOf([]), type: 'blob' };
    for (const found of [file, undefined])
      expect(await filesOfTree(treeOf(['40000 a']), '', () => Promise.resolve(found))).toBeUndefined();
  });
});
