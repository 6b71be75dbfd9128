import { describe, expect, test } from 'vitest';
import type { AnchorLine } from '../gomod/anchor-file.ts';
import type { Repository } from '../gomod/coderepo/repository.ts';
import type { ModulePath, Version } from '../gomod/module.ts';
import { AppError } from '../std/errors.ts';
import { type AnchorFinding, findDrift, isDrift, type LookAt } from './drift.ts';

const { signal } = new AbortController();
const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const TREE = 'c'.repeat(40);
const URL = 'https://git.corp.example/lib';

/** A repository with `tags`, whose reachable commits are `commits`, each with the tree TREE. */
function repository(tags: Readonly<Record<string, string>>, commits: readonly string[]): Repository {
  return {
    url: URL,
    refs: { branches: new Map(), tags: new Map(Object.entries(tags)) },
    commit: (hash) => Promise.resolve(commits.includes(hash) ? { hash, tree: TREE, time: new Date(0) } : undefined),
    expand: () => Promise.reject(new Error('not asked')),
    ancestorTags: () => Promise.reject(new Error('not asked')),
    isAncestor: () => Promise.reject(new Error('not asked')),
    file: () => Promise.reject(new Error('not asked')),
  };
}

function line(version: string, anchor: Partial<AnchorLine['anchor']> = {}): AnchorLine {
  return {
    module: { path: 'corp.example/lib' as ModulePath, version: version as Version },
    anchor: { url: URL, commit: A, tree: TREE, ...anchor },
  };
}

const tagged = line('v1.0.0', { tag: 'v1.0.0' });
const untagged = line('v0.0.0-20200101000000-aaaaaaaaaaaa');

async function look(
  lines: readonly AnchorLine[],
  at: Repository | LookAt,
  reads: 'refs' | 'trees' = 'refs',
): Promise<AnchorFinding[]> {
  const lookAt: LookAt = typeof at === 'function' ? at : () => Promise.resolve(at);
  return await Array.fromAsync(findDrift(lines, { lookAt, reads, signal }));
}

describe('the look at an anchor', () => {
  test.each([
    ['held, when the tag is where it was', tagged, repository({ 'v1.0.0': A }, []), 'refs', { state: 'held' }],
    [
      'moved, when the tag is on another commit',
      tagged,
      repository({ 'v1.0.0': B }, [A]),
      'refs',
      { state: 'moved', now: B },
    ],
    ['deleted, when the tag is gone', tagged, repository({}, [A]), 'refs', { state: 'deleted' }],
    ['held, when a commit without a tag is reachable', untagged, repository({}, [A]), 'refs', { state: 'held' }],
    ['lost, when nothing leads to the commit', untagged, repository({}, [B]), 'refs', { state: 'lost' }],
    ['held, when the tree is the one', tagged, repository({ 'v1.0.0': A }, [A]), 'trees', { state: 'held' }],
    [
      'differs, when the commit never had that tree',
      line('v1.0.0', { tag: 'v1.0.0', tree: B }),
      repository({ 'v1.0.0': A }, [A]),
      'trees',
      { state: 'differs', now: TREE },
    ],
  ] as const)('says %s', async (_, one, at, reads, verdict) => {
    expect(await look([one], at, reads)).toEqual([{ ...one, ...verdict }]);
  });

  test('asks each repository once, and goes on when one cannot be asked', async () => {
    const asked: string[] = [];
    const down = new AppError('UPSTREAM_UNAVAILABLE', 'down');
    const lookAt: LookAt = (url) => {
      asked.push(url);
      return url.endsWith('down') ? Promise.reject(down) : Promise.resolve(repository({ 'v1.0.0': A }, [A]));
    };
    const other = line('v1.2.0', { url: `${URL}/down`, tag: 'v1.2.0' });
    const found = await look([tagged, other, untagged], lookAt);
    expect(asked).toEqual([URL, `${URL}/down`]);
    expect(found.map(({ state, why }) => [state, why?.code])).toEqual([
      ['held', undefined],
      ['held', undefined],
      ['unknown', 'UPSTREAM_UNAVAILABLE'],
    ]);
  });

  test('ends when it is stopped', async () => {
    const stopped = () => Promise.reject(new AppError('ABORTED', 'stopped'));
    await expect(look([tagged], stopped)).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('calls drift what the origin says otherwise, and nothing else', () => {
    const states = ['held', 'moved', 'deleted', 'lost', 'differs', 'unknown'] as const;
    expect(states.filter(isDrift)).toEqual(['moved', 'deleted', 'lost', 'differs']);
  });
});
