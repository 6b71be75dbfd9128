import { array, assert, boolean, constantFrom, property, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkFiles, checkZipEntries } from './check.ts';
import { Collisions } from './collisions.ts';

type Step = readonly [path: string, isDirectory: boolean];

/** The rule in its plainest form, a path and then its parents, each under its lower-case name. */
function plainVerdicts(steps: readonly Step[]): (string | undefined)[] {
  const seen = new Map<string, { path: string; isDirectory: boolean }>();
  const verdict = (path: string, isDirectory: boolean): string | undefined => {
    const old = seen.get(path.toLowerCase());
    if (old === undefined) seen.set(path.toLowerCase(), { path, isDirectory });
    else if (old.path !== path) return `case-insensitive file name collision: "${old.path}" and "${path}"`;
    else if (old.isDirectory !== isDirectory) return `entry "${path}" is both a file and a directory`;
    else if (!isDirectory) return `multiple entries for file "${path}"`;
    const slash = path.lastIndexOf('/');
    return slash < 0 ? undefined : verdict(path.slice(0, slash), true);
  };
  return steps.map(([path, isDirectory]) => verdict(path, isDirectory));
}

function verdicts(steps: readonly Step[]): (string | undefined)[] {
  const collisions = new Collisions();
  return steps.map(([path, isDirectory]) => collisions.add(path, isDirectory));
}

describe('paths collide', () => {
  test('by case, by kind and by coming twice, and the deepest place is told', () => {
    expect(
      verdicts([
        ['a/b/c', false],
        ['a/b/c', false],
        ['a/b', true],
        ['a/b', false],
        ['a/b/c/d', false],
        ['A/b/C', false],
        ['A/x', false],
        ['A/x/y', true],
      ]),
    ).toEqual([
      undefined,
      'multiple entries for file "a/b/c"',
      undefined,
      'entry "a/b" is both a file and a directory',
      'entry "a/b/c" is both a file and a directory',
      'case-insensitive file name collision: "a/b/c" and "A/b/C"',
      'case-insensitive file name collision: "a" and "A"',
      'entry "A/x" is both a file and a directory',
    ]);
  });

  test('also with those that had a fault themselves, in whatever order they come', () => {
    const path = array(constantFrom('a', 'A', 'b', 'B', 'ab'), { minLength: 1, maxLength: 4 });
    const step = tuple(
      path.map((elements) => elements.join('/')),
      boolean(),
    );
    assert(
      property(array(step, { maxLength: 12 }), (steps) => {
        expect(verdicts(steps)).toEqual(plainVerdicts(steps));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a name with 30,000 levels', () => {
  const deep = 'A/'.repeat(30_000);

  test('is judged like any other, at once', () => {
    const prefix = 'example.com/m@v1.0.0/';
    const names = [`${prefix}${deep}`, `${prefix}${deep}x`, `${prefix}${deep.toLowerCase()}x`, `${prefix}a`];
    const entries = names.map((name) => ({ name, sizeBytes: 0 }));
    const before = performance.now();
    const { valid, invalid } = checkZipEntries('example.com/m', 'v1.0.0', { sizeBytes: 1, entries });
    const tookMs = performance.now() - before;
    expect(invalid.map(({ path }) => path)).toEqual([names[2], names[3]]);
    expect(valid).toEqual([names[1]]);
    expect(tookMs).toBeLessThan(1000);
  });

  test('does no harm in a source tree either', () => {
    const file = { path: `${deep}x`, mode: 'regular' as const, sizeBytes: 1 };
    const before = performance.now();
    expect(checkFiles([file, { ...file, path: 'a' }], undefined).invalid).toHaveLength(1);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
