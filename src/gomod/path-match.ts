/**
 * Shell-like patterns as Go's path.Match reads them: `*` and `?` do not cross `/`, `[a-z]`, `[^a-z]`, `\x`.
 */

/** One step of a pattern. */
type Step =
  | { readonly kind: 'star' }
  | { readonly kind: 'any' }
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly Range[] };

interface Range {
  readonly low: number;
  readonly high: number;
}

/** A pattern that has been read. */
export type PathPattern = readonly Step[];

/** Whether the whole of `name` matches `pattern`. A malformed pattern matches nothing. Takes at most (length of name × length of pattern) steps. */
export function matchPath(pattern: string, name: string): boolean {
  const steps = parsePattern(pattern);
  return steps !== undefined && matchesPattern(steps, name);
}

/** `pattern` read, or undefined when it is malformed: an open `[`, an empty class, a `\` at the end, a range from high to low is allowed and matches nothing. */
export function parsePattern(pattern: string): PathPattern | undefined {
  const chars = Array.from(pattern);
  const steps: Step[] = [];
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i];
    if (c === '*') steps.push({ kind: 'star' });
    else if (c === '?') steps.push({ kind: 'any' });
    else if (c === '[') {
      const read = readClass(chars, i + 1);
      if (read === undefined) return undefined;
      steps.push(read.step);
      i = read.end;
    } else {
      const char = c === '\\' ? chars[++i] : c;
      if (char === undefined) return undefined;
      steps.push({ kind: 'char', char });
    }
  }
  return steps;
}

/** The class whose text starts after `[`; `end` is the index of its `]`. A `]` that comes first is malformed, as an empty class is. */
function readClass(chars: readonly string[], start: number): { readonly step: Step; readonly end: number } | undefined {
  const negated = chars[start] === '^';
  const ranges: Range[] = [];
  let i = negated ? start + 1 : start;
  while (chars[i] !== ']' || ranges.length === 0) {
    const low = readClassChar(chars, i);
    if (low === undefined) return undefined;
    i = low.next;
    let high = low;
    if (chars[i] === '-') {
      const read = readClassChar(chars, i + 1);
      if (read === undefined) return undefined;
      high = read;
      i = high.next;
    }
    ranges.push({ low: low.code, high: high.code });
  }
  return { step: { kind: 'class', negated, ranges }, end: i };
}

/** A character of a class, possibly escaped; `-` and `]` must be escaped there. */
function readClassChar(
  chars: readonly string[],
  at: number,
): { readonly code: number; readonly next: number } | undefined {
  const c = chars[at];
  if (c === '-' || c === ']') return undefined;
  const i = c === '\\' ? at + 1 : at;
  const code = chars[i]?.codePointAt(0);
  return code === undefined ? undefined : { code, next: i + 1 };
}

/** Greedy with one point to return to: the last star is the only one that ever needs to take more. */
export function matchesPattern(steps: PathPattern, name: string): boolean {
  const chars = Array.from(name);
  let step = 0;
  let at = 0;
  let starStep = -1;
  let starAt = 0;
  while (at < chars.length || step < steps.length) {
    const s = steps[step];
    const c = chars[at];
    if (s?.kind === 'star') {
      starStep = step++;
      starAt = at;
    } else if (s !== undefined && c !== undefined && stepMatches(s, c)) {
      step++;
      at++;
    } else if (starStep >= 0 && starAt < chars.length && chars[starAt] !== '/') {
      step = starStep + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  return true;
}

function stepMatches(step: Step, char: string): boolean {
  if (step.kind === 'star') return false;
  if (step.kind === 'any') return char !== '/';
  if (step.kind === 'char') return step.char === char;
  const code = char.codePointAt(0) ?? 0;
  return step.ranges.some((r) => r.low <= code && code <= r.high) !== step.negated;
}
