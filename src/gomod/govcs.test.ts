import { describe, expect, test } from 'vitest';
import { DEFAULT_GOVCS, decideGovcs, parseGovcs } from './govcs.ts';

describe('GOVCS', () => {
  test.each([
    ['', 'a.example/x', 'git', true, 'public:git|hg'],
    ['', 'a.example/x', 'svn', false, 'public:git|hg'],
    ['a.example:off', 'a.example/x', 'git', false, 'a.example:off'],
    ['a.example:off', 'b.example/x', 'git', true, 'public:git|hg'],
    ['*.example/team: git | svn ,*:off', 'a.example/team/x', 'svn', true, '*.example/team: git | svn'],
    ['*.example/team:git,*:off', 'a.example/other', 'git', false, '*:off'],
    ['*:all', 'a.example/x', 'fossil', true, '*:all'],
  ])('%j says of %s in %s: %s', (value, root, vcs, isAllowed, rule) => {
    const rules = [...parseGovcs(value), ...DEFAULT_GOVCS];
    expect(decideGovcs(rules, { root, isPrivate: false, vcs })).toEqual({ isAllowed, rule });
  });

  test('allows private modules everything, where nothing else is said', () => {
    const ask = { root: 'a.example/x', isPrivate: true, vcs: 'svn' };
    expect(decideGovcs(DEFAULT_GOVCS, ask)).toEqual({ isAllowed: true, rule: 'private:all' });
    expect(decideGovcs(parseGovcs('public:all'), ask)).toEqual({ isAllowed: false, rule: '' });
  });

  test.each([',', 'x', 'x:', ':git', 'x:|git', 'x:y,x:z', './x:git', '..:git', 'x:y,'])('%j is no GOVCS', (value) => {
    expect(() => parseGovcs(value)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
