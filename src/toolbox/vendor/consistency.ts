import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fieldsOf } from '../../gomod/go-text.ts';
import type { ModFile, PathVersion, WorkFile } from '../../gomod/modfile/mod-file.ts';
import { parseModFile } from '../../gomod/modfile/parse.ts';
import { parseVendorModules, type VendorModules } from '../../gomod/modfile/vendor-modules.ts';
import { parseWorkFile } from '../../gomod/modfile/work.ts';
import { isAbsence } from '../../io/disk-failure.ts';

/** What the project says that it needs: of its go.mod, or of all modules of its workspace. */
interface Needs {
  readonly require: readonly PathVersion[];
  readonly replace: ModFile['replace'];
  readonly isWorkspace: boolean;
  /** Before Go 1.14 the list did not say enough to be compared. */
  readonly isOld: boolean;
}

/**
 * Why vendor/ of `project` is not what its go.mod (or go.work) wants, by the rules of `go build -mod=vendor`, or undefined when it is: the same requirements, marked as explicit, and the same replacements; and
 * every package that modules.txt lists is there. In one line.
 */
export async function vendorFault(project: string): Promise<string | undefined> {
  const text = await optional(join(project, 'vendor', 'modules.txt'));
  if (text === undefined) return 'there is no vendor/modules.txt: run go mod vendor';
  const needs = await needsOf(project);
  if (typeof needs === 'string') return needs;
  const vendored = parseVendorModules(text);
  if (needs.isOld) return await missingPackage(project, vendored);
  return differenceOf(needs, vendored) ?? (await missingPackage(project, vendored));
}

/** Whether a go line names Go 1.`minor` or newer. */
export function goAtLeast(go: string | undefined, minor: number): boolean {
  const [, major = '0', second = '0'] = /^(\d+)\.(\d+)/.exec(go ?? '') ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(second) >= minor);
}

async function needsOf(project: string): Promise<Needs | string> {
  const goWork = await optional(join(project, 'go.work'));
  if (goWork !== undefined) return await workspaceNeeds(project, goWork);
  const goMod = await optional(join(project, 'go.mod'));
  const parsed = goMod && parseModFile(goMod);
  if (parsed === undefined) return 'there is no go.mod';
  if (!parsed.ok) return 'its go.mod cannot be read';
  return { ...parsed.file, isWorkspace: false, isOld: !goAtLeast(parsed.file.go, 14) };
}

async function workspaceNeeds(project: string, goWork: Uint8Array): Promise<Needs | string> {
  const parsed = parseWorkFile(goWork);
  if (!parsed.ok) return 'its go.work cannot be read';
  const { use, replace }: WorkFile = parsed.file;
  const require: PathVersion[] = [];
  const replaced = [...replace];
  const own = new Set<string>();
  for (const folder of use) {
    const goMod = await optional(resolve(project, folder, 'go.mod'));
    const module = goMod && parseModFile(goMod);
    if (module?.ok !== true) return `the go.mod of ${folder} cannot be read`;
    own.add(module.file.module?.path ?? '');
    require.push(...module.file.require);
    replaced.push(...module.file.replace);
  }
  return { require: require.filter(({ path }) => !own.has(path)), replace: replaced, isWorkspace: true, isOld: false };
}

function differenceOf(needs: Needs, { modules, isWorkspace }: VendorModules): string | undefined {
  if (needs.isWorkspace !== isWorkspace)
    return `vendor/ was made by ${isWorkspace ? 'go work vendor' : 'go mod vendor'}`;
  const explicit = new Set(modules.filter((one) => one.isExplicit).map(keyOf));
  const required = new Set(needs.require.map(keyOf));
  const missing = [...required].find((key) => !explicit.has(key));
  if (missing !== undefined) return `go.mod requires ${missing}, which is not marked as explicit in vendor/modules.txt`;
  const extra = [...explicit].find((key) => !required.has(key));
  if (extra !== undefined) return `vendor/modules.txt marks ${extra} as explicit, which go.mod does not require`;
  // In a workspace the paths of replacements are each module's own.
  return isWorkspace ? undefined : replacementFault(needs.replace, modules);
}

function replacementFault(replace: ModFile['replace'], modules: VendorModules['modules']): string | undefined {
  const have = new Map(
    modules.flatMap((one) => (one.replacement ? [[keyOf(one), keyOf(one.replacement)] as const] : [])),
  );
  const want = new Map(replace.map((one) => [keyOf(one.old), keyOf(one.new)]));
  for (const [old, by] of want)
    if (have.get(old) !== by)
      return `${old} is replaced by ${by} in go.mod, and by ${have.get(old) ?? 'nothing'} in vendor/modules.txt`;
  for (const [old, by] of have) {
    const wanted = want.get(old) ?? want.get(old.replace(/@.*$/, ''));
    if (wanted !== by)
      return `${old} is replaced by ${by} in vendor/modules.txt, and by ${wanted ?? 'nothing'} in go.mod`;
  }
  return undefined;
}

function keyOf({ path, version }: PathVersion): string {
  return fieldsOf(`${path} ${version}`).join('@');
}

async function missingPackage(project: string, { modules }: VendorModules): Promise<string | undefined> {
  for (const { packages } of modules) {
    for (const path of packages) {
      const facts = await stat(join(project, 'vendor', path)).catch(() => undefined);
      if (facts?.isDirectory() !== true) return `vendor/${path} is missing`;
    }
  }
  return undefined;
}

async function optional(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}
