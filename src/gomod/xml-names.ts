/**
 * Which names XML allows (appendix B of XML 1.0, the first editions, as Go's decoder has it). Matters for a page with an odd name in front of
 * its go-import tag: such a page is no page for the go command.
 * Each item of a table: how many code points to skip, and after `+` how many more belong to the run; all in base 36, from U+0080 on.
 */
const FIRST = `
  1s+m 1+u 1+1l 2+a 2+7 1+1g 1+1v 9+z 3+1 4+t 1k+2g i+6 5g 1+2 1 1+j 1+17 1+6 3 1 1 1 1+h d+b 1+1t 1+b 1+z e+1g 2+1
  2+1 3+r 2+7 2+1 1j+11 2 7+11 21+q 5+2 1a+p 6+9 12+1y 2+4 1+e 1+3 1 f+1 f2+1g 3 q+9 z+7 2+1 2+l 1+6 1 3+3 y+1 1+2 e+1
  j+5 4+1 2+l 1+6 1+1 1+1 1+1 v+3 1 j+2 g+6 1 1+2 1+l 1+6 1+1 1+4 23+7 2+1 2+l 1+6 1+1 2+3 3 u+1 1+2 z+5 3+2 1+3 3+1 1
  1+1 3+1 3+2 3+7 1+2 23+7 1+2 1+m 1+9 1+4 12+1 z+7 1+2 1+m 1+9 1+4 10 1+1 z+7 1+2 1+m 1+f 12+1 4f+19 1 1+1 c+5 1n+1 1
  2+1 1 2 6+3 1+6 1+2 1 1 2+1 1+1 1 1+1 9 2+4 3f+7 1+w 8m+11 a+12 9 1+1 1+2 1 1+1 1+4 15 1 1 b 1 1 3+1 3 5+2 1 1 1 1
  3+1 3+1 1m+1 7+1 1 1+6 1i 2di+4b 4+2h 6+l 2+5 2+11 2+5 2+7 5 1+u 2+1g 1+6 1 3+2 1+6 3+3 2+5 4+c 5+2 1+6 89 3+1 2
  29+2 2v8 p+8 n+2b c+2h a+13 5oz+g4l 2fu+8mb
`;

const FURTHER = `
  1j ew+1 1a+1x q+1 11 6z+3 7e+g 1+m 1+2 1 1+1 3s+7 d+9 6 2t+e 2+1 1+3 2+9 ef+2 1k 1+f 3+3 d+1 2+9 h+2 1k 1+6 2+1 2+2
  9 a+1 2+9 26+4 4+1 2+2 o+b f+2 1k 1+7 1+2 1+2 o+9 h+2 1k 1+5 3+1 2+2 8+1 e+9 i+1 1m+4 3+2 1+3 9 f+8 h+2 1m+6 1+2 1+3
  7+1 f+9 i+1 1m+6 1+2 1+3 7+1 f+9 i+1 1m+5 2+2 1+3 9 e+9 5d 2+6 b+8 1+9 2f 2+5 1+1 9 1+5 2+9 1q+1 6+9 b 1 1 4+1 1d+j
  1+5 4+5 1 1+k 3+6 1 3di+c 30t+5 1+4 2r+1 2+1 2l+2
`;

/** First and last code point of each run, ascending. */
type Runs = Uint32Array;

const first = runsOf(FIRST);
const further = runsOf(FURTHER);

/** Whether a name may begin with `codePoint`, one beyond ASCII. */
export function mayBeginName(codePoint: number): boolean {
  return isWithin(first, codePoint);
}

/** Whether `codePoint`, one beyond ASCII, may stand in a name. */
export function mayStandInName(codePoint: number): boolean {
  return isWithin(first, codePoint) || isWithin(further, codePoint);
}

function runsOf(table: string): Runs {
  const items = table.trim().split(/\s+/);
  const runs = new Uint32Array(2 * items.length);
  let next = 0x80;
  for (const [i, item] of items.entries()) {
    const [skip = '', more = '0'] = item.split('+');
    const start = next + Number.parseInt(skip, 36);
    const end = start + Number.parseInt(more, 36);
    runs.set([start, end], 2 * i);
    next = end + 1;
  }
  return runs;
}

function isWithin(runs: Runs, codePoint: number): boolean {
  let low = 0;
  let high = runs.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((runs[2 * middle + 1] ?? 0) < codePoint) low = middle + 1;
    else high = middle;
  }
  return (runs[2 * low] ?? Number.POSITIVE_INFINITY) <= codePoint;
}
