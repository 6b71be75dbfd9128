/** Module versions: semantic versions plus the one build suffix Go keeps, `+incompatible`. */
import { build, canonical, isComplete } from './semver.ts';

const INCOMPATIBLE = '+incompatible';

/** The canonical form of `v`: complete, without build metadata except `+incompatible`. Empty when `v` is not a semantic version. */
export function canonicalVersion(v: string): string {
  const plain = canonical(v);
  return plain !== '' && build(v) === INCOMPATIBLE ? plain + INCOMPATIBLE : plain;
}

/** Whether `v` is a canonical module version. Whether it fits a path is `isCanonicalFor` in module.ts. */
export function isCanonicalVersion(v: string): boolean {
  return isComplete(v) && (!v.includes('+') || build(v) === INCOMPATIBLE);
}

/** Whether `v` is a version of major 2 or more of a module without major suffix, as marked by its author's tags. */
export function isIncompatible(v: string): boolean {
  return v.endsWith(INCOMPATIBLE);
}

/** The module whose versions are Go distributions, one per Go version and platform. */
export const TOOLCHAIN_MODULE = 'golang.org/toolchain';

/** The Go version in a toolchain version: `1.22.3` of `v0.0.1-go1.22.3.linux-amd64`; undefined when `v` has no such form. */
export function goVersionOfToolchain(v: string): string | undefined {
  const dash = v.indexOf('-');
  const beforeArch = v.lastIndexOf('-');
  const beforeOs = v.lastIndexOf('.', beforeArch);
  if (dash < 0 || beforeArch === dash || beforeOs <= dash) return undefined;
  const name = v.slice(dash + 1, beforeOs);
  return name.startsWith('go') ? name.slice(2) : name;
}
