import { describe, expect, test } from 'vitest';
import { parseModulePath } from './module.ts';
import { impossiblePathReason, staticRoot } from './vcs-paths.ts';

describe('a hard-wired code host', () => {
  test.each([
    ['github.com/A/B/c/d', 'github.com/A/B'],
    ['github.com/a/b.bzr', 'github.com/a/b.bzr'],
    ['bitbucket.org/w/p/sub', 'bitbucket.org/w/p'],
    ['hub.jazz.net/git/user1/pkg/x', 'hub.jazz.net/git/user1/pkg'],
    ['git.apache.org/a_2.x.git/path', 'git.apache.org/a_2.x.git'],
    ['git.openstack.org/openstack/swift.git', 'git.openstack.org/openstack/swift.git'],
  ])('of %s has the repository %s', (path, root) => {
    expect(staticRoot(path)).toEqual({ kind: 'known', vcs: 'git', root, repoUrl: `https://${root}` });
  });

  test('chiselapp.com keeps fossil repositories', () => {
    expect(staticRoot('chiselapp.com/user/kyle/repository/gg')).toMatchObject({ kind: 'known', vcs: 'fossil' });
  });

  test.each([
    'github.com',
    'github.com/a',
    'github.com/a/b.git',
    'github.com/a/b.hg/c',
    'github.com/a/b/~c',
    'bitbucket.org/x',
    'bitbucket.org/a/b.svn',
    'hub.jazz.net/git',
    'hub.jazz.net/git/User/x',
    'hub.jazz.net/git/u/x.fossil',
    'git.apache.org/x',
    'git.openstack.org/x',
    'chiselapp.com/user/a',
    'example.net/x',
    'rsc.io',
  ])('has no repository at %s: said without asking anyone', (path) => {
    expect(impossiblePathReason(parseModulePath(path))).toMatch(/^[\x20-\x7e]+$/);
  });

  test.each([
    'golang.org/x',
    'example.com',
    'github.comx/a',
    'hub.jazz.net/other',
    'rsc.io/quote',
    'gopkg.in/yaml.v2',
    'gitlab.com/a',
  ])('is not %s, which must be asked', (path) => {
    expect(staticRoot(path)).toEqual({ kind: 'asked' });
    expect(impossiblePathReason(parseModulePath(path))).toBeUndefined();
  });

  test('is recognised in linear time', () => {
    const start = performance.now();
    staticRoot(`github.com/a/b${'/c.-'.repeat(1 << 18)}+`);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
