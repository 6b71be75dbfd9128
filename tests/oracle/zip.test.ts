import { afterAll, describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { hashZip } from '../../src/gomod/dirhash.ts';
import { bytesOfText } from '../../src/gomod/go-text.ts';
import { sha256Hex } from '../../src/gomod/sha256.ts';
import { memorySource } from '../../src/gomod/zip/byte-source.ts';
import { type CheckedFiles, checkFiles, checkZipEntries } from '../../src/gomod/zip/check.ts';
import { createZip } from '../../src/gomod/zip/create.ts';
import { inspectModuleZip } from '../../src/gomod/zip/inspect.ts';
import { skipUnless } from '../skip.ts';
import { expectAgreement, REFUSED, seed } from './compare.ts';
import { type Answer, buildReference } from './reference.ts';
import { entryNames, hashedFiles, type InputFile, names, plainTrees, trees } from './zip-inputs.ts';

const reference = await buildReference();
afterAll(() => reference.remove());

describe('hashes and zip rules agree with golang.org/x/mod', () => {
  skipUnless(reference.unavailable === undefined, reference.unavailable ?? '');

  test('dirhash.Hash1', async () => {
    await expectAgreement(reference, {
      op: 'dirhash.Hash1',
      inputs: hashedFiles,
      count: 2000,
      args: (files) => files.flat(),
      ours: (files) => hashZip(files.map(([name, content]) => ({ name, sha256: sha256Hex(bytesOfText(content)) }))),
    });
  });

  test('zip.CheckFiles', async () => {
    await expectAgreement(reference, {
      op: 'zip.CheckFiles',
      inputs: trees,
      count: 4000,
      args: (files) => files.flatMap(quadrupleOf),
      ours: (files) => describeChecked(checkFiles(files.map(moduleFileOf), goModOf(files))),
    });
  });

  test('zip.CheckZip, by the names of the entries', async () => {
    await expectAgreement(reference, {
      op: 'zip.CheckEntries',
      inputs: fc.tuple(fc.oneof(fc.constant(['a.b/c', 'v1.0.0'] as const), names), entryNames),
      count: 2000,
      args: ([name, entries]) => [...name, ...entries.flatMap((entry) => [entry, ''])],
      ours: ([[path, version], entries]) => {
        const directory = entries.map((name) => ({ name, sizeBytes: 0 }));
        return describeChecked(checkZipEntries(path, version, { sizeBytes: 1000, entries: directory }));
      },
    });
  });

  test('zip.Create and dirhash.HashZip: who makes the zip and who reads it does not matter', async () => {
    const inputs = fc.sample(fc.tuple(names, plainTrees), { seed, numRuns: 400 });
    const made = await reference.ask(
      inputs.map(([name, files]) => ({ op: 'zip.Create', args: [...name, ...files.flatMap(quadrupleOf)] })),
    );
    const theirs = made.map((answer) => ('error' in answer ? undefined : Buffer.from(String(answer.value), 'base64')));
    const ours = await Promise.all(
      inputs.map(([[path, version], files]) => orUndefined(createZip(path, version, files.map(namedBytes)))),
    );
    expect(
      ours.map((zip) => zip !== undefined),
      `who is refused, seed ${seed}`,
    ).toEqual(theirs.map((zip) => zip !== undefined));

    const theirHashOfOurs = await hashesByReference(ours);
    const ourHashOfTheirs = await Promise.all(inputs.map(([name], i) => ourHash(theirs[i], name)));
    expect(ourHashOfTheirs, `h1, seed ${seed}`).toEqual(theirHashOfOurs);
    expect(await hashesByReference(theirs), `h1 of the reference's own, seed ${seed}`).toEqual(ourHashOfTheirs);
    expect(new Set(ourHashOfTheirs).size).toBeGreaterThan(100);
  });
});

async function hashesByReference(zips: readonly (Uint8Array | undefined)[]): Promise<unknown[]> {
  const answers = await reference.ask(zips.map((zip) => ({ op: 'dirhash.HashZip', args: [zip ?? new Uint8Array()] })));
  return answers.map((answer: Answer) => ('error' in answer ? REFUSED : answer.value));
}

async function ourHash(zip: Uint8Array | undefined, [path, version]: readonly [string, string]): Promise<string> {
  return zip === undefined ? REFUSED : (await inspectModuleZip(memorySource(zip), path, version)).h1;
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch {
    return undefined;
  }
}

function quadrupleOf({ path, mode, size, content }: InputFile): string[] {
  return [path, mode, size === undefined ? '' : String(size), content];
}

function moduleFileOf({ path, mode, size, content }: InputFile): {
  path: string;
  mode: InputFile['mode'];
  sizeBytes: number;
} {
  return { path, mode, sizeBytes: size ?? bytesOfText(content).length };
}

/** The reference reads every regular go.mod at the root that it is given; the last one counts. */
function goModOf(files: readonly InputFile[]): Uint8Array | undefined {
  const goMod = files.findLast(({ path, mode }) => path === 'go.mod' && mode === 'regular');
  return goMod && bytesOfText(goMod.content);
}

function namedBytes({ path, content }: InputFile): { name: string; bytes: Uint8Array } {
  return { name: path, bytes: bytesOfText(content) };
}

function describeChecked(checked: CheckedFiles): unknown {
  return {
    valid: checked.valid,
    omitted: checked.omitted.map(({ path }) => path),
    invalid: checked.invalid.map(({ path }) => path),
    tooLarge: checked.sizeFault !== undefined,
  };
}
