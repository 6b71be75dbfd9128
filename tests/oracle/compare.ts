import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { Answer, Question, Reference } from './reference.ts';

/** Inputs are the same in every run, unless LARDER_SEED says another number (`random` for one that is printed with a failure). */
export const seed = seedFrom(process.env['LARDER_SEED']);

function seedFrom(value: string | undefined): number {
  if (value === 'random') return Math.floor(Math.random() * 0x7fffffff);
  return value === undefined ? 20_261_121 : Number(value);
}

/** A function of ours, and the operation of the reference that must agree with it. */
export interface Comparison<Input> {
  readonly op: string;
  readonly inputs: fc.Arbitrary<Input>;
  readonly count: number;
  args(input: Input): Question['args'];
  /** Our answer in the reference's shape; an exception stands for its error. */
  ours(input: Input): unknown;
  /** What of the reference's answer is compared, where it is not all. */
  theirs?(answer: Answer): unknown;
}

/** What stands for "refused" on both sides: error texts are not compared. */
export const REFUSED = 'refused';

/** Asks both sides about `count` inputs and expects the same answers. Shows up to five inputs on which they differ, and the seed. */
export async function expectAgreement<Input>(reference: Reference, c: Comparison<Input>): Promise<void> {
  const inputs = fc.sample(c.inputs, { seed, numRuns: c.count });
  const answers = await reference.ask(inputs.map((input) => ({ op: c.op, args: c.args(input) })));
  const theirs = answers.map((answer) => (c.theirs === undefined ? valueOrRefused(answer) : c.theirs(answer)));
  const ours = inputs.map((input) => wellFormed(orRefused(() => c.ours(input))));
  const differing = inputs.flatMap((input, i) =>
    isSame(ours[i], theirs[i]) ? [] : [{ input, ours: ours[i], theirs: theirs[i], answer: answers[i] }],
  );
  expect(differing.slice(0, 5), `${c.op}, seed ${seed}: ${differing.length} of ${c.count} differ`).toEqual([]);
  expectVariety(c, theirs);
}

/** A generator whose inputs are all refused, or all accepted, would prove nothing. */
function expectVariety<Input>(c: Comparison<Input>, theirs: readonly unknown[]): void {
  const kinds = new Set(theirs.map((answer) => JSON.stringify(answer)));
  expect(kinds.size, `${c.op}, seed ${seed}: distinct answers`).toBeGreaterThan(1);
}

function valueOrRefused(answer: Answer): unknown {
  return 'error' in answer ? REFUSED : answer.value;
}

function orRefused(run: () => unknown): unknown {
  try {
    return run();
  } catch {
    return REFUSED;
  }
}

/** JSON from Go has U+FFFD where a string holds a byte that is not UTF-8. */
function wellFormed(value: unknown): unknown {
  const json = JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'string' ? inner.toWellFormed() : inner));
  return json === undefined ? undefined : JSON.parse(json);
}

function isSame(a: unknown, b: unknown): boolean {
  return sorted(a) === sorted(b);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
