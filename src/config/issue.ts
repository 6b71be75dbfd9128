import type { KeySpec } from './key-specs.ts';
import type { ConfigProblem } from './problem.ts';
import { redactMember, redactValue } from './redact.ts';
import type { Members, RowFault, WrittenRow } from './rows.ts';
import type { Written } from './written.ts';

/** What the schema says against a value. */
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly params?: Record<string, unknown> | undefined;
}

/** The problem that `issue` is, with the place where the value was written. */
export function problemOf(
  issue: Issue,
  specs: readonly KeySpec[],
  written: ReadonlyMap<string, Written>,
): ConfigProblem {
  const path = issue.path.join('.');
  const spec = specs.find((one) => path === one.key || path.startsWith(`${one.key}.`));
  const key = spec?.key ?? path;
  const one = written.get(key);
  const origin = one?.origin ?? 'default';
  const partner = issue.params?.['partner'];
  if (typeof partner === 'string') return { kind: 'missing-partner', origin, key, partner };
  const above = issue.params?.['above'];
  if (typeof above === 'string')
    return { kind: 'not-above', origin, key, other: above, otherOrigin: written.get(above)?.origin ?? 'default' };
  const fault = issue.params?.['rowFault'] as RowFault | undefined;
  if (fault !== undefined && spec !== undefined) return rowProblem(fault, Number(issue.path.at(-1)), spec, one);
  return {
    kind: 'bad-value',
    origin,
    key,
    shown: shownValue(key, one?.value),
    expected: spec?.expected ?? 'path',
    example: spec?.example ?? '',
    ...(spec?.choices === undefined ? {} : { choices: spec.choices }),
    ...(spec?.range === undefined ? {} : { range: spec.range }),
  };
}

function rowProblem(fault: RowFault, at: number, spec: KeySpec, one: Written | undefined): ConfigProblem {
  const { key, example, members = {} } = spec;
  const place = { origin: one?.rowOrigins?.[at] ?? one?.origin ?? 'default', key, row: at + 1 };
  if (fault.fault === 'not-a-row') return { kind: 'not-a-row', ...place, example };
  const { member } = fault;
  if (fault.fault === 'unknown-member') {
    const near = fault.nearest === undefined ? {} : { nearest: fault.nearest };
    return { kind: 'unknown-member', ...place, member: cut(member), members: Object.keys(members), ...near };
  }
  const facts = members[member];
  const meant = { ...place, member, example: facts?.example ?? '' };
  if (fault.fault === 'missing-member') return { kind: 'missing-member', ...meant };
  const shown = shownMember(member, one?.value, { at, members });
  return { kind: 'bad-member', ...meant, shown, ...(facts?.choices && { choices: facts.choices }) };
}

function rowAt(value: unknown, at: number): WrittenRow | undefined {
  const row: unknown = Array.isArray(value) ? value[at] : value;
  return row instanceof Map ? row : undefined;
}

/** The member of the row at `at` of `rows` as it was written and may be shown, cut to one short line; empty when it was not written. */
export function shownMember(
  member: string,
  rows: unknown,
  { at, members }: { readonly at: number; readonly members: Members },
): string {
  const value = rowAt(rows, at)?.get(member) ?? '';
  return typeof value === 'object' ? '' : cut(String(redactMember(value, members[member])));
}

function shownValue(key: string, value: unknown): string {
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return '';
  return cut(String(redactValue(key, value)));
}

/** `text` as part of one line. */
export function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A list with three wrong items is one problem. */
export function withoutRepeats(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
