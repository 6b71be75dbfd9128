import type { ChecksumDatabases } from '../resolver/checksum-databases.ts';
import type { Resolver } from '../resolver/resolver.ts';
import type { Exchange } from './exchange.ts';
import type { DeepHealth, Health, MetricsPage, StatusPage } from './operations.ts';
import type { Outbox } from './send-answer.ts';

/** How long a question may take before it is answered with 504, ms. A safety net above the resolver's own deadlines. */
export interface AnswerLimits {
  /** For everything but zips: below the 60 s that a reverse proxy waits. */
  readonly answerMs: number;
  /** For zips: until the first byte. One that is not sent while it comes in is answered when the whole is proven and stored. */
  readonly zipAnswerMs: number;
}

/** What the handlers work with. */
export interface Desk {
  readonly resolver: Resolver;
  readonly databases: ChecksumDatabases;
  readonly health: Health;
  /** Absent when the page of the state is switched off. */
  readonly deepHealth: DeepHealth | undefined;
  readonly metrics: MetricsPage | undefined;
  readonly status: StatusPage | undefined;
  readonly outbox: Outbox;
  readonly limits: AnswerLimits;
  isShuttingDown(): boolean;
  /** Takes charge of a reply that is being worked on: a failure becomes an error reply, or a cut connection once the head is out. */
  settle(x: Exchange, work: Promise<void>): void;
}
