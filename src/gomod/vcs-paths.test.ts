import { describe, expect, test } from 'vitest';
import { parseModulePath } from './module.ts';
import { impossiblePathReason, qualifiedRoot, staticRoot } from './vcs-paths.ts';

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

describe('a qualifier', () => {
  test.each([
    ['a.example/x.git', 'a.example/x.git', 'a.example/x'],
    ['a.example/x.git/sub/v2', 'a.example/x.git', 'a.example/x'],
    ['a.example/x.git/y.git/z', 'a.example/x.git/y.git', 'a.example/x.git/y'],
    ['a.example/x.git.git', 'a.example/x.git.git', 'a.example/x.git'],
    ['a.example/~user/x.git/~y', 'a.example/~user/x.git', 'a.example/~user/x'],
    ['a.example:8443/x.git', 'a.example:8443/x.git', 'a.example:8443/x'],
    ['a.b/x~y/c.example/z.git', 'c.example/z.git', 'c.example/z'],
  ])('of %s names the repository %s', (path, root, repository) => {
    expect(qualifiedRoot(path)).toEqual({ vcs: 'git', root, repository });
  });

  test.each(['hg', 'svn', 'fossil'])('may be .%s', (vcs) => {
    expect(qualifiedRoot(`a.example/x.${vcs}/y`)).toMatchObject({ vcs });
  });

  test.each([
    'a.example/x',
    'a.example/x.gitx',
    'a.example/x.bzr',
    'a.example/.git',
    'a.example/~.git',
    'example/x.git',
    '.example/x.git/y~z',
    'a.example/x.git//y',
    'a.example/x+y.git/z',
    'x.git',
    'a./x.git',
  ])('is not in %s', (path) => {
    expect(qualifiedRoot(path)).toBeUndefined();
  });

  test.each(['a.git/', 'a.b/c.git/d+/', 'a:1/', '.git', 'x+', 'a.'])(
    'is looked for in linear time in many %j',
    (part) => {
      const start = performance.now();
      qualifiedRoot(`${part.repeat(1 << 18)}/x.git`);
      expect(performance.now() - start).toBeLessThan(1000);
    },
  );
});
