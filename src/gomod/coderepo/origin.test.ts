import { describe, expect, test } from 'vitest';
import { sha256Base64 } from '../sha256.ts';
import { mergedOrigin, repoSum, tagsOrigin } from './origin.ts';

const refs = {
  head: 'h1',
  branches: new Map([['main', 'h1']]),
  tags: new Map([
    ['sub/v1.0.0', 't3'],
    ['v1.1.0+é', 't4'],
    ['v1.1.0-rc.1', 't2'],
    ['v1.0.0', 't1'],
    ['v1', 't5'],
    ['v0.0.0-20200101000000-0123456789ab', 't6'],
  ]),
};

describe('what Origin says about tags', () => {
  test('TagSum is over the tags that could be a version, in byte order, quoted as Go quotes', () => {
    expect(tagsOrigin(refs, '')).toEqual({
      TagSum: `t1:${sha256Base64('"v1.0.0" t1\n"v1.1.0-rc.1" t2\n')}`,
    });
    expect(tagsOrigin(refs, 'sub/v1.')).toEqual({
      TagPrefix: 'sub/v1.',
      TagSum: `t1:${sha256Base64('"sub/v1.0.0" t3\n')}`,
    });
  });

  test('no tags have a TagSum of their own', () => {
    expect(tagsOrigin(refs, 'other/').TagSum).toBe('t1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
  });

  test('RepoSum is over everything that is advertised', () => {
    const some = {
      head: 'h1',
      branches: new Map([['ma\udc80n', 'h1']]),
      tags: new Map([
        ['b', 'h2'],
        ['a', 'h3'],
      ]),
    };
    expect(repoSum(some)).toBe(
      `r1:${sha256Base64('"HEAD" h1\n"refs/heads/ma\\x80n" h1\n"refs/tags/a" h3\n"refs/tags/b" h2\n')}`,
    );
  });

  test('two answers are one when they agree, and none when they contradict each other', () => {
    const list = { VCS: 'git', URL: 'u', TagSum: 't1:x' };
    const stat = { VCS: 'git', URL: 'u', Hash: 'h', Ref: 'refs/tags/v1.0.0' };
    expect(mergedOrigin(list, stat)).toEqual({ ...list, ...stat });
    expect(mergedOrigin(list, { ...stat, TagSum: 't1:y' })).toBeUndefined();
    expect(mergedOrigin(list, { ...stat, TagSum: 't1:x', TagPrefix: 'v2.' })).toBeUndefined();
    expect(mergedOrigin(list, { ...stat, Subdir: 'sub' })).toBeUndefined();
  });
});
