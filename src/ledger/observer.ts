/** What the ledger tells of its work. Implementations never throw and never block. */
export interface LedgerObserver {
  /** A batch of records became durable and its head was published. */
  onAppended(batch: { readonly records: number; readonly size: number; readonly durationMs: number }): void;
  /** Other sums were offered for a version that is logged already; the logged ones stay. */
  onRetagged(event: { readonly subject: string; readonly logged: string; readonly offered: string }): void;
  /** There was no head in the second place, and the log has records: if it was set back, nothing can tell. */
  onUnguarded?(log: { readonly size: number }): void;
  /** The index of the records is being made again; once for every few thousand. */
  onIndexing?(progress: { readonly covered: number; readonly size: number }): void;
  /** What was verified could not be logged in the background; the next lookup tries again. */
  onNotLogged?(event: { readonly subject: string; readonly message: string }): void;
}
