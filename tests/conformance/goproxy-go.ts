/** One run of the real go command in front of a proxy, and all that it left behind. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type GoClient, goClient } from '../e2e/go-client.ts';
import type { Exchange, Recorder } from './goproxy-recorder.ts';
import { type Row, stringAt } from './suite.ts';

/** What a step comes to, in the words of the data. `$P`, `$HOST` and `$WORK` stand for what differs from run to run. */
export interface StepOutcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** In byte order: parallel requests have no order of their own. */
  readonly requests: readonly Exchange[];
  readonly go_mod: string;
  readonly go_sum: string;
  readonly cache_download_files: readonly string[];
}

/** A go command with an empty cache and a project of its own, asking what stands behind a recorder. */
export class TracedGo {
  readonly #folder: string;
  readonly #project: string;
  readonly #recorder: Recorder;
  readonly #client: GoClient;

  /** `folder` is where all of it goes. */
  constructor(folder: string, recorder: Recorder) {
    this.#folder = folder;
    this.#project = join(folder, 'project');
    this.#recorder = recorder;
    this.#client = goClient(join(folder, 'home'), recorder.base);
  }

  /** Writes the project: go.mod and further files by name. */
  async prepare(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.#project, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
  }

  /** Runs the command line of a step with its environment. */
  async run(step: Row): Promise<StepOutcome> {
    const [, ...args] = stringAt(step, 'cmd').split(' ');
    const { code, stdout, stderr } = await this.#client.run(this.#project, args, this.#environmentOf(step));
    return {
      exit: code,
      stdout: this.#anonymous(stdout),
      stderr: this.#anonymous(stderr),
      requests: inOrder(this.#recorder.take()),
      go_mod: await textOrNothing(join(this.#project, 'go.mod')),
      go_sum: await textOrNothing(join(this.#project, 'go.sum')),
      cache_download_files: await filesBelow(join(this.#client.moduleCache, 'cache', 'download')),
    };
  }

  #environmentOf(step: Row): Record<string, string> {
    const given = Object.entries((step['env'] ?? {}) as Record<string, string>);
    return Object.fromEntries(given.map(([name, value]) => [name, withBase(value, this.#recorder.base)]));
  }

  #anonymous(text: string): string {
    return text
      .replaceAll(this.#client.moduleCache, '$WORK/m')
      .replaceAll(this.#folder, '$WORK')
      .replaceAll(this.#recorder.base, '$P')
      .replaceAll(new URL(this.#recorder.base).host, '$HOST');
  }
}

/** `value` with the base of a proxy for `$P`, and its host for `$HOST`. */
export function withBase(value: string, base: string): string {
  return value.replaceAll('$P', base).replaceAll('$HOST', new URL(base).host);
}

/** In byte order of path, then status. */
export function inOrder(exchanges: readonly Exchange[]): readonly Exchange[] {
  return exchanges.toSorted(([a, m], [b, n]) => (a < b ? -1 : a > b ? 1 : m - n));
}

async function textOrNothing(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .toSorted();
}
