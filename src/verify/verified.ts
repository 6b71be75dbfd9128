import type { Anchor } from '../gomod/anchor.ts';
import type { ArtifactId } from '../gomod/module.ts';
import type { Branded } from '../std/branded.ts';
import type { Spooled } from '../std/spooled.ts';

/** Why the bytes are believed. Goes into the provenance record as it is. */
export type Verification =
  /** `.info`: its form is right and its version is the one asked for; nothing authenticates it. */
  | { readonly by: 'form' }
  /** The h1 is in a record of a checksum database that was proven to be in its signed tree. */
  | { readonly by: 'sumdb'; readonly database: string; readonly record: number; readonly treeSize: number }
  /** The same in our own ledger. */
  | { readonly by: 'ledger'; readonly database: string; readonly record: number; readonly treeSize: number }
  /** The h1 equals a line of a go.sum file that the operator trusts. */
  | { readonly by: 'go.sum'; readonly file: string }
  /** The operator exempts the module from the checksum database; the h1 was recorded when first seen. `pattern` is the glob that did it. */
  | { readonly by: 'exemption'; readonly because: 'off' | 'pattern'; readonly pattern?: string }
  /** The database could not be asked and the operator chose to serve all the same; proven later, or put in quarantine. */
  | { readonly by: 'unproven'; readonly database: string; readonly why: string };

/** An artifact that was stored while nobody could vouch for it (`by: 'unproven'`), and its hash. */
export interface Unproven {
  readonly scope: string;
  readonly id: ArtifactId;
  readonly h1: string;
}

interface VerifiedFields {
  readonly id: ArtifactId;
  readonly body: Spooled;
  /** `h1:...` of the go.mod or of the zip; absent for `.info`. */
  readonly h1?: string;
  /** Name of the source the bytes came from. */
  readonly source: string;
  /** Where in a repository the source made them from; absent when it is none. */
  readonly anchor?: Anchor;
  readonly verification: Verification;
}

/**
 * An artifact that may be stored and served. Only verify/ makes one (tests/shape holds that line), so storing bytes that
 * nobody checked does not compile.
 */
export type Verified = Branded<VerifiedFields, 'Verified'>;

/** For verify/ alone: states that the checks that `verification` names were done on `body`. */
export function markVerified(fields: VerifiedFields): Verified {
  return fields as Verified;
}
