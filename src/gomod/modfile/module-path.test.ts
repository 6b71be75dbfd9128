import { describe, expect, test } from 'vitest';
import { isSynthesizedGoMod, scanModulePath, synthesizedGoMod } from './module-path.ts';

const scan = (text: string): string | undefined => scanModulePath(Buffer.from(text));

describe('the scan for the module path', () => {
  test.each([
    ['module a.b/c\n', 'a.b/c'],
    ['garbage (\n\tmodule\ta.b/c // x\nmodule d\n', 'a.b/c'],
    ['module "a.b\\x2fc"', 'a.b/c'],
    ['module `a.b/c`', 'a.b/c'],
    ['module m; go 1.20', 'm; go 1.20'],
    ['module (\n\ta.b/c\n)', '('],
  ])('%j gives %j', (goMod, path) => {
    expect(scan(goMod)).toBe(path);
  });

  test.each([
    '',
    'modulea.b/c',
    'module\n"a.b/c"',
    '\ufeffmodule m',
    'module "a//b"',
    'module "x',
    'module ""\nmodule m',
  ])('%j gives none', (goMod) => {
    expect(scan(goMod)).toBeUndefined();
  });
});

test('a made-up go.mod is recognised byte by byte', () => {
  expect(isSynthesizedGoMod(synthesizedGoMod('a.b/c'), 'a.b/c')).toBe(true);
  expect(isSynthesizedGoMod(Buffer.from('module a.b/c'), 'a.b/c')).toBe(false);
});
