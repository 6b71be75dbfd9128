import { fieldsOf, textOfBytes, trimSpace } from '../go-text.ts';
import { checkImportPath } from '../module.ts';
import { isValid } from '../semver.ts';
import type { PathVersion } from './mod-file.ts';

/** What a vendor/modules.txt says. */
export interface VendorModules {
  /** Whether the directory was made by `go work vendor`. */
  readonly isWorkspace: boolean;
  /** In file order; a module may have several entries (one that has packages, one for its replacement). */
  readonly modules: readonly VendoredModule[];
}

interface VendoredModule {
  readonly path: string;
  /** Empty for the entry of a replacement of all versions. */
  readonly version: string;
  /** What it is replaced by; `version` is empty when `path` is a directory. */
  readonly replacement?: PathVersion;
  /** Whether the main module requires it in its go.mod. */
  readonly isExplicit: boolean;
  /** The module's own go version, where recorded. */
  readonly go?: string;
  /** Import paths of its packages that were copied, in file order. */
  readonly packages: readonly string[];
}

/**
 * Reads a vendor/modules.txt as the go command does: it never fails, and skips what it does not understand together with
 * what belongs to it. The result is as large as the file, never larger.
 */
export function parseVendorModules(bytes: Uint8Array): VendorModules {
  const modules: MutableModule[] = [];
  let isWorkspace = false;
  let current: MutableModule | undefined;
  for (const line of textOfBytes(bytes).split('\n')) {
    if (line.startsWith('# ')) {
      const fields = fieldsOf(line);
      if (fields.length < 3) continue;
      current = moduleOf(fields);
      if (current !== undefined) modules.push(current);
    } else if (current !== undefined) {
      addLine(current, line);
    } else if (line.startsWith('## ')) {
      isWorkspace ||= annotationsOf(line).includes('workspace');
    }
  }
  return { isWorkspace, modules };
}

type MutableModule = { -readonly [K in keyof VendoredModule]: VendoredModule[K] } & { packages: string[] };

/** The module of a `# PATH [VERSION] [=> PATH [VERSION]]` line, split into fields. */
function moduleOf([, path = '', second = '', ...others]: string[]): MutableModule | undefined {
  const isVersioned = isValid(second);
  if (!isVersioned && second !== '=>') return undefined;
  const replacement = replacementOf(isVersioned ? others : [second, ...others]);
  const module = { path, version: isVersioned ? second : '', isExplicit: false, packages: [] };
  return replacement === undefined ? module : { ...module, replacement };
}

function replacementOf([arrow, path, version, ...others]: string[]): PathVersion | undefined {
  if (arrow !== '=>' || path === undefined || others.length > 0) return undefined;
  if (version !== undefined && !isValid(version)) return undefined;
  return { path, version: version ?? '' };
}

/** A line below a module's: annotations, or a package. */
function addLine(module: MutableModule, line: string): void {
  if (line.startsWith('## ')) {
    for (const annotation of annotationsOf(line)) {
      if (annotation === 'explicit') module.isExplicit = true;
      if (annotation.startsWith('go ')) module.go = annotation.slice('go '.length);
    }
    return;
  }
  const [path, ...others] = fieldsOf(line);
  if (path !== undefined && others.length === 0 && isImportPath(path)) module.packages.push(path);
}

/** The parts of a `## a; b` line. */
function annotationsOf(line: string): string[] {
  return line.slice('## '.length).split(';').map(trimSpace);
}

function isImportPath(path: string): boolean {
  try {
    checkImportPath(path);
    return true;
  } catch {
    return false;
  }
}
