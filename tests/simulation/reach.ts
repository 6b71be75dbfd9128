/** Who is asked, and what is taken from whom: the invariants about the places outside a node, held against everything that is heard in a world. */
import type { Level } from '../../src/ladder/level.ts';
import type { RoutePlan } from '../../src/policy/plan.ts';
import type { Verified } from '../../src/verify/verified.ts';
import { BUNDLE, membersAt, REPOSITORY } from './plans.ts';
import { planFor, type Script, type Wish } from './script.ts';
import { moduleOf } from './subjects.ts';
import { PRIVATE } from './truth.ts';

type Violate = (invariant: string, what: string) => void;

/** Keeps what was wished for, and says who should not have been asked, or believed. */
export class Reach {
  readonly #script: Script;
  readonly #violate: Violate;
  /** By module: the upstreams that plans lead to by which it was wished for. */
  readonly #eligible = new Map<string, Set<string>>();

  constructor(script: Script, violate: Violate) {
    this.#script = script;
    this.#violate = violate;
  }

  /** From now on its plan may be walked for its module. */
  wished(wish: Wish): void {
    const module = moduleOf(wish.subject);
    const eligible = this.#eligible.get(module) ?? new Set();
    this.#eligible.set(module, eligible);
    const { steps, rungs } = planFor(this.#script, wish);
    for (const { source } of [...steps, ...rungs])
      for (const member of membersAt(this.#script.plans, source)) eligible.add(member);
  }

  /** `what` is `list x.test/a` or `zip x.test/a@v1.0.0`; `isShut`: its node may touch nothing outside. */
  asked(upstream: string, what: string, isShut: boolean): void {
    if (isShut && upstream !== BUNDLE) this.#violate('I7', `${upstream} was asked for ${what} by one that is offline`);
    const isOfHouse = upstream === REPOSITORY || upstream === BUNDLE;
    if (what.includes(PRIVATE) && !isOfHouse) return this.#violate('I8', `${upstream} heard of ${what}`);
    const module = what.split(/[ @]/)[1] ?? '';
    if (module === PROBED) return;
    if (this.#eligible.get(module)?.has(upstream) !== true)
      this.#violate('I7', `${upstream} was asked for ${what}, and no plan leads there`);
  }

  /** What is taken from the origin while upstreams are out needs proof. An info has none of its own: its go.mod's. */
  stored({ id: { module, kind }, source, verification }: Verified): void {
    if (source !== REPOSITORY || module.path === PRIVATE) return;
    const isProven = kind === 'info' ? this.#script.voucher === 'sumdb' : PROOFS.includes(verification.by);
    if (!isProven)
      this.#violate('I7', `${kind} ${module.path}@${module.version} of the origin is stored without proof`);
  }

  /** The level that is told with an answer is one of those who gave it. Undefined: it was here. */
  answered(wish: Wish, level: Level | undefined, by: readonly string[]): void {
    if (level === undefined) return;
    const plan = planFor(this.#script, wish);
    const kind = wish.subject.kind;
    if (!by.some((upstream) => this.#levelsOf(upstream, plan).includes(level)))
      this.#violate(
        'I7',
        `an answer about ${kind} was told at level ${level}, and came from ${by.join(' ') || 'nobody'}`,
      );
    if (level === ORIGIN && this.#script.voucher !== 'sumdb' && kind !== 'list')
      this.#violate('I7', `the origin has answered ${kind} without proof`);
  }

  #levelsOf(source: string, { steps, rungs }: RoutePlan): readonly Level[] {
    const has = (place: string): boolean => membersAt(this.#script.plans, place).includes(source);
    const ofSteps = steps.flatMap((step, at): readonly Level[] => (has(step.source) ? (at === 0 ? [0] : [0, 2]) : []));
    return [...ofSteps, ...rungs.filter((rung) => has(rung.source)).map(({ level }) => level)];
  }
}

const ORIGIN: Level = 4;
const PROOFS: readonly string[] = ['sumdb', 'ledger', 'go.sum'];
/** What a probe asks for that knows nothing better. */
const PROBED = 'rsc.io/quote';
