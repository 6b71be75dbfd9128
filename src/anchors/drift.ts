import type { Anchor } from '../gomod/anchor.ts';
import type { AnchorLine } from '../gomod/anchor-file.ts';
import type { Repository } from '../gomod/coderepo/repository.ts';
import type { ModuleVersion } from '../gomod/module.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { type AppError, toAppError } from '../std/errors.ts';

/**
 * What became of an anchor: `held` · `moved` its tag points to another commit · `deleted` its tag is gone · `lost` no branch and no tag leads to its commit any more ·
 * `differs` the commit is there with another tree, so the anchor was never true · `unknown` the repository could not be asked.
 */
export type AnchorState = 'held' | 'unknown' | DriftState;

/** The states that mean that the origin says something else now. */
export type DriftState = 'moved' | 'deleted' | 'lost' | 'differs';

/** What a look at one anchor found. */
export interface AnchorFinding {
  readonly module: ModuleVersion;
  readonly anchor: Anchor;
  readonly state: AnchorState;
  /** `moved`: the commit now; `differs`: the tree. */
  readonly now?: string;
  /** `unknown`: why. */
  readonly why?: AppError;
}

/** Whether the origin says something else now. */
export function isDrift(state: AnchorState): state is DriftState {
  return state !== 'held' && state !== 'unknown';
}

/** How the repository at a URL is looked at: as it is now. Rejects as a Repository does. */
export type LookAt = (url: string, o: Ask) => Promise<Repository>;

/**
 * Compares each anchor with its repository, each repository asked once, one after the other. Tags are compared by what the repository advertises, which needs no objects; the
 * history is read for pseudo-versions only, and the tree where `reads` says so. Yields in the order of the URLs.
 */
export async function* findDrift(
  lines: Iterable<AnchorLine>,
  { lookAt, reads, signal }: Ask & { readonly lookAt: LookAt; readonly reads: 'refs' | 'trees' },
): AsyncGenerator<AnchorFinding, void, undefined> {
  const byUrl = Map.groupBy(lines, ({ anchor }) => anchor.url);
  for (const [url, group] of byUrl) {
    const looked = await attempt(() => lookAt(url, { signal }), `look at ${url}`);
    for (const { module, anchor } of group) {
      const verdict =
        'why' in looked
          ? looked
          : await attempt(
              () => verdictOf(anchor, looked.value, { reads, signal }),
              `look for ${anchor.commit} in ${url}`,
            );
      yield { module, anchor, ...('why' in verdict ? { state: 'unknown' as const, why: verdict.why } : verdict.value) };
    }
    throwIfAborted(signal);
  }
}

type Verdict = Pick<AnchorFinding, 'state' | 'now'>;

async function verdictOf(
  { tag, commit, tree }: Anchor,
  repository: Repository,
  { reads, signal }: Ask & { readonly reads: 'refs' | 'trees' },
): Promise<Verdict> {
  if (tag !== undefined) {
    const now = repository.refs.tags.get(tag);
    if (now === undefined) return { state: 'deleted' };
    if (now !== commit) return { state: 'moved', now };
    if (reads === 'refs') return { state: 'held' };
  }
  const found = await repository.commit(commit, { signal });
  if (found === undefined) return { state: 'lost' };
  return found.tree === tree ? { state: 'held' } : { state: 'differs', now: found.tree };
}

/** A repository that cannot be asked says nothing about its tags; the others are looked at all the same. */
async function attempt<T>(
  work: () => Promise<T>,
  what: string,
): Promise<{ readonly value: T } | { readonly why: AppError }> {
  try {
    return { value: await work() };
  } catch (error) {
    const why = toAppError(error, what);
    if (why.code === 'ABORTED') throw why;
    return { why };
  }
}
