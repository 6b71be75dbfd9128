import { Counter, type Registry } from 'prom-client';
import type { MemberOutcome } from '../upstream/observer.ts';
import { LabelCap } from './label-cap.ts';

const MAX_POOLS = 64;
const MAX_MEMBERS = 256;

/** Questions put to the members of pools. */
export class UpstreamCounts {
  readonly #pools = new LabelCap(MAX_POOLS);
  readonly #members = new LabelCap(MAX_MEMBERS);
  readonly #requests: Counter<'pool' | 'member' | 'why' | 'result'>;

  constructor(registry: Registry) {
    this.#requests = new Counter({
      name: 'larder_upstream_requests_total',
      help: 'Questions put to the members of pools, probes among them, by why they were asked and how it ended.',
      labelNames: ['pool', 'member', 'why', 'result'],
      registers: [registry],
    });
  }

  count({ pool, member, why, result }: MemberOutcome): void {
    this.#requests.inc({ pool: this.#pools.of(pool), member: this.#members.of(member), why, result });
  }
}
