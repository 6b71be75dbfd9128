/** Names that are the same file on a disk that ignores case. */
import { FOLD_RUNS } from './fold-table.ts';

/**
 * A representative of all names that differ from `name` by case only: two names collide exactly when these are equal. Folds single
 * code points (K, k and the Kelvin sign; s and the long s), so ß and ss stay apart.
 */
export function foldCase(name: string): string {
  if (!NEEDS_FOLDING.test(name)) return name;
  let folded = '';
  for (const char of name) folded += foldChar(char);
  return folded;
}

const NEEDS_FOLDING = /[^\0-@[-\x7f]/;

function foldChar(char: string): string {
  const codePoint = char.codePointAt(0) ?? 0;
  if (codePoint < 0x80) return codePoint >= 0x41 && codePoint <= 0x5a ? String.fromCharCode(codePoint + 0x20) : char;
  return REPRESENTATIVE.get(codePoint) ?? char;
}

const RUN = /^([0-9a-z]+)(?:([+:])([0-9a-z]+))?([=-])([0-9a-z]+)$/;
const REPRESENTATIVE: ReadonlyMap<number, string> = new Map(FOLD_RUNS.trim().split(/\s+/).flatMap(expandRun));

function expandRun(run: string): [codePoint: number, representative: string][] {
  const [, first = '', kind = '+', count = '1', sign = '', distance = ''] = RUN.exec(run) ?? [];
  const step = kind === ':' ? 2 : 1;
  const delta = (sign === '-' ? -1 : 1) * Number.parseInt(distance, 36);
  return Array.from({ length: Number.parseInt(count, 36) }, (_, i) => {
    const codePoint = Number.parseInt(first, 36) + i * step;
    return [codePoint, String.fromCodePoint(codePoint + delta)];
  });
}
