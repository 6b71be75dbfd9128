import type { Ask } from '../../std/ask.ts';
import type { AppError } from '../../std/errors.ts';
import { matchPathMajor } from '../module.ts';
import { isPseudoVersion, pseudoVersionRev } from '../pseudo.ts';
import { major } from '../semver.ts';
import { isCanonicalVersion, isIncompatible } from '../version.ts';
import { findDirectory } from './find-dir.ts';
import { type CodePlace, fileIn } from './place.ts';
import { hasGoMod } from './read-go-mod.ts';
import { invalidVersion } from './refusal.ts';
import type { Repository } from './repository.ts';
import { retractedIn } from './retractions.ts';
import type { Revision } from './revision.ts';

const INCOMPATIBLE = '+incompatible';

/** A version that the revision may have, marked +incompatible if it must be, and where the module is then. */
export interface Accepted {
  readonly version: string;
  /** Empty for the top of the repository. */
  readonly directory: string;
  readonly goMod: Uint8Array | undefined;
}

export type Judged = Accepted | { readonly refusal: AppError };

/** Which versions one revision of a module may have; asked once for one question, and remembers what it has read. */
export class Judgement {
  readonly place: CodePlace;
  readonly repository: Repository;
  readonly revision: Revision;
  /** What was asked for; empty for HEAD. */
  readonly asked: string;
  readonly #goMods = new Map<string, Promise<boolean>>();
  #retracted: ReturnType<typeof retractedIn> | undefined;

  constructor(of: {
    readonly place: CodePlace;
    readonly repository: Repository;
    readonly revision: Revision;
    readonly asked: string;
  }) {
    this.place = of.place;
    this.repository = of.repository;
    this.revision = of.revision;
    this.asked = of.asked;
  }

  /** Whether `v`, without mark, may be had here at all as far as its major version goes. */
  async fits(v: string, o: Ask): Promise<boolean> {
    return matchPathMajor(v, this.place.pathMajor) || this.#mayBeIncompatible(v, o);
  }

  /** Whether the module's newest go.mod takes `v` back. */
  async isRetracted(v: string, o: Ask): Promise<boolean> {
    this.#retracted ??= retractedIn(this.place, this.repository, o);
    return (await this.#retracted)(v);
  }

  /** Whether the revision may be `v`: the module is there, its major version fits or +incompatible is right, and it is what was asked for. */
  async judge(v: string, o: Ask): Promise<Judged> {
    const { place, revision } = this;
    const name = isPseudoVersion(v) ? pseudoVersionRev(v) : place.tagPrefix + withoutMark(v);
    const at = { commit: revision.commit.hash, version: v, revision: name };
    const found = await findDirectory(place, this.repository, at, o);
    if ('fault' in found) return this.#refuse(v, found.fault);
    const marked = await this.#marked(v === withoutMark(this.asked) ? this.asked : v, o);
    const isOther = isCanonicalVersion(this.asked) && withoutMark(this.asked) !== withoutMark(v);
    if (isOther) {
      return this.#refuse(
        this.asked,
        `resolves to version ${marked.version} (${withoutMark(this.asked)} is not a tag)`,
      );
    }
    return marked.fault === undefined ? { ...found, version: marked.version } : this.#refuse(v, marked.fault);
  }

  #refuse(version: string, reason: string): { readonly refusal: AppError } {
    return { refusal: invalidVersion(this.place.module, version, reason) };
  }

  /** `v` with or without +incompatible, as the revision demands; and why it cannot be had, if so. */
  async #marked(v: string, o: Ask): Promise<{ readonly version: string; readonly fault?: string }> {
    const base = withoutMark(v);
    if (matchPathMajor(base, this.place.pathMajor)) {
      const compatible = `+incompatible suffix not allowed: major version ${major(v)} is compatible`;
      return isIncompatible(v) ? { version: v, fault: compatible } : { version: v };
    }
    if (await this.#mayBeIncompatible(base, o)) return { version: base + INCOMPATIBLE };
    return { version: v, fault: this.#majorFault(v) };
  }

  #majorFault(v: string): string {
    const { pathMajor, pathPrefix } = this.place;
    if (pathMajor !== '') return 'module path includes a major version suffix, so major version must match';
    const path = `${pathPrefix}/${major(v)}`;
    return `module contains a go.mod file, so module path must match major version ("${path}")`;
  }

  /** Only modules at the top of a repository, without suffix and without go.mod there; and without one in `vN/`, unless the mark was asked for (go.dev/issue/51324). */
  async #mayBeIncompatible(v: string, o: Ask): Promise<boolean> {
    if (this.place.codeDir !== '' || this.place.pathMajor !== '') return false;
    if (await this.#hasGoMod('go.mod', o)) return false;
    return isIncompatible(this.asked) || !(await this.#hasGoMod(fileIn(major(v), 'go.mod'), o));
  }

  async #hasGoMod(path: string, o: Ask): Promise<boolean> {
    const known = this.#goMods.get(path) ?? hasGoMod(this.repository, this.revision.commit.hash, path, o);
    this.#goMods.set(path, known);
    return known;
  }
}

/** `v` without +incompatible. */
export function withoutMark(v: string): string {
  return isIncompatible(v) ? v.slice(0, -INCOMPATIBLE.length) : v;
}
