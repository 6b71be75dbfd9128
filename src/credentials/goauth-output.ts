import { AppError } from '../std/errors.ts';

/** What one block of the output of a GOAUTH command says: these headers belong to that URL and the paths below it. Secret. */
export interface GoauthCredential {
  /** `example.com`, `example.com:8080/a`: without `https://`; other schemes keep theirs, and match nothing. */
  readonly prefix: string;
  /** Lower-case names; several values of one name in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

/** They say how a message is sent, or to whom, which is not for a credential to say. */
const NOT_OURS_TO_SET: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'range',
  'if-range',
  'accept-encoding',
]);

/**
 * The output of a GOAUTH command: blocks of URLs, an empty line, `Name: value` lines, an empty line. Throws CONFIG_INVALID, in the words of the
 * go command and without a line of it. A URL with userinfo counts for nothing.
 */
export function parseGoauthOutput(text: string): readonly GoauthCredential[] {
  const lines = new Lines(text);
  const found: GoauthCredential[] = [];
  while (!lines.isAtEnd) {
    const urls = lines.block('missing empty line after URLs').map(prefixOf);
    const headers = headersOf(lines.block('missing empty line after headers'));
    for (const prefix of urls) if (prefix !== undefined) found.push({ prefix, headers });
  }
  return found;
}

class Lines {
  readonly #lines: readonly string[];
  /** What stands after the last line feed is no line. */
  readonly #rest: string;
  #at = 0;

  constructor(text: string) {
    const lines = text.split('\n');
    this.#rest = lines.pop() ?? '';
    this.#lines = lines;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#lines.length && this.#rest === '';
  }

  /** The lines up to the next empty one, which is passed over. */
  block(fault: string): readonly string[] {
    const end = this.#lines.indexOf('', this.#at);
    if (end < 0) throw new AppError('CONFIG_INVALID', `invalid format: ${fault}`);
    const block = this.#lines.slice(this.#at, end);
    this.#at = end + 1;
    return block;
  }
}

function prefixOf(line: string): string | undefined {
  const url = /^[A-Za-z][A-Za-z0-9+.-]*:/.test(line) ? URL.parse(line) : null;
  if (url === null) throw new AppError('CONFIG_INVALID', 'could not parse a URL of it');
  if (url.username !== '' || url.password !== '') return undefined;
  return url.href
    .replace(/^https:\/\//, '')
    .replace(/[?#].*$/s, '')
    .replace(/\/$/, '');
}

function headersOf(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): (.*)$/s.exec(line) ?? [];
    const trimmed = value.trim();
    if (name === '' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(trimmed))
      throw new AppError('CONFIG_INVALID', 'invalid format: invalid header line');
    const key = name.toLowerCase();
    if (NOT_OURS_TO_SET.has(key)) throw new AppError('CONFIG_INVALID', `a credential cannot set the header ${key}`);
    headers.set(key, [...(headers.get(key) ?? []), trimmed]);
  }
  return headers;
}
