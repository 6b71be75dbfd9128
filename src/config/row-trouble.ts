/** What rows of upstreams, routes and peers can be wrong in beside the form of one member: as data, in the words of src/cli/messages-upstreams.ts. */
export type RowReason =
  | 'name-unfit'
  | 'name-reserved'
  | 'name-taken'
  | 'pool-unfit'
  | 'pool-unnamed'
  | 'pool-unknown'
  | 'canary-alone'
  | 'url-unfit'
  | 'url-has-userinfo'
  | 'self-call'
  | 'two-secrets'
  | 'password-missing'
  | 'user-missing'
  | 'secret-over-http'
  | 'tls-over-http'
  | 'cert-missing'
  | 'key-missing'
  | 'pin-unfit'
  | 'pins-without-backup'
  | 'proxy-unfit'
  | 'rate-unfit'
  | 'burst-without-rate'
  | 'probe-unfit'
  | 'header-unfit'
  | 'header-is-secret'
  | 'globs-unfit'
  | 'matches-all'
  | 'chain-unfit';

/** One thing that is wrong with a row. */
export interface RowTrouble {
  readonly member: string;
  readonly reason: RowReason;
  /** What else it is about: the name that is taken, the pool that is not there. No secret. */
  readonly other?: string;
  /** What `other` was most likely meant to be. */
  readonly nearest?: string;
}

/** A trouble of the row at `index`. */
export interface PlacedTrouble extends RowTrouble {
  readonly index: number;
}

/** The troubles of all rows, each with its place. */
export function placed<T>(
  rows: readonly T[],
  troublesOf: (row: T, index: number) => readonly RowTrouble[],
): readonly PlacedTrouble[] {
  return rows.flatMap((row, index) => troublesOf(row, index).map((trouble) => ({ ...trouble, index })));
}

/** `reason` about `member` where `isWrong`. */
export function when(isWrong: boolean, member: string, reason: RowReason): readonly RowTrouble[] {
  return isWrong ? [{ member, reason }] : [];
}
