import type { Source } from '../sources/source.ts';
import { AppError } from '../std/errors.ts';

/**
 * `source` as one that does not know the latest version: what a module cache happens to hold of an untagged module says nothing about what is newest,
 * and would be the answer for ever where somebody else can be asked.
 */
export function withoutLatest(source: Source): Source {
  const { name } = source;
  return {
    name,
    list: (module, o) => source.list(module, o),
    query: (module, query, o) => source.query(module, query, o),
    latest: (module) =>
      Promise.reject(
        new AppError('NOT_FOUND', `find the latest version of ${module} in ${name}: a module cache does not know it`),
      ),
    mod: (mv, o) => source.mod(mv, o),
    zip: (mv, into, o) => source.zip(mv, into, o),
  };
}
