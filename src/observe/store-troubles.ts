import type { ResolverObserver, StoreTrouble } from '../resolver/observer.ts';
import type { Clock } from '../std/clock.ts';
import type { Logger } from './logger.ts';

/** Least time between two log lines about the same operation and code: a full disk fails at every request. */
const LINE_EVERY_MS = 10_000;
/** How long a trouble counts as recent. */
const RECENT_MS = 60_000;

/** A trouble of the store as those who run it are told: the resolver's, or `view`, a list for static servers that was not written. */
export interface ToldTrouble extends Omit<StoreTrouble, 'operation'> {
  readonly operation: StoreTrouble['operation'] | 'view';
}

/** Logs troubles of the store as warnings, at most one line for each operation and code in 10 s, and remembers the last one for a minute. */
export class StoreTroubles implements Pick<ResolverObserver, 'onFetch' | 'onStoreTrouble'> {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** By operation and code, both of closed sets. */
  readonly #told = new Map<string, { at: number; suppressed: number }>();
  #last: { readonly trouble: ToldTrouble; readonly at: number } | undefined;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  onFetch(): void {}

  onStoreTrouble(trouble: ToldTrouble): void {
    const at = this.#clock.monotonic();
    if (isOfTheStore(trouble)) this.#last = { trouble, at };
    const kind = `${trouble.operation} ${trouble.code}`;
    const told = this.#told.get(kind);
    if (told !== undefined && at - told.at < LINE_EVERY_MS) {
      told.suppressed++;
      return;
    }
    this.#told.set(kind, { at, suppressed: 0 });
    // As `suppressed`: how many before this one made no line.
    const suppressed = told === undefined || told.suppressed === 0 ? {} : { suppressed: told.suppressed };
    this.#logger.warn({ ...trouble, ...suppressed }, 'trouble with the store');
  }

  /** The last trouble, while it is not older than a minute. */
  recent(): ToldTrouble | undefined {
    return this.#last !== undefined && this.#clock.monotonic() - this.#last.at <= RECENT_MS
      ? this.#last.trouble
      : undefined;
  }
}

/** Whether it says something of the store: a client alone can ask for a name that is too long, or go away. */
function isOfTheStore({ code }: ToldTrouble): boolean {
  return code !== 'TOO_LARGE' && code !== 'ABORTED';
}
