import { availableParallelism } from 'node:os';
import type { AdmissionLimits } from '../admission/admission.ts';
import type { ArtifactStoreOptions } from '../artifacts/artifact-store.ts';
import type { Config } from '../config/schema.ts';
import type { HttpClientOptions } from '../io/http-client.ts';
import type { ResolverLimits } from '../resolver/limits.ts';
import type { EdgeOptions } from '../server/edge.ts';
import type { ExpectationLimits } from '../verify/expectations.ts';
import type { PoolLimits } from '../verify/worker-pool.ts';
import type { MirrorLimits } from '../sources/vcs/mirror-limits.ts';
import type { DrainTimes, ListenerLimits } from '../server/listener.ts';

/** The bounds of each part, as the configuration has them. With the default configuration they are the parts' own defaults; a test says so. */

export function resolverLimits({ resolver: r, fetch, ladder }: Config): ResolverLimits {
  return {
    metadataDeadlineMs: r.metadataDeadline,
    patienceMs: ladder.patience,
    proofMs: r.proof,
    zipDeadlineMs: r.zipDeadline,
    streamAboveBytes: fetch.streamAbove,
    concurrentLoads: r.loads,
    queuedLoads: r.queuedFlights,
    queueWaitMs: r.queueWait,
    lingerMs: r.linger,
    errorMemoMs: r.errorMemo,
    freshMs: r.fresh,
    staleWhileRevalidateMs: r.staleWhileRevalidate,
    staleIfErrorMs: r.staleIfError,
    staleWaitMs: r.staleWait,
    staleRetryMs: r.staleRetry,
    refreshEveryMs: r.refreshEvery,
    refreshesPerSecond: r.refreshesPerSecond,
    refreshBurst: r.refreshBurst,
    concurrentBackground: r.background,
    queuedWrites: r.queuedWrites,
    storeDeadlineMs: r.storeDeadline,
    mutableEntries: r.mutableEntries,
    mutableBytes: r.mutableMemory,
    persistEveryMs: r.persistEvery,
    mirrorWaitMs: r.mirrorWait,
    negativeVersionMs: r.negativeVersion,
    negativeNewVersionMs: r.negativeNewVersion,
    negativeModuleMs: r.negativeModule,
    negativeEntries: r.negativeEntries,
    jitter: r.jitterPercent / 100,
    unstoredBytes: r.unstoredMemory,
    unstoredMs: r.unstored,
  };
}

/** Processes that serve: 0 in the configuration is one for each core. */
export function processCount({ workers }: Pick<Config, 'workers'>): number {
  return workers === 0 ? availableParallelism() : workers;
}

/** Turns, misses and marks. */
export function admissionLimits({ overload: o, resolver: r }: Config): AdmissionLimits {
  return {
    initial: o.initial,
    least: o.least,
    most: r.flights,
    zips: r.zipFlights,
    sendings: o.sendings,
    sendingWaitMs: o.sendingWait,
    queued: r.queuedFlights,
    queuedPerClient: o.queuedPerClient,
    waitMs: r.queueWait,
    toldAfterMs: o.toldAfter,
    missesPerSecond: o.missesPerSecond,
    missBurst: o.missBurst,
    clients: o.clients,
    marks: {
      lagMs: o.lag,
      memoryShare: o.memoryPercent / 100,
      descriptorShare: o.descriptorPercent / 100,
    },
  };
}

export function edgeOptions({ server: s }: Config, instanceId: string): EdgeOptions {
  return {
    instanceId,
    answerMs: s.answer,
    zipAnswerMs: s.zipAnswer,
    writeStallMs: s.writeStall,
    maxHeaders: s.maxHeaders,
    rememberedRoutes: s.rememberedRoutes,
    bufferPool: { lanes: s.sendingBuffers, bufferBytes: s.bufferSize, overflowBytes: s.smallBufferSize },
  };
}

export function listenerLimits({ server: s, tls }: Config): ListenerLimits {
  return {
    headersTimeoutMs: s.headersTimeout,
    requestTimeoutMs: s.requestTimeout,
    keepAliveMs: s.keepAlive,
    checkEveryMs: s.checkEvery,
    maxHeaderBytes: s.maxHeaderSize,
    maxConnections: s.maxConnections,
    perAddress: s.perAddress,
    perLoopback: s.perLoopback,
    backlog: s.backlog,
    tlsCheckEveryMs: tls.checkEvery,
  };
}

/** What the artifact store keeps in memory, and when it looks at bytes again. */
export function artifactLimits({
  memory,
  store,
}: Config): Pick<ArtifactStoreOptions, 'memoryArtifactBytes' | 'memoryBytes' | 'checkEveryMs' | 'orphanGraceMs'> {
  return {
    memoryArtifactBytes: memory.largest,
    memoryBytes: memory.artifacts,
    checkEveryMs: store.checkEvery,
    orphanGraceMs: store.orphanGrace,
  };
}

/** Threads that read zips, and their bounds. */
export function inspectorLimits({ verify: v }: Config): PoolLimits {
  return { threads: v.threads, queued: v.queued, taskMs: v.zipTime, idleMs: v.threadIdle };
}

/** How long databases are asked, and what is done when they cannot be. */
export function expectationLimits({ sumdb }: Config): ExpectationLimits {
  return { newVersionMs: sumdb.newVersion, onOutage: sumdb.onOutage };
}

export function drainTimes({ drain }: Config): DrainTimes {
  return { acceptMs: drain.accept, finishMs: drain.finish };
}

/** Room and time for the mirrors of repositories. */
export function mirrorLimits({ git: g }: Config): MirrorLimits {
  return {
    spaceBytes: g.mirrorSpace,
    repositoryBytes: g.repositorySize,
    fetchMs: g.fetchTime,
    idleMs: g.idle,
    perHost: g.perHost,
  };
}

/** Phases of a request to an upstream. */
export function fetchLimits({ fetch: f }: Config): Omit<HttpClientOptions, 'userAgent'> {
  return {
    connectTimeoutMs: f.connect,
    firstByteTimeoutMs: f.firstByte,
    idleTimeoutMs: f.idle,
    totalTimeoutMs: f.total,
    maxConnections: f.maxConnections,
  };
}
