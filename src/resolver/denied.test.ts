import { describe, expect, test } from 'vitest';
import { parseModulePath, type Version } from '../gomod/module.ts';
import { withoutDenied } from './denied.ts';

const M = parseModulePath('example.com/m');
const o = { signal: new AbortController().signal };
const versions = (...names: string[]): Version[] => names as Version[];

/** What is left when `known` are the versions that somebody vouches for, and which were asked about. */
async function left(all: readonly Version[], known: readonly string[]) {
  const asked: string[] = [];
  const isDenied = async ({ version }: { readonly version: string }): Promise<boolean> => {
    asked.push(version);
    return !known.includes(version);
  };
  return { versions: await withoutDenied(M, all, isDenied, o), asked };
}

describe('a list', () => {
  test('loses versions at its upper end that nobody vouches for, and the next ones are looked at', async () => {
    const all = versions('v1.0.0', 'v1.1.0', 'v1.2.0', 'v8.0.0', 'v9.9.8', 'v9.9.9');
    const { versions: kept, asked } = await left(all, ['v1.0.0', 'v1.1.0', 'v1.2.0']);
    expect(kept).toEqual(['v1.0.0', 'v1.1.0', 'v1.2.0']);
    expect(asked.toSorted()).toEqual(all);
  });

  test('is asked about its three highest versions alone when they are known', async () => {
    const all = versions('v1.0.0', 'v1.1.0', 'v1.2.0', 'v1.3.0');
    const { versions: kept, asked } = await left(all, ['v1.1.0', 'v1.2.0', 'v1.3.0']);
    expect(kept).toEqual(all);
    expect(asked).toEqual(['v1.1.0', 'v1.2.0', 'v1.3.0']);
  });

  test('of a thousand made-up versions costs a dozen questions', async () => {
    const all = versions(...Array.from({ length: 1000 }, (_, i) => `v9.0.${i}`));
    const { asked } = await left(all, []);
    expect(asked).toHaveLength(12);
  });

  test('stays whole where nobody is asked', async () => {
    expect(await withoutDenied(M, versions('v9.9.9'), undefined, o)).toEqual(['v9.9.9']);
  });
});
