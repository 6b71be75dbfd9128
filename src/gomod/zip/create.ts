/** Makes module zips out of source trees. */
import { checkFiles, checkZipName, type ModuleFile, requireValid, zipPrefix } from './check.ts';
import { zipPieces } from './writer.ts';

/** A file of a source tree, with a way to its content. */
export interface SourceFile extends ModuleFile {
  /** Asked at most once, and only for files that go into the zip. */
  readonly content: () => Uint8Array | AsyncIterable<Uint8Array>;
}

/**
 * The bytes of the zip of module `path` at `version`, made from those of `files` that belong to it, in their order. `goMod` is the content of the go.mod at the
 * root, if there is one. Rejects with BAD_MODULE_PATH, BAD_VERSION, or ZIP_INVALID when a file may not be in a module or is larger than it said.
 */
export async function* moduleZipPieces(
  path: string,
  version: string,
  files: readonly SourceFile[],
  goMod: Uint8Array | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  checkZipName(path, version);
  const checked = checkFiles(files, goMod);
  requireValid(checked, 'create zip');
  const valid = new Set(checked.valid);
  const prefix = zipPrefix(path, version);
  const entriesOf = function* (): Generator<{
    name: string;
    sizeBytes: number;
    content: Uint8Array | AsyncIterable<Uint8Array>;
  }> {
    for (const file of files) {
      if (valid.has(file.path)) yield { name: prefix + file.path, sizeBytes: file.sizeBytes, content: file.content() };
    }
  };
  yield* zipPieces(entriesOf());
}

/** The zip of module `path` at `version` with these regular files, in memory. For tests, benchmarks and small modules; see moduleZipPieces. */
export async function createZip(
  path: string,
  version: string,
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): Promise<Uint8Array> {
  const sources = files.map(({ name, bytes }) => ({
    path: name,
    mode: 'regular' as const,
    sizeBytes: bytes.byteLength,
    content: () => bytes,
  }));
  const goMod = files.findLast(({ name }) => name === 'go.mod')?.bytes;
  const pieces: Uint8Array[] = [];
  for await (const piece of moduleZipPieces(path, version, sources, goMod)) pieces.push(piece);
  return Buffer.concat(pieces);
}
