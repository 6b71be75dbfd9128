import { bytesOfText } from '../../src/gomod/go-text.ts';
import { hash1, hashZip } from '../../src/gomod/dirhash.ts';
import { memorySource } from '../../src/gomod/zip/byte-source.ts';
import { type CheckedFiles, checkFiles, checkZipEntries, type ModuleFile } from '../../src/gomod/zip/check.ts';
import { createZip, moduleZipPieces, type SourceFile } from '../../src/gomod/zip/create.ts';
import { listDirectory } from '../../src/gomod/zip/directory.ts';
import { foldCase } from '../../src/gomod/zip/fold.ts';
import { EntryHasher, inspectModuleZip } from '../../src/gomod/zip/inspect.ts';
import { openZip, readContents } from '../../src/gomod/zip/reader.ts';
import { isVendored, vendorRuleOf } from '../../src/gomod/zip/vendored.ts';
import { zipPieces } from '../../src/gomod/zip/writer.ts';
import { filePathFault } from '../../src/gomod/module.ts';
import { sha256Hex } from '../../src/gomod/sha256.ts';
import { messageOf } from '../../src/std/errors.ts';
import { type Row, rowsOf, type Suite, type Tally, textOf } from './suite.ts';

/** Module zips and their hashes. */
export const suites: Suite[] = [
  { group: 'core', file: 'dirhash.json', run: runHashes },
  { group: 'core', file: 'zip/cases.json', run: runCases },
  { group: 'core', file: 'zip/check_files_extra.json', run: runCheckFiles },
  { group: 'core', file: 'zip/vendored.json', run: runVendored },
  { group: 'core', file: 'zip/unicode.json', run: runUnicode },
];

// ------------------------------------------------------------------ hashes

async function runHashes(data: unknown, t: Tally): Promise<void> {
  for (const row of rowsOf(data, 'hash1')) {
    await same(t, `hash1 ${textOf(row, 'name')}`, row, 'h1', () =>
      hash1(
        rowsOf(row, 'files').map((file) => ({ name: textOf(file, 'name'), sha256: sha256Hex(bytesOf(file, 'data')) })),
      ),
    );
  }
  for (const row of rowsOf(data, 'zips')) {
    await same(t, `zip ${textOf(row, 'name')}`, row, 'h1', async () => {
      const hasher = new EntryHasher();
      await readContents(openZip(memorySource(bytesOf(row, 'zip'))), hasher);
      return hashZip(hasher.files);
    });
  }
}

// ------------------------------------------------------------------ the reference's own cases

async function runCases(data: unknown, t: Tally): Promise<void> {
  for (const row of rowsOf(data, 'tests')) await runCase(row, t);
}

async function runCase(row: Row, t: Tally): Promise<void> {
  const kind = textOf(row, 'kind');
  const name = `${kind} ${textOf(row, 'name')}`;
  const run = { check_files: reportFiles, check_dir: reportDirectory, check_zip: reportZip }[kind];
  if (run !== undefined) {
    const ours = await run(row);
    return t.check(name, withoutNameFaults(ours) === withoutNameFaults(textOf(row, 'want')), () => ours);
  }
  const make = { create: createFromFiles, create_from_dir: createFromDirectory, unzip: zipOfEntries }[kind];
  if (make === undefined) return t.skip(name, 'a kind of case that is not known');
  await same(t, name, row, 'hash', async () => {
    const zip = await make(row);
    return (await inspectModuleZip(memorySource(zip), textOf(row, 'path'), textOf(row, 'version'))).h1;
  });
}

function reportFiles(row: Row): string {
  return reportText(checkFiles(filesOf(row), goModOf(row)), '');
}

/** The listing reports first what checkFiles says, then what the walk left out. */
function reportDirectory(row: Row): string {
  const { files, omitted } = listDirectory(filesOf(row), goModOf(row));
  const checked = checkFiles(files, goModOf(row));
  return reportText({ ...checked, omitted: [...checked.omitted, ...omitted] }, '$work/');
}

async function reportZip(row: Row): Promise<string> {
  const source = memorySource(await zipOfEntries(row));
  return reportText(
    checkZipEntries(textOf(row, 'path'), textOf(row, 'version'), {
      sizeBytes: source.sizeBytes,
      entries: openZip(source).entries,
    }),
    '',
  );
}

function reportText({ valid, omitted, invalid }: CheckedFiles, root: string): string {
  const faults = (list: CheckedFiles['omitted']): string =>
    list.map(({ path, fault }) => `${root}${path}: ${fault}\n`).join('');
  return `valid:\n${valid.map((path) => `${root}${path}\n`).join('')}\nomitted:\n${faults(omitted)}\ninvalid:\n${faults(invalid)}`;
}

/** The texts about malformed names are ours. */
function withoutNameFaults(report: string): string {
  const [head = '', invalid = ''] = report.split('invalid:\n');
  return `${head}${invalid.replace(/: (?!file path is not|multiple entries).*/g, ': malformed')}`;
}

function createFromFiles(row: Row): Promise<Uint8Array> {
  const files = rowsOf(row, 'files').map((file) => ({ name: textOf(file, 'name'), bytes: bytesOf(file, 'data') }));
  return createZip(textOf(row, 'path'), textOf(row, 'version'), files);
}

function createFromDirectory(row: Row): Promise<Uint8Array> {
  const contents = new Map(rowsOf(row, 'files').map((file) => [textOf(file, 'name'), bytesOf(file, 'data')]));
  const files: SourceFile[] = listDirectory(filesOf(row), goModOf(row)).files.map((file) => ({
    ...file,
    content: () => contents.get(file.path) ?? new Uint8Array(),
  }));
  return joined(moduleZipPieces(textOf(row, 'path'), textOf(row, 'version'), files, goModOf(row)));
}

/** A zip with exactly the entries of the case. */
function zipOfEntries(row: Row): Promise<Uint8Array> {
  return joined(
    zipPieces(
      rowsOf(row, 'files').map((file) => {
        const content = bytesOf(file, 'data');
        return { name: textOf(file, 'name'), sizeBytes: content.length, content };
      }),
    ),
  );
}

// ------------------------------------------------------------------ our own cases

function runCheckFiles(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'tests')) {
    const checked = checkFiles(filesOf(row), goModOf(row));
    const ours = JSON.stringify([
      checked.valid,
      pathsOf(checked.omitted),
      pathsOf(checked.invalid),
      checked.sizeFault !== undefined,
    ]);
    const wanted = JSON.stringify([
      row['valid'] ?? [],
      rowsOf(row, 'omitted').map((one) => textOf(one, 'path')),
      rowsOf(row, 'invalid').map((one) => textOf(one, 'path')),
      typeof row['size_error'] === 'string',
    ]);
    t.check(textOf(row, 'name'), ours === wanted, () => `${ours} instead of ${wanted}`);
  }
}

function pathsOf(faults: CheckedFiles['omitted']): string[] {
  return faults.map(({ path }) => path);
}

function runVendored(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'tests')) {
    const go = textOf(row, 'go');
    const goMod = go === '' ? undefined : Buffer.from(`module m\ngo ${go}\n`);
    const ours = isVendored(textOf(row, 'path'), vendorRuleOf(goMod));
    t.check(`${textOf(row, 'path')} with go ${go || 'missing'}`, ours === row['vendored']);
  }
}

function runUnicode(data: unknown, t: Tally): void {
  const { fold, letters, spaces } = data as { fold: [number, number][]; letters: [number, number][]; spaces: number[] };
  for (const [codePoint, representative] of fold) {
    const ours = foldCase(String.fromCodePoint(codePoint));
    t.check(`fold ${hex(codePoint)}`, ours === String.fromCodePoint(representative), () => `to ${ours}`);
  }
  for (const [first, last] of letters) {
    let isGood = !isLetter(first - 1) || first === 0x80;
    for (let codePoint = first; codePoint <= last; codePoint++) isGood &&= isLetter(codePoint);
    t.check(`letters ${hex(first)} to ${hex(last)}`, isGood && !isLetter(last + 1));
  }
  for (const codePoint of spaces)
    t.check(`space ${hex(codePoint)}`, /^\p{White_Space}$/u.test(String.fromCodePoint(codePoint)));
}

/** Whether a file name may have it: beyond ASCII only letters may be there. */
function isLetter(codePoint: number): boolean {
  return codePoint >= 0x80 && codePoint <= 0x10ffff && filePathFault(String.fromCodePoint(codePoint)) === undefined;
}

function hex(codePoint: number): string {
  return `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
}

// ------------------------------------------------------------------ reading cases

function filesOf(row: Row): ModuleFile[] {
  return rowsOf(row, 'files').map((file) => ({
    path: textOf(file, 'name'),
    mode: (file['mode'] as ModuleFile['mode'] | undefined) ?? 'regular',
    sizeBytes: (file['size'] as number | undefined) ?? bytesOf(file, 'data').length,
  }));
}

/** The last regular file called go.mod at the root. */
function goModOf(row: Row): Uint8Array | undefined {
  const file = rowsOf(row, 'files').findLast(
    (one) => textOf(one, 'name') === 'go.mod' && (one['mode'] ?? 'regular') === 'regular',
  );
  return file && bytesOf(file, 'data');
}

function bytesOf(row: Row, key: string): Uint8Array {
  const encoded = row[`${key}_b64`];
  return typeof encoded === 'string' ? Buffer.from(encoded, 'base64') : bytesOfText(textOf(row, key));
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(pieces));
}

/** The value at `key`, or a failure where the case has none. */
async function same(t: Tally, name: string, row: Row, key: string, run: () => string | Promise<string>): Promise<void> {
  const wanted = textOf(row, key);
  let ours = '';
  let failure = '';
  try {
    ours = await run();
  } catch (error) {
    failure = messageOf(error);
  }
  t.check(name, ours === wanted, () => `${ours || failure} instead of ${wanted || 'a failure'}`);
}
