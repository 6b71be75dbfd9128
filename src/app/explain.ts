import { NO_CREDENTIALS } from '../credentials/credentials.ts';
import type { Provenance } from '../artifacts/provenance.ts';
import { quarantinedCopies, type QuarantinedCopy } from '../artifacts/quarantine.ts';
import type { CheckedProof, Standing } from '../artifacts/standing.ts';
import type { AliasRow } from '../config/git-rows.ts';
import type { RouteRow } from '../config/route-rows.ts';
import type { Config } from '../config/schema.ts';
import { matchPrefixPatterns } from '../gomod/goenv.ts';
import type { ArtifactKind, ModulePath, ModuleVersion } from '../gomod/module.ts';
import type { HttpClient } from '../io/http-client.ts';
import { createGate } from '../policy/gate.ts';
import { DEFAULT_ROUTE, type PlanStep, type Scope, scopeOf } from '../policy/plan.ts';
import { createPrivacy, type PrivateBy } from '../policy/private.ts';
import type { RouteRule } from '../policy/routes.ts';
import { REPOSITORIES } from '../sources/registry.ts';
import type { DiscoveryPlan } from '../sources/vcs/discovery.ts';
import type { Ask } from '../std/ask.ts';
import { isAppError } from '../std/errors.ts';
import { createExemptions, type Exemption } from '../verify/exemptions.ts';
import { type Audited, onAudited } from './audited-store.ts';
import { aliasOf, createChain, type PoolPlan } from './chain.ts';
import type { Around } from './around.ts';
import { openDiscovery } from './git.ts';
import { openClient } from './clients.ts';

export type { Standing } from '../artifacts/standing.ts';

/** What is known of one artifact of the module. */
export interface ExplainedArtifact {
  readonly kind: ArtifactKind;
  readonly isStored: boolean;
  /** Its record, unless there is none or it cannot be read. */
  readonly record?: Provenance;
  /** What its record stands on now; its bytes were counted and not read. Absent when it is not stored. */
  readonly standing?: Standing;
  /** Bytes that were put aside. Reasons may be an upstream's words: not safe to print as they are. */
  readonly quarantined: readonly QuarantinedCopy[];
}

/** How its repository would be looked for, or why it cannot have one. Nobody was asked. */
export type ExplainedRepository =
  | DiscoveryPlan
  | { readonly by: 'nothing'; readonly code: string; readonly why: string };

/** Where the module would be asked for: the steps in order, or why nobody is asked. */
export type ExplainedPlan =
  | {
      readonly isAllowed: true;
      readonly steps: readonly ExplainedStep[];
      /** The row of `routes` that is for it, whoever asks; absent for the default route. Those by header and credential are not known here. */
      readonly route?: string;
    }
  | { readonly isAllowed: false; readonly code: string; readonly why: string };

/** One step, and the upstreams of its pool where it is one of `upstreams`. */
export interface ExplainedStep extends PlanStep {
  readonly members?: readonly string[];
}

/** Everything that is known here of one module version. */
export interface Explanation {
  /** `PATH@VERSION`. */
  readonly module: string;
  /** The part of the store that it lives in, as configured now. */
  readonly scope: Scope;
  readonly isStored: boolean;
  /** The zip, the go.mod and the info, in this order. */
  readonly artifacts: readonly ExplainedArtifact[];
  /** The stored proofs as they can be checked now, of every database that has one. */
  readonly proofs: readonly CheckedProof[];
  readonly plan: ExplainedPlan;
  /** Where one of the steps is its own repository. */
  readonly repository?: ExplainedRepository;
  /** What makes it private, if it is. */
  readonly private?: PrivateBy;
  /** The row of `git.aliases` that names its repository. */
  readonly alias?: AliasRow;
  /** The glob of noProxy that keeps a public module from every upstream. */
  readonly noProxy?: string;
  /** Why it would be stored without a proof today, if it would be. */
  readonly exemption?: Exemption;
}

const KINDS: readonly ArtifactKind[] = ['zip', 'mod', 'info'];

/**
 * Says what is stored of `module`, why it is believed, and where it would be asked for. Asks nobody and changes nothing. Rejects with CONFIG_INVALID when there is no
 * data folder (none is made) or the configuration names what cannot be used, with STORE_UNAVAILABLE or ABORTED.
 */
export async function explainModule(
  config: Config,
  around: Around,
  { module, signal }: Ask & { readonly module: ModuleVersion },
): Promise<Explanation> {
  const explain = async (on: Audited): Promise<Explanation> => {
    const scope = scopeOf(createPrivacy(config), module.path);
    const artifacts: ExplainedArtifact[] = [];
    for (const kind of KINDS) artifacts.push(await explainArtifact(on, { scope, id: { module, kind } }, { signal }));
    return {
      module: `${module.path}@${module.version}`,
      scope,
      isStored: artifacts.some((one) => one.isStored),
      artifacts,
      proofs: await on.audit.proofs(module, { signal }),
      ...(await routeOf(on, around, module.path)),
      ...configuredFor(config, module.path),
    };
  };
  return await onAudited(config, explain, { signal });
}

async function explainArtifact(
  { audit, store }: Audited,
  place: { readonly scope: Scope; readonly id: { readonly module: ModuleVersion; readonly kind: ArtifactKind } },
  o: Ask,
): Promise<ExplainedArtifact> {
  const { kind } = place.id;
  const found = await audit.glance(place, o);
  const quarantined = await quarantinedCopies(store, place, o);
  if (found === undefined) return { kind, isStored: false, quarantined };
  const { record, standing } = found;
  return { kind, isStored: true, ...(record && { record }), standing, quarantined };
}

/** The sources are made to know their names; none of them is asked, so they need no credentials. */
async function routeOf(
  { config, closing }: Audited,
  around: Around,
  path: ModulePath,
): Promise<Pick<Explanation, 'plan' | 'repository'>> {
  const client = openClient(config, { ...around, environment: {} }, { instanceId: 'explain' });
  closing.add(() => client.close());
  const rules = config.routes.filter(({ header, credential }) => header === undefined && credential === undefined);
  const { planFor, pools } = await createChain(config, {
    client,
    credentials: NO_CREDENTIALS,
    rules: rules.map(byModule),
  });
  const decision = createGate(planFor).decide(path);
  if (!decision.allowed) return { plan: { isAllowed: false, code: decision.error.code, why: decision.error.message } };
  const { route } = decision.plan;
  const steps = decision.plan.steps.map((step) => withMembers(step, pools));
  const plan = { isAllowed: true, steps, ...(route !== DEFAULT_ROUTE && { route }) } as const;
  if (!steps.some(({ source }) => source === REPOSITORIES)) return { plan };
  return { plan, repository: repositoryOf(config, around, path, client) };
}

function byModule({ name, modules }: RouteRow): RouteRule {
  return modules === undefined ? { name } : { name, modules };
}

function withMembers(step: PlanStep, pools: readonly PoolPlan[]): ExplainedStep {
  const members = pools.find(({ name }) => name === step.source)?.members ?? [];
  const named = members.flatMap(({ source, row }) => (row === undefined ? [] : [source.name]));
  return named.length === 0 ? step : { ...step, members: named };
}

function repositoryOf(config: Config, around: Around, path: ModulePath, pages: HttpClient): ExplainedRepository {
  const ping = (): Promise<boolean> => Promise.resolve(false);
  try {
    return openDiscovery(config, around, { ping, pages, credentials: NO_CREDENTIALS }).planOf(path);
  } catch (error) {
    if (!isAppError(error, 'NOT_FOUND', 'POLICY_DENIED')) throw error;
    return { by: 'nothing', code: error.code, why: error.message };
  }
}

function configuredFor(
  config: Config,
  path: ModulePath,
): Pick<Explanation, 'private' | 'alias' | 'noProxy' | 'exemption'> {
  const privacy = createPrivacy(config);
  const privateBy = privacy.privateBy(path);
  const pattern = config.noProxy.split(',').find((glob) => matchPrefixPatterns(glob, path));
  const isOff = config.sumdb.database === 'off';
  const exemption = createExemptions({ isOff, patterns: privacy.noSumdb, privateBy: privacy.privateBy }).of(path);
  const alias = aliasOf(config, path);
  return {
    ...(privateBy && { private: privateBy }),
    ...(alias && { alias }),
    ...(privateBy !== undefined || pattern === undefined ? {} : { noProxy: pattern }),
    ...(exemption && { exemption }),
  };
}
