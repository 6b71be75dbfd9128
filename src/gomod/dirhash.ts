/** The `h1:` hashes that go.sum files and checksum databases hold. */
import { AppError } from '../std/errors.ts';
import { bytesOfText } from './go-text.ts';
import { sha256Base64, sha256Hex } from './sha256.ts';
import { shown } from './shown.ts';

/** A file as `h1:` sees it. */
export interface HashedFile {
  /** As it stands in the zip: `example.com/m@v1.0.0/a.go`. Bytes that are not UTF-8 as go-text.ts writes them. */
  readonly name: string;
  /** Lower-case hex SHA-256 of the content. */
  readonly sha256: string;
}

/**
 * `h1:` of `files`, given in any order: one line per file, sorted by the bytes of the names, hashed once more.
 * Throws ZIP_INVALID when a name holds a newline, which would let two different trees have one hash.
 */
export function hash1(files: Iterable<HashedFile>): string {
  const lines = Array.from(files, lineOf);
  const text = inByteOrder(lines)
    .map(({ sha256, name }) => `${sha256}  ${name}\n`)
    .join('');
  return `h1:${sha256Base64(text.isWellFormed() ? text : bytesOfText(text))}`;
}

/** `h1:` of a go.mod: the hash in the `/go.mod` lines. */
export function hashGoMod(goMod: Uint8Array): string {
  return hash1([{ name: 'go.mod', sha256: sha256Hex(goMod) }]);
}

/**
 * `h1:` of the entries of a zip, directories included (their hash is that of no bytes). Where a name occurs twice, the last one's
 * content counts for both: that is what the go command computes, though no such zip is accepted elsewhere.
 */
export function hashZip(entries: Iterable<HashedFile>): string {
  const files = [...entries];
  const last = new Map(files.map((file) => [file.name, file]));
  return hash1(last.size === files.length ? files : files.map((file) => last.get(file.name) ?? file));
}

function lineOf(file: HashedFile): HashedFile {
  if (file.name.includes('\n')) throw new AppError('ZIP_INVALID', `hash file ${shown(file.name)}: newline in its name`);
  return file;
}

/** UTF-16 order, which engines sort by at once, is byte order unless surrogates take part. */
function inByteOrder(files: readonly HashedFile[]): readonly HashedFile[] {
  if (!files.some(({ name }) => SURROGATE.test(name))) {
    return files.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
  return files
    .map((file) => ({ file, bytes: bytesOfText(file.name) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ file }) => file);
}

const SURROGATE = /[\ud800-\udfff]/;
