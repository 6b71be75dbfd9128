import { describe, expect, test } from 'vitest';
import { memoryRepository } from '../../../tests/fakes/memory-repository.ts';
import { resolveRevision } from './revision.ts';

const o = { signal: new AbortController().signal };
const A = 'abcdef1234567890abcdef1234567890abcdef12';
const B = 'abcdef1999999990abcdef1234567890abcdef12';
const TREE = '00000000000000000000000000000000000000ee';
const repository = memoryRepository(
  [
    { name: 'first', hash: A, tags: ['v1.0.0', 'both', 'a-tag'], branches: ['old'] },
    { name: 'second', hash: B, branches: ['both', 'deadbeef', A] },
    { name: 'third', tags: ['v2'], branches: ['main', 'HEADS'] },
  ],
  { oddTags: { 'a-tree': TREE } },
);

async function found(name: string) {
  const resolved = await resolveRevision(repository, name, o);
  return 'fault' in resolved ? resolved.fault : [resolved.commit.hash, resolved.ref, resolved.askedTag];
}

describe('what a name means in a repository', () => {
  test('a tag, and it wins over a branch of the same name', async () => {
    expect(await found('v1.0.0')).toEqual([A, 'refs/tags/v1.0.0', 'v1.0.0']);
    expect(await found('both')).toEqual([A, 'refs/tags/both', 'both']);
  });

  test('a branch, even when its name could be a hash', async () => {
    expect(await found('deadbeef')).toEqual([B, 'refs/heads/deadbeef', undefined]);
  });

  test('a whole hash, even when a branch is named so', async () => {
    expect(await found(A)).toEqual([A, 'refs/heads/old', undefined]);
  });

  test('HEAD, which is no ref that an answer could be checked by', async () => {
    expect(await found('HEAD')).toEqual([repository.hashOf('third'), undefined, undefined]);
  });

  test('the start of a hash, named by the first ref that has it, unless HEAD is there', async () => {
    expect(await found(A.slice(0, 8))).toEqual([A, 'refs/heads/old', undefined]);
    expect(await found(repository.hashOf('third').slice(0, 12))).toEqual([
      repository.hashOf('third'),
      undefined,
      undefined,
    ]);
  });

  test('nothing, when two commits begin so', async () => {
    expect(await found(A.slice(0, 7))).toBe('ambiguous revision abcdef1');
  });

  test.each(['abcdef', A.slice(0, 8).toUpperCase(), 'refs/heads/main', 'nosuch', '', '-x', '1234567', `${A}0`])(
    'nothing: %j',
    async (name) => expect(await found(name)).toMatch(/^unknown revision /),
  );

  test('a tag on what is no commit is unknown', async () => {
    expect(await found('a-tree')).toBe('unknown revision a-tree');
    expect(await found(TREE)).toBe(`unknown revision ${TREE}`);
  });

  test('the tags on the commit come in byte order', async () => {
    expect(await resolveRevision(repository, A, o)).toMatchObject({
      tags: ['a-tag', 'both', 'v1.0.0'],
      short: 'abcdef123456',
    });
  });
});
