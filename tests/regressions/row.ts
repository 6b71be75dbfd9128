/** A test that shows something: its file, and its full name as `vitest list` prints it (`suite > test`; `%s` and the like stand for any text). */
export interface Proof {
  readonly file: string;
  readonly test: string;
}

/** One bug that once was, and what shows that it is not here. */
export interface Row {
  /** What it is called where it was found; of our own bugs, the commit that ended it (a name, where it was ended before the code was in main). */
  readonly id: string;
  /** What happened, in one line. */
  readonly what: string;
  /** All must pass; none may be skipped. */
  readonly proofs: readonly Proof[];
  /** A change to the product with which a proof fails, for rows where that was tried. */
  readonly bites?: string;
}

/** A row of `id`; each proof is `file: full name`. */
export function row(id: string, what: string, proofs: readonly string[], bites?: string): Row {
  return { id, what, proofs: proofs.map(proofOf), ...(bites !== undefined && { bites }) };
}

function proofOf(text: string): Proof {
  const at = text.indexOf(': ');
  return { file: text.slice(0, at), test: text.slice(at + 2) };
}
