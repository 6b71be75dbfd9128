import type { Expected } from './problem.ts';

/** A value that came as text (environment, --set) in the form the schema reads; what does not fit stays text and is refused there. */
export function fromText(expected: Expected, text: string): unknown {
  if (expected === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (expected === 'count') return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (expected !== 'paths' && expected !== 'databases') return text;
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
