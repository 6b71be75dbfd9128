import { expect, test } from 'vitest';
import { parseVendorModules } from './vendor-modules.ts';

test('a modules.txt says which modules and packages were copied, and what replaces them', () => {
  const text = `## workspace
# a.b/c v1.2.3
## explicit; go 1.21
a.b/c
a.b/c/d
# a.b/e v1.0.0 => a.b/f v1.1.0
## explicit
a.b/e
# a.b/g v1.0.0 => ../g
# a.b/h => ./h
`;
  expect(parseVendorModules(Buffer.from(text))).toEqual({
    isWorkspace: true,
    modules: [
      { path: 'a.b/c', version: 'v1.2.3', isExplicit: true, go: '1.21', packages: ['a.b/c', 'a.b/c/d'] },
      {
        path: 'a.b/e',
        version: 'v1.0.0',
        replacement: { path: 'a.b/f', version: 'v1.1.0' },
        isExplicit: true,
        packages: ['a.b/e'],
      },
      { path: 'a.b/g', version: 'v1.0.0', replacement: { path: '../g', version: '' }, isExplicit: false, packages: [] },
      { path: 'a.b/h', version: '', replacement: { path: './h', version: '' }, isExplicit: false, packages: [] },
    ],
  });
});

test('a module line that is not understood takes its packages with it', () => {
  expect(parseVendorModules(Buffer.from('# a.b/c master\na.b/c\nnot a package\n')).modules).toEqual([]);
});

test('lines without a module before them, and lines that are no import path, count for nothing', () => {
  const { isWorkspace, modules } = parseVendorModules(
    Buffer.from('a.b/x\n## explicit\n# a.b/c v1.0.0\na b\n../x y\n-x\n'),
  );
  expect(isWorkspace).toBe(false);
  expect(modules).toEqual([{ path: 'a.b/c', version: 'v1.0.0', isExplicit: false, packages: [] }]);
});
