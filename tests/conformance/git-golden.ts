/** What the real go command makes of many repositories: version lists, and for each (module, query) the version, its facts and its files, or that it fails. */
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { findHead, findRevision } from '../../src/gomod/coderepo/find-revision.ts';
import { goModOf } from '../../src/gomod/coderepo/go-mod.ts';
import { countsInTagSum } from '../../src/gomod/coderepo/origin.ts';
import { codePlace } from '../../src/gomod/coderepo/place.ts';
import type { Repository } from '../../src/gomod/coderepo/repository.ts';
import { listVersions } from '../../src/gomod/coderepo/versions.ts';
import { textOfBytes } from '../../src/gomod/go-text.ts';
import { hash1 } from '../../src/gomod/dirhash.ts';
import { parseModulePath, type ModulePath } from '../../src/gomod/module.ts';
import { formatRevInfo, withoutVolatileOrigin } from '../../src/gomod/rev-info.ts';
import { sha256Hex } from '../../src/gomod/sha256.ts';
import { isAppError, messageOf } from '../../src/std/errors.ts';
import { openBundle } from '../fakes/git-bundle-repository.ts';
import { type ModuleAnswers, type Resolved, resolveQuery } from './git-client.ts';
import { type Row, rowsOf, stringAt, type Suite, type Tally, textOf } from './suite.ts';

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
  const path = join(t.directory, 'vcs', stringAt(document, 'bundle'));
  const facts = { url: stringAt(document, 'url'), head: stringAt(document, 'head'), refs: refsOf(document) };
  const repository = await openBundle(path, facts);
  try {
    await runRules(document, repository, t);
  } finally {
    await repository.close();
  }
}

/** Rows of hash and full name; an annotated tag also has the hash that it is peeled to. */
function refsOf(document: Row): ReadonlyMap<string, string> {
  const rows = document['refs'] as readonly (readonly string[])[];
  return new Map(rows.map(([hash = '', name = '']) => [name, hash]));
}

// ------------------------------------------------------------------ the rules alone

/** Checks all that needs no zip. */
async function runRules(document: Row, repository: Repository, t: Tally): Promise<void> {
  for (const row of rowsOf(document, 'versions')) {
    const list = await outcome(async () => (await answersOf(document, row, repository).list('')).versions);
    t.check(`versions of ${stringAt(row, 'module')}`, sameOutcome(row, list, 'versions'), () => JSON.stringify(list));
  }
  for (const row of rowsOf(document, 'downloads')) await runQuery(document, row, repository, t);
}

function answersOf(document: Row, row: Row, repository: Repository): ModuleAnswers {
  const module = parseModulePath(stringAt(row, 'module'));
  const url = stringAt(document, 'url');
  const place = codePlace(module, { root: rootOf(module, url), url, subdirectory: '' });
  const o = { signal: new AbortController().signal };
  return {
    module,
    list: (prefix) => listVersions(place, repository, { ...o, prefix }),
    stat: async (name) => (await findRevision(place, repository, name, o)).info,
    head: async () => (await findHead(place, repository, o)).info,
    mod: async (version) => goModOf(place, await findRevision(place, repository, version, o)),
  };
}

/** The collection's modules lie at their repository's own name, with or without `.git`. */
function rootOf(module: ModulePath, url: string): string {
  const name = url.replace('https://', '');
  return module.startsWith(`${name}.git`) ? `${name}.git` : name;
}

/** What came of a question: a value, or the message of a refusal. Anything but a refusal is thrown. */
type Outcome<T> = { readonly value: T } | { readonly refused: string };

async function outcome<T>(ask: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    if (isAppError(error, 'NOT_FOUND', 'BAD_VERSION')) return { refused: messageOf(error) };
    throw error;
  }
}

function sameOutcome(row: Row, ours: Outcome<unknown>, key: string): boolean {
  return 'value' in ours ? row['error'] === null && isDeepStrictEqual(ours.value, row[key]) : row['error'] !== null;
}

async function runQuery(document: Row, row: Row, repository: Repository, t: Tally): Promise<void> {
  const answers = answersOf(document, row, repository);
  const name = `${stringAt(row, 'module')}@${stringAt(row, 'query')}`;
  const ours = await outcome(async () => {
    const resolved = await resolveQuery(answers, stringAt(row, 'query'));
    return { ...resolved, mod: await answers.mod(resolved.info.version) };
  });
  const problem = ruleProblem(row, ours);
  t.check(name, problem === undefined, () => problem ?? '');
}

type Answered = Resolved & { readonly mod: Uint8Array };

/** What the rules got wrong, if anything. A refusal that stands on the files themselves is not theirs to give. */
function ruleProblem(row: Row, ours: Outcome<Answered>): string | undefined {
  const error = row['error'];
  if ('refused' in ours) return error === null ? `refused: ${ours.refused}` : undefined;
  if (typeof error === 'string') return standsOnFiles(error) ? undefined : `not refused: ${error.slice(0, 200)}`;
  const { info, origin, mod } = ours.value;
  const facts = {
    version: info.version,
    info: JSON.parse(textOfBytes(formatRevInfo(withoutVolatileOrigin(info)))),
    origin: { ...origin },
    mod: textOfBytes(mod),
    modsum: hash1([{ name: 'go.mod', sha256: sha256Hex(mod) }]),
  };
  const different = Object.entries(facts).filter(([key, value]) => !isDeepStrictEqual(value, expected(row, key)));
  if (different.length === 0) return undefined;
  return different
    .map(([key, value]) => `${key} ${JSON.stringify(value)} not ${JSON.stringify(expected(row, key))}`)
    .join('; ')
    .slice(0, 600);
}

function standsOnFiles(error: string): boolean {
  return error.startsWith('create zip:') || error.startsWith('read $WORK');
}

function expected(row: Row, key: string): unknown {
  return key === 'mod' ? textOf(row, 'mod') : row[key];
}
