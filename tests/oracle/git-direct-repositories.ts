/** Repositories as they are seen in the world, and odder ones: the same for the same dice. */
import {
  type CommitSpec,
  type MadeRepository,
  makeRepository,
  plainGit,
  type RepositoryFile,
} from '../fakes/git-repositories.ts';
import type { Dice } from './dice.ts';
import { goModFile, someFiles, someLicense } from './git-direct-files.ts';

/** A repository to make, and the module paths to ask it for. */
export interface GeneratedRepository {
  /** Its path on the host: `corp/r7`. */
  readonly name: string;
  /** Of the module at its top: `github.com/corp/r7`. */
  readonly root: string;
  readonly commits: readonly CommitSpec[];
  /** Branch of HEAD. */
  readonly head: string;
  readonly modules: readonly string[];
}

const TAGS = [
  'v0.0.1',
  'v0.1.0',
  'v0.1.0+build',
  'v0.2.0-rc.1',
  'v1.0.0',
  'v1.0.1',
  'v1.0.9',
  'v1.1.0-pre',
  'v1.1.0',
  'v1.2.0-alpha.0',
  'v1.2.0+meta',
  'v1.10.0',
  'v2.0.0',
  'v2.0.1',
  'v2.1.0-beta',
  'v2.1.0+x',
  'v3.0.0',
  'v3.0.1-rc1',
  'v10.0.0',
];
const ODD_TAGS = [
  'v1',
  'v1.2',
  'v1.0.0.0',
  'v01.0.0',
  '1.0.0',
  'V1.0.0',
  'v2.0.0+incompatible',
  'v3.1.0+incompatible',
  'v0.0.0-20200913122640-0123456789ab',
  'v1.0.1-0.20200913122640-0123456789ab',
  'v1.0.0-',
  'deadbeef',
  '0123456789ab',
  'release-1',
  'main',
  'latest-ish',
  'v2/v2.0.0',
  'sub/main',
  'v999999999999999999999.0.0',
  'v1.0.0-0.x',
  '-dash',
  'tag with+plus',
];
const FOLDERS = ['sub/', 'a/b/', 'x/v3/'];
const BRANCHES = [
  'dev',
  'v2',
  'v1.2.3',
  'release/v1',
  'deadbeef',
  'abc1234',
  'v1.0.0',
  'HEAD2',
  'feature#1',
  'v3.0.0-dev',
];

/** The repository of that number. */
export function generateRepository(dice: Dice, number: number): GeneratedRepository {
  const name = `corp/r${number}`;
  const root = `github.com/${name}`;
  const head = dice.pick(['main', 'main', 'main', 'master', 'trunk']);
  const plan: Plan = {
    root,
    hasRootModule: dice.chance(70),
    rootMajor: dice.pick(['', '', '', '', '/v2', '/v3']),
    folders: dice.some(FOLDERS, dice.below(3)),
    majors: dice.chance(35) ? dice.some(['v2', 'v3'], 1 + dice.below(2)) : [],
  };
  const commits = generateCommits(dice, plan, head);
  return { name, root, head, commits, modules: modulesOf(dice, plan) };
}

export interface GeneratedOnDisk extends MadeRepository {
  /** A tag of it is on a folder, not on a commit. */
  readonly hasFolderTag: boolean;
}

/** Makes it in `folder`; some have, beside what is generated, a tag on a folder and a commit that only a pull request has. */
export async function makeGenerated(
  dice: Dice,
  folder: string,
  generated: GeneratedRepository,
): Promise<GeneratedOnDisk> {
  const made = await makeRepository(folder, generated);
  const head = `refs/heads/${generated.head}`;
  const hasFolderTag = dice.chance(15);
  if (hasFolderTag) plainGit(folder, ['update-ref', 'refs/tags/v1.0.5', `${head}^{tree}`]);
  if (dice.chance(40)) plainGit(folder, ['update-ref', 'refs/pull/1/head', unmerged(folder, head)]);
  return { ...made, hasFolderTag };
}

function unmerged(folder: string, head: string): string {
  const who = { GIT_AUTHOR_DATE: '1600000000 +0000', GIT_COMMITTER_DATE: '1600000000 +0000' };
  const name = ['-c', 'user.name=Larder Test', '-c', 'user.email=test@corp.example'];
  return plainGit(folder, [...name, 'commit-tree', '-p', head, '-m', 'not merged', `${head}^{tree}`], who);
}

interface Plan {
  readonly root: string;
  readonly hasRootModule: boolean;
  /** In the module line of the go.mod at the top. */
  readonly rootMajor: string;
  /** Nested modules. */
  readonly folders: readonly string[];
  /** Folders of major versions. */
  readonly majors: readonly string[];
}

function generateCommits(dice: Dice, plan: Plan, head: string): readonly CommitSpec[] {
  const count = 3 + dice.below(7);
  const commits: CommitSpec[] = [];
  const used = new Set<string>();
  let at = dice.pick([1_600_000_000, 1_600_000_000, 946_684_799, 1, 4_102_444_800]);
  for (let i = 0; i < count; i++) {
    at += dice.pick([0, 1, 3600, 3600, 86_400, -1000, 31_000_000]);
    const isSide = i > 0 && dice.chance(25);
    const on = isSide ? dice.pick(BRANCHES) : head;
    commits.push({
      name: `c${i}`,
      on,
      at: Math.max(at, 1),
      ...(isSide && { from: `c${dice.below(i)}` }),
      ...(i > 2 && dice.chance(15) && { merge: [`c${dice.below(i - 1)}`] }),
      files: generateFiles(dice, plan, i === 0),
      ...someTags(dice, plan, used),
    });
  }
  return commits;
}

function generateFiles(dice: Dice, plan: Plan, isFirst: boolean): Record<string, RepositoryFile> {
  const places = ['', ...plan.folders, ...plan.majors.map((major) => `${major}/`)];
  let files = someFiles(dice, dice.pick(places));
  if (isFirst || dice.chance(15)) files = { ...files, ...someLicense(dice, places) };
  if (plan.hasRootModule && (isFirst ? dice.chance(80) : dice.chance(30)))
    files['go.mod'] = dice.chance(90) ? goModFile(dice, plan.root + plan.rootMajor) : null;
  for (const folder of plan.folders) {
    if (isFirst ? dice.chance(90) : dice.chance(20)) files = { ...files, ...nestedModule(dice, plan.root, folder) };
  }
  for (const major of plan.majors) {
    if (!dice.chance(isFirst ? 60 : 30)) continue;
    files[`${major}/m.go`] = 'package m\n';
    if (dice.chance(90)) files[`${major}/go.mod`] = goModFile(dice, `${plan.root}/${major}`);
  }
  return files;
}

function nestedModule(dice: Dice, root: string, folder: string): Record<string, RepositoryFile> {
  const path = `${root}/${folder.slice(0, -1)}`;
  const files: Record<string, RepositoryFile> = { [`${folder}n.go`]: 'package n\n' };
  if (dice.chance(92)) files[`${folder}go.mod`] = goModFile(dice, path + (dice.chance(20) ? '/v2' : ''));
  if (dice.chance(20)) files[`${folder}v2/go.mod`] = goModFile(dice, `${path}/v2`);
  return files;
}

function someTags(
  dice: Dice,
  plan: Plan,
  used: Set<string>,
): { tags: readonly string[]; annotated: readonly string[] } {
  const names: string[] = [];
  if (dice.chance(60)) names.push(dice.pick(TAGS));
  if (dice.chance(20)) names.push(dice.pick(TAGS));
  if (dice.chance(12)) names.push(dice.pick(ODD_TAGS));
  for (const folder of plan.folders) if (dice.chance(45)) names.push(folder.replace(/v\d+\/$/, '') + dice.pick(TAGS));
  const fresh = [...new Set(names)].filter((name) => isTagName(name) && !used.has(name));
  for (const name of fresh) used.add(name);
  const annotated = fresh.filter(() => dice.chance(35));
  return { tags: fresh.filter((name) => !annotated.includes(name)), annotated };
}

/** Git knows no names with spaces. */
function isTagName(name: string): boolean {
  return !name.includes(' ');
}

function modulesOf(dice: Dice, { root, folders, majors, rootMajor }: Plan): readonly string[] {
  const modules = new Set([root]);
  for (const major of [...majors, ...(rootMajor === '' ? [] : [rootMajor.slice(1)])]) modules.add(`${root}/${major}`);
  for (const folder of folders) {
    const path = `${root}/${folder.slice(0, -1)}`;
    modules.add(path);
    if (dice.chance(35)) modules.add(`${path.replace(/\/v\d+$/, '')}/v2`);
  }
  if (dice.chance(10)) modules.add(`${root}/nowhere`);
  if (dice.chance(15)) modules.add(`${root}/v2`);
  return [...modules];
}
