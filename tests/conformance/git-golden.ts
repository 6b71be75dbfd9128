/** What the real go command makes of many repositories: version lists, and for each (module, query) the version, its facts and its files, or that it fails. */
import { join } from 'node:path';
import { countsInTagSum } from '../../src/gomod/coderepo/origin.ts';
import { type CodePlace, codePlace, type RootOfCode } from '../../src/gomod/coderepo/place.ts';
import { type ModulePath, parseModulePath } from '../../src/gomod/module.ts';
import type { GitSnapshot } from '../../src/sources/vcs/snapshot.ts';
import { VcsSource } from '../../src/sources/vcs/vcs-source.ts';
import { systemClock } from '../../src/std/clock.ts';
import { type BundleRepository, openBundle } from '../fakes/git-bundle-repository.ts';
import { localMirrors } from '../fakes/local-mirrors.ts';
import type { ModuleAnswers } from './git-client.ts';
import { outcomeOf, problemWith } from './git-outcome.ts';
import { isForRules, problemOfRules, rulesOver } from './git-rules.ts';
import { answersOf, problemOfSource } from './git-source.ts';
import { type Row, rowsOf, stringAt, type Suite, type Tally } from './suite.ts';

export const suites: Suite[] = [
  { group: 'git', file: 'vcs/origin_tag.json', run: runOriginTags },
  { group: 'git', file: 'vcs/golden/*.json', run: runGolden },
];

function runOriginTags(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'tests')) {
    const tag = stringAt(row, 'tag');
    t.check(`TagSum counts ${JSON.stringify(tag)}`, countsInTagSum(tag) === row['counts']);
  }
}

async function runGolden(data: unknown, t: Tally): Promise<void> {
  const document = data as Row;
  const url = stringAt(document, 'url');
  const path = join(t.directory, 'vcs', stringAt(document, 'bundle'));
  const repository = await openBundle(path, { url, head: stringAt(document, 'head'), refs: refsOf(document) });
  try {
    const rules = perModule((module) => rulesOver(placeOf(module, url), repository));
    await runAll(document, { name: 'rules', answersFor: rules, isFor: isForRules, problemOf: problemOfRules }, t);
    await runSource(document, repository, t);
  } finally {
    await repository.close();
  }
}

const o = { signal: new AbortController().signal };

async function runSource(document: Row, repository: BundleRepository, t: Tally): Promise<void> {
  const { mirrors } = localMirrors(join(repository.folder, 'mirrors'), () => repository.directory);
  try {
    const source = sourceOver(await mirrors.open(repository.url).snapshot({ ...o, maxAgeMs: 0 }));
    const answersFor = perModule((module) => answersOf(source, module));
    await runAll(document, { name: 'source', answersFor, isFor: () => true, problemOf: problemOfSource }, t);
  } finally {
    await mirrors.close();
  }
}

/** Rows of hash and full name; an annotated tag also has the hash that it is peeled to. */
function refsOf(document: Row): ReadonlyMap<string, string> {
  const rows = document['refs'] as readonly (readonly string[])[];
  return new Map(rows.map(([hash = '', name = '']) => [name, hash]));
}

/** What is driven: the rules alone, or a source as the product has it. */
interface Driven<Answers extends ModuleAnswers> {
  readonly name: string;
  answersFor(module: ModulePath): Answers;
  /** Whether a download is a case for it: others are not counted. */
  isFor(row: Row): boolean;
  /** What is wrong about a download. */
  problemOf(row: Row, answers: Answers): Promise<string | undefined>;
}

async function runAll<A extends ModuleAnswers>(document: Row, driven: Driven<A>, t: Tally): Promise<void> {
  for (const row of rowsOf(document, 'versions')) {
    const answers = driven.answersFor(moduleOf(row));
    const listed = await outcomeOf(async () => ({ versions: (await answers.list('')).versions }));
    check(t, `${driven.name}: versions of ${answers.module}`, problemWith(row, listed));
  }
  for (const row of rowsOf(document, 'downloads').filter((one) => driven.isFor(one))) {
    const answers = driven.answersFor(moduleOf(row));
    const name = `${driven.name}: ${answers.module}@${stringAt(row, 'query')}`;
    check(t, name, await driven.problemOf(row, answers));
  }
}

function moduleOf(row: Row): ModulePath {
  return parseModulePath(stringAt(row, 'module'));
}

function check(t: Tally, name: string, problem: string | undefined): void {
  t.check(name, problem === undefined, () => problem ?? '');
}

function perModule<A>(make: (module: ModulePath) => A): (module: ModulePath) => A {
  const made = new Map<ModulePath, A>();
  return (module) => {
    const answers = made.get(module) ?? make(module);
    made.set(module, answers);
    return answers;
  };
}

/** The collection's modules lie at the names of their repositories, with or without `.git`. */
function rootOf(module: ModulePath, url: string): RootOfCode {
  const name = url.replace('https://', '');
  return { root: module.startsWith(`${name}.git`) ? `${name}.git` : name, url, subdirectory: '' };
}

function placeOf(module: ModulePath, url: string): CodePlace {
  return codePlace(module, rootOf(module, url));
}

/** Of one moment: most cases are refusals, and each would ask the repository again. */
function sourceOver(snapshot: GitSnapshot): VcsSource {
  return new VcsSource({
    name: 'direct',
    discovery: { find: async (module) => ({ kind: 'git', by: 'qualifier', ...rootOf(module, snapshot.url) }) },
    mirrors: { open: () => ({ snapshot: async () => snapshot }) },
    proxyAt: () => {
      throw new Error('no module is at a proxy');
    },
    versionMs: 60_000,
    mutableMs: 60_000,
    clock: systemClock,
  });
}
