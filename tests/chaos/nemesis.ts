/** Everything that goes wrong in a chaos run, one thing at a time. Never is more than one replica, or more than one of the upstreams that can be trusted, bad at once, except where only what is stored is asked for. */
import type { AnswerFault, ConnectionFault, Fault, FaultRule, TlsFault } from '../../src/drill/fault.ts';
import type { Dice } from '../simulation/dice.ts';
import type { Ground, UpstreamName } from './ground.ts';

/** Ends a fault. */
type End = () => Promise<void>;

/** One kind of trouble. */
export interface FaultKind {
  readonly name: string;
  readonly area: 'line' | 'tls' | 'answer' | 'database' | 'git' | 'process' | 'disk' | 'clock' | 'outage';
  /** What has one source alone cannot be had while that is dead: then nobody asks for anything that is not stored. */
  readonly isWarmOnly: boolean;
  /** Whether this machine lets us make it. */
  isPossible(ground: Ground): boolean;
  /** Begins it. Resolves with what ends it, once it is in force; with undefined when it would leave no way now, and then nothing has been done. */
  begin(ground: Ground, dice: Dice): Promise<End | undefined>;
}

const LINE_FAULTS: Readonly<Record<string, readonly ConnectionFault[]>> = {
  'latency of 2 s': [{ kind: 'latency', ms: 2000 }],
  jitter: [{ kind: 'latency', ms: 300, jitterMs: 300 }],
  'two thousand bytes a second': [{ kind: 'bandwidth', bytesPerSecond: 2000 }],
  'one byte at a time': [{ kind: 'slicer', bytes: 1, everyMs: 50 }],
  'pieces of 100 bytes': [{ kind: 'slicer', bytes: 100, everyMs: 100 }],
  'ends told late': [{ kind: 'slow-close', ms: 3000 }],
  'nothing gets through': [{ kind: 'timeout', ms: 0 }],
  'nothing gets through, then closed': [{ kind: 'timeout', ms: 1500 }],
  'accepted and never read': [{ kind: 'silence' }],
  'reset at once': [{ kind: 'reset' }],
  'reset after a while': [{ kind: 'reset', afterMs: 120 }],
  'closed after 700 bytes': [{ kind: 'limit-data', bytes: 700 }],
  refused: [{ kind: 'refuse' }],
  'half open': [{ kind: 'half-open' }],
};

const TLS_FAULTS: Readonly<Record<string, readonly TlsFault[]>> = {
  'an expired certificate': [{ kind: 'certificate', is: 'expired' }],
  'a certificate of tomorrow': [{ kind: 'certificate', is: 'not-yet-valid' }],
  'a certificate of another name': [{ kind: 'certificate', is: 'wrong-name' }],
  'a certificate that signed itself': [{ kind: 'certificate', is: 'self-signed' }],
  'a certificate of an unknown authority': [{ kind: 'certificate', is: 'unknown-authority' }],
  'TLS 1.1': [{ kind: 'old-tls' }],
  'a handshake that stalls': [{ kind: 'handshake-stall' }],
};

const ANSWER_FAULTS: Readonly<Record<string, readonly AnswerFault[]>> = {
  'status 500': [{ kind: 'status', status: 500 }],
  'status 502': [{ kind: 'status', status: 502 }],
  'status 503 with Retry-After': [{ kind: 'status', status: 503, retryAfter: '3' }],
  'status 429 with Retry-After': [{ kind: 'status', status: 429, retryAfter: '3' }],
  'status 403': [{ kind: 'status', status: 403 }],
  'status 401': [{ kind: 'status', status: 401 }],
  'not found': [{ kind: 'status', status: 404 }],
  gone: [{ kind: 'status', status: 410 }],
  'half a body': [{ kind: 'truncate' }],
  'no body': [{ kind: 'truncate', bytes: 0 }],
  'a length that is too short': [{ kind: 'content-length', is: 'short' }],
  'a length that is too long': [{ kind: 'content-length', is: 'long' }],
  'no length': [{ kind: 'content-length', is: 'none' }],
  'another byte': [{ kind: 'corrupt' }],
  'the body of another file': [{ kind: 'swap', path: '/mod/chaos.test/lib0/@v/v1.0.0.zip' }],
  'a page for people': [{ kind: 'html' }],
  'JSON that means nothing': [{ kind: 'json' }],
  'gzip nobody asked for': [{ kind: 'encoding', is: 'gzip' }],
  'gzip twice': [{ kind: 'encoding', is: 'double' }],
  'gzip only said': [{ kind: 'encoding', is: 'claimed' }],
  'answers of some time ago': [{ kind: 'stale' }],
  'redirected to a page': [{ kind: 'redirect' }],
  'redirected in a circle': [{ kind: 'redirect', to: '/mod/chaos.test/lib0/@v/list' }],
  'a thousand early hints': [{ kind: 'informational', count: 1000 }],
  'a body that trickles': [{ kind: 'trickle', bytes: 10, everyMs: 200 }],
  'two lengths': [{ kind: 'duplicate-header', name: 'content-length', value: '3' }],
  'never answered': [{ kind: 'hang', after: 'request' }],
  'nothing after the head': [{ kind: 'hang', after: 'head' }],
  'answers of 4 s': [{ kind: 'delay', ms: 4000 }],
};

const isDatabase: FaultRule['when'] = ({ request }) => request?.path.includes('/sumdb/') === true;

/** Which upstreams are hit: one, or one and the liar. */
const TARGETS: readonly (readonly UpstreamName[])[] = [['a'], ['b'], ['liar'], ['a', 'liar'], ['b', 'liar']];

function upstreamKind(name: string, area: FaultKind['area'], faults: readonly (Fault | FaultRule)[]): FaultKind {
  return {
    name,
    area,
    isWarmOnly: false,
    isPossible: () => true,
    begin: async (ground, dice) => {
      const fair = fairTargets(area === 'tls' ? [['b']] : TARGETS, await ground.leftAlone());
      return fair.length === 0 ? undefined : await hit(ground, dice.pick(fair), faults);
    },
  };
}

/** Those that leave one upstream to ask that tells the truth and is asked. */
function fairTargets(
  targets: readonly (readonly UpstreamName[])[],
  leftAlone: ReadonlySet<UpstreamName>,
): readonly (readonly UpstreamName[])[] {
  return targets.filter((names) => (['a', 'b'] as const).some((one) => !names.includes(one) && !leftAlone.has(one)));
}

async function hit(
  { lines }: Ground,
  names: readonly UpstreamName[],
  faults: readonly (Fault | FaultRule)[],
): Promise<End> {
  await Promise.all(names.map((name) => lines[name].set(faults)));
  return async () => void (await Promise.all(names.map((name) => lines[name].clear())));
}

function ofTable(area: FaultKind['area'], table: Readonly<Record<string, readonly Fault[]>>): readonly FaultKind[] {
  return Object.entries(table).map(([name, faults]) => upstreamKind(name, area, faults));
}

function someOf(
  area: FaultKind['area'],
  table: Readonly<Record<string, readonly Fault[]>>,
  share: number,
): readonly FaultKind[] {
  return Object.entries(table).map(([name, faults]) =>
    upstreamKind(
      `${name}, of some`,
      area,
      faults.map((fault) => ({ fault, share })),
    ),
  );
}

function databaseKind(name: string, fault: AnswerFault): FaultKind {
  return upstreamKind(`database: ${name}`, 'database', [{ fault, when: isDatabase }]);
}

/** Something that is done to one of the replicas. */
function replicaKind(
  name: string,
  area: FaultKind['area'],
  begin: (replica: Ground['replicas'][number]) => Promise<End>,
  isPossible: FaultKind['isPossible'] = () => true,
): FaultKind {
  return { name, area, isWarmOnly: false, isPossible, begin: (ground, dice) => begin(dice.pick(ground.replicas)) };
}

const done = async (): Promise<void> => undefined;

function restarted(name: string, signal: 'SIGKILL' | 'SIGTERM'): FaultKind {
  return replicaKind(name, 'process', async (replica) => {
    const back = replica.restart(signal);
    back.catch(() => undefined); // Told by whoever ends the fault, seconds later.
    return () => back;
  });
}

function diskKind(what: 'bytes' | 'inodes'): FaultKind {
  return {
    name: `no ${what} left`,
    area: 'disk',
    isWarmOnly: false,
    isPossible: ({ disk }) => disk !== undefined,
    begin: async ({ disk }) => {
      disk?.fill(what);
      return async () => disk?.free();
    },
  };
}

function clockKind(name: string, days: number): FaultKind {
  const begin = async (replica: Ground['replicas'][number]): Promise<End> => {
    replica.setClock(days);
    return async () => replica.setClock(0);
  };
  return replicaKind(name, 'clock', begin, ({ hasClock }) => hasClock);
}

/** Every kind. */
export const FAULT_KINDS: readonly FaultKind[] = [
  ...ofTable('line', LINE_FAULTS),
  ...ofTable('tls', TLS_FAULTS),
  ...ofTable('answer', ANSWER_FAULTS),
  ...someOf('answer', { 'status 500': [{ kind: 'status', status: 500 }], 'another byte': [{ kind: 'corrupt' }] }, 0.6),
  databaseKind('status 500', { kind: 'status', status: 500 }),
  databaseKind('not found', { kind: 'status', status: 404 }),
  databaseKind('never answered', { kind: 'hang', after: 'request' }),
  databaseKind('another byte', { kind: 'corrupt' }),
  databaseKind('answers of some time ago', { kind: 'stale' }),
  databaseKind('answers of 4 s', { kind: 'delay', ms: 4000 }),
  {
    name: 'the git host is down',
    area: 'git',
    isWarmOnly: true,
    isPossible: () => true,
    begin: async ({ git }) => (await git.set([{ kind: 'refuse' }]), () => git.clear()),
  },
  {
    name: 'the git host is slow',
    area: 'git',
    isWarmOnly: false,
    isPossible: () => true,
    begin: async ({ git }) => (await git.set([{ kind: 'latency', ms: 500 }]), () => git.clear()),
  },
  {
    name: 'everything outside is dead',
    area: 'outage',
    isWarmOnly: true,
    isPossible: () => true,
    begin: async (ground) => {
      const end = await hit(ground, ['a', 'b', 'liar'], [{ kind: 'refuse' }]);
      await ground.git.set([{ kind: 'refuse' }]);
      return async () => void (await Promise.all([end(), ground.git.clear()]));
    },
  },
  {
    name: 'everything outside hangs',
    area: 'outage',
    isWarmOnly: true,
    isPossible: () => true,
    begin: (ground) => hit(ground, ['a', 'b', 'liar'], [{ kind: 'timeout', ms: 0 }]),
  },
  restarted('kill -9', 'SIGKILL'),
  restarted('a restart', 'SIGTERM'),
  replicaKind('a pause', 'process', async (replica) => (replica.pause(), async () => replica.goOn())),
  replicaKind('a short pause', 'process', async (replica) => {
    replica.pause();
    setTimeout(() => replica.goOn(), 2000);
    return done;
  }),
  diskKind('bytes'),
  diskKind('inodes'),
  clockKind('ten years ahead', 3650),
  clockKind('ten years behind', -3650),
  clockKind('an hour behind', -1 / 24),
];

/** The kinds that this world allows, each before any comes a second time, in an order of the dice. */
export function* scheduleOf(ground: Ground, dice: Dice): Generator<FaultKind, never> {
  const possible = FAULT_KINDS.filter((kind) => kind.isPossible(ground));
  for (;;) {
    const left = [...possible];
    while (left.length > 0) yield left.splice(dice.between(0, left.length - 1), 1)[0] as FaultKind;
  }
}
