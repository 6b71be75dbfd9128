/** A build machine for the client-side commands: the shipped program, the real go, a proxy and a git host that have the same module, and settings of its own. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MadeUpModule, madeUpModule } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { makeRepository } from '../fakes/git-repositories.ts';
import { type GitServer, startGitServer } from '../fakes/git-server.ts';
import { type Ran } from './go-client.ts';
import { build } from './larder-process.ts';

/** The module that the project needs. Its path says where its repository is, so no page is asked. */
export const LIB = 'git.test/acme/lib.git';
const GO_MOD = `module ${LIB}\n\ngo 1.19\n`;
const LIB_GO = 'package lib\n\n// Word is what the project prints.\nfunc Word() string { return "word" }\n';

export interface Ground {
  readonly scratch: string;
  readonly dist: string;
  readonly lib: MadeUpModule;
  readonly proxy: FakeUpstream;
  readonly git: GitServer;
  /** The commit that the tag v1.0.0 is on. */
  readonly commit: string;
  /** A machine with an empty module cache, and a project that needs LIB. */
  machine(program: string): Machine;
  close(): Promise<void>;
}

export interface Machine {
  readonly project: string;
  readonly home: string;
  /** `larder ARGS` in the project. */
  larder(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** `larder go -- ARGS` with the go command of this machine, and patience for a machine that is busy. */
  go(args: readonly string[], env?: Readonly<Record<string, string>>, flags?: readonly string[]): Promise<Ran>;
  /** The go command itself. */
  plainGo(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  emptyCache(): void;
  /** What nothing may change: the go command's settings and every file of the project. */
  state(): Promise<string>;
}

/** Makes it. Close it. */
export async function makeGround(): Promise<Ground> {
  const scratch = mkdtempSync(join(tmpdir(), 'larder-toolbox-'));
  const lib = madeUpModule(LIB, 'v1.0.0', { goMod: GO_MOD, files: [{ name: 'lib.go', content: LIB_GO }] });
  const proxy = await startFakeUpstream({ content: [lib] });
  const repositories = join(scratch, 'repositories');
  const made = await makeRepository(join(repositories, 'acme/lib.git'), {
    commits: [{ name: 'first', files: { 'go.mod': GO_MOD, 'lib.go': LIB_GO }, tags: ['v1.0.0'] }],
  });
  const git = await startGitServer({ repositories });
  const ground = {
    scratch,
    dist: build(join(scratch, 'dist')),
    lib,
    proxy,
    git,
    commit: made.commits.get('first') ?? '',
  };
  return {
    ...ground,
    machine: (program) => machineOn(ground, program),
    async close() {
      await proxy.close();
      await git.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

function machineOn(ground: Omit<Ground, 'machine' | 'close'>, program: string): Machine {
  const home = mkdtempSync(join(ground.scratch, 'machine-'));
  const project = join(home, 'project');
  mkdirSync(project);
  writeProject(project, ground.lib);
  writeFileSync(join(home, 'goenv'), 'GONOSUMDB=*\n');
  const base = environmentOf(home, ground);
  const run = (command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
    runIn(project, command, args, { ...base, ...env });
  const larder = (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran> =>
    run(process.execPath, [join(ground.dist, 'main.js'), ...args], env);
  return {
    project,
    home,
    larder,
    go: (args, env, flags = []) => larder(['go', '--go', program, '--probe', '15s', ...flags, '--', ...args], env),
    plainGo: (args, env) => run(program, args, env),
    emptyCache: () => rmSync(join(home, 'mod'), { recursive: true, force: true }),
    async state() {
      const settings = await run(program, ['env', '-json']);
      const stable = settings.stdout.replaceAll(/go-build\d+/g, '');
      return `${stable}\n${readFileSync(join(home, 'goenv'), 'utf8')}\n${digestOf(project)}`;
    },
  };
}

function writeProject(folder: string, lib: MadeUpModule): void {
  writeFileSync(join(folder, 'go.mod'), `module larder.test/project\n\ngo 1.19\n\nrequire ${LIB} v1.0.0\n`);
  writeFileSync(join(folder, 'go.sum'), lib.sums);
  writeFileSync(
    join(folder, 'main.go'),
    `package main\n\nimport (\n\t"fmt"\n\n\tlib "${LIB}"\n)\n\nfunc main() { fmt.Println(lib.Word()) }\n`,
  );
}

function environmentOf(
  home: string,
  { scratch, git, proxy }: Omit<Ground, 'machine' | 'close'>,
): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    GOENV: join(home, 'goenv'),
    GOPATH: home,
    GOMODCACHE: join(home, 'mod'),
    GOCACHE: join(scratch, 'build'),
    GOPROXY: proxy.base,
    GOSUMDB: 'off',
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-modcacherw -trimpath',
    GOTELEMETRY: 'off',
    CGO_ENABLED: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `url.${git.origin}/.insteadOf`,
    GIT_CONFIG_VALUE_0: 'https://git.test/',
  };
}

/** Runs it to its end; `onStart` gets the process. */
export function runIn(
  folder: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  o: { readonly input?: string; readonly onOutput?: (text: string, pid: number) => void } = {},
): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<Ran>();
  const child = spawn(command, args, { cwd: folder, env, stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (part) => {
    stdout += String(part);
    o.onOutput?.(stdout, child.pid ?? 0);
  });
  child.stderr.on('data', (part) => (stderr += String(part)));
  child.on('error', reject);
  child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  child.stdin.on('error', () => undefined);
  child.stdin.end(o.input ?? '');
  return promise;
}

/** Of all files below `folder`, with their names. */
function digestOf(folder: string): string {
  const hash = createHash('sha256');
  const names = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    : [];
  const files = names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  for (const file of files.sort()) hash.update(`${file}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

/** A copy of `from`, for what is to be damaged. */
export function copyOf(from: string, to: string): string {
  cpSync(from, to, { recursive: true });
  return to;
}
