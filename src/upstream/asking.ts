import type { Source } from '../sources/source.ts';
import type { Ask } from '../std/ask.ts';

/** What a question is about, for health, hedging and budgets: of what everybody expects at once, and of what may take long once it has begun. */
export type QuestionKind = 'info' | 'mod' | 'zip' | 'list' | 'latest' | 'query';

/** One source's turn. */
export interface Attempt extends Ask {
  /**
   * To be told when the source has done what its time was for: when the body of a zip has begun, whose own pace decides from then on, and when a go.mod is
   * here, whose proof is not the source's to hasten. From then on no other member is asked beside it.
   */
  readonly begun: () => void;
}

/** One question as it is put to the members of a pool. */
export interface PoolQuestion<T> {
  readonly kind: QuestionKind;
  /** The module path: what a canary holds on to, so that one build sees one side. */
  readonly key: string;
  /** `fetch .mod of x@v1.0.0`: for messages. */
  readonly attempted: string;
  /** Whether it was put to this pool before, and failed: then it is no sign of more work, which would allow more retries. Its turn is had from `again`. */
  readonly isRepeat?: boolean;
  /** The time that is had for it, ms; undefined = as long as it takes. */
  readonly withinMs?: number | undefined;
  /**
   * Asks one member, and checks what came; a failure of the check counts as the member's. May be called for several members at a time. Cleans up after itself when it fails or
   * its signal has fired.
   */
  ask(source: Source, o: Attempt): Promise<T>;
}

/** An answer, and which member gave it. */
export interface PoolAnswer<T> {
  readonly value: T;
  /** Name of the member. */
  readonly member: string;
}

/**
 * Upstreams of which each stands for the others: one step of a plan. A failure of one never fails a question that another can answer. NOT_FOUND and GONE are said only when
 * every member that is not left alone at the moment (ejected, or because it asks to be spared) said so; one that fails meanwhile is asked again until it says so too, is ejected,
 * or has failed this question as often as would eject it, or is late and was waited for so long as `absenceWaitMs` and the time for the question allow. For files of a version one that is left alone for wrong bytes is asked before that, since it may have what others lack; its own NOT_FOUND says nothing.
 */
export interface Pool {
  readonly name: string;
  /** The first good answer. Rejects with the gravest failure (walk.ts has the order), within the time of `o.signal`. */
  first<T>(question: PoolQuestion<T>, o: Ask): Promise<PoolAnswer<T>>;
  /** The answers of all members that answer soon: for lists, of which each may lack something. Never empty; rejects as `first` does. */
  all<T>(question: PoolQuestion<T>, o: Ask): Promise<readonly PoolAnswer<T>[]>;
  /** Whether some member may be asked now other than on trial. */
  readonly isUsable: boolean;
  /** Whether somebody keeps count of how its members do: then asking again soon makes sense, for they are left alone when it does not. */
  readonly isWatched: boolean;
  /** Resolves once a member may be asked again; at once when one may now. Rejects when `o.signal` fires. */
  usable(o: Ask): Promise<void>;
  /** To be called before a question that failed is put once more: resolves when a retry is left for it, and counts that. Rejects when `o.signal` fires. */
  again(o: Ask): Promise<void>;
}
