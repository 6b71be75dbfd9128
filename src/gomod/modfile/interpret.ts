import { textOfBytes } from '../go-text.ts';
import { shown } from '../shown.ts';
import { Directive, DirectiveError } from './directives.ts';
import { MAX_PROBLEMS, ModFileError, type ModFileProblem, type ParseResult, problemAt } from './problem.ts';
import { parseSyntax } from './syntax-parser.ts';
import type { Block, FileSyntax } from './syntax.ts';

/** What the kinds of file differ in. */
export interface DirectiveReader<T> {
  /** The verbs that may head a block. */
  readonly blockVerbs: ReadonlySet<string>;
  /** Whether blocks with another head are skipped. */
  readonly isLax: boolean;
  /** Takes one directive; throws DirectiveError when it is wrong. */
  read(directive: Directive): void;
  /** The file, once all directives were read without a problem. */
  finish(syntax: FileSyntax): T;
}

/** Parses `bytes` and shows `reader` every directive, in file order. */
export function interpret<T>(bytes: Uint8Array, reader: DirectiveReader<T>): ParseResult<T> {
  const text = textOfBytes(bytes);
  try {
    const syntax = parseSyntax(text);
    const problems = readAll(text, syntax, reader);
    return problems.length === 0 ? { ok: true, file: reader.finish(syntax) } : { ok: false, problems };
  } catch (error) {
    if (!(error instanceof ModFileError)) throw error;
    return { ok: false, problems: [problemAt(text, error.at, error.message)] };
  }
}

function readAll<T>(text: string, syntax: FileSyntax, reader: DirectiveReader<T>): ModFileProblem[] {
  const problems: ModFileProblem[] = [];
  for (const item of directivesOf(syntax, reader.blockVerbs)) {
    const isDirective = item instanceof Directive;
    const message = isDirective
      ? failureOf(reader, item)
      : reader.isLax
        ? undefined
        : `unknown block ${shown(item.tokens.join(' '))}`;
    if (message !== undefined) problems.push(problemAt(text, isDirective ? item.line.start : item.start, message));
    if (problems.length === MAX_PROBLEMS) break;
  }
  return problems;
}

/** Every directive, and every block whose head no directive has. */
function* directivesOf(syntax: FileSyntax, blockVerbs: ReadonlySet<string>): Generator<Directive | Block> {
  for (const statement of syntax.statements) {
    if (statement.kind === 'comments') continue;
    const verb = statement.tokens[0] ?? '';
    if (statement.kind === 'line') yield new Directive(verb, statement, undefined);
    else if (statement.tokens.length > 1 || !blockVerbs.has(verb)) yield statement;
    else for (const line of statement.lines) yield new Directive(verb, line, statement);
  }
}

/** What is wrong with a directive, if anything. */
function failureOf<T>(reader: DirectiveReader<T>, directive: Directive): string | undefined {
  try {
    reader.read(directive);
    return undefined;
  } catch (error) {
    if (error instanceof DirectiveError) return error.message;
    throw error;
  }
}
