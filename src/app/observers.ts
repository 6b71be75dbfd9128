import type { ArtifactObserver } from '../artifacts/observer.ts';
import type { Config } from '../config/schema.ts';
import { createAccessLog } from '../observe/access-log.ts';
import { tellResolverObservers, tellServerObservers, tellVerifyObservers } from '../observe/fan-out.ts';
import { createFetchLog } from '../observe/fetch-log.ts';
import { createLedgerLog } from '../observe/ledger-log.ts';
import { defaultLogSink, openLogSink } from '../observe/log-sink.ts';
import { createLogger, type Logger } from '../observe/logger.ts';
import { Metrics } from '../observe/metrics.ts';
import { createProofLog } from '../observe/proof-log.ts';
import { redactingSink } from '../observe/redacting-sink.ts';
import { StoreTroubles, type ToldTrouble } from '../observe/store-troubles.ts';
import type { LedgerObserver } from '../ledger/observer.ts';
import type { ResolverObserver } from '../resolver/observer.ts';
import type { ListenerObserver } from '../server/listener.ts';
import type { ServerObserver } from '../server/observer.ts';
import type { MetricsPage } from '../server/operations.ts';
import { systemClock } from '../std/clock.ts';
import { KnownSecrets } from '../std/known-secrets.ts';
import type { MirrorObserver } from '../sources/vcs/mirror-limits.ts';
import type { VerifyObserver } from '../verify/observer.ts';

/** All that watches the program at work. */
export interface Observers {
  readonly logger: Logger;
  /** What must not be in a line of the log, whatever brought it there. To be told each secret that is read. */
  readonly secrets: KnownSecrets;
  readonly server: ServerObserver;
  readonly resolver: ResolverObserver;
  readonly listener: ListenerObserver;
  readonly artifacts: ArtifactObserver;
  readonly verify: VerifyObserver;
  readonly ledger: LedgerObserver;
  readonly mirrors: MirrorObserver;
  /** The last trouble of the store, if it was within the last minute. */
  recentTrouble(): ToldTrouble | undefined;
  /** Absent when metrics are off. */
  readonly metrics: MetricsPage | undefined;
  /** Adds a gauge; does nothing when metrics are off. */
  watch(name: string, help: string, read: () => number): void;
  /** Writes out what is still held. */
  close(): void;
}

/** Logs to `logTo` (a file descriptor, or the path of a file) and, unless switched off, metrics. */
export function openObservers({ log, metrics: { enabled } }: Config, logTo: number | string): Observers {
  const secrets = new KnownSecrets();
  const sink = redactingSink(openLogSink({ ...defaultLogSink, to: logTo }), secrets);
  const logger = createLogger(log.level, sink);
  const metrics = enabled ? new Metrics() : undefined;
  const isAccessLogged = log.access && (log.level === 'debug' || log.level === 'info');
  const watched = metrics === undefined ? [] : [metrics];
  const troubles = new StoreTroubles(logger, systemClock);
  const verify = tellVerifyObservers([...watched, createProofLog(logger)]);
  let refused = 0;
  let damaged = 0;
  metrics?.watch('log_lines_dropped', 'Log lines dropped because the reader was too slow.', () => sink.dropped);
  metrics?.watch(
    'connections_refused',
    'Connections closed unheard because their address had too many.',
    () => refused,
  );
  metrics?.watch(
    'damage_found',
    'Stored files found damaged, and bytes refused because other ones were stored first.',
    () => damaged,
  );
  return {
    logger,
    secrets,
    server: tellServerObservers([...watched, ...(isAccessLogged ? [createAccessLog(sink, systemClock)] : [])]),
    resolver: tellResolverObservers([...watched, createFetchLog(logger), troubles]),
    verify,
    ledger: createLedgerLog(logger, verify),
    mirrors: mirrorLog(logger, metrics),
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
    close: () => sink.flushSync(),
  };
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
    onConnectionRefused: (address) => {
      onRefused();
      logger.debug({ address }, 'connection refused: too many of this address');
    },
  };
}
