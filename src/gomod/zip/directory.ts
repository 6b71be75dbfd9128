/** What of a directory on disk is looked at as module source, in the order in which the go command walks it. */
import { compareBytewise } from '../../std/bytes.ts';
import type { FileFault, ModuleFile } from './check.ts';
import { isVendored, vendorRuleOf } from './vendored.ts';

const REPOSITORY_NAMES: ReadonlySet<string> = new Set(['.bzr', '.git', '.hg', '.svn']);

/** Files to be judged by checkFiles, and what is left out before that. */
export interface ListedFiles {
  readonly files: readonly ModuleFile[];
  readonly omitted: readonly FileFault[];
}

/**
 * Lists a directory tree given as its `nodes`, in any order; directories that have something in them need not be among them. `goMod` is the content of the
 * go.mod at the root, if there is one. Whole directories are left out when they are repositories or hold a go.mod.
 */
export function listDirectory(nodes: readonly ModuleFile[], goMod: Uint8Array | undefined): ListedFiles {
  const rule = vendorRuleOf(goMod);
  const tree = withDirectories(nodes);
  const files: ModuleFile[] = [];
  const omitted: FileFault[] = [];
  let skipped: string | undefined;
  for (const node of inWalkOrder(tree)) {
    const { path } = node;
    if (skipped !== undefined && path.startsWith(skipped)) continue;
    const fault = omission(node, tree, (one) => isVendored(one, rule));
    if (fault !== undefined) omitted.push({ path, fault });
    else if (node.mode !== 'directory') files.push(node);
    if (fault?.startsWith('directory') === true) skipped = `${path}/`;
  }
  return { files, omitted };
}

/** Why `node` is left out. A vendored directory is reported and gone through all the same. */
function omission(
  { path, mode }: ModuleFile,
  tree: ReadonlyMap<string, ModuleFile>,
  isVendoredPath: (path: string) => boolean,
): string | undefined {
  if (isVendoredPath(path)) return 'file is in vendor directory';
  if (mode !== 'directory') return mode === 'regular' ? undefined : 'not a regular file';
  if (REPOSITORY_NAMES.has(path.slice(path.lastIndexOf('/') + 1))) return 'directory is a version control repository';
  const goMod = tree.get(`${path}/go.mod`);
  return goMod !== undefined && goMod.mode !== 'directory' ? 'directory is in another module' : undefined;
}

function withDirectories(nodes: readonly ModuleFile[]): ReadonlyMap<string, ModuleFile> {
  const tree = new Map<string, ModuleFile>();
  for (const node of nodes) {
    tree.set(node.path, node);
    for (let slash = node.path.indexOf('/'); slash >= 0; slash = node.path.indexOf('/', slash + 1)) {
      const path = node.path.slice(0, slash);
      if (!tree.has(path)) tree.set(path, { path, mode: 'directory', sizeBytes: 0 });
    }
  }
  return tree;
}

/** A directory, then all that is in it, then its next sibling: a slash comes before every other character. */
function inWalkOrder(tree: ReadonlyMap<string, ModuleFile>): readonly ModuleFile[] {
  return [...tree.values()]
    .map((node) => ({ node, key: node.path.replaceAll('/', '\0') }))
    .sort((a, b) => compareBytewise(a.key, b.key))
    .map(({ node }) => node);
}
