import type { Position } from './problem.ts';

/** A `//` comment as written, without its line end; empty = a blank line kept between the lines of a block. */
export type Comment = string;

/** The comments that belong to a piece of syntax, in file order. */
export interface Comments {
  /** Whole lines directly above it. */
  before: Comment[];
  /** After it, on the line where it ends. */
  suffix: Comment[];
}

/** A go.mod-like file as tokens, blocks and comments, before any directive has a meaning. */
export interface FileSyntax {
  /** Suffix comments with no statement to belong to. */
  before: Comment[];
  statements: Statement[];
}

export type Statement = CommentBlock | Line | Block;

/** Comment lines that a blank line separates from what follows. */
export interface CommentBlock extends Comments {
  readonly kind: 'comments';
}

/** One line of at least one token. */
export interface Line extends Comments {
  readonly kind: 'line';
  readonly start: Position;
  /** As written, quotes included, until a parser of directives puts the normal form in place. */
  readonly tokens: string[];
}

/** `tokens (`, lines, `)`. */
export interface Block extends Comments {
  readonly kind: 'block';
  readonly start: Position;
  readonly tokens: string[];
  /** Holds the comment after `(`. */
  readonly open: Comments;
  readonly lines: Line[];
  /** Holds the comments above and after `)`. */
  readonly close: Comments;
}

/** No comments yet. */
export function noComments(): Comments {
  return { before: [], suffix: [] };
}
