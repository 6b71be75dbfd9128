import { expect, test } from 'vitest';
import { isAnchor } from './anchor.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const TREE = 'f'.repeat(40);
const URL = 'https://git.corp.example/team/lib';

test.each([
  [{ url: URL, commit: COMMIT, tree: TREE }],
  [{ url: URL, commit: COMMIT, tree: TREE, tag: 'sub/v1.2.3' }],
  [{ url: 'ssh://git@git.corp.example/x', commit: 'a'.repeat(64), tree: 'b'.repeat(64), tag: 'v1.0.0' }],
])('%j is an anchor', (value) => {
  expect(isAnchor(value)).toBe(true);
});

test.each([
  [undefined],
  [null],
  ['anchor'],
  [{}],
  [{ url: URL, commit: COMMIT }],
  [{ url: '', commit: COMMIT, tree: TREE }],
  [{ url: `${URL}\n`, commit: COMMIT, tree: TREE }],
  [{ url: 'h'.repeat(2049), commit: COMMIT, tree: TREE }],
  [{ url: URL, commit: COMMIT.slice(1), tree: TREE }],
  [{ url: URL, commit: COMMIT.toUpperCase(), tree: TREE }],
  [{ url: URL, commit: COMMIT, tree: 'b'.repeat(64) }],
  [{ url: URL, commit: COMMIT, tree: TREE, tag: '' }],
  [{ url: URL, commit: COMMIT, tree: TREE, tag: 'v1\u001b[31m' }],
  [{ url: URL, commit: COMMIT, tree: TREE, tag: 'v 1' }],
  [{ url: URL, commit: COMMIT, tree: TREE, tag: null }],
  [{ url: URL, commit: COMMIT, tree: TREE, more: 1 }],
])('%j is none', (value) => {
  expect(isAnchor(value)).toBe(false);
});
