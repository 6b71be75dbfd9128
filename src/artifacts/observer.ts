import type { ArtifactId } from '../gomod/module.ts';
import type { Unproven, Verification } from '../verify/verified.ts';

/**
 * `partial` a record without its data · `altered` data that is not what the record says · `bad-record` a record that cannot be read ·
 * `orphan` data without a record that could not be adopted · `mismatch` a second version of the truth came and was refused.
 */
type DamageKind = 'partial' | 'altered' | 'bad-record' | 'orphan' | 'mismatch';

/** Something that should not be, found while working. What could be done about it was done. */
export interface Damage {
  readonly kind: DamageKind;
  /** Key of the data or the record. */
  readonly key: string;
  /** One line, safe to log. */
  readonly message: string;
}

/** What the artifact store tells of its work. Implementations never throw and never block. */
export interface ArtifactObserver {
  onDamage(damage: Damage): void;
  /** Heard when one is committed, and whenever it is read from the store. */
  onUnproven?(unproven: Unproven): void;
  /** Heard when one was committed, also when it was there already. */
  onCommitted?(committed: { readonly id: ArtifactId; readonly verification: Verification }): void;
  /** A view for static servers could not be written; the artifacts are not concerned. */
  onViewFailure?(key: string, message: string): void;
}
