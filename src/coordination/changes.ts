/**
 * What processes on one store tell each other: that something is no longer what they may have in memory of it. Whoever tells has written it before, so that who hears finds it; who hears
 * before each answer from memory so never gives an answer that is older than one that another process gave before.
 */
export interface Changes {
  /** Names that others have told of since the last call; `everything` when that is not known. Takes microseconds. Never throws: what cannot be heard is not told. */
  heard(): readonly string[] | 'everything';
  /** Tells the others. Never throws: what cannot be told they learn when theirs is no longer fresh. */
  tell(name: string): void;
  /** Hears and tells no more. */
  close(): void;
}
