/** What is taken from a module's own repository because everybody else is out of reach: only what somebody vouches for. */
import type { Anchor } from '../gomod/anchor.ts';
import type { ModuleVersion } from '../gomod/module.ts';
import { sha256Hex } from '../gomod/sha256.ts';
import type { Level } from '../ladder/level.ts';
import type { Source, VersionAsk } from '../sources/source.ts';
import { AppError } from '../std/errors.ts';
import { memoryBody } from '../std/spooled.ts';
import type { Verified } from '../verify/verified.ts';
import type { Verifying } from './needs.ts';

/** The level of the ladder at which repositories are asked. */
export const ORIGIN: Level = 4;

const PROVEN: readonly Verified['verification']['by'][] = ['sumdb', 'ledger', 'go.sum'];

/** Throws POLICY_DENIED unless a checksum database, our ledger or a go.sum file that the operator trusts says what the bytes must be. */
export function requireProven({ id: { kind, module }, source, verification: { by } }: Verified): void {
  if (PROVEN.includes(by)) return;
  throw new AppError(
    'POLICY_DENIED',
    `take .${kind} of ${module.path}@${module.version} from ${source}: while upstreams are out only what a checksum database, the ledger or a go.sum file proves is taken from there`,
  );
}

/** A version as its repository tells of it. */
interface Told {
  readonly source: Source;
  readonly module: ModuleVersion;
  /** Of its info, when it said. */
  readonly anchor: Anchor | undefined;
  readonly verifier: Pick<Verifying, 'mod'>;
}

/**
 * Proves an info, which nobody vouches for, by its go.mod: rejects unless that is proven and, where the source says so, comes from the same commit.
 * Fails as `source` and the verifier do, with POLICY_DENIED as requireProven, and with UPSTREAM_BAD_RESPONSE for another commit.
 */
export async function proveOrigin({ source, module, anchor, verifier }: Told, o: VersionAsk): Promise<void> {
  const { unverified, anchor: anchorOfMod } = await source.mod(module, o);
  const body = memoryBody(unverified, sha256Hex(unverified));
  const asked = { signal: o.signal, anchor: anchorOfMod };
  requireProven(await verifier.mod({ module, kind: 'mod' }, body, source.name, asked));
  if (anchorOfMod?.commit === anchor?.commit) return;
  const attempted = `take .info of ${module.path}@${module.version} from ${source.name}`;
  throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempted}: it and its go.mod are of different commits`);
}
