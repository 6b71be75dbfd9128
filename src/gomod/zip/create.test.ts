import { describe, expect, test } from 'vitest';
import { memorySource } from './byte-source.ts';
import { createZip, moduleZipPieces, type SourceFile } from './create.ts';
import { inspectModuleZip, type ModuleZipFacts } from './inspect.ts';
import { openZip } from './reader.ts';
import { zipPieces } from './writer.ts';

const inspect = (zip: Uint8Array): Promise<ModuleZipFacts> =>
  inspectModuleZip(memorySource(zip), 'example.com/m', 'v1.0.0');

async function* pieces(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(part);
}

function streamed(path: string, sizeBytes: number, ...parts: readonly Uint8Array[]): SourceFile {
  return { path, mode: 'regular', sizeBytes, content: () => pieces(...parts) };
}

async function zipOf(files: readonly SourceFile[]): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(moduleZipPieces('example.com/m', 'v1.0.0', files, undefined)));
}

describe('a module zip', () => {
  test('has the same bytes each time', async () => {
    const files = [{ name: 'a.go', bytes: Buffer.from('package m\n') }];
    expect(await createZip('example.com/m', 'v1.0.0', files)).toEqual(
      await createZip('example.com/m', 'v1.0.0', files),
    );
  });

  test('hashes alike whether contents come whole or in pieces', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) >> 3));
    const whole = await inspect(await createZip('example.com/m', 'v1.0.0', [{ name: 'a.bin', bytes }]));
    const parts = [bytes.subarray(0, 1), bytes.subarray(1, 200_000), bytes.subarray(200_000)];
    expect(await inspect(await zipOf([streamed('a.bin', bytes.length, ...parts)]))).toEqual(whole);
  });

  test('is not finished when a file is larger than it said, or fails', async () => {
    const large = zipOf([streamed('a.go', 3, Buffer.from('four'))]);
    await expect(large).rejects.toThrow('larger than its declared 3 bytes');
    const failing: SourceFile = {
      ...streamed('a.go', 3),
      content: async function* () {
        yield Buffer.from('a');
        throw new Error('disk on fire');
      },
    };
    await expect(zipOf([failing])).rejects.toThrow('disk on fire');
  });

  test('can be given up half-way', async () => {
    const content = streamed('a.go', 1 << 20, Buffer.alloc(1 << 20)).content;
    const all = moduleZipPieces(
      'example.com/m',
      'v1.0.0',
      [{ path: 'a.go', mode: 'regular', sizeBytes: 1 << 20, content }],
      undefined,
    );
    for await (const piece of all) if (piece.length > 0) break;
    expect((await all.next()).done).toBe(true);
  });

  test('is refused as a whole for one bad file', async () => {
    const bad = createZip('example.com/m', 'v1.0.0', [{ name: "a'b.go", bytes: Buffer.of() }]);
    await expect(bad).rejects.toMatchObject({ code: 'ZIP_INVALID' });
  });

  test('may have more than 65,535 files', async () => {
    const entries = Array.from({ length: 65_536 }, (_, i) => ({
      name: `example.com/m@v1.0.0/${i}`,
      sizeBytes: 0,
      content: Buffer.of(),
    }));
    const zip = Buffer.concat(await Array.fromAsync(zipPieces(entries)));
    expect(openZip(memorySource(zip)).entries.length).toBe(65_536);
  });
});
