/** The installed go command, asking repositories itself: GOPROXY=direct, in a module cache of its own. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GoClient, goClient } from '../e2e/go-client.ts';
import { plainGit } from '../fakes/git-repositories.ts';
import type { Origin } from '../../src/gomod/rev-info.ts';
import { isCanonicalVersion } from '../../src/gomod/version.ts';
import type { DirectQuestion } from './git-direct-questions.ts';

/** What a module version is, in the words of `go mod download -json`. */
export interface DirectAnswer {
  readonly version: string;
  /** This and the next of its `.info`. */
  readonly time: string;
  readonly origin: Origin;
  readonly zipSum: string;
  readonly modSum: string;
}

/** An answer, or why there is none. */
export type DirectOutcome = DirectAnswer | { readonly failure: string };

/** How the go command begins: with nothing, so that it fetches single commits without their history, or with all branches and tags of a repository. */
export type Beginning = 'empty' | 'full clones';

/**
 * The go command decides on what its clone of a repository happens to hold: after a fetch of one commit it may take a tag for the nearest one that is not. Two
 * go commands with different pasts answer the same question differently, so `full clones` is what others are compared with.
 */
export class DirectGo {
  readonly #scratch: string;
  readonly #repositories: string;
  readonly #gitConfig: string;
  readonly #program: string;
  #clients = 0;

  /** `scratch` is where all of it goes. `repositories` is a folder with a bare `OWNER/NAME.git` for each `github.com/OWNER/NAME`. */
  constructor(scratch: string, repositories: string, program = 'go') {
    mkdirSync(scratch, { recursive: true });
    this.#scratch = scratch;
    this.#repositories = repositories;
    this.#program = program;
    this.#gitConfig = join(scratch, 'gitconfig');
    const instead = `[url "file://${repositories}/"]\n\tinsteadOf = https://github.com/\n`;
    writeFileSync(this.#gitConfig, `${instead}[protocol "file"]\n\tallow = always\n[safe]\n\tdirectory = *\n`);
  }

  /** `go mod download -json` of all questions. Canonical versions are asked in a module cache apart: what a branch was is no answer to them. */
  async download(questions: readonly DirectQuestion[], beginning: Beginning): Promise<readonly DirectOutcome[]> {
    const shared = join(this.#scratch, `vcs-${this.#clients}`);
    mkdirSync(shared, { recursive: true });
    if (beginning === 'full clones') for (const name of namesIn(questions)) this.#clone(shared, name);
    const outcomes = new Map<string, DirectOutcome>();
    for (const isVersion of [true, false]) {
      const part = questions.filter(({ query }) => isCanonicalVersion(query) === isVersion);
      if (part.length > 0) for (const [key, outcome] of await this.#ask(part, shared)) outcomes.set(key, outcome);
    }
    return questions.map(({ module, query }) => outcomes.get(`${module}@${query}`) ?? { failure: 'no answer' });
  }

  /** `go list -m -versions -retracted` of modules; undefined where it fails. */
  async list(modules: readonly string[]): Promise<readonly (readonly string[] | undefined)[]> {
    const client = this.#client();
    const args = ['list', '-m', '-e', '-versions', '-retracted', '-json', ...modules];
    const { stdout } = await client.run(this.#scratch, args);
    const listed = objectsIn(stdout) as { Path: string; Versions?: string[]; Error?: unknown }[];
    const byPath = new Map(listed.map((one) => [one.Path, one.Error === undefined ? (one.Versions ?? []) : undefined]));
    return modules.map((module) => byPath.get(module));
  }

  async #ask(questions: readonly DirectQuestion[], shared: string): Promise<readonly [string, DirectOutcome][]> {
    const client = this.#client();
    mkdirSync(join(client.moduleCache, 'cache'), { recursive: true });
    symlinkSync(shared, join(client.moduleCache, 'cache/vcs'));
    const names = questions.map(({ module, query }) => `${module}@${query}`);
    const { stdout, stderr } = await client.run(this.#scratch, ['mod', 'download', '-json', ...names]);
    const objects = objectsIn(stdout) as Downloaded[];
    if (objects.length !== names.length)
      throw new Error(`${names.length} questions, ${objects.length} answers: ${stderr}`);
    return objects.map((one) => [`${one.Path}@${one.Query ?? one.Version}`, outcomeOf(one)]);
  }

  #client(): GoClient {
    const env = { GIT_CONFIG_GLOBAL: this.#gitConfig, GIT_CONFIG_NOSYSTEM: '1' };
    const home = join(this.#scratch, `go-${++this.#clients}`);
    return goClient(home, 'direct', { program: this.#program, buildCache: join(this.#scratch, 'build'), env });
  }

  /** As the go command makes it, with all that it can ever fetch. */
  #clone(shared: string, name: string): void {
    const url = `https://github.com/${name}`;
    const key = `git3:${url}`;
    const folder = join(shared, createHash('sha256').update(key).digest('hex'));
    if (existsSync(folder)) return;
    mkdirSync(folder);
    writeFileSync(`${folder}.info`, key);
    plainGit(folder, ['init', '--quiet', '--bare', '--template=']);
    plainGit(folder, ['remote', 'add', 'origin', '--', url]);
    const from = join(this.#repositories, `${name}.git`);
    plainGit(folder, ['fetch', '--quiet', '--force', from, 'refs/heads/*:refs/heads/*', 'refs/tags/*:refs/tags/*']);
  }
}

interface Downloaded {
  readonly Path: string;
  readonly Version: string;
  readonly Query?: string;
  readonly Error?: string;
  readonly Info?: string;
  readonly Sum?: string;
  readonly GoModSum?: string;
}

function outcomeOf({ Version, Error: failure, Info, Sum, GoModSum }: Downloaded): DirectOutcome {
  if (failure !== undefined || Info === undefined) return { failure: failure ?? 'no .info' };
  const { Time, Origin: origin = {} } = JSON.parse(readFileSync(Info, 'utf8')) as { Time: string; Origin?: Origin };
  return { version: Version, time: Time, origin, zipSum: Sum ?? '', modSum: GoModSum ?? '' };
}

/** Objects of JSON, one after the other as the go command prints them. */
function objectsIn(text: string): readonly unknown[] {
  return text
    .split(/^(?=\{$)/m)
    .filter((one) => one.trim() !== '')
    .map((one) => JSON.parse(one) as unknown);
}

function namesIn(questions: readonly DirectQuestion[]): ReadonlySet<string> {
  return new Set(questions.map(({ module }) => module.split('/').slice(1, 3).join('/')));
}
