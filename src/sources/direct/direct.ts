import type { ModulePath, ModuleVersion, Version } from '../../gomod/module.ts';
import type { RevInfo } from '../../gomod/rev-info.ts';
import { AppError } from '../../std/errors.ts';
import type { Spooled } from '../../std/spooled.ts';
import type { Source, Unverified } from '../source.ts';

/** A place that has nothing: every question is NOT_FOUND with `why`, so that a plan may go on. Does no IO. */
export class EmptySource implements Source {
  readonly name: string;
  readonly #why: string;

  constructor(name: string, why: string) {
    this.name = name;
    this.#why = why;
  }

  list(module: ModulePath): Promise<readonly Version[]> {
    return this.#refuse(`list versions of ${module}`);
  }

  query(module: ModulePath, query: string): Promise<Unverified<RevInfo>> {
    return this.#refuse(`find ${module}@${query}`);
  }

  latest(module: ModulePath): Promise<Unverified<RevInfo>> {
    return this.#refuse(`find the latest version of ${module}`);
  }

  mod(mv: ModuleVersion): Promise<Unverified<Uint8Array>> {
    return this.#refuse(`find the go.mod of ${mv.path}@${mv.version}`);
  }

  zip(mv: ModuleVersion): Promise<Unverified<Spooled>> {
    return this.#refuse(`find the zip of ${mv.path}@${mv.version}`);
  }

  async #refuse(attempt: string): Promise<never> {
    throw new AppError('NOT_FOUND', `${attempt}: ${this.#why}`);
  }
}

/** `direct`: a module's own repository. */
export function createDirectSource(name: string): EmptySource {
  return new EmptySource(
    name,
    'no upstream has it, and fetching from repositories with git is not built in yet: name a proxy that has it in --upstream, or put ",direct" after this proxy in GOPROXY',
  );
}

/** `off`: nothing further is asked. */
export function createOffSource(name: string): EmptySource {
  return new EmptySource(name, 'module lookup is switched off by "off" in the list of upstreams');
}
