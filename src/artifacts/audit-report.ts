import type { ArtifactKind } from '../gomod/module.ts';
import type { Audited } from './audit.ts';
import type { LogPlace, Standing } from './standing.ts';

/** Something that was asked for and is not stored. */
interface Missing {
  readonly is: 'missing';
  /** `not-a-module` no module can have that path and version. */
  readonly why: 'not-stored' | 'not-a-module';
  /** Where a stored proof says that the hash of the go.sum line is right all the same. */
  readonly proven?: LogPlace;
}

type Verdict = Exclude<Standing, { readonly is: 'proven' | 'form' }> | Missing;

/** What is not proven of one artifact, or of a module of which nothing is stored (then without a kind). */
export type AuditFinding = Verdict & { readonly module: string; readonly kind?: ArtifactKind };

/** What each artifact that was looked at counts as. `form` = an `.info`, `missing` = asked for and not stored. */
export type AuditCount = Standing['is'] | 'missing';

export interface AuditReport {
  /** Stored artifacts looked at. */
  readonly checked: number;
  /** Of their bytes that were read. */
  readonly sizeBytes: number;
  /** Of everything, also of what is beyond the findings that are kept. */
  readonly counts: Readonly<Record<AuditCount, number>>;
  /** The first 10,000 that are wrong, then the first 10,000 that are not proven or missing; each in the order found. */
  readonly findings: readonly AuditFinding[];
}

const MAX_FINDINGS = 10_000;

/** Counts, and the first findings, so that a store where nothing is proven takes no more memory than another. */
export class AuditTally {
  readonly #counts: Record<AuditCount, number> = {
    proven: 0,
    pinned: 0,
    exempt: 0,
    unproven: 0,
    form: 0,
    wrong: 0,
    missing: 0,
  };
  readonly #wrong: AuditFinding[] = [];
  readonly #others: AuditFinding[] = [];
  #checked = 0;
  #sizeBytes = 0;

  /** Something stored was looked at; `standing` is its own unless something else contradicts it. */
  looked(module: string, kind: ArtifactKind, { sizeBytes, standing: own }: Audited, standing: Standing = own): void {
    this.#checked++;
    this.#sizeBytes += sizeBytes;
    if (standing.is === 'proven' || standing.is === 'form') this.#counts[standing.is]++;
    else this.found({ ...standing, module, kind });
  }

  /** Something was found that is not about stored bytes. */
  found(finding: AuditFinding): void {
    this.#counts[finding.is]++;
    const list = finding.is === 'wrong' ? this.#wrong : this.#others;
    if (list.length < MAX_FINDINGS) list.push(finding);
  }

  /** Artifacts looked at until now. */
  get checked(): number {
    return this.#checked;
  }

  /** What came out. */
  report(): AuditReport {
    return {
      checked: this.#checked,
      sizeBytes: this.#sizeBytes,
      counts: this.#counts,
      findings: [...this.#wrong, ...this.#others],
    };
  }
}
