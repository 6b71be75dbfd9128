import type { FileSyntax } from './syntax.ts';

/** What a go.mod says. Paths and versions are as declared: well-formed for the directive, but not checked by checkPath. */
export interface ModFile {
  readonly module?: ModuleDirective;
  /** Go version without `go`: `1.24`, `1.21rc1`. */
  readonly go?: string;
  readonly toolchain?: string;
  readonly godebug: readonly GodebugDirective[];
  readonly require: readonly RequireDirective[];
  readonly exclude: readonly PathVersion[];
  readonly replace: readonly ReplaceDirective[];
  readonly retract: readonly Retraction[];
  /** Package paths. */
  readonly tool: readonly string[];
  /** Directories. */
  readonly ignore: readonly string[];
  /** The tree these were read from, in normal form: quotes only where needed, versions canonical. */
  readonly syntax: FileSyntax;
}

/** What a go.work says; see ModFile. */
export interface WorkFile {
  readonly go?: string;
  readonly toolchain?: string;
  readonly godebug: readonly GodebugDirective[];
  /** Directories. */
  readonly use: readonly string[];
  readonly replace: readonly ReplaceDirective[];
  readonly syntax: FileSyntax;
}

export interface ModuleDirective {
  readonly path: string;
  /** Text after `Deprecated:`; absent when the module is not deprecated. */
  readonly deprecated?: string;
}

export interface GodebugDirective {
  readonly key: string;
  readonly value: string;
}

/** A path, and a canonical version that fits it or none. */
export interface PathVersion {
  readonly path: string;
  readonly version: string;
}

export interface RequireDirective extends PathVersion {
  readonly isIndirect: boolean;
}

export interface ReplaceDirective {
  /** `version` is empty when all versions are replaced. */
  readonly old: PathVersion;
  /** `version` is empty when `path` is a directory. */
  readonly new: PathVersion;
}

/** Versions from `low` to `high`, both included, that their author has withdrawn. As written: neither canonical nor ordered for certain. */
export interface Retraction {
  readonly low: string;
  readonly high: string;
  /** Why, from the comments; may be empty. */
  readonly rationale: string;
}
