import { converse, type Ended, type Exit, run, type RunLimits, type Running, stream } from '../../io/subprocess.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import { GIT_SETTINGS, gitEnvironment } from './git-environment.ts';

/** A row of git's configuration. */
export type Setting = readonly [name: string, value: string];

/** Where git is and how it may talk. */
export interface GitSetup {
  /** `git`, or an absolute path. */
  readonly program: string;
  /** Where git, and ssh for it, are searched. */
  readonly path: string;
  /** What git may speak: `http` (with our own relay) and `ssh`, unless a test needs another. */
  readonly protocols?: readonly string[];
}

/** One command on one repository. */
export interface GitAsk extends Ask {
  /** The bare repository. */
  readonly repository: string;
  readonly limits: RunLimits;
  readonly settings?: readonly Setting[];
  /** For its connection. What every git process gets cannot be replaced. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array;
}

/** The git program of this machine, with a configuration and environment of ours alone. Rejects as `Run` does; an exit code is the caller's affair. */
export class Git {
  readonly #setup: GitSetup;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(setup: GitSetup) {
    this.#setup = setup;
    this.#environment = gitEnvironment(setup.path, setup.protocols ?? ['http', 'ssh']);
  }

  async run(args: readonly string[], ask: GitAsk): Promise<Ended> {
    return await run(this.#command(args, ask), ask);
  }

  stream(
    args: readonly string[],
    ask: GitAsk & { readonly refuse: (exit: Exit) => Error },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    return stream(this.#command(args, ask), ask);
  }

  converse(args: readonly string[], ask: GitAsk): Running {
    return converse(this.#command(args, ask), ask);
  }

  #command(args: readonly string[], { repository, limits, settings = [], environment = {}, input }: GitAsk) {
    const configuration = [...GIT_SETTINGS, ...settings].flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return {
      program: this.#setup.program,
      args: [...configuration, ...args],
      // The mirror itself may be taken away at any time.
      folder: '/',
      environment: { ...environment, ...this.#environment, GIT_DIR: repository },
      limits,
      ...(input !== undefined && { input }),
    };
  }
}

const HASH = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Whether `text` is a full hash: the only kind of revision that git is ever given. */
export function isHash(text: string): boolean {
  return HASH.test(text);
}

/** Whether `path` names a file or folder of a tree in the one way that git has: relative, no empty, `.` or `..` element, no line end or NUL. */
export function isTreePath(path: string): boolean {
  return !/[\n\0]/.test(path) && path.split('/').every((element) => !['', '.', '..'].includes(element));
}

/** `url` as git may be given it; INTERNAL for what could be read as an option or a path. */
export function checkedRemote(url: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\/[^-]/.test(url)) return url;
  throw new AppError('INTERNAL', 'run git: that is no URL of a remote');
}
