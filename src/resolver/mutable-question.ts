import { escapePath, isCanonicalFor, type ModulePath, type Version } from '../gomod/module.ts';
import { isPseudoVersion } from '../gomod/pseudo.ts';
import { parseRevInfo, type RevInfo } from '../gomod/rev-info.ts';
import type { RoutePlan } from '../policy/plan.ts';
import type { Source, Unverified } from '../sources/source.ts';
import type { Ask } from '../std/ask.ts';
import { AppError, isAppError, toAppError } from '../std/errors.ts';
import { chooseLatest } from '../gomod/choose-latest.ts';
import type { Level } from '../ladder/level.ts';
import type { Consultant } from './consult.ts';
import type { Answered, Consultation, LevelledAttempt } from './put.ts';
import type { Immutables } from './immutable.ts';
import type { Mutables } from './mutable.ts';
import { withoutDenied } from './denied.ts';
import type { Artifacts, IsDenied, Verifying } from './needs.ts';
import { ORIGIN, proveOrigin } from './origin.ts';
import { readWhole } from './read-whole.ts';
import { type Content, type Remembered, union } from './remembered.ts';
import type { Question } from './resolver.ts';
import { storedAnchor } from './stored-anchor.ts';
import { isNotHere } from './walk.ts';

/** One of the questions whose answers change, and how it is answered; mutable.ts decides when. */
export interface MutableQuestion extends Pick<Remembered, 'kind' | 'module' | 'query'> {
  readonly plan: RoutePlan;
  /** Whether what is stored is part of the answer, also when sources answer. */
  readonly isUnited: boolean;
  /** Asks the sources of `plan`, which is the question's, perhaps without its rungs. `known` is the answer so far. Rejects with the failure of the walk. */
  ask(plan: RoutePlan, known: Content | undefined, o: Ask): Promise<Told>;
  /** What can be said from stored things alone. */
  fromStore(o: Ask): Promise<Told | undefined>;
}

/** An answer and who gave it. */
export interface Told {
  readonly content: Content;
  readonly source: string;
  /** Of the ladder; absent when it came from this machine. */
  readonly level?: Level | undefined;
}

/** A module, and who is asked about it. */
interface Planned {
  readonly module: ModulePath;
  /** Of the question: what it shares with others is asked by this. */
  readonly plan: RoutePlan;
  /** Whom the question itself is put to: without rungs where an older answer will do. */
  readonly asked: RoutePlan;
}

/** A question whose answer is an info. */
interface InfoQuestion extends Planned, Pick<Consultation<never>, 'isPatient'> {
  readonly kind: 'latest' | 'query';
  readonly query: string;
}

interface AskerParts {
  readonly consultant: Consultant;
  readonly artifacts: Artifacts;
  readonly verifier: Pick<Verifying, 'mod'>;
  readonly immutables: Immutables;
  readonly mutables: Mutables;
  readonly isDenied?: IsDenied | undefined;
  readonly routes?: 'one' | 'several';
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
   * not unsay them. Where there are several routes, what is stored may be of another one: it stands in when no source answers, and else is not listed.
   */
  list(module: ModulePath, plan: RoutePlan): MutableQuestion {
    return {
      kind: 'list',
      module,
      query: '',
      plan,
      isUnited: this.#isUnited(plan),
      ask: (asked, known, o) => this.#askList(module, asked, versionsOf(known), o),
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
      isUnited: false,
      ask: (asked, known, o) => this.#askLatest({ module, plan, asked }, known, o),
      // Not `...o`, which may be a question that may fetch: nobody outside is asked here.
      fromStore: ({ signal }) => this.#chosenFromList(module, { plan, mayFetch: 'no', signal }),
    };
  }

  /** What a branch, tag, revision or non-canonical version is now. */
  query(module: ModulePath, query: string, plan: RoutePlan): MutableQuestion {
    return {
      kind: 'query',
      module,
      query,
      plan,
      isUnited: false,
      ask: (asked, known, o) =>
        this.#askInfo({ kind: 'query', module, query, plan, asked, isPatient: known === undefined }, o),
      fromStore: async () => undefined,
    };
  }

  async #askList(module: ModulePath, plan: RoutePlan, known: readonly Version[], o: Ask): Promise<Told> {
    const stored = await this.#committed(module, plan, o).catch((error: unknown) =>
      toAppError(error, 'list what is stored'),
    );
    const held = stored instanceof AppError ? [] : stored;
    const seen = this.#isUnited(plan) ? union(known, held) : known;
    const isPatient = seen.length === 0 && held.length === 0;
    const answers = await this.#listsOf(module, plan, isPatient, o).catch((error: unknown) => {
      if (!isAppError(error) || !isNotHere(error)) throw error;
      if (seen.length > 0) return [];
      throw isAppError(stored, 'STORE_UNAVAILABLE') ? stored : error;
    });
    const listed = answers.reduce((all, one) => union(all, one.value), seen);
    const versions = await withoutDenied(module, listed, this.#parts.isDenied, o);
    return { content: { versions }, source: answers[0]?.source ?? STORE, level: answers[0]?.level };
  }

  #isUnited({ scope }: RoutePlan): boolean {
    return scope === 'private' || this.#parts.routes !== 'several';
  }

  #listsOf(
    module: ModulePath,
    plan: RoutePlan,
    isPatient: boolean,
    o: Ask,
  ): Promise<readonly Answered<readonly Version[]>[]> {
    const question = {
      kind: 'list',
      key: module,
      subject: escapePath(module),
      attempted: `list the versions of ${module}`,
      isPatient,
    } as const;
    return this.#parts.consultant.allMirrors<readonly Version[]>(
      plan,
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

  async #askLatest(q: Planned, known: Content | undefined, o: Ask): Promise<Told> {
    const { module, plan } = q;
    const isPatient = known === undefined && (await this.#hasNothing(module, plan, o));
    try {
      return await this.#askInfo({ ...q, kind: 'latest', query: 'latest', isPatient }, o);
    } catch (error) {
      if (!isAppError(error) || !isNotHere(error)) throw error;
      const chosen = await this.#chosenFromList(module, { plan, mayFetch: 'yes', urgency: 'now', ...o });
      if (chosen === undefined) throw error;
      return chosen;
    }
  }

  /** Whether no version is stored that could stand in. A store that cannot tell has nothing. */
  #hasNothing(module: ModulePath, plan: RoutePlan, o: Ask): Promise<boolean> {
    return this.#committed(module, plan, o).then(
      (versions) => versions.length === 0,
      () => true,
    );
  }

  /** The info is kept under its own version too: a build that asks for the branch today asks for that version from then on. */
  async #askInfo(q: InfoQuestion, o: Ask): Promise<Told> {
    const { module, query, plan } = q;
    const { value, source, level } = await this.#parts.consultant.first(
      q.asked,
      {
        kind: q.kind,
        key: module,
        subject: `${escapePath(module)}@${query}`,
        attempted: `find ${module}@${query}`,
        isPatient: q.isPatient,
        ask: async (source, o) => ({ value: await this.#infoFrom(source, q, o), sizeBytes: 0 }),
      },
      o,
    );
    const { unverified: info, anchor } = value;
    const known =
      anchor && (await storedAnchor(this.#parts.artifacts, plan.scope, { path: module, version: info.version }, o));
    // Its tag has moved since: what is stored of the version is what the version is.
    if (known !== undefined && known.commit !== anchor?.commit)
      return await this.#infoOf(module, info.version, { plan, mayFetch: 'yes', urgency: 'now', ...o });
    await this.#parts.immutables.adoptInfo(module, { info, source, anchor }, plan, o);
    return { content: { info }, source, level };
  }

  async #infoFrom(
    source: Source,
    { kind, module, query }: InfoQuestion,
    o: LevelledAttempt,
  ): Promise<Unverified<RevInfo>> {
    const { verifier } = this.#parts;
    const told = await (kind === 'latest' ? source.latest(module, o) : source.query(module, query, o));
    const { version } = told.unverified;
    if (kind === 'latest') await this.#requireUndenied(module, version, o);
    if (o.level === ORIGIN)
      await proveOrigin({ source, module: { path: module, version }, anchor: told.anchor, verifier }, o);
    return told;
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
