/**
 * Repositories made by chance, asked about twice: the installed go command with GOPROXY=direct, and Larder's own source over its mirrors. They agree on the version, its
 * time, where it came from and both sums, or both refuse. LARDER_SEED=random looks further; a failure names the seed that finds it again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goVersion } from '../e2e/go-client.ts';
import { skipUnless } from '../skip.ts';
import { seed } from './compare.ts';
import { Dice } from './dice.ts';
import { DirectGo, type DirectOutcome } from './git-direct-go.ts';
import { DirectLarder } from './git-direct-larder.ts';
import { type DirectQuestion, questionsAbout } from './git-direct-questions.ts';
import { generateRepository, makeGenerated } from './git-direct-repositories.ts';

const QUESTIONS = 520;
const PER_MODULE = 6;
/** So many questions are also put to go commands that have asked nothing before. */
const FRESH = 30;
/** Questions under way at a time. */
const AT_ONCE = 4;

const [major, minor] = goVersion() ?? [0, 0];
const isReference = major > 1 || minor >= 25;

describe('repositories made by chance', () => {
  skipUnless(isReference, 'a go command of 1.25 or later is not installed');
  const scratch = mkdtempSync(join(tmpdir(), 'larder-direct-'));
  const repositories = join(scratch, 'repositories');
  const questions: DirectQuestion[] = [];
  const modules: string[] = [];
  /** Those of repositories with a tag that is on no commit. */
  const withFolderTag = new Set<string>();
  let go: DirectGo;
  let larder: DirectLarder;
  let theirs: readonly DirectOutcome[];
  let ours: readonly DirectOutcome[];

  beforeAll(async () => {
    if (!isReference) return;
    go = new DirectGo(join(scratch, 'go'), repositories);
    larder = new DirectLarder(join(scratch, 'mirrors'), repositories);
    const dice = new Dice(seed);
    for (let number = 0; questions.length < QUESTIONS; number++) {
      const generated = generateRepository(dice, number);
      const made = await makeGenerated(dice, join(repositories, `${generated.name}.git`), generated);
      questions.push(...questionsAbout(dice, generated, made, PER_MODULE));
      modules.push(...generated.modules);
      if (made.hasFolderTag) for (const module of generated.modules) withFolderTag.add(module);
    }
    theirs = await go.download(questions, 'full clones');
    ours = await inTurns(questions, (question) => larder.ask(question));
  }, 300_000);

  afterAll(async () => {
    await larder?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  test(`mean the same to Larder and to the go command, in ${QUESTIONS} questions and more`, () => {
    const differing = questions.flatMap((question, i) => differenceOf(question, ours[i], theirs[i]));
    expect(differing.slice(0, 5), `seed ${seed}: ${differing.length} of ${questions.length} differ`).toEqual([]);
  });

  test('are not all refused', () => {
    const answered = theirs.filter((one) => !('failure' in one));
    const sums = new Set(answered.map((one) => ('zipSum' in one ? one.zipSum : '')));
    expect(answered.length, `seed ${seed}`).toBeGreaterThan(QUESTIONS / 5);
    expect(sums.size, `seed ${seed}`).toBeGreaterThan(QUESTIONS / 10);
  });

  /** Where the go command stumbles over a tag that is on a folder it lists nothing at all, and has no latest version; Larder leaves nothing else out for it. */
  test('have the same versions', { timeout: 120_000 }, async () => {
    const listed = await go.list(modules);
    const differing = (await inTurns(modules, (module) => larder.list(module))).flatMap((mine, i) => {
      const module = modules[i] ?? '';
      const isSame = isDeepStrictEqual(mine, listed[i]) || (listed[i] === undefined && withFolderTag.has(module));
      return isSame ? [] : [{ module, ours: mine, theirs: listed[i] }];
    });
    expect(differing.slice(0, 5), `seed ${seed}: ${differing.length} of ${modules.length} differ`).toEqual([]);
  });

  /** Where they do not agree with each other there is no one answer of the go command; Larder's is the one on the whole history, as the first test says. */
  test('mean the same to Larder as to go commands with empty caches, but for what their shallow clones hide', {
    timeout: 120_000,
  }, async () => {
    const dice = new Dice(seed + 1);
    const chosen = dice.some([...questions.keys()], FRESH);
    let hidden = 0;
    for (const i of chosen) {
      const question = questions[i] ?? { module: '', query: '' };
      const [fresh] = await go.download([question], 'empty');
      if (differenceOf(question, ours[i], fresh).length > 0) hidden++;
    }
    expect(hidden, `seed ${seed}: of ${chosen.length}`).toBeLessThanOrEqual(FRESH / 6);
  });
});

interface Difference {
  readonly question: DirectQuestion;
  readonly ours: unknown;
  readonly theirs: unknown;
}

function differenceOf(question: DirectQuestion, ours?: DirectOutcome, theirs?: DirectOutcome): readonly Difference[] {
  const isSame = isDeepStrictEqual(comparable(question, ours), comparable(question, theirs));
  if (question.query === 'latest' && hasStumbled(theirs)) return [];
  return isSame ? [] : [{ question, ours, theirs }];
}

/** Over a tag that is on a folder, while it looked through all of them. */
function hasStumbled(outcome: DirectOutcome | undefined): boolean {
  return outcome !== undefined && 'failure' in outcome && outcome.failure.includes('unexpected response from git log');
}

/**
 * Why it refuses is not compared. Nor is through which branch or tag a hash or name was found: the go command says none when its clone had the commit already, and
 * all questions that come to one version leave one `.info`.
 */
function comparable({ query }: DirectQuestion, outcome: DirectOutcome | undefined): unknown {
  if (outcome === undefined || 'failure' in outcome) return 'refused';
  if (query === outcome.version) return outcome;
  const { Ref: _, ...origin } = outcome.origin;
  return { ...outcome, origin };
}

async function inTurns<T, R>(all: readonly T[], run: (one: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < all.length; i = next++) results[i] = await run(all[i] as T);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
