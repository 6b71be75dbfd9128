import type { ArtifactId } from '../gomod/module.ts';

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

/** An artifact that is stored and that nobody has vouched for yet, and its hash. */
export interface Unproven {
  readonly scope: string;
  readonly id: ArtifactId;
  readonly h1: string;
}

/** What the artifact store tells of its work. Implementations never throw and never block. */
export interface ArtifactObserver {
  onDamage(damage: Damage): void;
  /** Heard when one is committed, and whenever it is read from the store. */
  onUnproven?(unproven: Unproven): void;
  /** A view for static servers could not be written; the artifacts are not concerned. */
  onViewFailure?(key: string, message: string): void;
}
