import { afterAll, describe, test } from 'vitest';
import { bytesOfText } from '../../src/gomod/go-text.ts';
import type {
  GodebugDirective,
  ModFile,
  PathVersion,
  ReplaceDirective,
  WorkFile,
} from '../../src/gomod/modfile/mod-file.ts';
import { scanModulePath } from '../../src/gomod/modfile/module-path.ts';
import { parseModFile, parseModFileLax } from '../../src/gomod/modfile/parse.ts';
import { formatModFile } from '../../src/gomod/modfile/print.ts';
import type { ParseResult } from '../../src/gomod/modfile/problem.ts';
import type { FileSyntax } from '../../src/gomod/modfile/syntax.ts';
import { parseWorkFile } from '../../src/gomod/modfile/work.ts';
import { skipUnless } from '../skip.ts';
import { expectAgreement } from './compare.ts';
import { modFiles, plainModFiles, scannedFiles, workFiles } from './mod-file-inputs.ts';
import { type Answer, buildReference } from './reference.ts';

const reference = await buildReference();
afterAll(() => reference.remove());

describe('files agree with golang.org/x/mod', () => {
  skipUnless(reference.unavailable === undefined, reference.unavailable ?? '');

  test.each([
    ['modfile.Parse', 'many kinds', modFiles, parseModFile],
    ['modfile.Parse', 'few kinds', plainModFiles, parseModFile],
    ['modfile.ParseLax', 'many kinds', modFiles, parseModFileLax],
    ['modfile.ParseLax', 'few kinds', plainModFiles, parseModFileLax],
  ] as const)('%s, %s of lines', async (op, _, inputs, parse) => {
    await expectAgreement(reference, {
      op,
      inputs,
      count: 3000,
      args: (text) => [text],
      ours: (text) => outcome(parse(bytesOfText(text)), describeModFile),
      theirs,
    });
  });

  test('modfile.ParseWork', async () => {
    await expectAgreement(reference, {
      op: 'modfile.ParseWork',
      inputs: workFiles,
      count: 2000,
      args: (text) => [text],
      ours: (text) => outcome(parseWorkFile(bytesOfText(text)), describeWorkFile),
      theirs,
    });
  });

  test('modfile.ModulePath', async () => {
    await expectAgreement(reference, {
      op: 'modfile.ModulePath',
      inputs: scannedFiles,
      count: 2000,
      args: (text) => [text],
      ours: (text) => scanModulePath(bytesOfText(text)) ?? '',
    });
  });
});

/** The file, or the line of the first problem. */
function outcome<T>(result: ParseResult<T>, describeFile: (file: T) => unknown): unknown {
  return result.ok ? describeFile(result.file) : { refusedOnLine: result.problems[0]?.line };
}

function theirs(answer: Answer): unknown {
  if (!('error' in answer)) return answer.value;
  const line = /^error: go\.mod:(\d+)/.exec(answer.error)?.[1];
  return line === undefined ? answer.error : { refusedOnLine: Number(line) };
}

function describeModFile(file: ModFile): unknown {
  return {
    ...describeShared(file),
    ...(file.module !== undefined && { module: [file.module.path, file.module.deprecated ?? ''] }),
    require: listOrNull(file.require.map((r) => [pairOf(r), r.isIndirect])),
    exclude: listOrNull(file.exclude.map(pairOf)),
    retract: listOrNull(file.retract.map((r) => [r.low, r.high, r.rationale])),
    tool: listOrNull(file.tool),
    ignore: listOrNull(file.ignore),
  };
}

function describeWorkFile(file: WorkFile): unknown {
  return { ...describeShared(file), use: listOrNull(file.use) };
}

interface SharedParts {
  readonly go?: string;
  readonly toolchain?: string;
  readonly godebug: readonly GodebugDirective[];
  readonly replace: readonly ReplaceDirective[];
  readonly syntax: FileSyntax;
}

function describeShared(file: SharedParts): object {
  return {
    format: Buffer.from(formatModFile(file.syntax)).toString('base64'),
    ...(file.go !== undefined && { go: file.go }),
    ...(file.toolchain !== undefined && { toolchain: file.toolchain }),
    godebug: listOrNull(file.godebug.map(({ key, value }) => [key, value])),
    replace: listOrNull(file.replace.map((r) => [pairOf(r.old), pairOf(r.new)])),
  };
}

function pairOf({ path, version }: PathVersion): [string, string] {
  return [path, version];
}

/** Go writes an empty list as null. */
function listOrNull(list: readonly unknown[]): readonly unknown[] | null {
  return list.length === 0 ? null : list;
}
