import { escapePath, isCanonicalFor, type ModulePath, type Version } from '../gomod/module.ts';
import { isPseudoVersion } from '../gomod/pseudo.ts';
import { parseRevInfo, type RevInfo } from '../gomod/rev-info.ts';
import type { RoutePlan } from '../policy/plan.ts';
import type { Ask } from '../std/ask.ts';
import { AppError, isAppError, toAppError } from '../std/errors.ts';
import { chooseLatest } from '../gomod/choose-latest.ts';
import type { Answered, Consultant } from './consult.ts';
import type { Immutables } from './immutable.ts';
import type { Mutables } from './mutable.ts';
import { withoutDenied } from './denied.ts';
import type { Artifacts, IsDenied } from './needs.ts';
import { readWhole } from './read-whole.ts';
import { type Content, type Remembered, union } from './remembered.ts';
import type { Question } from './resolver.ts';
import { storedAnchor } from './stored-anchor.ts';
import { isNotHere } from './walk.ts';

/** One of the questions whose answers change, and how it is answered; mutable.ts decides when. */
export interface MutableQuestion extends Pick<Remembered, 'kind' | 'module' | 'query'> {
  readonly plan: RoutePlan;
  /** Asks the sources. `known` is the answer so far. Rejects with the failure of the walk. */
  ask(known: Content | undefined, o: Ask): Promise<Told>;
  /** What can be said from stored things alone. */
  fromStore(o: Ask): Promise<Told | undefined>;
}

/** An answer and who gave it. */
export interface Told {
  readonly content: Content;
  readonly source: string;
}

interface AskerParts {
  readonly consultant: Consultant;
  readonly artifacts: Artifacts;
  readonly immutables: Immutables;
  readonly mutables: Mutables;
  readonly isDenied?: IsDenied | undefined;
}

/** The name under which answers are known that were put together from stored things. */
const STORE = 'store';

/** Makes the three mutable questions. */
export class MutableAsker {
  readonly #parts: AskerParts;

  constructor(parts: AskerParts) {
    this.#parts = parts;
  }

  /**
   * The versions of a module: of every mirror that answers, and all that were ever seen or stored. A source that says "not here" does
   * not unsay them.
   */
  list(module: ModulePath, plan: RoutePlan): MutableQuestion {
    return {
      kind: 'list',
      module,
      query: '',
      plan,
      ask: (known, o) => this.#askList(module, plan, versionsOf(known), o),
      fromStore: async (o) => {
        const versions = await this.#committed(module, plan, o);
        return versions.length === 0 ? undefined : { content: { versions }, source: STORE };
      },
    };
  }

  /** The latest version: as the sources tell it, else chosen from the list. */
  latest(module: ModulePath, plan: RoutePlan): MutableQuestion {
    return {
      kind: 'latest',
      module,
      query: '',
      plan,
      ask: (_known, o) => this.#askLatest(module, plan, o),
      fromStore: (o) => this.#chosenFromList(module, { plan, mayFetch: 'no', ...o }),
    };
  }

  /** What a branch, tag, revision or non-canonical version is now. */
  query(module: ModulePath, query: string, plan: RoutePlan): MutableQuestion {
    return {
      kind: 'query',
      module,
      query,
      plan,
      ask: (_known, o) => this.#askQuery(module, query, plan, o),
      fromStore: async () => undefined,
    };
  }

  async #askList(module: ModulePath, plan: RoutePlan, known: readonly Version[], o: Ask): Promise<Told> {
    const stored = await this.#committed(module, plan, o).catch((error: unknown) =>
      toAppError(error, 'list what is stored'),
    );
    const seen = stored instanceof AppError ? known : union(known, stored);
    const answers = await this.#listsOf(module, plan, o).catch((error: unknown) => {
      if (!isAppError(error) || !isNotHere(error)) throw error;
      if (seen.length > 0) return [];
      throw isAppError(stored, 'STORE_UNAVAILABLE') ? stored : error;
    });
    const listed = answers.reduce((all, one) => union(all, one.value), seen);
    const versions = await withoutDenied(module, listed, this.#parts.isDenied, o);
    return { content: { versions }, source: answers[0]?.source ?? STORE };
  }

  #listsOf(module: ModulePath, plan: RoutePlan, o: Ask): Promise<readonly Answered<readonly Version[]>[]> {
    const question = {
      kind: 'list',
      subject: escapePath(module),
      attempted: `list the versions of ${module}`,
    } as const;
    return this.#parts.consultant.allMirrors(
      plan.steps,
      {
        ...question,
        ask: async (source, o) => {
          const versions = await source.list(module, o);
          const sizeBytes = versions.reduce((sum, version) => sum + version.length + 1, 0);
          return { value: versions.filter((version) => isListed(module, version)), sizeBytes };
        },
      },
      o,
    );
  }

  /** Stored versions that belong into a list. */
  async #committed(module: ModulePath, plan: RoutePlan, o: Ask): Promise<readonly Version[]> {
    const versions = await this.#parts.artifacts.versions(plan.scope, module, o);
    return union(
      [],
      versions.filter((version) => isListed(module, version)),
    );
  }

  async #askLatest(module: ModulePath, plan: RoutePlan, o: Ask): Promise<Told> {
    try {
      return await this.#askInfo('latest', module, 'latest', plan, o);
    } catch (error) {
      if (!isAppError(error) || !isNotHere(error)) throw error;
      const chosen = await this.#chosenFromList(module, { plan, mayFetch: 'yes', ...o });
      if (chosen === undefined) throw error;
      return chosen;
    }
  }

  #askQuery(module: ModulePath, query: string, plan: RoutePlan, o: Ask): Promise<Told> {
    return this.#askInfo('query', module, query, plan, o);
  }

  /** The info is kept under its own version too: a build that asks for the branch today asks for that version from then on. */
  async #askInfo(kind: 'latest' | 'query', module: ModulePath, query: string, plan: RoutePlan, o: Ask): Promise<Told> {
    const { value, source } = await this.#parts.consultant.first(
      plan.steps,
      {
        kind,
        subject: `${escapePath(module)}@${query}`,
        attempted: `find ${module}@${query}`,
        ask: async (source, o) => {
          const value = await (kind === 'latest' ? source.latest(module, o) : source.query(module, query, o));
          if (kind === 'latest') await this.#requireUndenied(module, value.unverified.version, o);
          return { value, sizeBytes: 0 };
        },
      },
      o,
    );
    const { unverified: info, anchor } = value;
    const known =
      anchor && (await storedAnchor(this.#parts.artifacts, plan.scope, { path: module, version: info.version }, o));
    // Its tag has moved since: what is stored of the version is what the version is.
    if (known !== undefined && known.commit !== anchor?.commit)
      return await this.#infoOf(module, info.version, { plan, mayFetch: 'yes', ...o });
    await this.#parts.immutables.adoptInfo(module, { info, source, anchor }, plan.scope, o);
    return { content: { info }, source };
  }

  /** A tag that nobody can have seen must not become what everybody upgrades to. */
  async #requireUndenied(module: ModulePath, version: Version, o: Ask): Promise<void> {
    if (!isListed(module, version) || !(await this.#parts.isDenied?.({ path: module, version }, o))) return;
    throw new AppError('NOT_FOUND', `find ${module}@latest: the checksum database does not know ${version}`);
  }

  /** Undefined when there is no list, or nothing in it may be chosen. Rejects when that cannot be told. */
  async #chosenFromList(module: ModulePath, q: Question): Promise<Told | undefined> {
    try {
      const list = await this.#parts.mutables.find(this.list(module, q.plan), q);
      const version = await chooseLatest(module, versionsOf(list.content), (v) => this.#goModOf(module, v, q));
      return version === undefined ? undefined : await this.#infoOf(module, version, q);
    } catch (error) {
      if (isAppError(error) && isNotHere(error)) return undefined;
      throw error;
    }
  }

  /** Undefined when it cannot be had, for whatever reason: a missing retraction must not make the whole question fail. */
  async #goModOf(module: ModulePath, version: Version, q: Question): Promise<Uint8Array | undefined> {
    try {
      return await readWhole(
        await this.#parts.immutables.answer({ module: { path: module, version }, kind: 'mod' }, q),
        q,
      );
    } catch {
      return undefined;
    }
  }

  async #infoOf(module: ModulePath, version: Version, q: Question): Promise<Told> {
    const answer = await this.#parts.immutables.answer({ module: { path: module, version }, kind: 'info' }, q);
    const info: RevInfo = parseRevInfo(await readWhole(answer, q));
    return { content: { info }, source: answer.source };
  }
}

/** The versions of a list's content. */
export function versionsOf(content: Content | undefined): readonly Version[] {
  return content !== undefined && 'versions' in content ? content.versions : [];
}

/** Pseudo-versions are never listed; what does not fit the path was never a version of it. */
export function isListed(module: ModulePath, version: Version): boolean {
  return isCanonicalFor(module, version) && !isPseudoVersion(version);
}
