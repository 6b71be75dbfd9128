import type { Branded } from '../std/branded.ts';

/** A module path that passed checkPath: `github.com/Azure/azure-sdk-for-go`. */
export type ModulePath = Branded<string, 'ModulePath'>;
/** A canonical module version: `v1.2.3`, a pseudo-version, or with `+incompatible`. */
export type Version = Branded<string, 'Version'>;
/** A module path with each upper-case letter X written `!x`: the form on the wire and on disk. */
export type EscapedPath = Branded<string, 'EscapedPath'>;
/** A version or revision name, escaped the same way. */
export type EscapedVersion = Branded<string, 'EscapedVersion'>;

export interface ModuleVersion {
  readonly path: ModulePath;
  readonly version: Version;
}

/** The three things that are kept for ever about a module version. */
export type ArtifactKind = 'info' | 'mod' | 'zip';

/** Names one immutable artifact. */
export interface ArtifactId {
  readonly module: ModuleVersion;
  readonly kind: ArtifactKind;
}
