import { isPrintable } from '../go-text.ts';
import { ModFileError, type Position } from './problem.ts';

/**
 * What a token is. `comment` stands alone on its line, `suffix-comment` follows other tokens; both take the newline with
 * them. A punctuation token's kind is the character itself.
 */
export type TokenKind = 'end' | 'newline' | 'comment' | 'suffix-comment' | 'word' | 'string' | Punctuation;
type Punctuation = '(' | ')' | '[' | ']' | '{' | '}' | ',';

/** A token is also the position where it starts: a hostile file has a million of them, so they are kept small. */
export interface Token extends Position {
  readonly kind: TokenKind;
  /** As written; a comment without its line end. */
  readonly text: string;
  /** Line on which it ends: a string may hold an escaped newline. */
  readonly endLine: number;
}

/** Whether a token of this kind ends a line. */
export function endsLine(kind: TokenKind): boolean {
  return kind === 'newline' || kind === 'suffix-comment' || kind === 'end';
}

/**
 * More than any go.mod has (the largest known have some ten thousand). Without it, a file of the size that callers allow could
 * be made of so many lines of one character that their tree would not fit into memory.
 */
const MAX_TOKENS = 1_000_000;

/** Splits text into tokens, one ahead of its reader. Throws ModFileError, also after a million tokens. Linear in the text. */
export class Lexer {
  readonly #text: string;
  #offset = 0;
  #line = 1;
  #isLineStart = true;
  #tokens = 0;
  #ahead: Token;

  constructor(text: string) {
    this.#text = text;
    this.#ahead = this.#scan();
  }

  /** Kind of the token that `next` will return. */
  peek(): TokenKind {
    return this.#ahead.kind;
  }

  /** Takes one token; at the end of the text, `end` again and again. */
  next(): Token {
    const token = this.#ahead;
    this.#ahead = this.#scan();
    return token;
  }

  /** Where scanning stands: behind the token that `peek` shows. */
  position(): Position {
    return { line: this.#line, offset: this.#offset };
  }

  #scan(): Token {
    while (isBlank(this.#text.charCodeAt(this.#offset))) this.#offset++;
    const start = this.#offset;
    const char = this.#text[start];
    if (char === undefined) return { kind: 'end', text: '', line: this.#line, offset: start, endLine: this.#line };
    if (char === '\n') return this.#scanNewline();
    if (char === '/' && this.#text[start + 1] === '/') return this.#scanComment();
    this.#isLineStart = false;
    if (isPunctuation(char)) return this.#tokenUntil(char, this.#line, start + 1);
    return char === '"' || char === '`' ? this.#scanString(char) : this.#scanWord();
  }

  #scanNewline(): Token {
    const token = this.#tokenUntil('newline', this.#line, this.#offset + 1);
    this.#line++;
    this.#isLineStart = true;
    return token;
  }

  #scanComment(): Token {
    const kind = this.#isLineStart ? 'comment' : 'suffix-comment';
    const newline = this.#text.indexOf('\n', this.#offset);
    if (newline < 0) return this.#tokenUntil(kind, this.#line, this.#text.length);
    const token = this.#tokenUntil(kind, this.#line, this.#text[newline - 1] === '\r' ? newline - 1 : newline);
    this.#offset = newline;
    this.#scanNewline();
    return token;
  }

  #scanString(mark: string): Token {
    const start = this.position();
    let at = start.offset + 1;
    for (let char = this.#text[at]; char !== mark; char = this.#text[at]) {
      if (char === '\n') throw new ModFileError('newline in string', { line: this.#line, offset: at });
      const isEscape = char === '\\' && mark === '"';
      at += isEscape ? 2 : 1;
      if (isEscape && this.#text[at - 1] === '\n') this.#line++;
      if (at > this.#text.length) throw new ModFileError('string is not closed before the end of the file', start);
    }
    return this.#tokenUntil('string', start.line, at + 1);
  }

  #scanWord(): Token {
    let at = this.#offset;
    while (at < this.#text.length && !this.#isCommentAt(at)) {
      const codePoint = this.#text.codePointAt(at) ?? 0;
      if (!isWordChar(codePoint)) break;
      at += codePoint > 0xffff ? 2 : 1;
    }
    if (at > this.#offset) return this.#tokenUntil('word', this.#line, at);
    throw new ModFileError(`unexpected character ${describe(this.#text.codePointAt(at) ?? 0)}`, this.position());
  }

  /** Whether a `//` comment starts at `at`; the other kind of comment is refused on sight. */
  #isCommentAt(at: number): boolean {
    if (this.#text.charCodeAt(at) !== SLASH) return false;
    const next = this.#text[at + 1];
    if (next === '*')
      throw new ModFileError('only // comments are allowed, not /* */', { line: this.#line, offset: at });
    return next === '/';
  }

  /** The token from the current offset up to `end`, where scanning goes on. */
  #tokenUntil(kind: TokenKind, line: number, end: number): Token {
    const offset = this.#offset;
    if (++this.#tokens > MAX_TOKENS) throw new ModFileError(`more than ${MAX_TOKENS} tokens`, this.position());
    this.#offset = end;
    return { kind, text: this.#text.slice(offset, end), line, offset, endLine: this.#line };
  }
}

const SLASH = 0x2f;

function isBlank(charCode: number): boolean {
  return charCode === 0x20 || charCode === 0x09 || charCode === 0x0d;
}

function isPunctuation(char: string): char is Punctuation {
  return '()[]{},'.includes(char);
}

function isWordChar(codePoint: number): boolean {
  if (codePoint >= 0x80) return isPrintable(codePoint);
  return codePoint > 0x20 && codePoint < 0x7f && WORD_CHAR[codePoint] === 1;
}

/** 1 for the ASCII characters that a word may hold: a table, because this is asked for every character. */
const WORD_CHAR = Uint8Array.from({ length: 0x80 }, (_, code) => (isPunctuation(String.fromCharCode(code)) ? 0 : 1));

function describe(codePoint: number): string {
  return `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
}
