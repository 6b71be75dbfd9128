import type { Config } from '../config/schema.ts';
import { lineOf, readDrillKind } from '../drill/drill-kind.ts';
import { type DrillFault, type DrillMember, type DrillSite, Drills } from '../drill/drills.ts';
import type { DrillRecord, DrillWish } from '../drill/record.ts';
import type { DrillReport } from '../drill/report.ts';
import type { ControlCommand } from '../control/desk.ts';
import type { Outside } from '../io/egress/outside.ts';
import type { HttpClientOptions } from '../io/http-client.ts';
import type { AuditTrail } from '../observe/audit-trail.ts';
import type { Logger } from '../observe/logger.ts';
import type { SourceDependencies } from '../sources/registry.ts';
import type { Source } from '../sources/source.ts';
import { type Clock, systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { EnginePool } from '../upstream/engine.ts';
import type { Chain } from './chain.ts';
import type { Around } from './around.ts';
import { type Detour, type MemberAccess, openDetour, openNameless } from './drill-line.ts';
import { drillObservers, type DrillObservers } from './drill-observers.ts';
import type { FullDisk } from './full-disk.ts';
import type { Keep } from './keep.ts';
import { fetchLimits } from './limits.ts';
import type { Observers } from './observers.ts';
import type { Pools } from './pools.ts';
import type { UpstreamAccess } from './upstream-access.ts';

/** What drills need of the server that they are of. */
export interface DrillNeeds {
  /** All pools with health, by name. Asked for when there is a drill. */
  readonly pools: () => ReadonlyMap<string, EnginePool>;
  /** How a member is truly asked; undefined for one that is not asked over HTTP, with which there is no drill. */
  readonly access: (member: string) => MemberAccess | undefined;
  readonly limits: HttpClientOptions;
  readonly disk: FullDisk;
  readonly isOffline: () => boolean;
  readonly logger: Logger;
  readonly audit: AuditTrail;
  readonly clock: Clock;
}

/** The drills of this server. */
export interface ServerDrills extends DrillObservers {
  /** For the control socket: `drill-start`, `drill-report`, `drill-stop`. */
  readonly commands: ReadonlyMap<string, ControlCommand>;
  /** Ends the drill that runs. */
  interrupt(): Promise<void>;
  /** The same, and none can be started from now on. */
  close(): Promise<void>;
}

/** How long answers that are still on their way over a detour may take to fail, before what they did to the health of the upstream is forgotten. */
const SETTLE_MS = 100;

/** What the drills of a server that is put together need. */
interface ServerParts {
  readonly chain: Pick<Chain, 'pools'>;
  readonly pools: () => Pick<Pools, 'engines'>;
  /** How those without settings of their own are asked. */
  readonly shared: SourceDependencies;
  readonly access: UpstreamAccess;
  readonly keep: Pick<Keep, 'disk'>;
  readonly outside: Outside;
  readonly observers: Pick<Observers, 'logger' | 'audit'>;
}

/** The drills of the server that is made of these parts. They end when nothing outside may be touched any more. */
export function openDrills(config: Config, { version }: Pick<Around, 'version'>, parts: ServerParts): ServerDrills {
  const { shared, outside, keep, observers } = parts;
  const drills = createDrills(config, {
    pools: () => parts.pools().engines,
    access: (name) => {
      const members = parts.chain.pools.flatMap((pool) => pool.members);
      const url = members.find(({ source }) => source.name === name)?.url;
      return url === undefined ? undefined : { base: new URL(url), ...(parts.access.get(name) ?? shared) };
    },
    limits: { ...fetchLimits(config), userAgent: `larder/${version}` },
    disk: keep.disk,
    isOffline: () => outside.isShut,
    logger: observers.logger,
    audit: observers.audit,
    clock: systemClock,
  });
  outside.onChange((isShut) => {
    if (isShut) void drills.interrupt();
  });
  return drills;
}

/** Makes the drills of a server. No drill is on, and none ever is without a command. */
function createDrills({ drills: guard }: Pick<Config, 'drills'>, needs: DrillNeeds): ServerDrills {
  const drills = new Drills(new ServerSite(guard, needs), needs.clock);
  return {
    ...drillObservers(drills, needs.clock),
    commands: new Map<string, ControlCommand>([
      ['drill-start', async (input) => await drills.start(readWish(input))],
      ['drill-report', async (input) => drills.report(readId(input))],
      ['drill-stop', async (input) => await drills.stop(readId(input))],
    ]),
    interrupt: () => drills.interrupt(),
    close: () => drills.close(),
  };
}

class ServerSite implements DrillSite {
  readonly #guard: Config['drills'];
  readonly #needs: DrillNeeds;

  constructor(guard: Config['drills'], needs: DrillNeeds) {
    this.#guard = guard;
    this.#needs = needs;
  }

  members(): readonly DrillMember[] {
    const pools = new Map<string, string[]>();
    for (const pool of this.#needs.pools().values())
      for (const { name } of pool.standing().members) pools.set(name, [...(pools.get(name) ?? []), pool.name]);
    return [...pools]
      .map(([name, of]) => ({ name, pools: of }))
      .filter(({ name }) => this.#needs.access(name) !== undefined);
  }

  refusal(): AppError | undefined {
    if (this.#guard === 'forbid') return refused('drill-forbidden', 'drills: forbid is set');
    return this.#needs.isOffline() ? refused('drill-offline', 'the server is offline') : undefined;
  }

  async begin(wish: DrillWish, member: DrillMember, record: DrillRecord): Promise<DrillFault> {
    const { disk, clock } = this.#needs;
    if (wish.kind !== 'disk-full') return await this.#lead(wish, member, record);
    const listener = {
      onRefused: () => record.writeRefused(clock.monotonic()),
      onWritten: () => record.wrote(clock.monotonic()),
    };
    const empty = disk.beFull(listener);
    return {
      undo: () => {
        empty();
        return Promise.resolve();
      },
    };
  }

  onChange(change: 'started' | 'ended' | 'recovered', report: DrillReport): void {
    const { id, ...facts } = report;
    this.#needs.logger.warn({ drill: id, ...facts }, `drill ${change}`);
    this.#needs.audit.record('drill', { drill: id, change, report: facts });
  }

  async #lead(wish: DrillWish, member: DrillMember, record: DrillRecord): Promise<DrillFault> {
    const { clock } = this.#needs;
    const pools = member.pools.flatMap((name) => this.#needs.pools().get(name) ?? []);
    const detour = await this.#open(wish, member);
    const source = heard(detour.source, () => record.hit(clock.monotonic()));
    for (const pool of pools) pool.detour(member.name, source, detour.source);
    let undone: Promise<void> | undefined;
    const undo = async (): Promise<void> => {
      for (const pool of pools) pool.detour(member.name, undefined);
      await detour.close();
      await clock.sleep(SETTLE_MS, { signal: new AbortController().signal });
      for (const pool of pools) pool.pardon(member.name);
    };
    return { undo: () => (undone ??= undo()) };
  }

  async #open({ kind }: DrillWish, member: DrillMember): Promise<Detour> {
    const { limits } = this.#needs;
    const access = this.#needs.access(member.name);
    const line = lineOf(kind);
    if (line === undefined) return openNameless({ name: member.name, limits });
    if (access === undefined) throw new AppError('INTERNAL', `start a drill: ${member.name} cannot be asked`);
    return await openDetour(line, { name: member.name, access, limits });
  }
}

/** `source`, and `onAsked` before each question to it. */
function heard(source: Source, onAsked: () => void): Source {
  return {
    name: source.name,
    list: (module, o) => (onAsked(), source.list(module, o)),
    query: (module, query, o) => (onAsked(), source.query(module, query, o)),
    latest: (module, o) => (onAsked(), source.latest(module, o)),
    mod: (mv, o) => (onAsked(), source.mod(mv, o)),
    zip: (mv, into, o) => (onAsked(), source.zip(mv, into, o)),
  };
}

function refused(reason: string, why: string): AppError {
  return new AppError('POLICY_DENIED', `start a drill: ${why}`, { detail: { reason } });
}

/** What came over the socket. */
function readWish(input: unknown): DrillWish {
  const { kind, upstream, forMs } = fieldsOf(input);
  const known = readDrillKind(kind);
  if (known === undefined || typeof upstream !== 'string' || upstream.length > 256 || typeof forMs !== 'number')
    throw new AppError('CONFIG_INVALID', 'start a drill: the question is not of this version');
  return { id: readId(input), kind: known, upstream, forMs };
}

function readId(input: unknown): string {
  const { id } = fieldsOf(input);
  if (typeof id === 'string' && /^[0-9a-f]{1,16}$/.test(id)) return id;
  throw new AppError('CONFIG_INVALID', 'a drill: the question names none');
}

function fieldsOf(input: unknown): Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : {};
}
