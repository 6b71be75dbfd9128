/** What there is: modules and their versions, and what each of their files says. Nobody in a world can change it. */
import { hashGoMod } from '../../src/gomod/dirhash.ts';
import { type ArtifactId, type ModulePath, parseModulePath, type Version } from '../../src/gomod/module.ts';
import type { RevInfo } from '../../src/gomod/rev-info.ts';

/** The modules of every world: two that anybody may know, one that is private. */
export const MODULES: readonly ModulePath[] = ['x.test/a', 'x.test/b', 'corp.test/secret'].map((path) =>
  parseModulePath(path),
);
/** The private one. */
export const PRIVATE = MODULES[2] as ModulePath;
/** Versions of each, the lowest first. */
export const VERSIONS: readonly Version[] = ['v1.0.0', 'v1.1.0', 'v1.2.0'].map((version) => version as Version);
/** A version that nobody has. */
export const NOWHERE = 'v1.9.0' as Version;

/** When a version was made; the same at everybody. */
export function infoOf(version: Version): RevInfo {
  return { version, time: `2026-01-0${VERSIONS.indexOf(version) + 1}T00:00:00Z` };
}

/** The go.mod. */
export function goModOf(module: ModulePath): string {
  return `module ${module}\n\ngo 1.24\n`;
}

/** What is in the zip, however it is packed. */
function contentsOf(module: ModulePath, version: Version): string {
  return `contents of ${module}@${version}`;
}

/** A zip of those contents, as `packer` packs it: bytes differ between packers, contents do not. */
export function zipOf(module: ModulePath, version: Version, packer: string): string {
  return `zip\n${contentsOf(module, version)}\npacked by ${packer}`;
}

/** A zip of something else, in good order. */
export function evilZipOf(module: ModulePath, version: Version): string {
  return `zip\nsomething else in ${module}@${version}\npacked by a stranger`;
}

/** What is in a zip; undefined when it is none. */
export function unpacked(zip: string): string | undefined {
  const [head, contents, packer] = zip.split('\n');
  return head === 'zip' && packer?.startsWith('packed by ') === true ? contents : undefined;
}

/** The h1 of contents, or of a go.mod. */
const sums = new Map<string, string>();
export function h1Of(text: string): string {
  const known = sums.get(text);
  if (known !== undefined) return known;
  const sum = hashGoMod(Buffer.from(text));
  sums.set(text, sum);
  return sum;
}

/** What is proven of a go.mod or a zip. */
export function provenOf(kind: 'mod' | 'zip', module: ModulePath, version: Version): string {
  return h1Of(kind === 'mod' ? goModOf(module) : contentsOf(module, version));
}

/** Whether `text` is what the file says. */
export function isTrue({ kind, module: { path, version } }: ArtifactId, text: string): boolean {
  if (!VERSIONS.includes(version)) return false;
  if (kind === 'zip') return unpacked(text) === contentsOf(path, version);
  if (kind === 'mod') return text === goModOf(path);
  const { Version, Time } = JSON.parse(text) as { Version?: unknown; Time?: unknown };
  return Version === version && Time === infoOf(version).time;
}
