/** For tests of this folder: an inside that answers from a table, and an edge on a free port over it. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import type { ArtifactId, ModulePath } from '../gomod/module.ts';
import { artifactTarget } from '../gomod/protocol.ts';
import type { Gate } from '../policy/gate.ts';
import type { ChecksumDatabases } from '../resolver/checksum-databases.ts';
import type { ArtifactAnswer, MutableAnswer, MutableSubject, Question, Resolver } from '../resolver/resolver.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { BodyReader } from './body-sender.ts';
import { createEdge, defaultEdgeOptions, type Edge, type EdgeOptions } from './edge.ts';
import {
  defaultListenerLimits,
  type Listener,
  type ListenerLimits,
  type ListenerObserver,
  listen,
} from './listener.ts';
import type { RequestOutcome, ServerObserver } from './observer.ts';
import type { DeepHealth, MetricsPage, Readiness, Standing } from './operations.ts';
import type { TlsFiles } from './tls-files.ts';

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A body in memory. */
export function inMemory(text: string | Uint8Array): ArtifactAnswer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return {
    result: 'hit',
    source: 'up',
    sizeBytes: bytes.byteLength,
    sha256: sha256(bytes),
    bytes,
    open: () => Promise.reject(new AppError('INTERNAL', 'open a body that is in memory')),
  };
}

/** A body that is read by `makeReader`; `sizeBytes` is what it claims to have. */
export function fromReader(sizeBytes: number, makeReader: (start: number, end: number) => BodyReader): ArtifactAnswer {
  return {
    result: 'hit',
    source: 'up',
    sizeBytes,
    sha256: 'f'.repeat(64),
    open: async ({ range }) => makeReader(range?.start ?? 0, range?.end ?? sizeBytes),
  };
}

/** A body in a file. */
export function fromFile(path: string, sizeBytes: number): ArtifactAnswer {
  return {
    ...fromReader(sizeBytes, () => ({ pull: () => Promise.resolve(0), close: () => Promise.resolve() })),
    open: async ({ range }) => {
      const file = await open(path);
      let at = range?.start ?? 0;
      const end = range?.end ?? sizeBytes;
      return {
        pull: async (into) => {
          const { bytesRead } = await file.read(into, 0, Math.min(into.byteLength, end - at), at);
          at += bytesRead;
          return bytesRead;
        },
        close: () => file.close(),
      };
    },
  };
}

export function mutable(text: string, over: Partial<MutableAnswer> = {}): MutableAnswer {
  const bytes = Buffer.from(text);
  return { result: 'hit', source: 'up', bytes, sha256: sha256(bytes), ageMs: 0, freshForMs: 60_000, ...over };
}

/** Answers by table; what is in none is NOT_FOUND. Keys: artifactTarget, `MODULE list`, `MODULE latest`, `MODULE QUERY`. */
class StubResolver implements Resolver {
  readonly artifacts = new Map<string, ArtifactAnswer>();
  readonly mutables = new Map<string, MutableAnswer>();
  /** Awaited before each answer that is not in memory. */
  before: (q: Question) => Promise<void> = () => Promise.resolve();
  readonly asked: { what: string; mayFetch: string }[] = [];

  artifactInMemory(id: ArtifactId): ArtifactAnswer | undefined {
    const answer = this.artifacts.get(artifactTarget(id));
    return answer?.bytes === undefined ? undefined : answer;
  }

  /** Fresh answers; the stale ones have to be waited for. */
  mutableInMemory({ kind, module, query }: MutableSubject): MutableAnswer | undefined {
    const answer = this.mutables.get(`${module} ${query ?? kind}`);
    return answer?.result === 'hit' && answer.freshForMs > 0 ? answer : undefined;
  }

  async artifact(id: ArtifactId, q: Question): Promise<ArtifactAnswer> {
    return this.#answer(this.artifacts, artifactTarget(id), q);
  }

  query(module: ModulePath, query: string, q: Question): Promise<MutableAnswer> {
    return this.#answer(this.mutables, `${module} ${query}`, q);
  }

  list(module: ModulePath, q: Question): Promise<MutableAnswer> {
    return this.#answer(this.mutables, `${module} list`, q);
  }

  latest(module: ModulePath, q: Question): Promise<MutableAnswer> {
    return this.#answer(this.mutables, `${module} latest`, q);
  }

  async #answer<T>(table: ReadonlyMap<string, T>, what: string, q: Question): Promise<T> {
    this.asked.push({ what, mayFetch: q.mayFetch });
    await this.before(q);
    const answer = table.get(what);
    if (answer === undefined) throw new AppError('NOT_FOUND', `find ${what}: no source has it`);
    return answer;
  }
}

const noDatabases: ChecksumDatabases = {
  answer: ({ name }) => Promise.reject(new AppError('NOT_FOUND', `sumdb/${name}: no such database`)),
};

const openGate: Gate = {
  decide: (module) =>
    module.startsWith('denied.example/')
      ? { allowed: false, error: new AppError('POLICY_DENIED', `${module} is on the list of denied modules`) }
      : { allowed: true, plan: { scope: 'public', route: 'default', steps: [], rungs: [] } },
};

export interface Served {
  readonly resolver: StubResolver;
  readonly edge: Edge;
  readonly listener: Listener;
  readonly outcomes: RequestOutcome[];
  readonly url: string;
  readonly port: number;
  /** Sends `bytes` as they are and returns everything that came back until the server closed, or `ms` passed. */
  raw(bytes: string, ms?: number): Promise<string>;
  /** Waits for the outcome number `n` (from 1). */
  outcome(n: number): Promise<RequestOutcome>;
  stop(): Promise<void>;
}

export interface ServeOptions {
  /** In the place of the table. */
  readonly resolver?: Resolver;
  /** In the place of the one that allows all but denied.example. */
  readonly gate?: Gate;
  readonly databases?: ChecksumDatabases;
  readonly edge?: Partial<EdgeOptions>;
  readonly limits?: Partial<ListenerLimits>;
  readonly tls?: TlsFiles;
  readonly observer?: ServerObserver;
  readonly listenerObserver?: Partial<ListenerObserver>;
  readonly metrics?: MetricsPage;
  readonly deepHealth?: DeepHealth;
  readonly standing?: Standing;
  readonly readiness?: () => Promise<Readiness>;
}

export async function serve(o: ServeOptions = {}): Promise<Served> {
  const resolver = new StubResolver();
  const outcomes: RequestOutcome[] = [];
  const edge = createEdge({
    resolver: o.resolver ?? resolver,
    databases: o.databases ?? noDatabases,
    gate: o.gate ?? openGate,
    observer: o.observer ?? { onRequestEnd: (outcome) => void outcomes.push(outcome) },
    health: { readiness: o.readiness ?? (() => Promise.resolve({ ready: true, detail: 'store readable' })) },
    deepHealth: o.deepHealth,
    metrics: o.metrics,
    ...(o.standing && { standing: o.standing }),
    clock: systemClock,
    options: { ...defaultEdgeOptions, instanceId: 'test', ...o.edge },
  });
  const listener = await listen(
    edge,
    { host: '127.0.0.1', port: 0, tls: o.tls, limits: { ...defaultListenerLimits, ...o.limits } },
    {
      clock: systemClock,
      observer: {
        onTlsReloaded: () => undefined,
        onTlsRefused: () => undefined,
        onTlsEnding: () => undefined,
        onConnectionRefused: () => undefined,
        ...o.listenerObserver,
      },
    },
  );
  const { port, url } = listener;
  return {
    resolver,
    edge,
    listener,
    outcomes,
    url,
    port,
    raw: (bytes, ms = 5_000) => rawExchange(port, bytes, ms),
    outcome: (n) => outcomeNumber(outcomes, n),
    stop: async () => {
      await listener.drain({ acceptMs: 0, finishMs: 0 });
    },
  };
}

function rawExchange(port: number, bytes: string, ms: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let got = '';
    const finish = (): void => {
      socket.destroy();
      resolve(got);
    };
    const timer = setTimeout(finish, ms);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (got += text));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      finish();
    });
  });
}

async function outcomeNumber(outcomes: readonly RequestOutcome[], n: number): Promise<RequestOutcome> {
  for (let i = 0; i < 200; i++) {
    const outcome = outcomes[n - 1];
    if (outcome !== undefined) return outcome;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`no outcome ${n} within 2 s; there are ${outcomes.length}`);
}
