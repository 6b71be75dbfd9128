import { findAtCommit, type FoundRevision, findRevision } from '../../gomod/coderepo/find-revision.ts';
import { goModOf } from '../../gomod/coderepo/go-mod.ts';
import { findLatest } from '../../gomod/coderepo/latest.ts';
import { type CodePlace, codePlace } from '../../gomod/coderepo/place.ts';
import { listVersions } from '../../gomod/coderepo/versions.ts';
import type { Anchor } from '../../gomod/anchor.ts';
import { isCanonicalFor, type ModulePath, type ModuleVersion, type Version } from '../../gomod/module.ts';
import type { RevInfo } from '../../gomod/rev-info.ts';
import { isValid } from '../../gomod/semver.ts';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import type { Clock } from '../../std/clock.ts';
import { AppError, isAppError } from '../../std/errors.ts';
import type { Spooled } from '../../std/spooled.ts';
import type { Source, Spool, Unverified, VersionAsk } from '../source.ts';
import { moduleZip } from './module-zip.ts';
import type { ProxyRoot, RepositoryRoot } from './repository-root.ts';
import type { GitSnapshot } from './snapshot.ts';

/** Finds out which repository holds a module. */
export interface FindsRepositories {
  /** NOT_FOUND when there is none for the path; POLICY_DENIED when it may not be used; else why it cannot be told. */
  find(module: ModulePath, o: Ask): Promise<RepositoryRoot>;
}

/** Gives repositories as they are now, or were not long ago. */
export interface GivesSnapshots {
  /** `url` as discovery says it. */
  open(url: string): { snapshot(o: SnapshotAsk): Promise<GitSnapshot> };
}

export interface SnapshotAsk extends Ask {
  /** How old what it knows of branches and tags may be; 0 = not asked for before `at`. */
  readonly maxAgeMs: number;
  /** When it may be that old, by the monotonic clock in ms; now when absent. */
  readonly at?: number;
}

export interface VcsSourceOptions {
  readonly name: string;
  readonly discovery: FindsRepositories;
  readonly mirrors: GivesSnapshots;
  /** The module proxy that a go-import tag of kind `mod` names: attacker-controlled. */
  proxyAt(root: ProxyRoot): Source;
  /** How long what is known of a repository is good enough to answer for a version that it has. */
  readonly versionMs: number;
  /** How long it is good enough for lists, branches and `latest`. */
  readonly mutableMs: number;
  readonly clock: Clock;
}

/**
 * Modules straight from their repositories, as the go command makes them with GOPROXY=direct. Lists, branches and `latest` are answered from refs that are a few seconds
 * old at most; a version from what is known of the repository; and "not here" only from refs that were asked for after the question. Every answer but a list says where
 * it came from.
 */
export class VcsSource implements Source {
  readonly name: string;
  readonly #options: VcsSourceOptions;

  constructor(options: VcsSourceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async list(module: ModulePath, o: Ask): Promise<readonly Version[]> {
    const root = await this.#rootOf(module, o);
    if (root.kind === 'proxy') return this.#options.proxyAt(root).list(module, o);
    const snapshot = await this.#snapshot(root.url, this.#options.mutableMs, o);
    return (await listVersions(codePlace(module, root), snapshot, o)).versions;
  }

  async query(module: ModulePath, query: string, o: VersionAsk): Promise<Unverified<RevInfo>> {
    const root = await this.#rootOf(module, o);
    if (root.kind === 'proxy') return this.#own(await this.#options.proxyAt(root).query(module, query, o));
    const place = codePlace(module, root);
    const maxAgeMs = isValid(query) ? this.#options.versionMs : this.#options.mutableMs;
    return this.#fresh(place, maxAgeMs, o, async (snapshot) => {
      const found = (await findAnchored(place, snapshot, query, o)) ?? (await findRevision(place, snapshot, query, o));
      return this.#answer(place, found, found.info);
    });
  }

  async latest(module: ModulePath, o: Ask): Promise<Unverified<RevInfo>> {
    const root = await this.#rootOf(module, o);
    if (root.kind === 'proxy') return this.#own(await this.#options.proxyAt(root).latest(module, o));
    const place = codePlace(module, root);
    return this.#fresh(place, this.#options.mutableMs, o, async (snapshot) => {
      const found = await findLatest(place, snapshot, o);
      return this.#answer(place, found, found.info);
    });
  }

  async mod(mv: ModuleVersion, o: VersionAsk): Promise<Unverified<Uint8Array>> {
    const root = await this.#rootOf(mv.path, o);
    if (root.kind === 'proxy') return this.#own(await this.#options.proxyAt(root).mod(mv, o));
    const place = codePlace(mv.path, root);
    return this.#fresh(place, this.#options.versionMs, o, async (snapshot) => {
      const found = await findVersion(place, snapshot, mv.version, o);
      return this.#answer(place, found, goModOf(place, found));
    });
  }

  async zip(mv: ModuleVersion, into: Spool, o: VersionAsk): Promise<Unverified<Spooled>> {
    const root = await this.#rootOf(mv.path, o);
    if (root.kind === 'proxy') return this.#own(await this.#options.proxyAt(root).zip(mv, into, o));
    const place = codePlace(mv.path, root);
    const { snapshot, found } = await this.#fresh(place, this.#options.versionMs, o, async (fresh) => ({
      snapshot: fresh,
      found: await findVersion(place, fresh, mv.version, o),
    }));
    const tree = { module: mv, commit: found.commit.hash, directory: found.directory };
    return this.#answer(place, found, await into.fill(moduleZip(snapshot, tree, o), o));
  }

  async #rootOf(module: ModulePath, o: Ask): Promise<RepositoryRoot> {
    throwIfAborted(o.signal);
    return this.#options.discovery.find(module, o);
  }

  #snapshot(url: string, maxAgeMs: number, { signal }: Ask): Promise<GitSnapshot> {
    return this.#options.mirrors.open(url).snapshot({ maxAgeMs, signal });
  }

  /** What `decide` makes of a snapshot that may be as old as `maxAgeMs`; when that is "not here", of one that is not older than the question. */
  async #fresh<T>(
    place: CodePlace,
    maxAgeMs: number,
    o: Ask,
    decide: (snapshot: GitSnapshot) => Promise<T>,
  ): Promise<T> {
    const { clock, mirrors } = this.#options;
    const at = clock.monotonic();
    const known = await this.#snapshot(place.url, maxAgeMs, o);
    try {
      return await decide(known);
    } catch (error) {
      if (!isAppError(error, 'NOT_FOUND')) throw error;
      const fresh = await mirrors.open(place.url).snapshot({ maxAgeMs: 0, at, signal: o.signal });
      if (fresh === known) throw error;
      return decide(fresh);
    }
  }

  #answer<T>(place: CodePlace, found: FoundRevision, unverified: T): Unverified<T> {
    return { unverified, source: this.name, anchor: anchorOf(place, found) };
  }

  #own<T>(answer: Unverified<T>): Unverified<T> {
    return { ...answer, source: this.name };
  }
}

function anchorOf(place: CodePlace, { commit, tag }: FoundRevision): Anchor {
  const anchor = { url: place.url, commit: commit.hash, tree: commit.tree };
  return tag === undefined ? anchor : { ...anchor, tag };
}

/** As `findRevision`, for a canonical version: `v2.0.0` is not answered with `v2.0.0+incompatible`. */
async function findVersion(
  place: CodePlace,
  snapshot: GitSnapshot,
  version: Version,
  o: VersionAsk,
): Promise<FoundRevision> {
  const anchored = await findAnchored(place, snapshot, version, o);
  if (anchored !== undefined) return anchored;
  const found = await findRevision(place, snapshot, version, o);
  if (found.info.version === version) return found;
  throw new AppError('NOT_FOUND', `${place.module}@${version}: resolves to version ${found.info.version}`);
}

/**
 * The version as it was when something of it was stored, so that its files are all from one commit, wherever its tag is by now. Undefined when nothing is. Rejects with
 * UPSTREAM_BAD_RESPONSE when no branch and no tag leads to that commit any more.
 */
async function findAnchored(
  place: CodePlace,
  snapshot: GitSnapshot,
  version: string,
  o: VersionAsk,
): Promise<FoundRevision | undefined> {
  if (!isCanonicalFor(place.module, version)) return undefined;
  const anchor = await o.anchored?.();
  if (anchor === undefined || anchor.url !== place.url) return undefined;
  const commit = await snapshot.commit(anchor.commit, o);
  if (commit !== undefined) return await findAtCommit(place, snapshot, { version, commit, tag: anchor.tag }, o);
  throw new AppError(
    'UPSTREAM_BAD_RESPONSE',
    `${place.module}@${version}: it was made from ${anchor.commit}, which no branch or tag of ${place.url} leads to any more`,
  );
}
