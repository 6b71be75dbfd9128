import type { AuditFinding } from '../app/verify-store.ts';
import type { ExplainedArtifact, Standing } from '../app/explain.ts';
import type { Messages } from './messages.ts';

type Verification = NonNullable<ExplainedArtifact['record']>['verification'];

/** A place in a log, for people. */
interface LogPlace {
  readonly database: string;
  readonly record: number;
  readonly treeSize: number;
}

/** How it is put what a stored hash stands on. */
export interface StandingWords {
  readonly record: (place: LogPlace) => string;
  readonly pinned: (file: string) => string;
  readonly exemptOff: string;
  readonly exemptBy: (pattern: string) => string;
  readonly unproven: {
    readonly [Why in Extract<Standing, { readonly is: 'unproven' }>['why']]: (
      database: string,
      outage: string,
    ) => string;
  };
  readonly form: string;
  readonly missing: Readonly<Record<'not-stored' | 'not-a-module', string>>;
  /** The line of a go.sum is right all the same. */
  readonly provenAll: (record: string) => string;
}

/** What an artifact stands on, or what is wrong with it, in one line. Faults are in English, as all failures are. */
export function standingInWords(standing: Standing, { proof: { standing: words } }: Messages): string {
  switch (standing.is) {
    case 'proven':
      return standing.by.map(words.record).join('; ');
    case 'pinned':
      return words.pinned(standing.file);
    case 'exempt':
      return exemptionInWords(standing, words);
    case 'unproven':
      return words.unproven[standing.why](standing.database ?? '', standing.outage ?? '');
    case 'form':
      return words.form;
    case 'wrong':
      return standing.what;
  }
}

/** Why it was believed when it was stored. */
export function verificationInWords(verification: Verification, { proof: { standing: words } }: Messages): string {
  switch (verification.by) {
    case 'sumdb':
    case 'ledger':
      return words.record(verification);
    case 'go.sum':
      return words.pinned(verification.file);
    case 'exemption':
      return exemptionInWords(verification, words);
    case 'unproven':
      return words.unproven.outage(verification.database, verification.why);
    case 'form':
      return words.form;
    default:
      // A newer larder wrote it.
      return JSON.stringify(verification);
  }
}

/** That the operator wants no proof, and where that stands. */
export function exemptionInWords(
  { pattern }: { readonly pattern?: string },
  { exemptOff, exemptBy }: Pick<StandingWords, 'exemptOff' | 'exemptBy'>,
): string {
  return pattern === undefined ? exemptOff : exemptBy(pattern);
}

/** What verify found. */
export function findingInWords(finding: AuditFinding, messages: Messages): string {
  if (finding.is !== 'missing') return standingInWords(finding, messages);
  const { missing, provenAll, record } = messages.proof.standing;
  const what = missing[finding.why];
  return finding.proven === undefined ? what : `${what}; ${provenAll(record(finding.proven))}`;
}
