/** What crowds of clients can be told to do, and what they tell of it. */

interface Crowd {
  readonly port: number;
  /** They come from 127.0.NETWORK.1 to 250, each address a client. */
  readonly network: number;
}

/** Requests one after the other. `#` in `target` is a number that goes up. */
export interface LoadJob extends Crowd {
  readonly do: 'load';
  readonly connections: number;
  readonly seconds: number;
  readonly target: string;
  /** The first number. */
  readonly first?: number;
  /** `one` = all connections come from the same address. */
  readonly addresses?: 'one';
  /** Each connection asks this often at the most, ms. */
  readonly everyMs?: number;
  /** How fast each connection reads. */
  readonly bytesPerSecond?: number;
  /** How long a client that was told 503 waits, ms. */
  readonly pauseMs?: number;
}

export type Job =
  | LoadJob
  /** All at once; the first `leaving` of them leave `after` ms later. */
  | (Crowd & {
      readonly do: 'herd';
      readonly count: number;
      readonly target: string;
      readonly leaving?: number;
      readonly after?: number;
    })
  | (Crowd & { readonly do: 'slow'; readonly count: number; readonly overMs: number })
  | (Crowd & { readonly do: 'readers'; readonly count: number; readonly target: string });

/** Times are of answers 200. */
export interface Outcome {
  readonly statuses: Readonly<Record<string, number>>;
  readonly ok: number;
  readonly wallMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}
