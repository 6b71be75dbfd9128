/** What is asked about a generated repository: its versions, branches, hashes and pseudo-versions, right ones and wrong ones. */
import type { MadeRepository } from '../fakes/git-repositories.ts';
import { plainGit } from '../fakes/git-repositories.ts';
import type { Dice } from './dice.ts';
import type { GeneratedRepository } from './git-direct-repositories.ts';

export interface DirectQuestion {
  readonly module: string;
  /** Version, branch, tag or hash; `latest` for what the repository has as newest where it has no versions. */
  readonly query: string;
}

/** Some `count` questions for each module of the repository, none twice. */
export function questionsAbout(
  dice: Dice,
  generated: GeneratedRepository,
  made: MadeRepository,
  count: number,
): readonly DirectQuestion[] {
  const facts = factsOf(generated, made);
  return generated.modules.flatMap((module) => {
    const queries = new Set<string>();
    for (let i = 0; i < count * 3 && queries.size < count; i++) {
      const query = dice.pick(KINDS)(dice, facts, module);
      if (query !== undefined && isRevisionQuery(query)) queries.add(query);
    }
    return [...queries].map((query) => ({ module, query }));
  });
}

interface Facts {
  readonly root: string;
  readonly tags: readonly string[];
  readonly branches: readonly string[];
  readonly commits: readonly { readonly hash: string; readonly seconds: number }[];
}

function factsOf({ root, commits }: GeneratedRepository, { folder }: MadeRepository): Facts {
  const lines = plainGit(folder, ['log', '--all', '--format=%H %ct']).split('\n');
  return {
    root,
    tags: commits.flatMap((commit) => [...(commit.tags ?? []), ...(commit.annotated ?? [])]),
    branches: [...new Set(commits.map(({ on = 'main' }) => on))],
    commits: lines.map((line) => ({ hash: line.slice(0, line.indexOf(' ')), seconds: Number(line.split(' ')[1]) })),
  };
}

type Kind = (dice: Dice, facts: Facts, module: string) => string | undefined;

/** A tag without the prefix of the module, where it has that. */
const ownTag: Kind = (dice, { root, tags }, module) => {
  const prefix = `${module.slice(root.length + 1).replace(/(^|\/)v\d+$/, '')}/`.replace(/^\/$/, '');
  const own = tags.filter((tag) => tag.startsWith(prefix)).map((tag) => tag.slice(prefix.length));
  return own.length === 0 ? undefined : dice.pick(own);
};

/** One that fits the path of the module, so that more than refusals are compared. */
const fittingTag: Kind = (dice, facts, module) => {
  const major = /\/v(\d+)$/.exec(module)?.[1];
  for (let i = 0; i < 8; i++) {
    const tag = ownTag(dice, facts, module);
    if (tag !== undefined && (major === undefined ? /^v[01]\./ : new RegExp(`^v${major}\\.`)).test(tag)) return tag;
  }
  return undefined;
};

const hash: Kind = (dice, { commits }) =>
  dice.pick(commits).hash.slice(0, dice.pick([40, 40, 12, 12, 7, 8, 10, 39, 6]));
const branch: Kind = (dice, { branches }) => dice.pick(branches);

const KINDS: readonly Kind[] = [
  fittingTag,
  fittingTag,
  fittingTag,
  fittingTag,
  ownTag,
  ownTag,
  (dice, facts, module) => `${ownTag(dice, facts, module)}+incompatible`,
  (dice, { tags }) => (tags.length === 0 ? undefined : dice.pick(tags)),
  branch,
  branch,
  hash,
  hash,
  hash,
  pseudoVersion,
  pseudoVersion,
  pseudoVersion,
  pseudoVersion,
  (dice, facts, module) => (dice.chance(30) ? hash(dice, facts, module)?.toUpperCase() : 'latest'),
  (dice) =>
    dice.pick([
      'HEAD',
      'nope',
      'v9.9.9',
      'v1.0.0-none',
      'refs/heads/main',
      '0000000',
      'f'.repeat(40),
      'FETCH_HEAD',
      'main^',
      'main~1',
      'v1.0.0^{}',
      '@',
      'main@{0}',
      ':/commit',
      'origin/main',
      'v0.0.0-00010101000000-000000000000',
    ]),
];

/** With the right time, hash and base for its commit, or with one of them wrong. */
function pseudoVersion(dice: Dice, facts: Facts, module: string): string {
  const commit = dice.pick(facts.commits);
  const seconds = commit.seconds + (dice.chance(8) ? dice.pick([-1, 1, 3600]) : 0);
  const stamp = new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14);
  const end = `${stamp}-${commit.hash.slice(0, dice.chance(92) ? 12 : dice.pick([7, 11, 13, 40]))}`;
  const suffix = dice.chance(12) ? '+incompatible' : '';
  const [, number, pre] = /^(v\d+\.\d+\.\d+)(-[\w.-]+)?/.exec(fittingTag(dice, facts, module) ?? '') ?? [];
  if (number === undefined || dice.chance(30)) return `${dice.chance(90) ? majorOf(module) : 'v1'}.0.0-${end}${suffix}`;
  if (pre !== undefined) return `${number}${pre}.0.${end}${suffix}`;
  const patch = number.lastIndexOf('.') + 1;
  return `${number.slice(0, patch)}${Number(number.slice(patch)) + (dice.chance(95) ? 1 : 2)}-0.${end}${suffix}`;
}

function majorOf(module: string): string {
  return /\/(v\d+)$/.exec(module)?.[1] ?? 'v0';
}

/** Ranges and prefixes of versions are answered by the go command from the list of versions, and `-` is refused before any asking. */
function isRevisionQuery(query: string): boolean {
  return query === 'latest' || !/^(?:[<>].*|upgrade|patch|none|-.*|v\d+(?:\.\d+)?|undefined.*)$/.test(query);
}
