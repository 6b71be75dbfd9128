import type { Level } from '../ladder/level.ts';

/** What the edge shows to those who run it. Implemented by app and observe. */

export interface Readiness {
  /** Whether something correct can be served: a readable store, or a hot cache. Says nothing of upstreams: their outage must not remove every replica at once. */
  readonly ready: boolean;
  /** Whether it serves and something is wrong all the same, which people should mend. Means nothing when not ready. */
  readonly degraded?: boolean;
  /** One line for people: what is the matter, and when something is wrong what to do about it. */
  readonly detail: string;
}

/** Asked by `/readyz` and `/healthz`, so it must answer within a second or two and not do much. */
export interface Health {
  readiness(): Promise<Readiness>;
}

/** How one thing that the server depends on is, for people. */
export interface DependencyState {
  /** `warn` = something that people should look at; `fail` = questions are not answered because of it that would be otherwise. */
  readonly state: 'ok' | 'warn' | 'fail';
  /** `store`, `pool mirrors`. */
  readonly name: string;
  /** What is the matter, in one line, without addresses and secrets. */
  readonly says: string;
  /** What to do about it, in one line; given unless it is ok. */
  readonly advice?: string;
}

/** Asked by `/healthz/deep`. */
export interface DeepHealth {
  /** Every dependency; answers within two seconds or so. */
  read(): Promise<readonly DependencyState[]>;
}

/** On which level of the ladder routes stand. */
export interface Standing {
  /** Cheap: asked for each request. */
  levelOf(route: string): Level;
}

/** The content of `/metrics`. */
export interface MetricsPage {
  readonly contentType: string;
  render(): Promise<string>;
}

/** The content of `/status`. */
export interface StatusPage {
  /** Plain data, for JSON: no address and no secret. */
  read(): Promise<unknown>;
}
