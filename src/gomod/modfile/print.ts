import { bytesOfText, trimSpace } from '../go-text.ts';
import type { Block, Comment, FileSyntax, Statement } from './syntax.ts';

/** The file in the standard layout: the bytes that `go mod edit -fmt` would write for the same tree. */
export function formatModFile(syntax: FileSyntax): Uint8Array {
  const printer = new Printer();
  for (const comment of syntax.before) printer.line(comment);
  syntax.statements.forEach((statement, i) => {
    printer.statement(statement);
    if (i + 1 < syntax.statements.length) printer.endLine();
  });
  return bytesOfText(printer.text());
}

class Printer {
  readonly #lines: string[] = [];
  #current = '';
  #indent = '';
  /** Suffix comments waiting for the end of the current line. */
  #pending: Comment[] = [];

  /** All that was printed, with blank lines at the end removed. */
  text(): string {
    while (this.#current === '' && this.#lines.at(-1) === '') this.#lines.pop();
    return [...this.#lines, this.#current].join('\n');
  }

  line(comment: Comment): void {
    this.#current += trimSpace(comment);
    this.endLine();
  }

  statement(statement: Statement): void {
    for (const comment of statement.before) this.line(comment);
    if (statement.kind === 'line') this.#current += joinTokens(statement.tokens);
    else if (statement.kind === 'block') this.#block(statement);
    this.#suffix(statement.suffix);
    if (statement.kind !== 'comments') this.endLine();
  }

  #block(block: Block): void {
    this.#current += `${joinTokens(block.tokens)} (`;
    this.#suffix(block.open.suffix);
    this.#indent = '\t';
    for (const line of block.lines) {
      this.endLine();
      for (const comment of line.before) this.line(comment);
      this.#current += joinTokens(line.tokens);
      this.#suffix(line.suffix);
    }
    this.#closeBlock(block);
  }

  /** Comments above `)` stand at the margin of the block's head, as the go command prints them. */
  #closeBlock(block: Block): void {
    this.#indent = '';
    this.endLine();
    for (const comment of block.close.before) this.line(comment);
    this.#current += ')';
    this.#suffix(block.close.suffix);
  }

  #suffix(comments: readonly Comment[]): void {
    for (const comment of comments) this.#pending.push(comment);
  }

  /** Ends the current line and indents the next. Never a blank line at the top, nor two in a row. */
  endLine(): void {
    const [first, ...others] = this.#pending.map(trimSpace);
    if (first !== undefined) this.#current += ` ${first}`;
    for (const comment of others) {
      this.#lines.push(trimBlanks(this.#current));
      this.#current = this.#indent + comment;
    }
    this.#pending = [];
    // A token may hold a newline, so the current line may be several.
    const lines = trimBlanks(this.#current).split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines) this.#lines.push(line);
    if (last !== '' || (this.#lines.at(-1) ?? '') !== '') this.#lines.push(last);
    this.#current = this.#indent;
  }
}

/** Without trailing spaces and tabs; not a regular expression, which would be quadratic on long runs of them. */
function trimBlanks(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--;
  return line.slice(0, end);
}

function joinTokens(tokens: readonly string[]): string {
  const pieces: string[] = [];
  let isGlued = true;
  for (const token of tokens) {
    if (!isGlued && !GLUED_TO_LEFT.has(token)) pieces.push(' ');
    pieces.push(token);
    isGlued = GLUED_TO_RIGHT.has(token);
  }
  return pieces.join('');
}

const GLUED_TO_LEFT: ReadonlySet<string> = new Set([',', ')', ']', '}']);
const GLUED_TO_RIGHT: ReadonlySet<string> = new Set(['(', '[', '{']);
