import { Lexer, type Token, endsLine } from './lexer.ts';
import { ModFileError, type Position } from './problem.ts';
import {
  type Block,
  type Comment,
  type CommentBlock,
  type Comments,
  type FileSyntax,
  type Line,
  noComments,
} from './syntax.ts';

/** Reads `text` as lines, blocks and comments. Throws ModFileError at the first syntax error. Linear, without recursion. */
export function parseSyntax(text: string): FileSyntax {
  return new SyntaxParser(text).parseFile();
}

class SyntaxParser {
  readonly #lexer: Lexer;
  readonly #file: FileSyntax = { before: [], statements: [] };
  /** The last piece of syntax read that lies on a single line: the next suffix comment is its own. */
  #lastOnOneLine: Comments | undefined;

  constructor(text: string) {
    this.#lexer = new Lexer(text);
  }

  parseFile(): FileSyntax {
    let comments: Comment[] = [];
    for (;;) {
      const kind = this.#lexer.peek();
      if (kind === 'comment') {
        comments.push(this.#lexer.next().text);
        continue;
      }
      if (kind === 'newline' || kind === 'end') this.#addCommentBlock(comments);
      if (kind === 'end') return this.#file;
      if (kind === 'newline') this.#lexer.next();
      else this.#parseStatement(comments);
      comments = [];
    }
  }

  #addCommentBlock(before: Comment[]): void {
    if (before.length === 0) return;
    const comments: CommentBlock = { kind: 'comments', before, suffix: [] };
    this.#file.statements.push(comments);
    this.#lastOnOneLine = comments;
  }

  /** A line; or a block, when a `(` or `( )` ends the line. Parentheses elsewhere are ordinary tokens. */
  #parseStatement(before: Comment[]): void {
    const first = this.#lexer.next();
    const tokens = [first.text];
    let last = first;
    while (!endsLine(this.#lexer.peek())) {
      last = this.#lexer.next();
      const close = last.kind === '(' && this.#lexer.peek() === ')' ? this.#lexer.next() : undefined;
      if (last.kind === '(' && endsLine(this.#lexer.peek())) return this.#addBlock(before, first, tokens, close);
      tokens.push(last.text);
      if (close !== undefined) tokens.push(close.text);
    }
    this.#file.statements.push(this.#endLine(before, first, tokens, last));
  }

  #addBlock(before: Comment[], start: Position, tokens: string[], close: Token | undefined): void {
    const block: Block = {
      kind: 'block',
      before,
      suffix: [],
      start,
      tokens,
      open: noComments(),
      lines: [],
      close: noComments(),
    };
    this.#file.statements.push(block);
    this.#lastOnOneLine = block.open;
    if (close === undefined) this.#parseBlockLines(block);
    else this.#lastOnOneLine = close.endLine === start.line ? block : block.close;
    this.#takeLineEnd();
  }

  /** Everything from the end of the line of `(` up to and with `)`. */
  #parseBlockLines(block: Block): void {
    this.#takeLineEnd();
    for (let comments: Comment[] = []; ; ) {
      const kind = this.#lexer.peek();
      if (kind === 'newline') {
        this.#lexer.next();
        const isWorthKeeping = comments.length === 0 ? block.lines.length > 0 : comments.at(-1) !== '';
        if (isWorthKeeping) comments.push('');
      } else if (kind === 'comment') {
        comments.push(this.#lexer.next().text);
      } else if (kind === ')') {
        return this.#closeBlock(block, comments);
      } else if (kind === 'end') {
        throw new ModFileError(
          `the block that starts on line ${block.start.line} is not closed`,
          this.#lexer.position(),
        );
      } else {
        block.lines.push(this.#parseLine(comments));
        comments = [];
      }
    }
  }

  /** Takes the `)`. A blank line before it is not kept. */
  #closeBlock(block: Block, comments: Comment[]): void {
    this.#lexer.next();
    if (!endsLine(this.#lexer.peek()))
      throw new ModFileError('nothing may follow the ) of a block on its line', this.#lexer.position());
    block.close.before = comments.length === 1 && comments[0] === '' ? [] : comments;
    this.#lastOnOneLine = block.close;
  }

  /** A line inside a block: parentheses have no meaning there, except a `)` at its start. */
  #parseLine(before: Comment[]): Line {
    const first = this.#lexer.next();
    const tokens = [first.text];
    let last = first;
    while (!endsLine(this.#lexer.peek())) {
      last = this.#lexer.next();
      tokens.push(last.text);
    }
    return this.#endLine(before, first, tokens, last);
  }

  #endLine(before: Comment[], start: Position, tokens: string[], last: Token): Line {
    const line: Line = { kind: 'line', before, suffix: [], start, tokens };
    if (last.endLine === start.line) this.#lastOnOneLine = line;
    this.#takeLineEnd();
    return line;
  }

  #takeLineEnd(): void {
    const token = this.#lexer.next();
    if (token.kind === 'suffix-comment') (this.#lastOnOneLine?.suffix ?? this.#file.before).push(token.text);
  }
}
