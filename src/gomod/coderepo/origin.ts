import { bytesOfText } from '../go-text.ts';
import { isPseudoVersion } from '../pseudo.ts';
import { quote } from '../quote.ts';
import type { Origin } from '../rev-info.ts';
import { canonical } from '../semver.ts';
import { RunningSha256 } from '../sha256.ts';
import type { CodePlace } from './place.ts';
import type { RepositoryRefs } from './repository.ts';

/** What Origin says about the place of a module, whatever the question was. */
export function placeOrigin(place: CodePlace): Origin {
  return { VCS: 'git', URL: place.url, ...(place.codeDir === '' ? {} : { Subdir: place.codeDir }) };
}

/** The part of Origin that tells whether the tags beginning with `prefix` are still the same (spec: "Origin, TagSum, RepoSum, reuse"). */
export function tagsOrigin(refs: RepositoryRefs, prefix: string): Origin {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const counted: [string, string][] = [];
  for (const entry of refs.tags) {
    if (entry[0].startsWith(prefix) && countsInTagSum(entry[0].slice(folder.length))) counted.push(entry);
  }
  return { ...(prefix === '' ? {} : { TagPrefix: prefix }), TagSum: `t1:${sumOf(counted)}` };
}

/** Whether a tag, its folder removed, enters TagSum: all that could be a version or the base of a pseudo-version. */
export function countsInTagSum(tag: string): boolean {
  const version = canonical(tag);
  return version !== '' && tag.startsWith(version) && !isPseudoVersion(tag);
}

/** What the names of tags begin with that could change the pseudo-version of a commit of this module. */
export function pseudoTagPrefix(place: CodePlace): string {
  return place.pathMajor === '' ? place.tagPrefix : `${place.tagPrefix}${place.pathMajor.slice(1)}.`;
}

/** The sum over everything that a repository says of itself: while it stays, so does every answer, "unknown" among them. */
export function repoSum(refs: RepositoryRefs): string {
  const all: [string, string][] = refs.head === undefined ? [] : [['HEAD', refs.head]];
  for (const [name, hash] of refs.branches) all.push([`refs/heads/${name}`, hash]);
  for (const [name, hash] of refs.tags) all.push([`refs/tags/${name}`, hash]);
  return `r1:${sumOf(all)}`;
}

/** What two answers say together about one question; undefined when they contradict each other, as they do when the repository changed between them. */
export function mergedOrigin(a: Origin, b: Origin): Origin | undefined {
  const samePlace = a.VCS === b.VCS && a.URL === b.URL && a.Subdir === b.Subdir;
  const sameTags = a.TagSum === undefined || b.TagSum === undefined || a.TagPrefix === b.TagPrefix;
  const agree = (['Hash', 'TagSum', 'Ref', 'RepoSum'] as const).every(
    (name) => a[name] === undefined || b[name] === undefined || a[name] === b[name],
  );
  return samePlace && sameTags && agree ? { ...a, ...b } : undefined;
}

function sumOf(named: readonly (readonly [name: string, hash: string])[]): string {
  const lines = named.map(([name, hash]) => ({ key: bytesOfText(name), line: `${quote(name)} ${hash}\n` }));
  lines.sort((a, b) => Buffer.compare(a.key, b.key));
  const sum = new RunningSha256();
  for (const { line } of lines) sum.add(bytesOfText(line));
  return Buffer.from(sum.hex(), 'hex').toString('base64');
}
