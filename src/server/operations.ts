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

/** The content of `/metrics`. */
export interface MetricsPage {
  readonly contentType: string;
  render(): Promise<string>;
}
