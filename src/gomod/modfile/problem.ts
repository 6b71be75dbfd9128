/** One thing wrong with a go.mod-like file. */
export interface ModFileProblem {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in code points. */
  readonly column: number;
  /** One short line of printable ASCII. */
  readonly message: string;
}

/** What parsing gives: the file, or at least one problem and at most MAX_PROBLEMS, in file order. */
export type ParseResult<T> =
  | { readonly ok: true; readonly file: T }
  | { readonly ok: false; readonly problems: readonly ModFileProblem[] };

/** A file of nothing but mistakes would otherwise give a list larger than itself. */
export const MAX_PROBLEMS = 100;

/** A problem as `go.mod:3:1: message`, for logs and error details. */
export function formatProblem(problem: ModFileProblem, fileName: string): string {
  return `${fileName}:${problem.line}:${problem.column}: ${problem.message}`;
}

/** Thrown inside this folder only; parse functions turn it into a ParseResult. */
export class ModFileError extends Error {
  readonly at: Position;

  constructor(message: string, at: Position) {
    super(message);
    this.at = at;
  }
}

/** A place in the text: 1-based line, and offset in UTF-16 units from the start of the text. */
export interface Position {
  readonly line: number;
  readonly offset: number;
}

/** The problem at `at`. The column is counted only here, because counting it for every token would make long lines quadratic. */
export function problemAt(text: string, at: Position, message: string): ModFileProblem {
  const lineStart = at.offset === 0 ? 0 : text.lastIndexOf('\n', at.offset - 1) + 1;
  let column = 1;
  for (let i = lineStart; i < at.offset; i += (text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1) column++;
  return { line: at.line, column, message };
}
