import type { Pressure, Shortage } from '../admission/pressure.ts';
import type { RouteStanding } from '../ladder/route-ladder.ts';
import { LEVEL_NAMES } from '../ladder/level.ts';
import type { DeepHealth, DependencyState, Health } from '../server/operations.ts';
import type { Clock } from '../std/clock.ts';
import type { MemberStanding, PoolStanding } from '../upstream/standing.ts';

/** A checksum database that is given out. */
interface RelayedLog {
  readonly name: string;
  canServe(): boolean;
  head(): { readonly size: number } | undefined;
  /** Wall time in ms when the head was adopted. */
  readonly headSeenAt: number | undefined;
}

/** What is looked at; each is cheap. */
export interface DependencyNeeds {
  readonly health: Health;
  readonly clock: Clock;
  readonly isOffline: () => boolean;
  readonly routes: () => readonly RouteStanding[];
  readonly pools: () => readonly PoolStanding[];
  readonly logs: readonly RelayedLog[];
  readonly pressure: Pick<Pressure, 'shortOf' | 'isOutOf'>;
  /** Whether there is a git program; undefined where nobody looks. */
  readonly hasGit: (() => Promise<boolean>) | undefined;
  /** Of our own port, wall time in ms; undefined without TLS. */
  readonly certificateNotAfter: () => number | undefined;
  /** The last comparison of what is stored with repositories; undefined where none is made. */
  readonly anchors: (() => AnchorState | undefined) | undefined;
}

/** What the last comparison found. */
export interface AnchorState {
  readonly drifted: number;
  readonly unknown: number;
  /** Wall time in ms. */
  readonly at: number;
}

type State = DependencyState;

/** A line for each thing that the server depends on. Names and figures only, no address and no secret. */
export function deepHealth(needs: DependencyNeeds): DeepHealth {
  return {
    read: async () => [
      await storeState(needs.health),
      offlineState(needs.isOffline()),
      ...needs.routes().map((route) => routeState(route, needs.clock)),
      ...needs.pools().flatMap(poolStates),
      ...needs.logs.map((log) => logState(log, needs.clock)),
      pressureState(needs.pressure),
      ...(await gitStates(needs.hasGit)),
      ...certificateStates(needs.certificateNotAfter(), needs.clock),
      ...anchorStates(needs.anchors?.(), needs.clock),
    ],
  };
}

async function storeState(health: Health): Promise<State> {
  const { ready, degraded, detail } = await health.readiness();
  const advice = 'see the log, and the disk of the data folder';
  if (!ready) return { state: 'fail', name: 'store', says: detail, advice };
  return degraded === true
    ? { state: 'warn', name: 'store', says: detail, advice }
    : { state: 'ok', name: 'store', says: detail };
}

function offlineState(isOffline: boolean): State {
  if (!isOffline) return { state: 'ok', name: 'offline', says: 'no' };
  const advice = 'larder offline off, when that is not meant';
  return { state: 'warn', name: 'offline', says: 'nothing outside this machine is touched', advice };
}

function routeState({ route, level, since, why }: RouteStanding, clock: Clock): State {
  const name = `route ${route}`;
  if (level === 0) return { state: 'ok', name, says: 'level 0 (normal)' };
  const says = `level ${level} (${LEVEL_NAMES[level]}) for ${inTime(clock.monotonic() - since)}: ${why}`;
  return { state: 'warn', name, says, advice: 'see the pools below; it climbs back by itself' };
}

function poolStates({ name, isUsable, members }: PoolStanding): readonly State[] {
  const well = members.filter(({ state }) => state === 'up').length;
  const says = `${well} of ${members.length} upstreams are well`;
  const advice = 'see which upstreams fail and why; modules that are stored are served all the same';
  const pool: State = isUsable
    ? { state: 'ok', name: `pool ${name}`, says }
    : { state: 'fail', name: `pool ${name}`, says, advice };
  return [pool, ...members.map((member) => memberState(name, member))];
}

function memberState(pool: string, member: MemberStanding): State {
  const name = `upstream ${pool}/${member.name}`;
  const detour = member.isDetoured ? ', in a drill' : '';
  const wait = member.throttledForMs === undefined ? '' : `, asks for a pause of ${inTime(member.throttledForMs)}`;
  const says = `${member.state}${detour}${wait}`;
  if (member.state === 'up') return { state: 'ok', name, says };
  return { state: 'warn', name, says: `${says}${reasonOf(member)}`, advice: adviceFor(member) };
}

function reasonOf({ reason, fault, consecutiveFailures }: MemberStanding): string {
  if (reason === undefined) return '';
  return `, ${fault ?? (reason === 'failures' ? `${consecutiveFailures} failures in a row` : reason)}`;
}

function adviceFor({ state, reason }: MemberStanding): string {
  if (state === 'suspect') return 'nothing yet: it is slow, and asked last';
  if (state === 'half-open') return 'nothing: it answers again, and comes back in a moment';
  if (reason === 'tls') return 'see its certificate, and ca, pins and minTls of its row';
  if (reason === 'integrity') return 'it sent wrong bytes: see the security event in the log before you trust it again';
  return 'see whether it can be reached from here; it is tried again by itself';
}

function logState(log: RelayedLog, clock: Clock): State {
  const name = `database ${log.name}`;
  const head = log.head();
  if (head !== undefined) {
    const age = log.headSeenAt === undefined ? '' : `, adopted ${inTime(clock.now() - log.headSeenAt)} ago`;
    return { state: 'ok', name, says: `tree of ${head.size}${age}` };
  }
  if (log.canServe()) return { state: 'ok', name, says: 'not asked yet' };
  const advice = 'see whether it can be reached, through an upstream or at its own address';
  return { state: 'fail', name, says: 'cannot be reached, and nothing of it is stored', advice };
}

function pressureState(pressure: DependencyNeeds['pressure']): State {
  const { shortOf } = pressure;
  const name = 'load';
  if (shortOf === undefined) return { state: 'ok', name, says: 'short of nothing' };
  const out = pressure.isOutOf(shortOf);
  const says = `${out ? 'out' : 'short'} of ${shortOf}: ${out ? 'fetches wait' : 'work that nobody waits for waits'}`;
  return { state: 'warn', name, says, advice: RELIEF[shortOf] };
}

const RELIEF: Readonly<Record<Shortage, string>> = {
  time: 'give it more cores, or workers',
  memory: 'give it more memory, or lower memory.artifacts',
  descriptors: 'raise the limit of open files (ulimit -n)',
};

async function gitStates(hasGit: DependencyNeeds['hasGit']): Promise<readonly State[]> {
  if (hasGit === undefined) return [];
  if (await hasGit()) return [{ state: 'ok', name: 'git', says: 'can be started' }];
  const advice = 'install git, when modules are to come from repositories';
  return [{ state: 'warn', name: 'git', says: 'cannot be started', advice }];
}

const DAY_MS = 86_400_000;

function certificateStates(notAfter: number | undefined, clock: Clock): readonly State[] {
  if (notAfter === undefined) return [];
  const leftMs = notAfter - clock.now();
  const name = 'certificate';
  const advice = 'replace the file tls.cert; it is read without a restart';
  if (leftMs <= 0) return [{ state: 'fail', name, says: 'has ended', advice }];
  const says = `ends in ${inTime(leftMs)}`;
  return [leftMs < 14 * DAY_MS ? { state: 'warn', name, says, advice } : { state: 'ok', name, says }];
}

function anchorStates(anchors: AnchorState | undefined, clock: Clock): readonly State[] {
  if (anchors === undefined) return [];
  const name = 'repositories';
  const when = `compared ${inTime(clock.now() - anchors.at)} ago`;
  if (anchors.drifted === 0) return [{ state: 'ok', name, says: `${when}: no tag has moved` }];
  const says = `${when}: ${anchors.drifted} stored versions are no longer what their tag says`;
  return [{ state: 'warn', name, says, advice: 'larder anchors verify says which' }];
}

const UNITS = [
  [DAY_MS, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
] as const;

/** The largest unit of which there are two at least. */
function inTime(ms: number): string {
  for (const [size, unit] of UNITS) if (ms >= 2 * size) return `${Math.floor(ms / size)} ${unit}`;
  return `${Math.max(0, Math.round(ms / 1000))} s`;
}
