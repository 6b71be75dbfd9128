/** The builds of a chaos run: the real go command, each time with empty module caches, half of them for modules that nobody asked for before. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { goClient, type Ran } from '../e2e/go-client.ts';
import type { Dice } from '../simulation/dice.ts';
import { GROWING, HOST, moduleName, PRIVATE_MODULE, PRIVATE_VERSIONS } from './modules.ts';

/** One run of the go command. */
export interface Build {
  readonly at: number;
  readonly tookMs: number;
  readonly command: string;
  readonly isCold: boolean;
  /** Fault that was in force when it began. */
  readonly during: string;
  /** What it said, where it failed. */
  readonly failure?: string;
}

export interface BuildsOptions {
  readonly scratch: string;
  /** GOPROXY. */
  readonly proxy: string;
  /** GOSUMDB. */
  readonly database: string;
  readonly dice: Dice;
  /** What is wrong just now, and whether only what is stored may be asked for. */
  readonly trouble: () => { readonly name: string; readonly isWarmOnly: boolean };
}

/** A go command that takes longer has failed, ms. */
const PATIENCE_MS = 180_000;
const MODULES_EACH = 3;
const DOWNLOAD = ['mod', 'download'];
const COMPILE = ['build', './...'];

/** What a build needs. */
interface Project {
  readonly isCold: boolean;
  readonly modules: readonly number[];
  readonly tool: number | undefined;
}

/** Runs builds until it is stopped. */
export class Builds {
  readonly done: Build[] = [];
  readonly #options: BuildsOptions;
  readonly #started = performance.now();
  /** Modules that are stored for sure. */
  readonly #warm: number[] = [];
  readonly #warmTools: number[] = [];
  #nextModule = 0;
  #nextTool = 0;
  #count = 0;
  #coldRunning = 0;
  #isStopping = false;

  constructor(options: BuildsOptions) {
    this.#options = options;
  }

  /** Builds under way that ask for something that is not stored. */
  get coldRunning(): number {
    return this.#coldRunning;
  }

  /** `lanes` builds at a time, one after the other each; something must be warm. Resolves when it was stopped and the last has ended. */
  async run(lanes: number): Promise<void> {
    await Promise.all(Array.from({ length: lanes }, () => this.#lane()));
  }

  stop(): void {
    this.#isStopping = true;
  }

  async #lane(): Promise<void> {
    while (!this.#isStopping) {
      const { isWarmOnly } = this.#options.trouble();
      const isCold = !isWarmOnly && this.#options.dice.chance(0.5);
      await this.#build(isCold ? this.#coldProject() : this.#warmProject());
      await sleep(50);
    }
  }

  /** There is something warm from then on. */
  async warmUp(): Promise<void> {
    await this.#build(this.#coldProject(), DOWNLOAD);
    await this.#build(this.#warmProject(), COMPILE); // the standard library, once
    for (let n = 0; n < GROWING; n++) await this.#build(this.#coldProject(), listOf(n));
  }

  #coldProject(): Project {
    const modules = Array.from({ length: MODULES_EACH }, () => this.#nextModule++);
    const tool = this.#options.dice.chance(0.3) && this.#nextTool < PRIVATE_VERSIONS ? this.#nextTool++ : undefined;
    return { isCold: true, modules, tool };
  }

  #warmProject(): Project {
    const { dice } = this.#options;
    const modules = new Set(Array.from({ length: MODULES_EACH }, () => dice.pick(this.#warm)));
    const tool = this.#warmTools.length > 0 && dice.chance(0.3) ? dice.pick(this.#warmTools) : undefined;
    return { isCold: false, modules: [...modules], tool };
  }

  async #build(project: Project, args = this.#argsFor(project)): Promise<void> {
    if (project.isCold) this.#coldRunning++;
    const at = Math.round(performance.now() - this.#started);
    const during = this.#options.trouble().name;
    const home = join(this.#options.scratch, `go-${this.#count++}`);
    const ran = await this.#go(home, project, args);
    rmSync(home, { recursive: true, force: true });
    if (project.isCold) this.#coldRunning--;
    const tookMs = Math.round(performance.now() - this.#started - at);
    const failure = ran.code === 0 ? {} : { failure: `exit ${ran.code}: ${ran.stderr.trim()}` };
    this.done.push({ at, tookMs, command: args.join(' '), isCold: project.isCold, during, ...failure });
    // A build asks for fewer files than a download: only a download leaves nothing that is not stored.
    if (ran.code === 0 && project.isCold && args === DOWNLOAD) this.#remember(project);
  }

  #argsFor({ isCold }: Project): readonly string[] {
    const { dice } = this.#options;
    if (!isCold && dice.chance(0.15)) return listOf(dice.between(0, GROWING - 1));
    return dice.chance(0.35) ? COMPILE : DOWNLOAD;
  }

  #remember({ modules, tool }: Project): void {
    this.#warm.push(...modules);
    if (tool !== undefined) this.#warmTools.push(tool);
  }

  async #go(home: string, project: Project, args: readonly string[]): Promise<Ran> {
    const { proxy, database, scratch } = this.#options;
    const folder = join(home, 'work');
    const client = goClient(home, proxy, {
      buildCache: join(scratch, 'go-build'),
      patienceMs: PATIENCE_MS,
      env: { GOSUMDB: database, GONOSUMDB: PRIVATE_MODULE, GOFLAGS: '-modcacherw -trimpath -mod=mod' },
    });
    mkdirSync(folder);
    for (const [name, text] of Object.entries(filesOf(project))) writeFileSync(join(folder, name), text);
    return await client.run(folder, args);
  }
}

function listOf(n: number): readonly string[] {
  return ['list', '-m', '-versions', `${HOST}/grow${n}`];
}

function filesOf({ modules, tool }: Project): Readonly<Record<string, string>> {
  const needs = modules.map((n) => `\t${moduleName(n)} v1.0.0\n`);
  const imports = modules.map((n) => `\t"${moduleName(n)}"\n`);
  const uses = modules.map((n) => `\tprintln(m${n}.Says())\n`);
  if (tool !== undefined) {
    needs.push(`\t${PRIVATE_MODULE} v1.${tool}.0\n`);
    imports.push(`\t"${PRIVATE_MODULE}"\n`);
    uses.push('\tprintln(tool.Says())\n');
  }
  return {
    'go.mod': `module larder.test/work\n\ngo 1.17\n\nrequire (\n${needs.join('')})\n`,
    'main.go': `package main\n\nimport (\n${imports.join('')})\n\nfunc main() {\n${uses.join('')}}\n`,
  };
}
