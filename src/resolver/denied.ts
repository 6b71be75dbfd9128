import type { ModulePath, Version } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import type { IsDenied } from './needs.ts';

/** The highest versions are what people upgrade to; a forged one below them misleads nobody. */
const CHECKED_AT_THE_TOP = 3;
/** As often as the top is looked at anew; what lies below an upstream that forges more is listed unchecked. */
const MOST_ROUNDS = 4;

/** `versions` (in semver order) without those at their upper end that nobody vouches for: an upstream that makes up a version could make every upgrade fail. */
export async function withoutDenied(
  module: ModulePath,
  versions: readonly Version[],
  isDenied: IsDenied | undefined,
  o: Ask,
): Promise<readonly Version[]> {
  if (isDenied === undefined) return versions;
  let left = versions;
  const checked = new Set<Version>();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const top = left.slice(-CHECKED_AT_THE_TOP).filter((version) => !checked.has(version));
    if (top.length === 0) break;
    const denials = await Promise.all(top.map((version) => isDenied({ path: module, version }, o)));
    const denied = new Set(top.filter((_, i) => denials[i]));
    for (const version of top) checked.add(version);
    left = left.filter((version) => !denied.has(version));
  }
  return left;
}
