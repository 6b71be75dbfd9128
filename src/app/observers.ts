import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ArtifactObserver } from '../artifacts/observer.ts';
import type { Config } from '../config/schema.ts';
import { AUDIT_FILE_BYTES, AuditFiles } from '../observe/audit-files.ts';
import {
  type AuditTrail,
  auditedLadder,
  auditedSecurity,
  auditedUpstreams,
  type AuditWriter,
  createAuditTrail,
  NO_AUDIT,
} from '../observe/audit-trail.ts';
import { createAccessLog } from '../observe/access-log.ts';
import {
  tellLadderObservers,
  tellResolverObservers,
  tellServerObservers,
  tellVerifyObservers,
} from '../observe/fan-out.ts';
import { createFetchLog } from '../observe/fetch-log.ts';
import { createLadderLog } from '../observe/ladder-log.ts';
import { createLedgerLog } from '../observe/ledger-log.ts';
import { defaultLogSink, openLogSink } from '../observe/log-sink.ts';
import { createLogger, type Logger } from '../observe/logger.ts';
import { type Labelled, Metrics } from '../observe/metrics.ts';
import { createProofLog } from '../observe/proof-log.ts';
import { redactingSink } from '../observe/redacting-sink.ts';
import { StoreTroubles, type ToldTrouble } from '../observe/store-troubles.ts';
import { workerSink } from '../observe/worker-sink.ts';
import { createUpstreamLog } from '../observe/upstream-log.ts';
import type { LadderObserver } from '../ladder/observer.ts';
import type { LedgerObserver } from '../ledger/observer.ts';
import type { ResolverObserver } from '../resolver/observer.ts';
import type { ListenerObserver } from '../server/listener.ts';
import type { ServerObserver } from '../server/observer.ts';
import type { MetricsPage } from '../server/operations.ts';
import { systemClock } from '../std/clock.ts';
import { KnownSecrets } from '../std/known-secrets.ts';
import type { MirrorObserver } from '../sources/vcs/mirror-limits.ts';
import type { UpstreamObserver } from '../upstream/observer.ts';
import type { VerifyObserver } from '../verify/observer.ts';

/** Name of the folder in a data folder. */
const AUDIT_FOLDER = 'audit';

/** All that watches the program at work. */
export interface Observers {
  readonly logger: Logger;
  /** What must be found again afterwards, whatever the log level is. Keeps nothing but in a server. */
  readonly audit: AuditTrail;
  /** What must not be in a line of the log, whatever brought it there. To be told each secret that is read. */
  readonly secrets: KnownSecrets;
  readonly server: ServerObserver;
  readonly resolver: ResolverObserver;
  readonly listener: ListenerObserver;
  readonly artifacts: ArtifactObserver;
  readonly verify: VerifyObserver;
  readonly ledger: LedgerObserver;
  readonly mirrors: MirrorObserver;
  readonly upstreams: UpstreamObserver;
  readonly ladder: LadderObserver;
  /** The last trouble of the store, if it was within the last minute. */
  recentTrouble(): ToldTrouble | undefined;
  /** Absent when metrics are off. */
  readonly metrics: (MetricsPage & Pick<Metrics, 'counts'>) | undefined;
  /** Adds a gauge; does nothing when metrics are off. */
  watch(name: string, help: string, read: () => number): void;
  /** The same with labels; `labelNames` where there may be no value yet. */
  watchEach(name: string, help: string, read: () => readonly Labelled[], labelNames?: readonly string[]): void;
  /** Writes out what is still held. */
  close(): Promise<void>;
}

/** A server that is observed, and not something that runs once and tells its own outcome. */
interface Observed {
  /** Common to all its processes. */
  readonly instance: string;
  /** From 1; absent for one that serves alone. */
  readonly worker: number | undefined;
}

/** Logs to `logTo` (a file descriptor, or the path of a file) and, unless switched off, metrics; of a server the audit trail, too. */
export function openObservers(config: Config, logTo: number | string, server?: Observed): Observers {
  const {
    log,
    metrics: { enabled },
  } = config;
  const worker = server?.worker;
  const secrets = new KnownSecrets();
  const written = redactingSink(openLogSink({ ...defaultLogSink, to: logTo }), secrets);
  const sink = worker === undefined ? written : workerSink(written, worker);
  const logger = createLogger(log.level, sink);
  const metrics = enabled ? new Metrics() : undefined;
  const isAccessLogged = log.access && (log.level === 'debug' || log.level === 'info');
  const watched = metrics === undefined ? [] : [metrics];
  const troubles = new StoreTroubles(logger, systemClock);
  const files = server && openAuditFiles(config, server);
  const audit = server && files ? createAuditTrail(redactingSink(files, secrets), writerOf(server)) : NO_AUDIT;
  const verify = tellVerifyObservers([...watched, createProofLog(logger), auditedSecurity(audit)]);
  const [logged, audited] = [createUpstreamLog(logger), auditedUpstreams(audit)];
  let refused = 0;
  let damaged = 0;
  metrics?.watch('log_lines_dropped', 'Log lines dropped because the reader was too slow.', () => sink.dropped);
  metrics?.watchTotal(
    'audit_lines_dropped_total',
    'Lines of the audit trail that could not be written.',
    () => files?.dropped ?? 0,
  );
  metrics?.watch(
    'connections_refused',
    'Connections closed unheard because their address had too many, or there were too many of all.',
    () => refused,
  );
  metrics?.watch(
    'damage_found',
    'Stored files found damaged, and bytes refused because other ones were stored first.',
    () => damaged,
  );
  return {
    logger,
    audit,
    secrets,
    server: tellServerObservers([...watched, ...(isAccessLogged ? [createAccessLog(sink, systemClock)] : [])]),
    resolver: tellResolverObservers([...watched, createFetchLog(logger), troubles]),
    verify,
    ledger: createLedgerLog(logger, verify),
    mirrors: mirrorLog(logger, metrics),
    upstreams: {
      onUpstreamEvent: (event) => {
        logged(event);
        audited(event);
      },
      onMemberOutcome: (outcome) => metrics?.onMemberOutcome(outcome),
    },
    ladder: tellLadderObservers([createLadderLog(logger), auditedLadder(audit)]),
    listener: listenerLog(logger, () => refused++),
    artifacts: artifactLog(logger, {
      onDamage: () => damaged++,
      onTrouble: (trouble) => {
        metrics?.onStoreTrouble(trouble);
        troubles.onStoreTrouble(trouble);
      },
    }),
    recentTrouble: () => troubles.recent(),
    metrics,
    watch: (name, help, read) => metrics?.watch(name, help, read),
    watchEach: (name, help, read, labelNames) => metrics?.watchEach(name, help, read, labelNames),
    close: async () => {
      await files?.close();
      sink.flushSync();
    },
  };
}

/** Undefined when nothing is to be kept. */
function openAuditFiles({ data, audit: { keep } }: Config, { instance, worker = 0 }: Observed): AuditFiles | undefined {
  if (keep === 0) return undefined;
  // A worker that is started again has the number and the instance of the one before.
  const mark = `${instance}-${worker}-${randomBytes(4).toString('hex')}`;
  const fileBytes = Math.min(AUDIT_FILE_BYTES, keep / 4);
  return new AuditFiles({ folder: join(data, AUDIT_FOLDER), mark, keepBytes: keep, fileBytes, now: wallTime });
}

function writerOf({ instance, worker = 0 }: Observed): AuditWriter {
  return { instance, worker, now: wallTime };
}

function wallTime(): number {
  return systemClock.now();
}

function artifactLog(
  logger: Logger,
  { onDamage, onTrouble }: { readonly onDamage: () => void; readonly onTrouble: (trouble: ToldTrouble) => void },
): ArtifactObserver {
  return {
    onDamage: ({ kind, key, message }) => {
      onDamage();
      logger.error({ kind, key, why: message }, 'damage in the store');
    },
    onViewFailure: (key, message) => onTrouble({ operation: 'view', code: 'STORE_UNAVAILABLE', message, subject: key }),
  };
}

function mirrorLog(logger: Logger, metrics: Metrics | undefined): MirrorObserver {
  return {
    refreshed: ({ url, tookMs, failure }) => {
      metrics?.onGitFetch({ result: failure?.code ?? 'ok', durationMs: tookMs });
      const facts = { url, durationMs: Math.round(tookMs) };
      if (failure === undefined) logger.debug(facts, 'repository asked');
      else {
        const { code, message: why, detail } = failure;
        logger.info({ ...facts, code, why, file: detail['file'] }, 'repository could not be asked');
      }
    },
    damaged: ({ url, why }) => {
      metrics?.onMirrorGone('damaged');
      logger.warn({ url, why }, 'the mirror of a repository was damaged; it is made anew');
    },
    evicted: ({ key, bytes }) => {
      metrics?.onMirrorGone('evicted');
      logger.info({ key, bytes }, 'the least used mirror of a repository made room');
    },
  };
}

function listenerLog(logger: Logger, onRefused: () => void): ListenerObserver {
  return {
    onTlsReloaded: (notAfter) => logger.info({ notAfter: new Date(notAfter).toISOString() }, 'certificate reloaded'),
    onTlsRefused: (err) => logger.warn({ err }, 'the new certificate cannot be used; the old one stays'),
    onTlsEnding: (notAfter) => {
      const daysLeft = Math.floor((notAfter - systemClock.now()) / 86_400_000);
      const facts = { notAfter: new Date(notAfter).toISOString(), daysLeft };
      if (daysLeft < 0)
        logger.error(facts, 'our certificate has ended and clients refuse it; replace the file tls.cert');
      else logger.warn(facts, 'our certificate ends soon; replace the file tls.cert, it is read without a restart');
    },
    onConnectionRefused: (address) => {
      onRefused();
      logger.debug({ address }, 'connection refused: too many');
    },
  };
}
