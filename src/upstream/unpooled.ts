import type { Source } from '../sources/source.ts';
import type { Ask } from '../std/ask.ts';
import type { Pool, PoolAnswer, PoolQuestion } from './asking.ts';

/**
 * `source` as a pool of itself alone, without health, hedges and retries: for repositories, which are many places under one name, and for folders. It can
 * always be asked; the pool has its name.
 */
export function unpooled(source: Source): Pool {
  const first = async <T>(question: PoolQuestion<T>, { signal }: Ask): Promise<PoolAnswer<T>> => ({
    value: await question.ask(source, { signal, begun: () => undefined }),
    member: source.name,
  });
  return {
    name: source.name,
    first,
    all: async (question, o) => [await first(question, o)],
    isUsable: true,
    isWatched: false,
    usable: () => Promise.resolve(),
    again: () => Promise.resolve(),
  };
}
