const LONGEST = 64;

/** The candidate that `word` was most likely meant to be, or undefined when none is near: at most a third of the letters differ. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > LONGEST) return undefined;
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    const allowed = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (distance <= allowed && distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) row.push(cell(a, b, i, j, { row, last, beforeLast }));
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

function cell(
  a: string,
  b: string,
  i: number,
  j: number,
  rows: { row: number[]; last: number[]; beforeLast: number[] },
): number {
  const at = (cells: number[], index: number): number => cells[index] ?? Number.POSITIVE_INFINITY;
  const same = a[i - 1] === b[j - 1];
  let best = Math.min(at(rows.last, j) + 1, at(rows.row, j - 1) + 1, at(rows.last, j - 1) + (same ? 0 : 1));
  if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
    best = Math.min(best, at(rows.beforeLast, j - 2) + 1);
  return best;
}
