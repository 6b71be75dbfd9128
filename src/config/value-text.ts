import type { KeyFacts } from './leaves.ts';
import type { Expected } from './problem.ts';
import { rowsFromText } from './rows.ts';

const LISTS: readonly Expected[] = ['paths', 'databases', 'verifierKeys', 'hosts', 'ranges', 'ports'];

/** A value that came as text (environment, --set) in the form the schema reads; what does not fit stays text and is refused there. */
export function fromText({ expected, members = {} }: Pick<KeyFacts, 'expected' | 'members'>, text: string): unknown {
  if (expected === 'rows') return rowsFromText(text, members);
  if (expected === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (expected === 'count') return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (!LISTS.includes(expected)) return text;
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return expected === 'ports' ? items.map((item) => fromText({ expected: 'count' }, item)) : items;
}
