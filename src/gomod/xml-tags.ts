/**
 * The tags of a web page as Go's XML decoder reads them when it is told to be lenient: a page that this refuses has no go-import tags for the
 * go command either, and a page that only a browser could read must not have any for us. Linear in the length of the page.
 */
import { decodeUtf8 } from '../std/bytes.ts';
import { Cursor, isNamed, localName, type Span } from './xml-cursor.ts';
import { checkDeclaration } from './xml-declaration.ts';
import { readText, TextBuffer } from './xml-text.ts';

const BANG = 0x21;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const DASH = 0x2d;
const SLASH = 0x2f;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const QUESTION = 0x3f;
const OPENING_BRACKET = 0x5b;

/** Which attributes are kept, of which tags: all names in lower case ASCII. */
export interface WantedAttributes {
  readonly tag: string;
  readonly names: readonly string[];
}

interface Attribute {
  readonly name: Span;
  readonly value: Span;
  /** In what the value stands: the page, or the text buffer. */
  readonly bytes: Uint8Array;
}

/** Goes from tag to tag through one page. Attacker-controlled. */
export class XmlTags {
  readonly #cursor: Cursor;
  readonly #text: TextBuffer;
  #name: Span = { start: 0, end: 0 };
  readonly #wanted: WantedAttributes;
  readonly #attributes: Attribute[] = [];
  #closesItself = false;

  constructor(page: Uint8Array, wanted: WantedAttributes) {
    this.#wanted = wanted;
    this.#cursor = new Cursor(page);
    this.#text = new TextBuffer(page.length);
  }

  /** Goes on to the next tag and says which kind it is; undefined at the end of the page. `<x/>` counts as two. Throws XmlFault, after which nothing more can be read. */
  next(): 'start' | 'end' | undefined {
    if (this.#closesItself) {
      this.#closesItself = false;
      return 'end';
    }
    const cursor = this.#cursor;
    while (!cursor.isAtEnd) {
      this.#text.length = 0;
      if (cursor.bytes[cursor.at] !== LESS) {
        readText(cursor, this.#text, 'tag');
        continue;
      }
      cursor.at++;
      const kind = this.#markup();
      if (kind !== undefined) return kind;
    }
    return undefined;
  }

  /** Whether the tag is called `name` (lower case ASCII), in whatever case and name space. */
  is(name: string): boolean {
    return isNamed(this.#cursor.bytes, this.#name, name);
  }

  /** The value of the first attribute called `name` (lower case ASCII) of the tag, in whatever case; empty when there is none, or it is not wanted. */
  attribute(name: string): string {
    const found = this.#attributes.find((one) => isNamed(this.#cursor.bytes, one.name, name));
    return found === undefined ? '' : (decodeUtf8(found.bytes.subarray(found.value.start, found.value.end)) ?? '');
  }

  /** `<` was read. */
  #markup(): 'start' | 'end' | undefined {
    const byte = this.#cursor.take();
    if (byte === SLASH) return this.#endTag();
    if (byte === QUESTION) return this.#instruction();
    if (byte === BANG) return this.#declaration();
    this.#cursor.at--;
    return this.#startTag();
  }

  #startTag(): 'start' {
    const cursor = this.#cursor;
    this.#name = this.#localName('expected element name after <');
    this.#attributes.length = 0;
    const isWanted = this.is(this.#wanted.tag);
    for (;;) {
      cursor.skipSpace();
      const byte = cursor.take();
      if (byte === GREATER) return 'start';
      if (byte === SLASH) {
        if (cursor.take() !== GREATER) throw cursor.fault('expected /> in element');
        this.#closesItself = true;
        return 'start';
      }
      cursor.at--;
      const attribute = this.#attribute();
      if (isWanted) this.#keep(attribute);
    }
  }

  /** The first of each name; so there are never many. */
  #keep(attribute: Attribute): void {
    const { bytes } = this.#cursor;
    const name = this.#wanted.names.find((one) => isNamed(bytes, attribute.name, one));
    if (name === undefined || this.#attributes.some((kept) => isNamed(bytes, kept.name, name))) return;
    this.#attributes.push(attribute);
  }

  #attribute(): Attribute {
    const cursor = this.#cursor;
    const name = this.#localName('expected attribute name in element');
    cursor.skipSpace();
    if (cursor.take() !== EQUALS) {
      cursor.at--;
      return { name, value: name, bytes: cursor.bytes };
    }
    cursor.skipSpace();
    const byte = cursor.take();
    if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE)
      return { name, value: readText(cursor, this.#text, byte), bytes: this.#text.bytes };
    const start = --cursor.at;
    while (isUnquoted(cursor.take())) {}
    return { name, value: { start, end: --cursor.at }, bytes: cursor.bytes };
  }

  #endTag(): 'end' {
    const cursor = this.#cursor;
    this.#name = this.#localName('expected element name after </');
    cursor.skipSpace();
    if (cursor.take() !== GREATER) throw cursor.fault('invalid characters in an end tag');
    return 'end';
  }

  #localName(missing: string): Span {
    const cursor = this.#cursor;
    const name = cursor.name();
    const local = name && localName(cursor.bytes, name);
    if (local === undefined) throw cursor.fault(missing);
    return local;
  }

  /** `<?` was read. */
  #instruction(): undefined {
    const cursor = this.#cursor;
    const target = cursor.name();
    if (target === undefined) throw cursor.fault('expected target name after <?');
    cursor.skipSpace();
    const start = cursor.at;
    for (let last = 0, byte = cursor.take(); last !== QUESTION || byte !== GREATER; byte = cursor.take()) last = byte;
    checkDeclaration(cursor.bytes, target, { start, end: cursor.at - 2 });
  }

  /** `<!` was read. */
  #declaration(): undefined {
    const cursor = this.#cursor;
    const byte = cursor.take();
    if (byte === DASH) this.#comment();
    else if (byte === OPENING_BRACKET) this.#cdata();
    else skipDirective(cursor);
  }

  #comment(): void {
    const cursor = this.#cursor;
    if (cursor.take() !== DASH) throw cursor.fault('invalid sequence <!- not part of <!--');
    for (let dashes = 0; ; ) {
      const byte = cursor.take();
      if (dashes === 2 && byte === GREATER) return;
      if (dashes === 2) throw cursor.fault('invalid sequence "--" not allowed in comments');
      dashes = byte === DASH ? dashes + 1 : 0;
    }
  }

  #cdata(): void {
    for (const letter of 'CDATA[')
      if (this.#cursor.take() !== letter.charCodeAt(0)) throw this.#cursor.fault('invalid <![ sequence');
    readText(this.#cursor, this.#text, 'cdata');
  }
}

function isUnquoted(byte: number): boolean {
  const lower = byte | 0x20;
  const isLetter = lower >= 0x61 && lower <= 0x7a;
  return isLetter || (byte >= 0x30 && byte <= 0x3a) || byte === 0x5f || byte === DASH;
}

/** `<!` and one byte were read: `<!DOCTYPE ...>` and its like, which may hold further ones. Brackets in quotes do not count. */
function skipDirective(cursor: Cursor): void {
  let quote = 0;
  let depth = 0;
  for (;;) {
    const byte = cursor.take();
    if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) quote = byte;
    else if (byte === LESS && !skipComment(cursor)) depth++;
    else if (byte === GREATER && depth-- === 0) return;
  }
}

/** Whether a comment begins here (after its `<`), and was skipped. */
function skipComment(cursor: Cursor): boolean {
  for (const letter of '!--') {
    if (cursor.take() === letter.charCodeAt(0)) continue;
    cursor.at--;
    return false;
  }
  for (let dashes = 0, byte = cursor.take(); dashes < 2 || byte !== GREATER; byte = cursor.take())
    dashes = byte === DASH ? dashes + 1 : 0;
  return true;
}
