import { sha256Hex } from '../gomod/sha256.ts';
import { LRUCache } from 'lru-cache';
import type { Admission } from '../admission/admission.ts';
import { fixedLimit } from '../admission/gradient.ts';
import { Turns } from '../admission/turns.ts';
import type { Changes } from '../coordination/changes.ts';
import { escapePath, type ModulePath, type ModuleVersion, type Version } from '../gomod/module.ts';
import { formatRevInfo } from '../gomod/rev-info.ts';
import type { Level } from '../ladder/level.ts';
import type { RoutePlan } from '../policy/plan.ts';
import { throwIfAborted } from '../std/ask.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import type { Clock } from '../std/clock.ts';
import { type AppError, isAppError, toAppError } from '../std/errors.ts';
import { recentEntries } from '../std/recent.ts';
import { Background } from './background.ts';
import { withDeadline, within } from './deadline.ts';
import { type Boarding, Flights, type Work } from './flight.ts';
import { jittered, type ResolverLimits } from './limits.ts';
import { isListed, type MutableQuestion, type Told, versionsOf } from './mutable-question.ts';
import { Absences, notStored } from './negative.ts';
import type { ResolverObserver } from './observer.ts';
import { type Content, grown, merged, type Remembered, type RememberedAnswers, union } from './remembered.ts';
import type { CacheResult, MutableAnswer, MutableSubject, Question } from './resolver.ts';
import { spaceOf } from './space.ts';
import { WallAges } from './wall-ages.ts';
import { isNotHere, isNowhere } from './walk.ts';

interface MutablesParts {
  readonly answers: RememberedAnswers;
  readonly observer: ResolverObserver;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: ResolverLimits;
  readonly admission: Admission;
  /** What other processes on the same store tell; absent = there are none. */
  readonly changes?: Changes | undefined;
}

/** An answer in memory. Replaced, not changed, when its content changes. Times are monotonic ms. */
interface Known {
  readonly remembered: Remembered;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly confirmedAt: number;
  /** Its own share of jitter included. */
  readonly freshMs: number;
  /** Of the ladder, when it was asked for. */
  readonly level: Level | undefined;
  /** No refresh behind before. */
  refreshAt: number;
  /** No attempt in front of a client before, as the last one failed. */
  retryAt: number;
}

interface Loaded {
  readonly known?: Known;
  /** Why nothing could be read. */
  readonly failure?: AppError;
}

/** A mutable answer with what it says. */
export type FoundAnswer = MutableAnswer & { readonly content: Content };

/**
 * list, latest and queries: when to ask, and when an older answer will do (reliability: "Caching rules").
 *
 *     0 ......... freshMs ............ + staleWhileRevalidateMs ............ staleIfErrorMs
 *        as it is         at once, and        asked first, the old one when         asked; a failure
 *                         refreshed behind    that fails or takes too long          is a failure
 *
 * "Not here" is remembered apart and shorter. What was confirmed is written behind to a register, so that a restart and a dead
 * upstream do not lose it; a list is also united with the versions that are stored.
 */
export class Mutables {
  readonly #parts: MutablesParts;
  readonly #memory: LRUCache<string, Known>;
  readonly #absences: Absences;
  readonly #flights: Readonly<Record<MutableQuestion['kind'], Flights<Known>>>;
  readonly #loads: Flights<Loaded>;
  readonly #ages: WallAges;
  readonly #refreshes: Background;
  readonly #writes: Background;
  /** When an unchanged answer was written last; bounded like the memory. Monotonic ms. */
  readonly #written: LRUCache<string, { readonly sha256: string; readonly at: number }>;
  /** What other processes have changed, and is to be read again before it is answered from memory: each with the number of the news. Bounded by the memory. */
  readonly #outdated = new Map<string, number>();
  #news = 0;

  constructor(parts: MutablesParts) {
    const { clock, limits, admission } = parts;
    const inBackground = {
      concurrent: limits.concurrentBackground,
      deadlineMs: limits.metadataDeadlineMs + limits.queueWaitMs,
    };
    const pace = { perSecond: limits.refreshesPerSecond, burst: limits.refreshBurst };
    this.#parts = parts;
    this.#ages = new WallAges(clock);
    this.#memory = new LRUCache({
      max: limits.mutableEntries,
      maxSize: limits.mutableBytes,
      sizeCalculation: (known) => ENTRY_BYTES + known.bytes.byteLength * COPIES,
    });
    this.#absences = new Absences(clock, limits.negativeEntries);
    this.#flights = {
      list: new Flights(clock, limits, admission.metadata),
      latest: new Flights(clock, limits, admission.metadata),
      query: new Flights(clock, limits, admission.metadata),
    };
    this.#loads = new Flights(clock, { ...limits, errorMemoMs: 0 }, loadTurns(clock, limits));
    const mayBegin = (): boolean => admission.mayBeginBehind();
    this.#refreshes = new Background(clock, { ...inBackground, queued: 0, pace, mayBegin });
    this.#writes = new Background(clock, { ...inBackground, queued: limits.queuedWrites });
    this.#written = recentEntries(limits.mutableEntries);
  }

  /** See Resolver: list, latest, query. */
  async find(question: MutableQuestion, q: Question): Promise<FoundAnswer> {
    const key = keyOf(question.plan, question.kind, question.module, question.query);
    this.#hear();
    const absent = this.#absences.get(key);
    if (absent !== undefined && q.mayFetch === 'yes') throw absent;
    const news = this.#outdated.get(key);
    if (news !== undefined) await this.#readAgain(key, news, question, q);
    const inMemory = this.#memory.get(key);
    if (inMemory !== undefined) return this.#fromKnown(key, question, inMemory, q);
    const { known, failure } = await this.#load(key, question, q);
    if (known !== undefined) return this.#fromKnown(key, question, known, q);
    if (q.mayFetch === 'no') return this.#storedOnly(question, q, failure);
    return this.#ask(key, question, q, failure);
  }

  /** The answer that is in memory, while it is fresh. */
  freshInMemory({ kind, module, query = '' }: MutableSubject, plan: RoutePlan): FoundAnswer | undefined {
    this.#hear();
    const key = keyOf(plan, kind, module, query);
    const known = this.#memory.get(key);
    const isFresh = known !== undefined && this.#ageOf(known) < known.freshMs && !this.#outdated.has(key);
    return isFresh ? this.#told(known, 'hit') : undefined;
  }

  /** The highest version of the list, as far as it is in memory. */
  newestKnown(module: ModulePath, plan: RoutePlan): Version | undefined {
    return versionsOf(this.#memory.peek(keyOf(plan, 'list', module, ''))?.remembered.content).at(-1);
  }

  /** Takes a version that was just fetched into the list, and forgets that the module was not there: `tag; go get m@v; list` shows it. */
  noteVersion({ path, version }: ModuleVersion, plan: RoutePlan): void {
    const list = keyOf(plan, 'list', path, '');
    if (isListed(path, version)) this.#extend(list, [version]);
    for (const key of [list, keyOf(plan, 'latest', path, '')]) {
      this.#absences.forget(key);
      this.#parts.changes?.tell(key);
    }
  }

  /** Resolves when nothing is refreshed or written behind any more. */
  async idle(): Promise<void> {
    await this.#refreshes.idle();
    await this.#writes.idle();
  }

  /** Stops asking and lets writes end; for the end of the process. */
  async close(): Promise<void> {
    for (const flights of Object.values(this.#flights)) flights.close();
    this.#loads.close();
    await this.#refreshes.close();
    await this.#writes.close();
  }

  // ------------------------------------------------------------------ by age

  #fromKnown(key: string, question: MutableQuestion, known: Known, q: Question): FoundAnswer | Promise<FoundAnswer> {
    const { staleWhileRevalidateMs, staleIfErrorMs } = this.#parts.limits;
    const ageMs = this.#ageOf(known);
    if (ageMs < known.freshMs) return this.#told(known, 'hit');
    if (q.mayFetch === 'no') return this.#told(known, 'stale');
    if (ageMs < known.freshMs + staleWhileRevalidateMs) {
      this.#refreshBehind(key, question, known);
      return this.#told(known, 'stale');
    }
    return ageMs < staleIfErrorMs ? this.#askWithin(key, question, known, q) : this.#ask(key, question, q);
  }

  /** At most one per refreshEveryMs and answer, and none when too many are under way. */
  #refreshBehind(key: string, question: MutableQuestion, known: Known): void {
    const now = this.#parts.clock.monotonic();
    if (now < known.refreshAt) return;
    const isStarted = this.#refreshes.start((signal) => this.#fly(key, question, { signal, urgency: 'behind' }));
    if (isStarted) known.refreshAt = now + this.#parts.limits.refreshEveryMs;
  }

  /** Asks, but not for long: the wait counts from the beginning of the attempt, whoever began it. The attempt goes on behind. */
  async #askWithin(key: string, question: MutableQuestion, known: Known, q: Question): Promise<FoundAnswer> {
    const { clock, limits } = this.#parts;
    const leftMs = limits.staleWaitMs - (this.#flights[question.kind].ageMs(key) ?? 0);
    if (clock.monotonic() < known.retryAt || leftMs <= 0) return this.#told(known, 'stale');
    const flying = this.#fly(key, question, q);
    this.#refreshBehind(key, question, known);
    try {
      const landed = await within(clock, leftMs, q.signal, flying);
      if (landed !== undefined) return this.#told(landed.value, landed.led ? 'miss' : 'joined');
    } catch (error) {
      if (isAppError(error) && isNowhere(error)) throw error;
    }
    throwIfAborted(q.signal);
    return this.#told(known, 'stale');
  }

  /** Asks for as long as it takes; when nobody can tell, what is stored must do. */
  async #ask(key: string, question: MutableQuestion, q: Question, loadFailure?: AppError): Promise<FoundAnswer> {
    try {
      const { value, led } = await this.#fly(key, question, q, loadFailure === undefined);
      return this.#told(value, led ? 'miss' : 'joined');
    } catch (error) {
      throwIfAborted(q.signal);
      if (isAppError(error) && isNowhere(error)) throw loadFailure ?? error;
      const known = this.#stillGood(key);
      if (known !== undefined) return this.#told(known, 'stale');
      const stored = await this.#fromStore(question, q);
      if (stored !== undefined) return stored;
      if (!isAppError(error) || !isNotHere(error)) throw error;
      if (loadFailure !== undefined) throw loadFailure;
      this.#rememberAbsent(key, error, this.#parts.limits.negativeVersionMs);
      throw error;
    }
  }

  /** What is in memory and will do when nobody can tell; also what others have found out while we asked, when our own look at the register had failed or came too early. */
  #stillGood(key: string): Known | undefined {
    const known = this.#memory.peek(key);
    return known !== undefined && this.#ageOf(known) < this.#parts.limits.staleIfErrorMs ? known : undefined;
  }

  async #storedOnly(question: MutableQuestion, q: Question, failure: AppError | undefined): Promise<FoundAnswer> {
    const stored = await this.#fromStore(question, q);
    if (stored !== undefined) return stored;
    throw failure ?? notStored(attemptOf(question));
  }

  async #fromStore(question: MutableQuestion, q: Question): Promise<FoundAnswer | undefined> {
    const told = await question.fromStore(q).catch(() => undefined);
    return told === undefined ? undefined : this.#told(this.#knownOf(rememberedOf(question, told, 0)), 'stale');
  }

  // ------------------------------------------------------------------ asking

  #fly(
    key: string,
    question: MutableQuestion,
    o: Boarding,
    mayRememberAbsence = true,
  ): Promise<{ value: Known; led: boolean }> {
    return this.#flights[question.kind].join(key, (work) => this.#fetch(key, question, work, mayRememberAbsence), o);
  }

  async #fetch(key: string, question: MutableQuestion, work: Work, mayRememberAbsence: boolean): Promise<Known> {
    const { clock, limits } = this.#parts;
    const before = this.#memory.peek(key);
    // Rungs may know less than what is known: that will do while the list is out.
    const plan = this.#stillGood(key) === undefined ? question.plan : { ...question.plan, rungs: [] };
    const bound = { clock, ms: limits.metadataDeadlineMs, signal: work.signal, attempted: attemptOf(question) };
    try {
      const told = await withDeadline(bound, (signal) => question.ask(plan, before?.remembered.content, { signal }));
      const known = this.#confirmed(key, question, told);
      if (this.#parts.changes === undefined || known.sha256 === before?.sha256) return known;
      return await this.#tellOthers(key, question.plan, known, work.signal);
    } catch (error) {
      if (isAppError(error) && isNowhere(error)) this.#absent(key, question, error, mayRememberAbsence);
      else if (before !== undefined) before.retryAt = clock.monotonic() + limits.staleRetryMs;
      throw error;
    }
  }

  #confirmed(key: string, question: MutableQuestion, told: Told): Known {
    const before = this.#memory.peek(key);
    const content = before === undefined ? told.content : grown(before.remembered.content, told.content);
    const asked = this.#knownOf(rememberedOf(question, { ...told, content }, this.#parts.clock.now()));
    const fresh = { ...asked, level: told.level };
    const known = before?.sha256 === fresh.sha256 ? { ...fresh, bytes: before.bytes } : fresh;
    known.refreshAt = this.#parts.clock.monotonic() + this.#parts.limits.refreshEveryMs;
    this.#memory.set(key, known);
    this.#absences.forget(key);
    this.#writeBehind(key, question.plan, known);
    return known;
  }

  /** What was known is kept as older than anything: read anew from the register it would look young, and come back from the dead. */
  #absent(key: string, question: MutableQuestion, error: AppError, mayRemember: boolean): void {
    const { limits } = this.#parts;
    const before = this.#memory.peek(key);
    if (before !== undefined) this.#memory.set(key, { ...before, confirmedAt: Number.NEGATIVE_INFINITY });
    if (!mayRemember) return;
    this.#rememberAbsent(key, error, question.kind === 'query' ? limits.negativeVersionMs : limits.negativeModuleMs);
  }

  #rememberAbsent(key: string, error: AppError, ms: number): void {
    const { limits, random } = this.#parts;
    this.#absences.remember(key, error, jittered(ms, limits.jitter, random));
  }

  // ------------------------------------------------------------------ memory that outlives the process

  async #load(key: string, question: MutableQuestion, q: Question): Promise<Loaded> {
    const { value } = await this.#loads.join(key, (work) => this.#read(key, question, work), q);
    return value;
  }

  /** What the register holds, for a list united with what is stored. Never rejects but for an abort: the question can be asked without it. */
  async #read(key: string, question: MutableQuestion, { signal }: Work): Promise<Loaded> {
    const attempted = `read the remembered ${attemptOf(question)}`;
    try {
      const whole = await this.#readWhole(question, attempted, signal);
      return whole === undefined ? {} : { known: this.#loaded(key, whole) };
    } catch (error) {
      throwIfAborted(signal);
      const failure = toAppError(error, attempted);
      this.#tellTrouble('read', question, failure);
      return failure.code === 'STORE_UNAVAILABLE' ? { failure } : {};
    }
  }

  #readWhole(question: MutableQuestion, attempted: string, signal: AbortSignal): Promise<Remembered | undefined> {
    const { clock, limits, answers } = this.#parts;
    return withDeadline(
      { clock, ms: limits.storeDeadlineMs, signal, attempted, code: 'STORE_UNAVAILABLE' as const },
      async (signal) => {
        const remembered = await answers.read(question.plan, question, { signal });
        const stored = question.isUnited ? await question.fromStore({ signal }) : undefined;
        return stored === undefined ? remembered : withStored(remembered, rememberedOf(question, stored, 0));
      },
    );
  }

  /** Keeps what was read, unless an answer came meanwhile. */
  #loaded(key: string, remembered: Remembered): Known {
    const meanwhile = this.#memory.get(key);
    if (meanwhile !== undefined) return meanwhile;
    const known = this.#knownOf(remembered);
    this.#memory.set(key, known);
    if (remembered.confirmedAt > 0) this.#written.set(key, { sha256: known.sha256, at: known.confirmedAt });
    return known;
  }

  // ------------------------------------------------------------------ beside other processes

  #hear(): void {
    const heard = this.#parts.changes?.heard() ?? [];
    if (heard === 'everything') this.#absences.clear();
    for (const key of heard === 'everything' ? this.#memory.keys() : heard) {
      this.#absences.forget(key);
      if (this.#memory.has(key)) this.#outdated.set(key, ++this.#news);
    }
    if (this.#outdated.size <= this.#parts.limits.mutableEntries) return;
    for (const key of this.#outdated.keys()) if (!this.#memory.has(key)) this.#outdated.delete(key);
  }

  /** Together with what others have written until `news` of it came. What is in memory stays when that cannot be read, or too many wait to read. */
  async #readAgain(key: string, news: number, question: MutableQuestion, q: Question): Promise<void> {
    try {
      // Who has heard of newer news does not join a read that may have begun before them.
      await this.#loads.join(`again ${news} ${key}`, (work) => this.#takeTheirs(key, news, question, work), q);
    } catch (error) {
      if (!isAppError(error, 'OVERLOADED')) throw error;
    }
  }

  async #takeTheirs(key: string, news: number, question: MutableQuestion, { signal }: Work): Promise<Loaded> {
    const before = this.#memory.peek(key);
    const attempted = `read what others know of the ${attemptOf(question)}`;
    const theirs = await this.#readWhole(question, attempted, signal).catch(() => undefined);
    throwIfAborted(signal);
    const mine = this.#memory.peek(key) ?? before;
    if (mine !== undefined && theirs !== undefined) this.#memory.set(key, this.#withTheirs(mine, theirs));
    if (this.#outdated.get(key) === news) this.#outdated.delete(key);
    return {};
  }

  #withTheirs(mine: Known, theirs: Remembered): Known {
    const body = bodyOf(merged(theirs, mine.remembered, this.#parts.clock.now()));
    const isTheirs = body.remembered.confirmedAt !== mine.remembered.confirmedAt;
    const known = isTheirs ? this.#knownOf(body.remembered) : { ...mine, ...body };
    // The same bytes: what is prepared of them stays.
    return known.sha256 === mine.sha256 ? { ...known, bytes: mine.bytes } : known;
  }

  /** Before it is answered: whoever is told finds it. */
  async #tellOthers(key: string, plan: RoutePlan, known: Known, signal: AbortSignal): Promise<Known> {
    const { clock, limits, changes } = this.#parts;
    const bound = { clock, ms: limits.storeDeadlineMs, signal, attempted: 'remember an answer' };
    await withDeadline(bound, (within) => this.#write(key, { plan, known }, within)).catch(() => undefined);
    changes?.tell(key);
    return this.#memory.peek(key) ?? known;
  }

  /** Writes what changed, and what did not from time to time. A refused or failed write is made up for by the next refresh. */
  #writeBehind(key: string, plan: RoutePlan, known: Known): void {
    const { clock, limits } = this.#parts;
    const last = this.#written.get(key);
    const isRecent = last?.sha256 === known.sha256 && clock.monotonic() - last.at < limits.persistEveryMs;
    if (!isRecent) this.#writes.start((signal) => this.#write(key, { plan, known }, signal));
  }

  async #write(key: string, { plan, known }: { plan: RoutePlan; known: Known }, signal: AbortSignal): Promise<void> {
    try {
      const whole = await this.#parts.answers.write(plan, known.remembered, { signal });
      this.#written.set(key, { sha256: known.sha256, at: this.#parts.clock.monotonic() });
      this.#extend(key, versionsOf(whole.content)); // What another process has seen.
    } catch (error) {
      this.#tellTrouble('remember', known.remembered, toAppError(error, `remember ${attemptOf(known.remembered)}`));
    }
  }

  /** Takes versions into a list that is in memory. */
  #extend(key: string, more: readonly Version[]): void {
    const known = this.#memory.peek(key);
    if (known === undefined) return;
    const versions = versionsOf(known.remembered.content);
    const all = union(versions, more);
    if (all !== versions)
      this.#memory.set(key, { ...known, ...bodyOf({ ...known.remembered, content: { versions: all } }) });
  }

  #tellTrouble(operation: 'read' | 'remember', of: Pick<Remembered, 'module'>, { code, message }: AppError): void {
    this.#parts.observer.onStoreTrouble?.({ operation, code, message, subject: escapePath(of.module) });
  }

  // ------------------------------------------------------------------ answers

  /** Wall time is used only here, to carry an age over a restart; an answer from the future counts as just out of date, one that was never confirmed as older than any. */
  #knownOf(remembered: Remembered): Known {
    const { clock, limits, random } = this.#parts;
    const freshMs = jittered(limits.freshMs, limits.jitter, random);
    const ageMs = remembered.confirmedAt === 0 ? Number.POSITIVE_INFINITY : this.#ages.ageMs(remembered.confirmedAt);
    const confirmedAt = clock.monotonic() - (ageMs ?? freshMs);
    return { ...bodyOf(remembered), confirmedAt, freshMs, level: undefined, refreshAt: 0, retryAt: 0 };
  }

  #ageOf(known: Known): number {
    return this.#parts.clock.monotonic() - known.confirmedAt;
  }

  #told(known: Known, result: CacheResult): FoundAnswer {
    const { bytes, sha256, remembered, freshMs } = known;
    const ageMs = Math.min(this.#ageOf(known), this.#parts.limits.staleIfErrorMs);
    const { source, content } = remembered;
    const level = result === 'miss' || result === 'joined' ? known.level : undefined;
    return { result, source, level, content, bytes, sha256, ageMs, freshForMs: Math.max(0, freshMs - ageMs) };
  }
}

/** A list with what is stored added: that makes it no older and no younger. */
function withStored(remembered: Remembered | undefined, stored: Remembered): Remembered {
  if (remembered === undefined) return stored;
  return { ...remembered, content: grown(stored.content, remembered.content) };
}

/** What an entry takes besides its body, about. */
const ENTRY_BYTES = 500;
/** The body as bytes, and once more as the strings it was made from. */
const COPIES = 4;

/** What is stored is read in turns of its own: it never waits for what is fetched. */
function loadTurns(clock: Clock, { concurrentLoads, queuedLoads, queueWaitMs }: ResolverLimits): Turns {
  const limits = { queued: queuedLoads, queuedPerClient: queuedLoads, waitMs: queueWaitMs, toldAfterMs: 0 };
  return new Turns({ clock, limits, limit: fixedLimit(concurrentLoads) });
}

function keyOf(plan: RoutePlan, kind: MutableQuestion['kind'], module: ModulePath, query: string): string {
  return `${spaceOf(plan)} ${kind} ${module} ${query}`;
}

function attemptOf({ kind, module, query }: Pick<Remembered, 'kind' | 'module' | 'query'>): string {
  return kind === 'query' ? `query of ${module}@${query}` : `${kind} of ${module}`;
}

function rememberedOf(
  { kind, module, query }: MutableQuestion,
  { content, source }: Told,
  confirmedAt: number,
): Remembered {
  return { kind, module, query, source, confirmedAt, content };
}

/** The body as it is sent: one version a line, or the info. */
function bodyOf(remembered: Remembered): Pick<Known, 'remembered' | 'bytes' | 'sha256'> {
  const { content } = remembered;
  const bytes =
    'versions' in content ? encodeUtf8(content.versions.map((v) => `${v}\n`).join('')) : formatRevInfo(content.info);
  return { remembered, bytes, sha256: sha256Hex(bytes) };
}
