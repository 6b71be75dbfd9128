import { bytesOfText, textOfBytes, trimSpace } from '../go-text.ts';
import { autoQuote, unquote } from '../quote.ts';

/**
 * The module path a go.mod declares, or undefined: a scan for the first `module` line that minds nothing else in the file,
 * as the go command uses to locate modules. It is no parser: a block `module (` gives the path `(`, a BOM gives none.
 */
export function scanModulePath(goMod: Uint8Array): string | undefined {
  const text = textOfBytes(goMod);
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const rest = restOfModuleLine(text.slice(start, end));
    if (rest !== undefined) return (/^["`]/.test(rest) ? unquote(rest) : rest) || undefined;
    start = end + 1;
  }
  return undefined;
}

/** What follows `module` and white space on this line, comment removed; undefined when it is no such line. */
function restOfModuleLine(line: string): string | undefined {
  const comment = line.indexOf('//');
  const statement = trimSpace(comment < 0 ? line : line.slice(0, comment));
  if (!statement.startsWith('module')) return undefined;
  const rest = statement.slice('module'.length);
  const path = trimSpace(rest);
  return path === '' || path.length === rest.length ? undefined : path;
}

/**
 * The go.mod of a module that has none. Clients recognise it byte by byte (such a module does not count as having a go.mod),
 * so it must never be reformatted.
 */
export function synthesizedGoMod(path: string): Uint8Array {
  return bytesOfText(`module ${autoQuote(path)}\n`);
}

/** Whether `goMod` is the go.mod made up for a module at `path` that has none of its own. */
export function isSynthesizedGoMod(goMod: Uint8Array, path: string): boolean {
  return Buffer.compare(goMod, synthesizedGoMod(path)) === 0;
}
