import { describe, expect, test } from 'vitest';
import { type CheckedFiles, checkFiles, checkZipEntries, isClean, type ModuleFile, requireValid } from './check.ts';
import { listDirectory } from './directory.ts';

const regular = (path: string, sizeBytes = 1): ModuleFile => ({ path, mode: 'regular', sizeBytes });
const paths = (faults: CheckedFiles['omitted']): string[] => faults.map(({ path }) => path);
const go = (version: string): Uint8Array => Buffer.from(`module m.test/m\n\ngo ${version}\n`);

describe('a path is clean when Go would leave it as it is', () => {
  test.each(['a', 'a/b', '.', '/', '/a', '..', '../..', '../a', 'a/..b', '.a'])('%j is', (path) => {
    expect(isClean(path)).toBe(true);
  });
  test.each(['', './a', 'a/.', 'a//b', 'a/', '//', 'a/..', 'a/../b', '/..', '../a/..'])('%j is not', (path) => {
    expect(isClean(path)).toBe(false);
  });
});

describe('the files of a module', () => {
  test('end where another module begins', () => {
    const { valid, omitted } = checkFiles(
      [regular('go.mod'), regular('sub/Go.Mod'), regular('sub/a/b.go'), regular('subs/a.go')],
      undefined,
    );
    expect(valid).toEqual(['go.mod', 'subs/a.go']);
    expect(paths(omitted)).toEqual(['sub/Go.Mod', 'sub/a/b.go']);
  });

  test('do not end at a go.mod that is a link', () => {
    const { valid } = checkFiles(
      [{ path: 'sub/go.mod', mode: 'symlink', sizeBytes: 0 }, regular('sub/a.go')],
      undefined,
    );
    expect(valid).toEqual(['sub/a.go']);
  });

  test.each([
    ['1.23', ['vendor/modules.txt', 'vendor/x.go']],
    ['1.24', ['vendor/x.go', 'p/vendor/x.go']],
    ['1.24rc1', ['vendor/x.go', 'p/vendor/x.go']],
    ['2.0', ['vendor/x.go', 'p/vendor/x.go']],
  ])('leave out vendored ones as go %s does', (version, wanted) => {
    const files = ['vendor/modules.txt', 'vendor/x.go', 'vendor/a/b.go', 'p/vendor/x.go', 'p/vendor/a/b.go'];
    expect(
      checkFiles(
        files.map((path) => regular(path)),
        go(version),
      ).valid,
    ).toEqual(wanted);
  });

  test('collide through their directories, also when a link is one of them', () => {
    const link: ModuleFile = { path: 'Dir', mode: 'symlink', sizeBytes: 0 };
    expect(paths(checkFiles([link, regular('dir/a/b.go'), regular('dir/a/c.go')], undefined).invalid)).toEqual([
      'dir/a/b.go',
      'dir/a/c.go',
    ]);
  });

  test('may fill 500 MiB and no more', () => {
    const max = 500 << 20;
    expect(checkFiles([regular('a', max)], undefined).sizeFault).toBeUndefined();
    expect(checkFiles([regular('a', max), regular('b')], undefined).sizeFault).toContain('too large');
  });
});

describe('a directory', () => {
  test('is listed as a walk finds it, without repositories and other modules', () => {
    const nodes = ['b.go', 'a-b/x.go', 'a/x.go', 'a/.git/config', 'sub/go.mod', 'sub/deep/x.go', 'a.go'].map((path) =>
      regular(path),
    );
    const { files, omitted } = listDirectory(nodes, undefined);
    expect(files.map(({ path }) => path)).toEqual(['a/x.go', 'a-b/x.go', 'a.go', 'b.go']);
    expect(paths(omitted)).toEqual(['a/.git', 'sub']);
  });
});

describe('the entries of a zip', () => {
  test('are refused before anything else when the name of the module cannot be', () => {
    const zip = { sizeBytes: 22, entries: [] };
    expect(() => checkZipEntries('example.com/m', 'v1', zip)).toThrow(expect.objectContaining({ code: 'BAD_VERSION' }));
    expect(() => checkZipEntries('example.com/m', 'v2.0.0', zip)).toThrow(
      expect.objectContaining({ code: 'BAD_VERSION' }),
    );
    expect(() => checkZipEntries('example', 'v1.0.0', zip)).toThrow(
      expect.objectContaining({ code: 'BAD_MODULE_PATH' }),
    );
  });

  test('need not be looked at when the zip is over 500 MiB', () => {
    const checked = checkZipEntries('example.com/m', 'v1.0.0', { sizeBytes: (500 << 20) + 1, entries: [] });
    expect(() => requireValid(checked, 'check zip')).toThrow('module zip file is too large');
  });
});
