import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { FetchOutcome, ResolverObserver } from '../resolver/observer.ts';
import type { RequestOutcome, ServerObserver } from '../server/observer.ts';
import type { DatabaseQuestion, SecurityEvent, VerifyObserver } from '../verify/observer.ts';
import { AnswerCounts } from './answer-counts.ts';
import { LabelCap } from './label-cap.ts';
import type { Counts } from './merged-metrics.ts';
import type { MemberOutcome } from '../upstream/observer.ts';
import type { ToldTrouble } from './store-troubles.ts';
import { UpstreamCounts } from './upstream-counts.ts';

const MAX_SOURCES = 64;
const MAX_DATABASES = 32;
const REQUEST_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const FETCH_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** One combination of labels of the request metrics, counted here and handed to the registry when somebody looks: hashing labels for each request would cost more than all the rest. */
interface RequestCell {
  readonly kind: string;
  readonly result: string;
  readonly source: string;
  readonly status: string;
  count: number;
  bytes: number;
  readonly observe: (seconds: number) => void;
}

/** One value of a gauge with labels. */
export interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Counts what server, resolver and verify tell, for Prometheus. Labels are bounded: kinds, results, status classes and codes are closed
 * sets, sources are capped at 64 names, checksum databases at 32.
 */
export class Metrics implements ServerObserver, ResolverObserver, VerifyObserver {
  readonly #registry = new Registry();
  readonly #sources = new LabelCap(MAX_SOURCES);
  readonly #cells = new Map<string, Map<string, RequestCell>>();
  readonly #requestSeconds: Histogram<'kind' | 'result'>;
  readonly #errors: Counter<'code'>;
  readonly #answers: AnswerCounts;
  readonly #upstreams: UpstreamCounts;
  readonly #fetches: Counter<'source' | 'kind' | 'result'>;
  readonly #fetchSeconds: Histogram<'source' | 'kind'>;
  readonly #fetchBytes: Counter<'source' | 'kind'>;
  readonly #troubles: Counter<'operation' | 'code'>;
  readonly #databases = new LabelCap(MAX_DATABASES);
  readonly #securityEvents: Counter<'kind'>;
  readonly #questions: Counter<'database' | 'kind' | 'outcome'>;
  readonly #questionSeconds: Histogram<'database' | 'kind'>;
  readonly #gitFetches: Counter<'result'>;
  readonly #gitSeconds: Histogram;
  readonly #mirrorsGone: Counter<'why'>;

  /** `process` = also the figures of the process and its event loop, which take a timer of their own. */
  constructor(o: { readonly process: boolean } = { process: true }) {
    const registers = [this.#registry];
    this.#requestSeconds = new Histogram({
      name: 'larder_request_duration_seconds',
      help: 'Time from the end of the request headers to the end of the reply.',
      labelNames: ['kind', 'result'],
      buckets: REQUEST_BUCKETS,
      registers,
    });
    this.#errors = new Counter({
      name: 'larder_errors_total',
      help: 'Requests that failed, by error code.',
      labelNames: ['code'],
      registers,
    });
    this.#fetches = new Counter({
      name: 'larder_upstream_fetches_total',
      help: 'Questions put to sources; result is ok or an error code.',
      labelNames: ['source', 'kind', 'result'],
      registers,
    });
    this.#fetchSeconds = new Histogram({
      name: 'larder_upstream_fetch_duration_seconds',
      help: 'Time a source took to answer to the end.',
      labelNames: ['source', 'kind'],
      buckets: FETCH_BUCKETS,
      registers,
    });
    this.#fetchBytes = new Counter({
      name: 'larder_upstream_fetch_bytes_total',
      help: 'Body bytes received from sources.',
      labelNames: ['source', 'kind'],
      registers,
    });
    this.#troubles = new Counter({
      name: 'larder_store_trouble_total',
      help: 'Times the store failed and the question went on without it, by what was attempted and error code.',
      labelNames: ['operation', 'code'],
      registers,
    });
    this.#securityEvents = new Counter({
      name: 'larder_security_events_total',
      help: 'Bytes or logs that are not what was proven, by what happened. Each has a line in the log.',
      labelNames: ['kind'],
      registers,
    });
    this.#questions = new Counter({
      name: 'larder_database_questions_total',
      help: 'Questions put to checksum databases; outcome is ok or an error code.',
      labelNames: ['database', 'kind', 'outcome'],
      registers,
    });
    this.#questionSeconds = new Histogram({
      name: 'larder_database_question_duration_seconds',
      help: 'Time a checksum database took to answer to the end.',
      labelNames: ['database', 'kind'],
      buckets: FETCH_BUCKETS,
      registers,
    });
    this.#gitFetches = new Counter({
      name: 'larder_git_fetches_total',
      help: 'Times a repository was asked for what it has now, and fetched when it had more; result is ok or an error code.',
      labelNames: ['result'],
      registers,
    });
    this.#gitSeconds = new Histogram({
      name: 'larder_git_fetch_duration_seconds',
      help: 'Time of such a question, with what was fetched.',
      buckets: FETCH_BUCKETS,
      registers,
    });
    this.#mirrorsGone = new Counter({
      name: 'larder_git_mirrors_gone_total',
      help: 'Mirrors of repositories that were taken away: damaged ones, and the least used where there was no room.',
      labelNames: ['why'],
      registers,
    });
    this.#exportCells(registers);
    this.#answers = new AnswerCounts(this.#registry);
    this.#upstreams = new UpstreamCounts(this.#registry);
    this.watch(
      'hit_ratio',
      'Share of the answers about modules since the start that waited for no upstream (result hit or stale, of all results but none); 0 before the first answer.',
      () => hitRatio(this.#cells),
    );
    if (o.process) collectDefaultMetrics({ register: this.#registry });
  }

  /** Media type of `render`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything, in the Prometheus text format. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The same as plain data, to be added to what other processes have. */
  async counts(): Promise<Counts> {
    return await this.#registry.getMetricsAsJSON();
  }

  /** Adds a gauge whose value is asked for at each scrape. `name` without the `larder_` prefix. */
  watch(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      name: `larder_${name}`,
      help,
      registers: [this.#registry],
      collect: () => gauge.set(read()),
    });
  }

  /** The same for what only grows; `name` ends in `_total`. */
  watchTotal(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name: `larder_${name}`,
      help,
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  /** The same with labels, a value for each of their combinations, which must be few. `labelNames` where there may be no value yet. */
  watchEach(
    name: string,
    help: string,
    read: () => readonly Labelled[],
    labelNames: readonly string[] = Object.keys(read()[0]?.labels ?? {}),
  ): void {
    const gauge: Gauge = new Gauge({
      name: `larder_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        for (const { labels, value } of read()) gauge.set(labels, value);
      },
    });
  }

  onRequestEnd(o: RequestOutcome): void {
    const cell = this.#cellOf(o.kind, o.result ?? 'none', o.source, o.status);
    cell.count++;
    cell.bytes += o.sentBytes;
    cell.observe(o.durationMs / 1000);
    if (o.code !== undefined) this.#errors.inc({ code: o.code });
    this.#answers.count(o);
  }

  onFetch(o: FetchOutcome): void {
    const source = this.#sources.of(o.source);
    this.#fetches.inc({ source, kind: o.kind, result: o.code ?? 'ok' });
    this.#fetchSeconds.observe({ source, kind: o.kind }, o.durationMs / 1000);
    this.#fetchBytes.inc({ source, kind: o.kind }, o.sizeBytes);
  }

  onGitFetch({ result, durationMs }: { readonly result: string; readonly durationMs: number }): void {
    this.#gitFetches.inc({ result });
    this.#gitSeconds.observe(durationMs / 1000);
  }

  onMirrorGone(why: 'damaged' | 'evicted'): void {
    this.#mirrorsGone.inc({ why });
  }

  onMemberOutcome(o: MemberOutcome): void {
    this.#upstreams.count(o);
  }

  onStoreTrouble({ operation, code }: ToldTrouble): void {
    this.#troubles.inc({ operation, code });
  }

  onSecurityEvent({ kind }: SecurityEvent): void {
    this.#securityEvents.inc({ kind });
  }

  onDatabaseQuestion({ database: name, kind, durationMs, failure }: DatabaseQuestion): void {
    const database = this.#databases.of(name);
    this.#questions.inc({ database, kind, outcome: failure ?? 'ok' });
    this.#questionSeconds.observe({ database, kind }, durationMs / 1000);
  }

  /** Two look-ups with strings that exist already; only a new combination makes anything. */
  #cellOf(kind: string, result: string, source: string | undefined, status: number): RequestCell {
    const named = source === undefined ? 'none' : this.#sources.of(source);
    let cells = this.#cells.get(named);
    if (cells === undefined) this.#cells.set(named, (cells = new Map()));
    const statusClass = `${Math.floor(status / 100)}xx`;
    const key = `${kind} ${result} ${statusClass}`;
    let cell = cells.get(key);
    if (cell === undefined) {
      const timer = this.#requestSeconds.labels(kind, result);
      const observe = (seconds: number): void => timer.observe(seconds);
      cell = { kind, result, source: named, status: statusClass, count: 0, bytes: 0, observe };
      cells.set(key, cell);
    }
    return cell;
  }

  #exportCells(registers: Registry[]): void {
    const cells = this.#cells;
    const requests: Counter<'kind' | 'result' | 'source' | 'status'> = new Counter({
      name: 'larder_requests_total',
      help: 'Requests that ended, by what was asked, how the cache answered, where the bytes came from, and status class.',
      labelNames: ['kind', 'result', 'source', 'status'],
      registers,
      collect() {
        requests.reset();
        for (const c of allOf(cells)) {
          requests.inc({ kind: c.kind, result: c.result, source: c.source, status: c.status }, c.count);
        }
      },
    });
    const bytes: Counter<'kind' | 'result'> = new Counter({
      name: 'larder_response_bytes_total',
      help: 'Body bytes handed to clients.',
      labelNames: ['kind', 'result'],
      registers,
      collect() {
        bytes.reset();
        for (const c of allOf(cells)) bytes.inc({ kind: c.kind, result: c.result }, c.bytes);
      },
    });
  }
}

/** Only answers about modules have a result. */
function hitRatio(cells: ReadonlyMap<string, ReadonlyMap<string, RequestCell>>): number {
  let [hits, answers] = [0, 0];
  for (const { result, count } of allOf(cells)) {
    if (result === 'none') continue;
    answers += count;
    if (result === 'hit' || result === 'stale') hits += count;
  }
  return answers === 0 ? 0 : hits / answers;
}

function* allOf(cells: ReadonlyMap<string, ReadonlyMap<string, RequestCell>>): Generator<RequestCell> {
  for (const bySource of cells.values()) yield* bySource.values();
}
