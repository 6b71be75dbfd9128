/** Turns what a source sent into what may be stored and served, or says why not. */
import { type Anchor, isAnchor } from '../gomod/anchor.ts';
import { hashGoMod } from '../gomod/dirhash.ts';
import { scanModulePath } from '../gomod/modfile/module-path.ts';
import { parseModFileLax } from '../gomod/modfile/parse.ts';
import type { ArtifactId, ModuleVersion } from '../gomod/module.ts';
import { formatRevInfo, type RevInfo } from '../gomod/rev-info.ts';
import { sha256Hex } from '../gomod/sha256.ts';
import { shown } from '../gomod/shown.ts';
import { TOOLCHAIN_MODULE } from '../gomod/version.ts';
import type { ModuleZipFacts } from '../gomod/zip/inspect.ts';
import { MAX_GO_MOD_BYTES } from '../gomod/zip/limits.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { AppError, toAppError } from '../std/errors.ts';
import { memoryBody, type Spooled, type SpooledMemory } from '../std/spooled.ts';
import { believe, type BeliefParts } from './belief.ts';
import { markVerified, type Verified } from './verified.ts';

/** What a source says of the bytes beside them. */
export interface Claims {
  /** Where in a repository they were made from. Goes on to the record; UPSTREAM_BAD_RESPONSE when it has not the form of an anchor. */
  readonly anchor?: Anchor | undefined;
  /** The `h1:` that the source itself says they have. */
  readonly claimedH1?: string | undefined;
}

/**
 * The checks that make bytes believable. Bodies stay the caller's to discard when a check fails. `source` is the name of the
 * source, for records and messages. The hash of a go.mod or a zip must be what those who know it say; belief.ts has the rule and its failures.
 */
export interface Verifier {
  /** Begins to find out what a go.mod and a zip of `module` must be, so that the answer is there when the bytes are. Never throws, tells nobody. */
  anticipate(module: ModuleVersion, o: Ask): void;
  /** The info as it will be served. Throws UPSTREAM_BAD_RESPONSE when it is about another version. */
  info(id: ArtifactId, info: RevInfo, source: string, claims?: Pick<Claims, 'anchor'>): Verified;
  /** A go.mod. Rejects with UPSTREAM_BAD_RESPONSE when it is none. */
  mod(id: ArtifactId, body: SpooledMemory, source: string, o: Ask & Pick<Claims, 'anchor'>): Promise<Verified>;
  /**
   * A module zip. Rejects with ZIP_INVALID, with UPSTREAM_BAD_RESPONSE when it is not what the source itself says it is (`claimedH1`), with OVERLOADED or
   * ABORTED when it could not be checked.
   */
  zip(id: ArtifactId, body: Spooled, source: string, o: Ask & Claims): Promise<Verified>;
}

/** What a verifier is made of. */
export interface VerifierParts extends BeliefParts {
  /** ZipInspector.inspect. */
  readonly inspectZip: (body: Spooled, module: ModuleVersion, o: Ask) => Promise<ModuleZipFacts>;
}

/** A verifier. */
export function createVerifier({ inspectZip, ...who }: VerifierParts): Verifier {
  return {
    anticipate: (module, o) => who.expectations.anticipate(module, o),
    info: verifyInfo,
    mod: async (id, body, source, o) => {
      throwIfAborted(o.signal);
      const attempt = attemptOf(id, source);
      const where = anchored(o, attempt);
      requireGoMod(body.bytes, id.module, attempt);
      const h1 = hashGoMod(body.bytes);
      const verification = await believe(who, { kind: 'mod', module: id.module, h1, source, attempt }, o);
      return markVerified({ id, body, h1, source, ...where, verification });
    },
    zip: async (id, body, source, o) => {
      const attempt = attemptOf(id, source);
      const where = anchored(o, attempt);
      const { h1 } = await inspected(inspectZip(body, id.module, o), attempt);
      if (o.claimedH1 !== undefined && o.claimedH1 !== h1) {
        const detail = { claimed: o.claimedH1, found: h1 };
        throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: not the bytes that the source has a hash of`, {
          detail,
        });
      }
      const verification = await believe(who, { kind: 'zip', module: id.module, h1, source, attempt }, o);
      return markVerified({ id, body, h1, source, ...where, verification });
    },
  };
}

function attemptOf({ kind, module }: ArtifactId, source: string): string {
  return `verify .${kind} of ${module.path}@${module.version} from ${source}`;
}

/** The anchor among `claims`, as a member to be spread. */
function anchored({ anchor }: Pick<Claims, 'anchor'>, attempt: string): { readonly anchor?: Anchor } {
  if (anchor === undefined) return {};
  if (!isAnchor(anchor))
    throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: its place in the repository is malformed`);
  return { anchor };
}

function verifyInfo(id: ArtifactId, info: RevInfo, source: string, claims: Pick<Claims, 'anchor'> = {}): Verified {
  if (info.version !== id.module.version) {
    throw new AppError('UPSTREAM_BAD_RESPONSE', `${attemptOf(id, source)}: it is about version ${shown(info.version)}`);
  }
  const bytes = formatRevInfo(info);
  const body = memoryBody(bytes, sha256Hex(bytes));
  const where = anchored(claims, attemptOf(id, source));
  return markVerified({ id, body, source, ...where, verification: { by: 'form' } });
}

/** A go.mod that no go command can use is an error page or a damaged file more often than a real one. */
function requireGoMod(bytes: Uint8Array, module: ModuleVersion, attempt: string): void {
  const fault = goModFault(bytes, module);
  if (fault !== undefined) throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: ${fault}`);
}

function goModFault(bytes: Uint8Array, { path }: ModuleVersion): string | undefined {
  if (bytes.length > MAX_GO_MOD_BYTES) return `more than ${MAX_GO_MOD_BYTES} bytes`;
  if (bytes.includes(0)) return 'zero bytes in it';
  // Nobody reads the go.mod of a toolchain, and not every proxy has a proper one.
  if (path === TOOLCHAIN_MODULE) return undefined;
  return hasModuleLine(bytes) ? undefined : 'no module line in it';
}

/** By the scan, which minds nothing else in the file, or by the parser, which also knows the rarer ways to write it. */
function hasModuleLine(bytes: Uint8Array): boolean {
  if (scanModulePath(bytes) !== undefined) return true;
  const parsed = parseModFileLax(bytes);
  return parsed.ok && parsed.file.module !== undefined;
}

async function inspected(inspecting: Promise<ModuleZipFacts>, attempt: string): Promise<ModuleZipFacts> {
  try {
    return await inspecting;
  } catch (error) {
    const { code, message, detail } = toAppError(error, 'inspect zip');
    throw new AppError(code, `${attempt}: ${message}`, { cause: error, detail });
  }
}
