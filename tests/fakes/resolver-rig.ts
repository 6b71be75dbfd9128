/** A resolver among fakes that a test can look into: scripted sources, a clock that stands still, a store that can be made to fail. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type Admission,
  type AdmissionLimits,
  createAdmission,
  DEFAULT_ADMISSION,
} from '../../src/admission/admission.ts';
import type { Held, Register } from '../../src/coordination/register.ts';
import type { Changes } from '../../src/coordination/changes.ts';
import { type ArtifactId, type ModulePath, parseModulePath, type Version } from '../../src/gomod/module.ts';
import type { RevInfo } from '../../src/gomod/rev-info.ts';
import { DEFAULT_ROUTE, type PlanStep, type RoutePlan, type Scope } from '../../src/policy/plan.ts';
import type { ResolverLimits } from '../../src/resolver/limits.ts';
import type { Artifacts, StoredArtifact, Verifying } from '../../src/resolver/needs.ts';
import type { FetchOutcome, StoreTrouble } from '../../src/resolver/observer.ts';
import { createResolver, type Question, type RunningResolver } from '../../src/resolver/resolver.ts';
import { openSpooled } from '../../src/io/spooled-reader.ts';
import { spooledBytes } from '../../src/io/spool.ts';
import { AppError, type ErrorCode } from '../../src/std/errors.ts';
import type { Spooled } from '../../src/std/spooled.ts';
import { goSumPins } from '../../src/verify/pins.ts';
import type { Pool } from '../../src/upstream/asking.ts';
import { unpooled } from '../../src/upstream/unpooled.ts';
import { markVerified, type Verified } from '../../src/verify/verified.ts';
import { createVerifier } from '../../src/verify/verifier.ts';
import { ManualClock } from './manual-clock.ts';
import { memorySpool } from './memory-spool.ts';
import { noDatabase } from './no-database.ts';
import { ScriptedSource } from './scripted-source.ts';

/** Artifacts in a map. */
class MapArtifacts implements Artifacts {
  readonly held = new Map<string, { readonly verified: Verified; readonly bytes: Uint8Array }>();
  readonly refused: string[] = [];
  readonly #damaged = new Set<string>();
  /** Looks into the store, memory apart. */
  finds = 0;
  fails: { readonly find?: ErrorCode; readonly commit?: ErrorCode; readonly versions?: ErrorCode } = {};
  hasMemory = false;

  inMemory(scope: string, id: ArtifactId): StoredArtifact | undefined {
    return this.hasMemory ? this.#artifact(keyOf(scope, id)) : undefined;
  }

  async find(scope: string, id: ArtifactId): Promise<StoredArtifact | undefined> {
    this.finds++;
    await Promise.resolve();
    fail(this.fails.find, 'find');
    return this.#artifact(keyOf(scope, id));
  }

  async commit(scope: string, verified: Verified): Promise<StoredArtifact> {
    await Promise.resolve();
    fail(this.fails.commit, 'commit');
    const key = keyOf(scope, verified.id);
    const bytes = verified.body.kind === 'memory' ? verified.body.bytes : readFileSync(verified.body.path);
    if (!this.held.has(key)) this.held.set(key, { verified, bytes });
    return this.#artifact(key) as StoredArtifact;
  }

  async versions(scope: string, module: ModulePath): Promise<readonly Version[]> {
    fail(this.fails.versions, 'versions');
    return [...this.held]
      .filter(([key]) => key.startsWith(`${scope} `))
      .map(([, one]) => one.verified.id.module)
      .flatMap((mv) => (mv.path === module ? [mv.version] : []));
  }

  async keepRefused(scope: string, id: ArtifactId): Promise<void> {
    this.refused.push(keyOf(scope, id));
  }

  /** Damage that shows when the artifact is opened; the next look finds nothing, as in a store that checks what it holds. */
  damage(scope: string, id: ArtifactId): void {
    this.#damaged.add(keyOf(scope, id));
    this.held.delete(keyOf(scope, id));
  }

  #artifact(key: string): StoredArtifact | undefined {
    const found = this.held.get(key);
    if (found === undefined) return undefined;
    const { id, source, body } = found.verified;
    return {
      id,
      record: { sha256: body.sha256, sizeBytes: body.sizeBytes, source },
      open: async (o) => {
        if (this.#damaged.has(key) && !this.held.has(key)) fail('STORE_CORRUPT', 'open');
        return openSpooled(spooledBytes(found.bytes), o);
      },
    };
  }
}

function keyOf(scope: string, id: ArtifactId): string {
  return `${scope} ${id.kind} ${id.module.path}@${id.module.version}`;
}

function fail(code: ErrorCode | undefined, what: string): void {
  if (code !== undefined) throw new AppError(code, `${what}: scripted`);
}

/** A register in a map that can be made to fail. */
export class MapRegister implements Register {
  readonly values = new Map<string, Held>();
  fails: ErrorCode | undefined;
  writes = 0;

  async read(name: string): Promise<Held | undefined> {
    fail(this.fails, 'read');
    return this.values.get(name);
  }

  async create(name: string, value: Uint8Array): Promise<Held> {
    fail(this.fails, 'create');
    if (this.values.has(name)) throw new AppError('CONFLICT', `create ${name}: it exists`);
    return this.#set(name, value);
  }

  async replace(old: Held, value: Uint8Array): Promise<Held> {
    fail(this.fails, 'replace');
    if (this.values.get(old.name)?.token !== old.token)
      throw new AppError('CONFLICT', `replace ${old.name}: it has changed`);
    return this.#set(old.name, value);
  }

  #set(name: string, value: Uint8Array): Held {
    this.writes++;
    const held = { name, value, token: randomBytes(8).toString('hex') };
    this.values.set(name, held);
    return held;
  }
}

const real = createVerifier({
  ...noDatabase,
  inspectZip: () => Promise.reject(new Error('not asked')),
  pins: goSumPins([]),
});

/** The real checks of infos and go.mods; of zips believes all but those that say `evil` (CHECKSUM_MISMATCH) or `broken` (ZIP_INVALID). */
const verifier: Verifying = {
  anticipate: () => undefined,
  info: (id, info, source, claims) => real.info(id, info, source, claims),
  mod: (id, body, source, o) => real.mod(id, body, source, o),
  zip: async (id, body, source, { anchor }) => {
    const text = body.kind === 'memory' ? Buffer.from(body.bytes).toString() : '';
    if (text.includes('evil')) throw new AppError('CHECKSUM_MISMATCH', 'check the zip: scripted');
    if (text.includes('broken')) throw new AppError('ZIP_INVALID', 'check the zip: scripted');
    const where = anchor === undefined ? {} : { anchor };
    return markVerified({ id, body, source, ...where, verification: { by: 'exemption', because: 'off' } });
  },
};

/** What a test holds in its hands. */
export interface Rig {
  readonly resolver: RunningResolver;
  readonly admission: Admission;
  readonly clock: ManualClock;
  readonly artifacts: MapArtifacts;
  readonly registers: MapRegister;
  readonly fetches: FetchOutcome[];
  readonly troubles: StoreTrouble[];
  /** Modules whose proof was to be looked up. */
  readonly anticipated: string[];
  /** Bodies in spools that nobody discarded yet. */
  readonly spooled: Set<Spooled>;
  /** By name, made on first use. */
  source(name: string): ScriptedSource;
  /** A question with the plan `A,B|C`. */
  question(list?: string, o?: Partial<Question>): Question;
  /** The same store, register and clock under a new resolver: what a restart leaves. */
  restarted(): Rig;
}

export interface RigOptions {
  /** Without `pools` nobody waits for a source to come back, unless `patienceMs` says so. */
  readonly limits?: Partial<ResolverLimits>;
  /** Replaces some of DEFAULT_ADMISSION. */
  readonly turns?: Partial<AdmissionLimits>;
  readonly random?: () => number;
  /** How long a go.mod waits for its proof. */
  readonly proofMs?: number;
  /** In the place of the sources of these names. */
  readonly pools?: (source: (name: string) => ScriptedSource) => readonly Pool[];
  /** Names of sources that are folders of this machine. */
  readonly local?: readonly string[];
  readonly routes?: 'one' | 'several';
  /** Where each resolver of this rig and of those that follow it hears of the others. */
  readonly changes?: () => Changes;
  /** Whether a ledger vouches for every go.mod and zip; else the operator has exempted them. */
  readonly isVouched?: boolean;
}

function vouched({ isVouched = false }: RigOptions, verified: Verified): Verified {
  if (!isVouched) return verified;
  return markVerified({
    ...verified,
    verification: { by: 'ledger', database: 'ledger.example', record: 1, treeSize: 2 },
  });
}

/** A rig; the middle of every jitter unless told otherwise. */
export function createRig(
  options: RigOptions = {},
  kept?: Pick<Rig, 'clock' | 'artifacts' | 'registers'> & { sources: Map<string, ScriptedSource> },
): Rig {
  const { clock, artifacts, registers, sources } = kept ?? {
    clock: new ManualClock(),
    artifacts: new MapArtifacts(),
    registers: new MapRegister(),
    sources: new Map<string, ScriptedSource>(['A', 'B', 'C', 'D'].map((name) => [name, new ScriptedSource(name)])),
  };
  const pools = options.pools?.((name) => sources.get(name) as ScriptedSource) ?? [];
  const fetches: FetchOutcome[] = [];
  const troubles: StoreTrouble[] = [];
  const anticipated: string[] = [];
  const spooled = new Set<Spooled>();
  const admission = createAdmission(clock, { ...DEFAULT_ADMISSION, ...options.turns });
  const resolver = createResolver({
    artifacts,
    registers,
    sources: new Map([...[...sources.values()].map(unpooled), ...pools].map((pool) => [pool.name, pool])),
    local: new Set(options.local),
    routes: options.routes ?? 'one',
    verifier: {
      ...verifier,
      anticipate: ({ path, version }) => void anticipated.push(`${path}@${version}`),
      mod: async (id, body, source, o) => {
        if (options.proofMs !== undefined) await clock.sleep(options.proofMs, o);
        return vouched(options, await verifier.mod(id, body, source, o));
      },
      zip: async (id, body, source, o) => vouched(options, await verifier.zip(id, body, source, o)),
    },
    spools: { spool: () => memorySpool(spooled) },
    openSpooled,
    clock,
    random: options.random ?? (() => 0.5),
    observer: { onFetch: (one) => fetches.push(one), onStoreTrouble: (one) => troubles.push(one) },
    // Where no pool is given the clock stands still for whoever waits for a source to come back.
    limits: { ...(options.pools === undefined && { patienceMs: 0 }), ...options.limits },
    admission,
    changes: options.changes?.(),
  });
  return {
    resolver,
    admission,
    clock,
    artifacts,
    registers,
    fetches,
    troubles,
    anticipated,
    spooled,
    source: (name) => sources.get(name) as ScriptedSource,
    question: (list = 'A', o = {}) => ({
      plan: planOf(list),
      mayFetch: 'yes',
      signal: new AbortController().signal,
      ...o,
    }),
    restarted: () => createRig(options, { clock, artifacts, registers, sources }),
  };
}

/** `A,B|C` as a plan of the default route, without rungs. */
export function planOf(list: string, scope: Scope = 'public'): RoutePlan {
  const steps = [...list.matchAll(/(\w+)([,|]?)/g)].map(
    ([, source = '', bar]): PlanStep => ({ source, separator: bar === '|' ? '|' : ',' }),
  );
  return { scope, route: DEFAULT_ROUTE, steps, rungs: [] };
}

/** `rsc.io/quote@v1.5.2` as the id of one of its artifacts. */
export function idOf(moduleVersion: string, kind: ArtifactId['kind']): ArtifactId {
  const [path = '', version = ''] = moduleVersion.split('@');
  return { module: { path: parseModulePath(path), version: version as Version }, kind };
}

/** A `.info` of `version`. */
export function infoOf(version: string): RevInfo {
  return { version: version as Version, time: '2026-01-01T00:00:00Z' };
}
