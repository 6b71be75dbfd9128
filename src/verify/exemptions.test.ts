import { describe, expect, test } from 'vitest';
import { parseModulePath } from '../gomod/module.ts';
import { createExemptions } from './exemptions.ts';

const of = (module: string, patterns: string, isOff = false) =>
  createExemptions({ isOff, patterns }).of(parseModulePath(module));

describe('a module is exempt', () => {
  test('when a pattern matches the beginning of its path, and its record says which', () => {
    const because = { by: 'exemption', because: 'pattern', pattern: '*.corp.example' };
    expect(of('git.corp.example/team/m', 'other.example,*.corp.example')).toEqual(because);
    expect(of('corp.example/m', '*.corp.example')).toBeUndefined();
    expect(of('corp.example.evil.test/m', 'corp.example')).toBeUndefined();
  });

  test('when the database is off; a pattern says more', () => {
    expect(of('example.com/m', '', true)).toEqual({ by: 'exemption', because: 'off' });
    expect(of('example.com/m', 'example.com/*', true)).toMatchObject({ because: 'pattern' });
  });

  test('for no other reason', () => {
    expect(of('example.com/m', '')).toBeUndefined();
    expect(of('example.com/m', ',,[')).toBeUndefined();
  });

  test('never when it is a toolchain', () => {
    expect(of('golang.org/toolchain', 'golang.org/*,*', true)).toBeUndefined();
    expect(of('golang.org/x/mod', 'golang.org/*,*', true)).toBeDefined();
  });
});
