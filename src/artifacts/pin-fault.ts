import type { ArtifactId, ModuleVersion } from '../gomod/module.ts';

/** What trusted go.sum files say of `h1` as the hash of the zip, or of the go.mod, of `module`. */
export type PinVerdictOf = (
  kind: 'zip' | 'mod',
  module: ModuleVersion,
  h1: string,
) =>
  | { readonly verdict: 'unknown' }
  | { readonly verdict: 'match'; readonly file?: string }
  | { readonly verdict: 'mismatch'; readonly file: string; readonly pinned: string };

/** How a stored hash contradicts a pin. */
interface PinFault {
  /** Both hashes and the file, for a message. */
  readonly what: string;
  readonly pinned: string;
  readonly file: string;
}

/** The contradiction between the pins and the `h1` of a stored artifact; undefined when there is none, as for every `.info`. */
export function pinFault(
  verdictOf: PinVerdictOf | undefined,
  { kind, module }: ArtifactId,
  h1: string | undefined,
): PinFault | undefined {
  if (verdictOf === undefined || kind === 'info' || h1 === undefined) return undefined;
  const pin = verdictOf(kind, module, h1);
  if (pin.verdict !== 'mismatch') return undefined;
  const { file, pinned } = pin;
  return { what: `its h1 is ${h1}, pinned is ${pinned} in ${file}`, pinned, file };
}
