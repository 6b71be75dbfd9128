/** One question as it is put to one step of a plan: in its share of the time, and told of. */
import type { Level } from '../ladder/level.ts';
import { OFF_STEP } from '../policy/plan.ts';
import type { Source } from '../sources/source.ts';
import { type Ask, waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, toAppError } from '../std/errors.ts';
import type { Attempt, Pool, PoolQuestion, QuestionKind } from '../upstream/asking.ts';
import { withDeadline } from './deadline.ts';
import { PATIENT_ZIP_FIRST_BYTE_MS, ZIP_FIRST_BYTE_MS } from './limits.ts';
import type { ResolverObserver } from './observer.ts';
import { offError } from './walk.ts';

/** One question as it is put to each source. */
export interface Consultation<T> {
  readonly kind: QuestionKind;
  /** The module path. */
  readonly key: string;
  /** Escaped module path, and version where there is one. */
  readonly subject: string;
  /** `fetch .mod of x@v1.0.0`: for messages. */
  readonly attempted: string;
  /** Whether to wait for an upstream to come back while none can be asked: not where an older answer will do. */
  readonly isPatient: boolean;
  /** Asks, and checks what came. A failure of the check counts as the source's. Cleans up after itself when it fails or its signal has fired. */
  ask(source: Source, o: LevelledAttempt): Promise<Got<T>>;
}

/** One source's turn, and what level of the ladder its answer will be of. */
export interface LevelledAttempt extends Attempt {
  /** Undefined when it comes from this machine. */
  readonly level: Level | undefined;
}

export interface Got<T> {
  readonly value: T;
  readonly sizeBytes: number;
}

/** An answer and who gave it. */
export interface Answered<T> {
  readonly value: T;
  /** Name of the source: of a pool, the member. */
  readonly source: string;
  readonly level: Level | undefined;
}

/** What questions are put with. */
export interface PutParts {
  /** By the names that plans use. */
  readonly sources: ReadonlyMap<string, Pool>;
  /** Names of those that are folders of this machine. */
  readonly local?: ReadonlySet<string>;
  readonly observer: ResolverObserver;
  readonly clock: Clock;
}

/** Whose turn it is. */
export interface StepTurn<T> {
  readonly source: string;
  readonly level: Level;
  readonly question: Consultation<T>;
  /** Whether the question has been put to it before, and failed. */
  readonly isRepeat: boolean;
  /** When the last answer must have come, by the monotonic clock. */
  readonly until: number;
  /** How many others the time that is left is for, too. */
  readonly others: number;
  /** Whether rungs come after the last of them. */
  readonly hasRungs: boolean;
}

/**
 * The first answer of the step, in its share of the time that is left where a failure of it leads on to others: one that hangs costs the question no more than
 * that; a zip must then only begin in that time.
 */
export async function put<T>(turn: StepTurn<T>, parts: PutParts, o: Ask): Promise<Answered<T>> {
  const [answer] = await inTime(turn, parts, o, async (pool, asked, signal) => [await pool.first(asked, { signal })]);
  if (answer === undefined) throw new AppError('INTERNAL', `${turn.question.attempted}: no answer`);
  return answer;
}

/** The answers of all members of the step that answer soon, likewise. Never empty. */
export function putToAll<T>(turn: StepTurn<T>, parts: PutParts, o: Ask): Promise<readonly Answered<T>[]> {
  return inTime(turn, parts, o, (pool, asked, signal) => pool.all(asked, { signal }));
}

type Asking<T> = (
  pool: Pool,
  question: PoolQuestion<T>,
  signal: AbortSignal,
) => Promise<readonly { readonly value: T; readonly member: string }[]>;

async function inTime<T>(
  turn: StepTurn<T>,
  parts: PutParts,
  o: Ask,
  asking: Asking<T>,
): Promise<readonly Answered<T>[]> {
  const { source, question } = turn;
  if (source === OFF_STEP) throw offError();
  const pool = parts.sources.get(source);
  if (pool === undefined)
    throw new AppError('INTERNAL', `${question.attempted}: the plan names an unknown source ${source}`);
  const { clock } = parts;
  const ms = shareMs(turn, clock);
  const answers =
    ms === undefined
      ? await waitFor(asking(pool, asPooled(turn, parts, { ms, lift: () => () => undefined }), o.signal), o.signal)
      : await withDeadline(
          { clock, ms, signal: o.signal, attempted: `${question.attempted} from ${source}` },
          (signal, lift) => asking(pool, asPooled(turn, parts, { ms, lift }), signal),
        );
  return answers.map(({ value, member }) => ({ value, source: member, level: levelOf(turn, parts) }));
}

function levelOf({ source, level }: StepTurn<unknown>, { local }: PutParts): Level | undefined {
  return local?.has(source) ? undefined : level;
}

/** Undefined = as long as the whole question has. */
function shareMs({ question, until, others, hasRungs }: StepTurn<unknown>, clock: Clock): number | undefined {
  const leftMs = Math.max(0, until - clock.monotonic());
  const isZip = question.kind === 'zip';
  if (others === 0 && !hasRungs) return isZip ? undefined : Math.floor(leftMs);
  if (others === 0) return isZip ? Math.min(leftMs, PATIENT_ZIP_FIRST_BYTE_MS) : Math.floor((leftMs * 2) / 3);
  const shareMs = Math.floor(leftMs / (others + (hasRungs ? 2 : 1)));
  return isZip ? Math.min(shareMs, ZIP_FIRST_BYTE_MS) : shareMs;
}

interface StepTime {
  /** Undefined = as long as the whole question has. */
  readonly ms: number | undefined;
  /** To be called once a member has done what its time was for, and what that returns when it failed all the same: the others have the rest of the time. */
  readonly lift: () => () => void;
}

/** The question as a pool takes it: each member that is asked is told of by its own name. */
function asPooled<T>(turn: StepTurn<T>, parts: PutParts, { ms, lift }: StepTime): PoolQuestion<T> {
  const { question, isRepeat } = turn;
  const { kind, key, subject, attempted } = question;
  const { observer, clock } = parts;
  const level = levelOf(turn, parts);
  const ask = async (source: Source, attempt: Attempt): Promise<T> => {
    const started = clock.monotonic();
    const told = { source: source.name, kind, subject };
    const durationMs = (): number => clock.monotonic() - started;
    let restore = (): void => undefined;
    const begun = (): void => {
      attempt.begun();
      restore();
      restore = lift();
    };
    try {
      const got = await waitFor(question.ask(source, { signal: attempt.signal, begun, level }), attempt.signal);
      observer.onFetch({ ...told, durationMs: durationMs(), sizeBytes: got.sizeBytes });
      return got.value;
    } catch (error) {
      restore();
      const { code, message } = toAppError(error, attempted);
      observer.onFetch({ ...told, durationMs: durationMs(), sizeBytes: 0, code, message });
      throw error;
    }
  };
  return { kind, key, attempted, isRepeat, withinMs: ms, ask };
}
