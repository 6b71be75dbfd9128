import type { ControlCommand } from '../control/desk.ts';
import { AppError } from '../std/errors.ts';
import type { EnginePool } from '../upstream/engine.ts';

/** Where a canary stands in one pool after a step. */
interface CanaryStanding {
  readonly pool: string;
  /** Of the modules, 0 to 100; 0 = it is asked no more. */
  readonly percent: number;
}

type Step = (pool: EnginePool, member: string) => void;

const STEPS: ReadonlyMap<unknown, Step> = new Map<unknown, Step>([
  ['start', (pool, member) => pool.startCanary(member)],
  ['promote', (pool, member) => pool.promoteCanary(member)],
  ['rollback', (pool, member) => pool.rollBackCanary(member)],
]);

/**
 * `canary`: `{"step":"start"|"promote"|"rollback","upstream":NAME}` takes the step in every pool that the upstream is in, those of routes among them. Answers where it stands then. Fails
 * with NOT_FOUND (`detail.reason` `canary-unknown`) and CONFLICT (`canary-none`), and has done nothing then.
 */
export function canaryCommand(engines: ReadonlyMap<string, EnginePool>): ControlCommand {
  return async (input) => {
    const { step, upstream } = wishOf(input);
    const pools = [...engines.values()].filter((pool) => memberOf(pool, upstream) !== undefined);
    refuseOthers(upstream, pools, [...engines.values()]);
    for (const pool of pools) step(pool, upstream);
    return { canary: pools.map((pool): CanaryStanding => ({ pool: pool.name, percent: percentOf(pool, upstream) })) };
  };
}

function wishOf(input: unknown): { readonly step: Step; readonly upstream: string } {
  const { step: word, upstream } =
    typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : {};
  const step = STEPS.get(word);
  if (step !== undefined && typeof upstream === 'string' && upstream.length <= 256) return { step, upstream };
  throw new AppError('CONFIG_INVALID', 'steer a canary: the question is not of this version');
}

function refuseOthers(upstream: string, pools: readonly EnginePool[], all: readonly EnginePool[]): void {
  if (pools.length > 0 && pools.every((pool) => memberOf(pool, upstream)?.canaryPercent !== undefined)) return;
  const canaries = all.flatMap((pool) => pool.standing().members.filter((one) => one.canaryPercent !== undefined));
  const known = [...new Set(canaries.map(({ name }) => name))].join(', ');
  const [code, reason] =
    pools.length > 0 ? (['CONFLICT', 'canary-none'] as const) : (['NOT_FOUND', 'canary-unknown'] as const);
  const what = pools.length > 0 ? 'it is no canary' : 'no pool has an upstream of this name';
  throw new AppError(code, `steer the canary ${upstream}: ${what}`, { detail: { reason, upstream, known } });
}

function memberOf(pool: EnginePool, name: string): { readonly canaryPercent?: number } | undefined {
  return pool.standing().members.find((one) => one.name === name);
}

function percentOf(pool: EnginePool, name: string): number {
  return memberOf(pool, name)?.canaryPercent ?? 0;
}
