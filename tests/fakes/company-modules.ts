/** Twenty private modules of a company that need each other: nested ones, majors in folders and at the top, one that was never tagged and one without go.mod. */
import { join } from 'node:path';
import type { CommitSpec, RepositoryFile } from './git-repositories.ts';
import { makeRepository } from './git-repositories.ts';

export interface CompanyModule {
  readonly path: string;
  readonly version: string;
}

/** A module, and where it lies. */
interface Plan {
  readonly path: string;
  /** Empty for the one that was never tagged. */
  readonly tag: string;
  /** Its version where that is not the end of the tag. */
  readonly version?: string;
  /** In the repository; with a slash at the end, or empty. */
  readonly folder?: string;
  readonly hasNoGoMod?: boolean;
}

/** Repositories by path on their host, in an order in which each needs only those before it. */
const PLANS: Readonly<Record<string, readonly Plan[]>> = {
  'acme/old': [{ path: 'github.com/acme/old', tag: 'v4.0.0', version: 'v4.0.0+incompatible', hasNoGoMod: true }],
  'platform/log': [{ path: 'git.corp.example/platform/log', tag: 'v1.4.0' }],
  'security/tokens': [{ path: 'git.corp.example/security/tokens', tag: '' }],
  'platform/config': [{ path: 'git.corp.example/platform/config/v2', tag: 'v2.1.0' }],
  'platform/store': [
    { path: 'git.corp.example/platform/store', tag: 'v1.0.0' },
    { path: 'git.corp.example/platform/store/disk', tag: 'disk/v1.1.0', folder: 'disk/' },
    { path: 'git.corp.example/platform/store/memory', tag: 'memory/v0.3.0', folder: 'memory/' },
  ],
  'platform/wire': [
    { path: 'git.corp.example/platform/wire', tag: 'v1.9.0' },
    { path: 'git.corp.example/platform/wire/v3', tag: 'v3.0.1', folder: 'v3/' },
  ],
  'platform/mono': [
    { path: 'go.corp.example/mono/a', tag: 'go/a/v1.0.0', folder: 'go/a/' },
    { path: 'go.corp.example/mono/b', tag: 'go/b/v1.0.1', folder: 'go/b/' },
    { path: 'go.corp.example/mono/c/v2', tag: 'go/c/v2.0.0', folder: 'go/c/v2/' },
  ],
  'security/auth': [{ path: 'go.corp.example/auth', tag: 'v1.0.0' }],
  'security/keys': [{ path: 'git.corp.example/security/keys', tag: 'v0.2.0' }],
  'security/vault': [
    { path: 'git.corp.example/security/vault', tag: 'v1.0.0' },
    { path: 'git.corp.example/security/vault/client', tag: 'client/v1.2.0', folder: 'client/' },
    { path: 'git.corp.example/security/vault/client/v2', tag: 'client/v2.0.0', folder: 'client/v2/' },
  ],
  'acme/lib': [
    { path: 'github.com/acme/lib', tag: 'v1.0.0' },
    { path: 'github.com/acme/lib/sub', tag: 'sub/v0.1.0', folder: 'sub/' },
  ],
  'acme/tool': [{ path: 'github.com/acme/tool/v2', tag: 'v2.3.0' }],
};

/** Makes the repositories below `folder`. The modules come in an order in which each needs only those before it. */
export async function makeCompanyModules(folder: string): Promise<readonly CompanyModule[]> {
  const modules: CompanyModule[] = [];
  let at = 1_700_000_000;
  for (const [name, plans] of Object.entries(PLANS)) {
    at += 3600;
    const commit = commitOf(plans, modules, at);
    const { commits } = await makeRepository(join(folder, `${name}.git`), { commits: [commit] });
    const hash = commits.get('release')?.slice(0, 12);
    const stamp = new Date(at * 1000).toISOString().replace(/\D/g, '').slice(0, 14);
    for (const module of modules.slice(-plans.length))
      if (module.version === '') modules[modules.indexOf(module)] = { ...module, version: `v0.0.0-${stamp}-${hash}` };
  }
  return modules;
}

/** One commit with all modules of a repository, each tagged; they are added to `modules`. */
function commitOf(plans: readonly Plan[], modules: CompanyModule[], at: number): CommitSpec {
  const files: Record<string, RepositoryFile> = { LICENSE: 'Of the company alone.\n' };
  for (const plan of plans) {
    const { path, tag, folder = '', hasNoGoMod, version = tag.slice(tag.lastIndexOf('/') + 1) } = plan;
    const needed = hasNoGoMod ? [] : neededBy(modules);
    files[`${folder}${packageOf(path)}.go`] = sourceOf(path, needed);
    if (!hasNoGoMod) files[`${folder}go.mod`] = goModOf(path, needed);
    modules.push({ path, version });
  }
  const tags = plans.map(({ tag }) => tag).filter((tag) => tag !== '');
  return { name: 'release', at, files, tags: tags.slice(0, 1), annotated: tags.slice(1) };
}

/** The one before it, and the one in the middle of those before it. */
function neededBy(modules: readonly CompanyModule[]): readonly CompanyModule[] {
  const [last, middle] = [modules.at(-1), modules[Math.floor((modules.length - 1) / 2)]];
  return [...new Set([last, middle])].filter((module) => module !== undefined);
}

/** How many modules a program runs through when it calls each module that it needs, as often as it is needed. */
export function expectedCount(modules: readonly CompanyModule[]): number {
  const counts: number[] = [];
  for (const [i, { path }] of modules.entries()) {
    const needed = path.endsWith('/old') ? [] : neededBy(modules.slice(0, i));
    counts.push(1 + needed.reduce((sum, one) => sum + (counts[modules.indexOf(one)] ?? 0), 0));
  }
  return counts.reduce((sum, one) => sum + one, 0);
}

/** main.go and go.mod of a program that needs all of `modules` and prints expectedCount. */
export function programOf(modules: readonly CompanyModule[]): Readonly<Record<'main.go' | 'go.mod', string>> {
  const imports = modules.map(({ path }, i) => `\tm${i} "${path}"\n`).join('');
  const calls = modules.map((_, i) => `m${i}.Count()`).join(' + ');
  return {
    'main.go': `package main\n\nimport (\n${imports})\n\nfunc main() {\n\tprintln(${calls})\n}\n`,
    'go.mod': goModOf('corp.local/program', modules),
  };
}

function sourceOf(path: string, needed: readonly CompanyModule[]): string {
  const imports = needed.map((one, i) => `import m${i} "${one.path}"\n`).join('');
  const calls = needed.map((_, i) => ` + m${i}.Count()`).join('');
  return `// Package ${packageOf(path)} is ${path}.\npackage ${packageOf(path)}\n\n${imports}\nfunc Count() int { return 1${calls} }\n`;
}

function goModOf(path: string, needed: readonly CompanyModule[]): string {
  const requires = needed.map((one) => `require ${one.path} ${one.version}\n`).join('');
  return `module ${path}\n\ngo 1.16\n\n${requires}`;
}

function packageOf(path: string): string {
  return path.replace(/\/v\d+$/, '').replace(/^.*\//, '');
}
