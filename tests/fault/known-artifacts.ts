/** Artifacts whose bytes follow from their names, so that a checker can tell right bytes from wrong ones after any crash. */
import { createHash } from 'node:crypto';
import { hashGoMod } from '../../src/gomod/dirhash.ts';
import { type ArtifactId, type ArtifactKind, parseModulePath, type Version } from '../../src/gomod/module.ts';

const MODULE = parseModulePath('example.com/crash/Test');
const KINDS: readonly ArtifactKind[] = ['info', 'mod', 'zip'];
/** Small enough for memory, or past a spool's threshold and written in several batches. */
const ZIP_SIZES = [300, 40_000, 200_000, 400_000, 2_500_000] as const;

/** The three artifacts of the writer's n-th version. */
export function artifactsOf(writer: number, n: number): ArtifactId[] {
  return KINDS.map((kind) => ({ module: { path: MODULE, version: `v1.${writer}.${n}` as Version }, kind }));
}

/** The one right body of an artifact. */
export function bodyOf({ module, kind }: ArtifactId): Buffer {
  const seed = createHash('sha256').update(`${module.version} ${kind}`).digest();
  const size = kind === 'zip' ? (ZIP_SIZES[(seed[0] ?? 0) % ZIP_SIZES.length] ?? 0) : 100 + (seed[0] ?? 0);
  return Buffer.alloc(size, seed.toString('hex') + module.version);
}

/** Its h1 here: any that follows from the bytes will do. */
export function h1Of(id: ArtifactId): string {
  return hashGoMod(bodyOf(id));
}
