import {
  check,
  isCanonicalFor,
  isModulePath,
  type ModuleVersion,
  unescapePath,
  unescapeVersion,
} from '../gomod/module.ts';
import { shown } from '../gomod/shown.ts';
import { canonicalVersion } from '../gomod/version.ts';
import { isAppError } from '../std/errors.ts';

/**
 * Why a word of the command line names no module version. `no-version` there is no `@`, or nothing on one side of it · `escaped` it is in the form of file
 * names · `not-canonical` the version is a query, or written short · `impossible` no module can have that path or version.
 */
export interface ModuleArgumentFault {
  readonly fault: 'no-version' | 'escaped' | 'not-canonical' | 'impossible';
  /** The word, quoted and safe to print. */
  readonly text: string;
  /** What is wrong with it; for `impossible`. */
  readonly why?: string;
  /** What was probably meant. */
  readonly meant?: string;
}

/** What `MODULE@VERSION` names. The version must be whole: what a query means can change. */
export function parseModuleArgument(text: string): ModuleVersion | ModuleArgumentFault {
  const at = text.indexOf('@');
  const path = text.slice(0, Math.max(at, 0));
  const version = text.slice(at + 1);
  if (at < 1 || version === '') return { fault: 'no-version', text: shown(text) };
  const module = moduleOf(path, version);
  return module ?? faultOf(path, version, shown(text));
}

function moduleOf(path: string, version: string): ModuleVersion | undefined {
  return isModulePath(path) && isCanonicalFor(path, version) ? { path, version } : undefined;
}

function faultOf(path: string, version: string, text: string): ModuleArgumentFault {
  const unescaped = unescapedOf(path, version);
  if (unescaped !== undefined) return { fault: 'escaped', text, meant: unescaped };
  const whole = [version, `v${version}`].map(canonicalVersion).find((one) => moduleOf(path, one) !== undefined);
  if (whole !== undefined) return { fault: 'not-canonical', text, meant: `${path}@${whole}` };
  if (isModulePath(path) && canonicalVersion(version) === '') return { fault: 'not-canonical', text };
  return { fault: 'impossible', text, why: whyImpossible(path, version) };
}

/** `!azure` is how file names and URLs write `Azure`. */
function unescapedOf(path: string, version: string): string | undefined {
  if (!path.includes('!') && !version.includes('!')) return undefined;
  try {
    const module = moduleOf(unescapePath(path), unescapeVersion(version));
    return module && `${module.path}@${module.version}`;
  } catch (error) {
    if (isAppError(error)) return undefined;
    throw error;
  }
}

function whyImpossible(path: string, version: string): string {
  try {
    check(path, version);
    return '';
  } catch (error) {
    if (isAppError(error)) return error.message;
    throw error;
  }
}
