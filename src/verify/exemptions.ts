import { matchesAnyPrefix, parsePrefixPatterns } from '../gomod/goenv.ts';
import type { ModulePath } from '../gomod/module.ts';
import { TOOLCHAIN_MODULE } from '../gomod/version.ts';
import type { Verification } from './verified.ts';

/** Why a module is stored without a proof, as its record says. */
export type Exemption = Extract<Verification, { readonly by: 'exemption' }>;

/** Which modules the checksum database is not asked about. */
export interface Exemptions {
  /** The exemption of the module, or undefined when it must be proven. Never one for golang.org/toolchain: what it names is run, not only compiled. */
  readonly of: (module: ModulePath) => Exemption | undefined;
}

/** What the operator exempts: `isOff` everything, what `patterns` match, a glob list in the form of GONOSUMDB, and what is private by the pattern that `privateBy` says. */
export function createExemptions({
  isOff,
  patterns,
  privateBy = () => undefined,
}: {
  readonly isOff: boolean;
  readonly patterns: string;
  readonly privateBy?: (module: ModulePath) => { readonly pattern: string } | undefined;
}): Exemptions {
  const globs = patterns.split(',').map((pattern) => ({ pattern, parsed: parsePrefixPatterns(pattern) }));
  const matching = (module: ModulePath): string | undefined =>
    module === TOOLCHAIN_MODULE ? undefined : globs.find(({ parsed }) => matchesAnyPrefix(parsed, module))?.pattern;
  return {
    of(module) {
      const pattern = matching(module) ?? privateBy(module)?.pattern;
      if (pattern !== undefined) return { by: 'exemption', because: 'pattern', pattern };
      return isOff && module !== TOOLCHAIN_MODULE ? { by: 'exemption', because: 'off' } : undefined;
    },
  };
}
