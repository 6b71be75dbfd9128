import { OF_OTHERS } from './of-others.ts';
import { OF_OURS } from './of-ours.ts';
import type { Proof, Row } from './row.ts';

/** Every bug of which something shows that it is not here. */
export const LEDGER: readonly Row[] = [...OF_OTHERS, ...OF_OURS];

/** The rows called `asked`: the whole id, or one of the names in it. */
export function rowsCalled(asked: string, ledger = LEDGER): readonly Row[] {
  return ledger.filter(({ id }) => id === asked || namesIn(id).includes(asked));
}

/** `a#1,#2` stands for `a#1` and `a#2`, `GO-1-2,-3` for `GO-1-2` and `GO-1-3`. */
export function namesIn(id: string): readonly string[] {
  const [first = '', ...more] = id.split(',');
  return [first, ...more.map((one) => (/^[#-]/.test(one) ? first.replace(/[#-][^#-]*$/, '') + one : one))];
}

/** What finds the tests of `proof` by `vitest -t`: the whole name, anything where a table fills it in. */
export function patternOf({ test }: Proof): string {
  const name = test.replaceAll('\\"', '"');
  const parts = name.split(/%[sdijop#]|\$\{[^}]*\}|\$\w+/);
  return `^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`;
}
