import { AppError } from '../std/errors.ts';
import { fieldsOf } from '../gomod/go-text.ts';

/** One entry of GOAUTH. */
export type GoauthEntry =
  | { readonly kind: 'netrc' }
  | { readonly kind: 'git'; readonly folder: string }
  | { readonly kind: 'command'; readonly argv: readonly string[] };

/**
 * What GOAUTH names, in the order in which it counts: `netrc` where it is empty, nothing for `off`. Throws CONFIG_INVALID as the go command
 * ends for it.
 */
export function parseGoauth(setting: string | undefined): readonly GoauthEntry[] {
  const written = setting === undefined || setting === '' ? 'netrc' : setting;
  const entries = written.split(';').map((text) => text.trim());
  if (entries.length === 1 && fieldsOf(written)[0] === 'off') return [];
  return entries.map(entryOf);
}

function entryOf(text: string): GoauthEntry {
  const [word, folder, ...rest] = fieldsOf(text);
  if (word === undefined) throw unusable('it has an empty command');
  if (word === 'off') throw unusable('off cannot be combined with other commands');
  if (word === 'netrc') return { kind: 'netrc' };
  if (word !== 'git') return { kind: 'command', argv: splitQuoted(text) };
  if (folder === undefined || rest.length > 0 || !folder.startsWith('/'))
    throw unusable('git needs the absolute path of one folder after it');
  return { kind: 'git', folder };
}

/** Words between blanks; one that begins with a quotation mark goes to the next one, and has no escapes. */
function splitQuoted(text: string): readonly string[] {
  const words: string[] = [];
  for (let rest = text.trimStart(); rest !== ''; rest = rest.trimStart()) {
    const [whole, double, single, plain] = /^(?:"([^"]*)"|'([^']*)'|([^\s"'][^\s]*))/.exec(rest) ?? [];
    if (whole === undefined) throw unusable('a quotation mark has no end');
    words.push(double ?? single ?? plain ?? '');
    rest = rest.slice(whole.length);
  }
  return words;
}

function unusable(why: string): AppError {
  return new AppError('CONFIG_INVALID', `use GOAUTH of the environment: ${why}`, {
    detail: { variable: 'GOAUTH' },
  });
}
