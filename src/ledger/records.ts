/** What a record of the ledger may be, and whose it is. */
import { isCanonicalFor, isModulePath, type ModuleVersion } from '../gomod/module.ts';
import { formatRecord, sumsIn } from '../gomod/sumdb/text.ts';
import { AppError } from '../std/errors.ts';

/** Records of a full tile. */
export const TILE_RECORDS = 256;
/** Largest text of a record, bytes: two lines of the longest path and version that can be stored fit. With it a full tile has at most 1 MiB. */
export const MAX_RECORD_BYTES = 4096;

/** The module that the first line of `text` is about, or undefined when that is not `PATH VERSION HASH` (or `VERSION/go.mod`). */
export function moduleOf(text: string): ModuleVersion | undefined {
  const [path = '', suffixed = '', hash] = text.slice(0, text.indexOf('\n')).split(' ');
  const version = suffixed.replace(/\/go\.mod$/, '');
  if (hash === undefined || !isModulePath(path) || !isCanonicalFor(path, version)) return undefined;
  return { path, version };
}

/** Whether the first line of `text` is about `module`. */
export function isRecordOf(text: string, { path, version }: ModuleVersion): boolean {
  const of = moduleOf(text);
  return of?.path === path && of.version === version;
}

/** Whether the records `a` and `b` say the same of the zip and the go.mod of `module`. */
export function haveSameSums(module: ModuleVersion, a: string, b: string): boolean {
  const [x, y] = [sumsIn(a, module), sumsIn(b, module)];
  return x.zip.join() === y.zip.join() && x.mod.join() === y.mod.join();
}

/** Throws SUMDB_INCONSISTENT unless `text` can be a record of `module`: its form is right, its first line is about `module`, it has at most 4 KiB. */
export function checkRecordText(text: string, module: ModuleVersion): void {
  const { length } = formatRecord(0, text);
  if (length <= MAX_RECORD_BYTES && isRecordOf(text, module)) return;
  throw new AppError('SUMDB_INCONSISTENT', `log ${module.path}@${module.version}: the text is not a record of it`);
}
