import { isAppError } from '../std/errors.ts';
import type { Canary, CanaryStep } from './canary.ts';
import type { CanaryMemory, CanaryRecord } from './canary-memory.ts';
import type { PoolCore } from './core.ts';
import type { Member } from './member.ts';

/** How often it is looked what other processes made of the canary, ms. */
const LOOK_MS = 30_000;
/** Times that one look is tried when others write at the same moment. */
const TRIES = 4;

/**
 * Carries the stage of a canary over a restart, and a roll-back, or the word of an operator, to the other processes that share the memory. Of what processes find by themselves the worse counts: who was
 * rolled back by one is rolled back by all. Nobody waits for the memory, and what fails is tried again later.
 */
export class CanaryKeeper {
  readonly #core: PoolCore;
  readonly #member: Member;
  readonly #canary: Canary;
  readonly #memory: CanaryMemory;
  readonly #end = new AbortController();
  /** What happened here and is not written yet. */
  #news: CanaryStep | undefined;
  /** Whether that counts more than what is written. */
  #isOwnWord = false;
  #hasBegun = false;
  #isLooking = false;
  #cancelTimer = (): void => undefined;

  constructor(core: PoolCore, member: Member, canary: Canary, memory: CanaryMemory) {
    this.#core = core;
    this.#member = member;
    this.#canary = canary;
    this.#memory = memory;
  }

  /** From where it stood, or from the first stage when nobody knows that. Doing it twice does nothing. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    void this.#look();
  }

  /** It took a step here. */
  stepped(step: CanaryStep): void {
    if (step.why === 'remembered' || this.#end.signal.aborted) return;
    this.#news = step;
    this.#isOwnWord = step.why !== 'good';
    if (this.#hasBegun) void this.#look();
  }

  close(): void {
    this.#end.abort();
    this.#cancelTimer();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#cancelTimer();
    for (let tried = 1; tried <= TRIES && !this.#end.signal.aborted; tried++) if (await this.#agree()) break;
    this.#isLooking = false;
    if (!this.#end.signal.aborted) this.#cancelTimer = this.#core.clock.after(LOOK_MS, () => void this.#look());
  }

  /** False when others wrote at the same moment. */
  async #agree(): Promise<boolean> {
    const o = { signal: this.#end.signal };
    try {
      const known = await this.#memory.read(o);
      if (o.signal.aborted) return true;
      this.#hear(known);
      const news = this.#news;
      if (news === undefined) return true;
      await this.#memory.write(this.#record(), o);
      if (this.#news === news) this.#news = undefined;
      return this.#news === undefined;
    } catch (error) {
      this.#hear(undefined);
      return !isAppError(error, 'CONFLICT');
    }
  }

  #hear(known: CanaryRecord | undefined): void {
    const { clock } = this.#core;
    const now = clock.monotonic();
    if (known !== undefined && this.#isOverruled(known)) {
      this.#news = undefined;
      return this.#tell(this.#canary.restore(now, known, Math.max(0, clock.now() - known.since)));
    }
    if (this.#canary.isNew) {
      this.#tell(this.#canary.start(now));
      // Nobody's word: what is known of it, once that can be read, counts more.
      this.#isOwnWord = false;
    }
    if (!this.#isOwnWord && known !== undefined && known.percent > this.#canary.percent) this.#news = undefined;
  }

  /** Whether `known` counts, not what happened here. */
  #isOverruled({ percent }: CanaryRecord): boolean {
    const { isNew, isOut } = this.#canary;
    if (isNew) return true;
    return (this.#news === undefined || !this.#isOwnWord) && isOut !== (percent === 0);
  }

  #tell(step: CanaryStep | undefined): void {
    if (step !== undefined) this.#core.onCanary(this.#member, step);
  }

  #record(): CanaryRecord {
    const { clock } = this.#core;
    const { percent, hasLied, since } = this.#canary;
    return { percent, hasLied, since: clock.now() - (clock.monotonic() - since) };
  }
}
