/** Which files of a source tree are copies of other modules, and so not part of this one. */
import { parseModFileLax } from '../modfile/parse.ts';

const VENDOR = 'vendor/';
const NESTED_VENDOR = '/vendor/';

/** How vendored files are told: `fixed` since Go 1.24, `historic` for older modules, whose hashes must not change. */
export type VendorRule = 'fixed' | 'historic';

/** The rule that the root go.mod of a module chooses by its `go` line; historic when there is no go.mod, or none that can be read. */
export function vendorRuleOf(goMod: Uint8Array | undefined): VendorRule {
  const parsed = goMod && parseModFileLax(goMod);
  return parsed?.ok === true && isGo124(parsed.file.go ?? '') ? 'fixed' : 'historic';
}

/** Whether the language version of `goVersion` is 1.24 or newer; 1.24rc1 is 1.24. */
function isGo124(goVersion: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(goVersion) ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 24);
}

/** Whether the file `path` is left out of the module as vendored. */
export function isVendored(path: string, rule: VendorRule): boolean {
  if (rule === 'fixed' && path === 'vendor/modules.txt') return true;
  if (path.startsWith(VENDOR)) return path.includes('/', VENDOR.length);
  const nested = path.indexOf(NESTED_VENDOR);
  if (nested < 0) return false;
  // The historic rule forgot to add where the directory was found, so nearly everything below one is left out.
  return path.includes('/', (rule === 'fixed' ? nested : 0) + NESTED_VENDOR.length);
}
