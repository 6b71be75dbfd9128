import { describe, expect, test } from 'vitest';
import { parseModulePath } from '../module.ts';
import { codePlace } from './place.ts';

function place(module: string, root: string, subdirectory = '') {
  return codePlace(parseModulePath(module), { root, url: 'https://git.test/repo', subdirectory });
}

describe('where a module lies in its repository', () => {
  test.each([
    ['git.test/repo', 'git.test/repo', '', '', '', ''],
    ['git.test/repo/sub/dir', 'git.test/repo', '', 'sub/dir', 'sub/dir/', ''],
    ['git.test/repo/v2', 'git.test/repo', '', '', '', 'v2'],
    ['git.test/repo/sub/v3', 'git.test/repo', '', 'sub', 'sub/', 'v3'],
    ['git.test/repo/v2', 'git.test/repo/v2', '', '', '', 'v2'],
    ['gopkg.in/yaml.v2', 'gopkg.in/yaml.v2', '', '', '', 'v2'],
    ['gopkg.in/x.v2-unstable', 'gopkg.in/x.v2-unstable', '', '', '', 'v2'],
    ['go.test/tool', 'go.test/tool', 'go/src', 'go/src', 'go/src/', ''],
    ['go.test/tool/sub', 'go.test/tool', 'go', 'sub/go', 'sub/go/', ''],
    ['go.test/tool/sub', 'go.test/tool', '../other/.', 'other', 'other/', ''],
  ])(
    '%s in the repository %s (%s) is in %j, its tags begin with %j, its major is %j',
    (module, root, sub, ...wanted) => {
      const { codeDir, tagPrefix, pseudoMajor } = place(module, root, sub);
      expect([codeDir, tagPrefix, pseudoMajor]).toEqual(wanted);
    },
  );

  test('a module cannot be in a repository whose root is no part of its path', () => {
    for (const [module, root] of [
      ['git.test/repo', 'git.test/re'],
      ['git.test/repo', 'git.test/repo/sub'],
      ['git.test/a/v2/b/v3', 'git.test/other'],
    ] as const) {
      expect(() => place(module, root)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    }
  });

  test('a folder that climbs out of the repository is refused', () => {
    expect(() => place('git.test/repo/sub', 'git.test/repo', '../../x')).toThrow(/outside the repository/);
  });
});
