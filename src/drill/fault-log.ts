import type { Fault } from './fault.ts';

/** One request as the proxy saw it. */
export interface LoggedRequest {
  readonly method: string;
  /** Raw, with query string. */
  readonly path: string;
  /** Monotonic, ms. */
  readonly at: number;
  readonly connection: number;
  /** What hit it, those of its connection included. */
  readonly faults: readonly Fault['kind'][];
  /** Status that was sent; 0 while there is none. */
  status: number;
}

/** What went through a fault proxy since its start, or since the last `clear` of the log. */
export interface FaultLog {
  /** Accepted. */
  connections: number;
  openConnections: number;
  /** All, though the list below forgets. */
  requestCount: number;
  /** The last 10,000. */
  readonly requests: readonly LoggedRequest[];
  receivedBytes: number;
  sentBytes: number;
}

const LONGEST_LIST = 10_000;

/** Counts for the proxy. */
export class RunningLog implements FaultLog {
  connections = 0;
  openConnections = 0;
  requestCount = 0;
  receivedBytes = 0;
  sentBytes = 0;
  readonly requests: LoggedRequest[] = [];

  /** Takes a request in, and gives it back for its status. */
  add(request: LoggedRequest): LoggedRequest {
    this.requestCount++;
    this.requests.push(request);
    if (this.requests.length > LONGEST_LIST) this.requests.shift();
    return request;
  }
}
