import type { ModulePath, ModuleVersion, Version } from '../gomod/module.ts';
import type { Source } from '../sources/source.ts';
import { isAppError } from '../std/errors.ts';
import { verdictOf } from './classify.ts';
import type { Probe } from './settings.ts';

/** A source whose answers are watched, and the probe that goes by them. */
export interface Probed {
  readonly source: Source;
  readonly probe: Probe;
}

/** What every proxy of public modules has, for a source that has not answered anything yet. */
const FIRST: ModuleVersion = { path: 'rsc.io/quote' as ModulePath, version: 'v1.5.2' as Version };

/**
 * `source`, and a probe of it: it asks for the info of `pinned`, else of what the source gave last, else of rsc.io/quote@v1.5.2, which need not be there: that it is not, or
 * that nobody may have it, says as well that somebody answers who knows the protocol. No module is named to a source that did not have it.
 */
export function probed(source: Source, pinned?: ModuleVersion): Probed {
  let last: ModuleVersion | undefined;
  const probe: Probe = async (asked, o) => {
    const wanted = pinned ?? last ?? FIRST;
    try {
      await asked.query(wanted.path, wanted.version, o);
    } catch (error) {
      if (pinned !== undefined || !isAnswer(error)) throw error;
    }
  };
  return { source: watched(source, (mv) => (last = mv)), probe };
}

/** Whether it is the word of somebody who knows the protocol: it is not here, or nobody may have it. Who does not let us in does so for no module. */
function isAnswer(error: unknown): boolean {
  return (
    isAppError(error, 'NOT_FOUND', 'GONE') ||
    (isAppError(error, 'UPSTREAM_BAD_RESPONSE') && verdictOf(error) === 'refused')
  );
}

/** `source`, telling which versions it has answered for. */
function watched(source: Source, onGiven: (mv: ModuleVersion) => void): Source {
  return {
    name: source.name,
    list: (module, o) => source.list(module, o),
    latest: (module, o) => source.latest(module, o),
    async query(module, query, o) {
      const answer = await source.query(module, query, o);
      // Of a canonical version alone: a branch is another one tomorrow.
      if (answer.unverified.version === query) onGiven({ path: module, version: answer.unverified.version });
      return answer;
    },
    async mod(mv, o) {
      const answer = await source.mod(mv, o);
      onGiven(mv);
      return answer;
    },
    zip: (mv, into, o) => source.zip(mv, into, o),
  };
}
