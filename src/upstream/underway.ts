import type { PoolQuestion, QuestionKind } from './asking.ts';
import type { EngineLimits } from './settings.ts';
import type { Timing } from './timing.ts';

/** One question under way at one member. */
export interface Underway {
  readonly kind: QuestionKind;
  /** The module path. */
  readonly key: string;
  /** Monotonic, ms. */
  readonly since: number;
  /** It has delivered what its time is measured for. */
  hasBegun: boolean;
  /** Its time to the first byte has passed, and was counted as a failure. */
  isLate: boolean;
}

/** All questions under way at one member. */
export class AllUnderway {
  readonly #limits: Pick<EngineLimits, 'suspectFloorMs' | 'suspectAfter'>;
  /** In the order in which they began. */
  readonly #all = new Set<Underway>();

  constructor(limits: Pick<EngineLimits, 'suspectFloorMs' | 'suspectAfter'>) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#all.size;
  }

  begin(now: number, { kind, key }: Pick<PoolQuestion<unknown>, 'kind' | 'key'>): Underway {
    const one = { kind, key, since: now, hasBegun: false, isLate: false };
    this.#all.add(one);
    return one;
  }

  end(one: Underway): void {
    this.#all.delete(one);
  }

  /** How many are too old by what is usual; not counted further than makes a member suspect. */
  tooOld(now: number, usual: Pick<Timing, 'tooOldMs'>): number {
    const { suspectFloorMs, suspectAfter } = this.#limits;
    let tooOld = 0;
    for (const { since, kind, hasBegun } of this.#all) {
      if (now - since <= suspectFloorMs || tooOld >= suspectAfter) break;
      if (!hasBegun && now - since > usual.tooOldMs(kind)) tooOld++;
    }
    return tooOld;
  }
}
