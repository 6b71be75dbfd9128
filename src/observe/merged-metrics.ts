import { AggregatorRegistry } from 'prom-client';

interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  /** Of the parts of a histogram. */
  readonly metricName?: string;
}

/** One metric of one process. */
interface Count {
  readonly name: string;
  readonly help: string;
  /** prom-client's own words. */
  readonly type: unknown;
  readonly aggregator: string;
  readonly values: readonly Value[];
}

/** Everything that one process has counted; plain data, as Metrics.counts makes it. */
export type Counts = readonly Count[];

/**
 * How the values of each gauge of ours that several processes have make one: added up where each has things of its own, the highest of what all see alike, the mean where no sum says anything. A
 * test holds the names against the reference.
 */
export const MERGED_BY: ReadonlyMap<string, 'sum' | 'max' | 'average'> = new Map([
  ['larder_admission_descriptor_ratio', 'max'],
  ['larder_admission_lag_seconds', 'max'],
  ['larder_admission_limit', 'sum'],
  ['larder_admission_memory_ratio', 'max'],
  ['larder_admission_running', 'sum'],
  ['larder_admission_shed', 'sum'],
  ['larder_admission_waiting', 'sum'],
  ['larder_anchors_drifted', 'sum'],
  ['larder_anchors_held', 'sum'],
  ['larder_anchors_unknown', 'sum'],
  ['larder_connections_refused', 'sum'],
  ['larder_damage_found', 'sum'],
  ['larder_git_mirror_bytes', 'max'],
  ['larder_ladder_level', 'max'],
  ['larder_ledger_records', 'max'],
  ['larder_log_lines_dropped', 'sum'],
  ['larder_requests_in_flight', 'sum'],
  ['larder_tls_certificate_seconds_left', 'max'],
  ['larder_unproven_waiting', 'sum'],
  ['larder_upstream_canary_percent', 'average'],
  ['larder_upstream_latency_seconds', 'average'],
  ['larder_upstream_state', 'sum'],
]);

const REQUESTS = 'larder_requests_total';
const HIT_RATIO = 'larder_hit_ratio';
const HITS = ['hit', 'stale'];

/**
 * What several processes have counted, as one page. Counters and histograms never go back: what a process had counted when it was last heard goes on counting after its end. Gauges are of
 * those that live.
 */
export class MergedMetrics {
  readonly #heard = new Map<number, Counts>();
  /** Of those that have ended, together. */
  #ended: Promise<Counts> = Promise.resolve([]);

  /** What the process `id` has counted so far. */
  hear(id: number, counts: Counts): void {
    this.#heard.set(id, counts);
  }

  /** The process has ended. */
  end(id: number): void {
    const last = this.#heard.get(id);
    this.#heard.delete(id);
    if (last === undefined) return;
    this.#ended = this.#ended.then((ended) => together([ended, last.filter(isLasting)]));
  }

  /** The page in the Prometheus text format, with what `more` has. */
  async render(more: Counts): Promise<string> {
    // Both as they are now: who ends while we wait must not be missing in one and not yet be in the other.
    const [ended, heard] = [this.#ended, [...this.#heard.values()]];
    const merged = await together([await ended, ...heard, more]);
    return await registryOf([
      merged.map((count) => (count.name === HIT_RATIO ? ratioOf(count, merged) : count)),
    ]).metrics();
  }
}

/** Each metric once. */
async function together(lists: readonly Counts[]): Promise<Counts> {
  const merging = lists.map((list) =>
    list.map((count) => ({ ...count, aggregator: MERGED_BY.get(count.name) ?? count.aggregator })),
  );
  return await registryOf(merging).getMetricsAsJSON();
}

/** prom-client has no type for what its registries give as JSON and take again. */
function registryOf(lists: readonly Counts[]): ReturnType<typeof AggregatorRegistry.aggregate> {
  return AggregatorRegistry.aggregate(lists as unknown as Parameters<typeof AggregatorRegistry.aggregate>[0]);
}

function isLasting({ type, name }: Count): boolean {
  return type !== 'gauge' && !name.startsWith('process_');
}

/** A share of all is no sum of shares. */
function ratioOf(count: Count, merged: Counts): Count {
  const requests = merged.find(({ name }) => name === REQUESTS)?.values ?? [];
  const sum = (is: (result: unknown) => boolean): number =>
    requests.filter(({ labels }) => is(labels['result'])).reduce((total, { value }) => total + value, 0);
  const answers = sum((result) => result !== 'none');
  const hits = sum((result) => HITS.includes(String(result)));
  return { ...count, values: [{ value: answers === 0 ? 0 : hits / answers, labels: {} }] };
}
