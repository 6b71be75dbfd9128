import { findHead, findRevision } from '../../src/gomod/coderepo/find-revision.ts';
import { goModOf } from '../../src/gomod/coderepo/go-mod.ts';
import type { CodePlace } from '../../src/gomod/coderepo/place.ts';
import type { Repository } from '../../src/gomod/coderepo/repository.ts';
import { listVersions } from '../../src/gomod/coderepo/versions.ts';
import { type ModuleAnswers, resolveQuery } from './git-client.ts';
import { factsOf, type Outcome, outcomeOf, problemWith } from './git-outcome.ts';
import { type Row, stringAt } from './suite.ts';

/** The rules alone, over any repository: also told is what the go command prints of where an answer came from. */
export function rulesOver(place: CodePlace, repository: Repository): ModuleAnswers {
  const o = { signal: new AbortController().signal };
  return {
    module: place.module,
    list: (prefix) => listVersions(place, repository, { ...o, prefix }),
    stat: async (name) => (await findRevision(place, repository, name, o)).info,
    head: async () => (await findHead(place, repository, o)).info,
    mod: async (version) => goModOf(place, await findRevision(place, repository, version, o)),
  };
}

/** Whether the rules alone can answer a download. A refusal that stands on the files themselves is not theirs to give. */
export function isForRules(row: Row): boolean {
  const error = stringAt(row, 'error');
  return !error.startsWith('create zip:') && !error.startsWith('read $WORK');
}

/** What the rules get wrong about a download. */
export async function problemOfRules(row: Row, answers: ModuleAnswers): Promise<string | undefined> {
  const ours: Outcome<Readonly<Record<string, unknown>>> = await outcomeOf(async () => {
    const { info, origin } = await resolveQuery(answers, stringAt(row, 'query'));
    return { ...factsOf(info, await answers.mod(info.version)), origin: { ...origin } };
  });
  return problemWith(row, ours);
}
