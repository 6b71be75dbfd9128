/** A chaos run from its beginning to its report. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/std/errors.ts';
import { memoryMib } from '../fakes/process-memory.ts';
import { Dice } from '../simulation/dice.ts';
import { Builds } from './builds.ts';
import { breachesIn, fetchFigures, type Known } from './checker.ts';
import type { UpstreamName } from './ground.ts';
import { FAULT_KINDS, type FaultKind, scheduleOf } from './nemesis.ts';
import type { MadeFault, Report } from './report.ts';
import { TmpfsVolume } from './volume.ts';
import { startWorld, type World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly minutes: number;
  /** A folder of its own. */
  readonly scratch: string;
  /** Whether we are alone in a mount namespace. */
  readonly mayMount: boolean;
  /** Says how it goes. */
  readonly tell: (line: string) => void;
}

const FAULT_EVERY_MS = 15_000;
/** How long a fault is in force. */
const FAULT_MS = 10_000;
const LANES = 2;
/** Room for what builds ask for that nobody asked for before: a volume that is full by itself is no fault of the servers. */
const volumeMb = (minutes: number): number => 600 + 60 * Math.ceil(minutes);
/** How long cold builds that were begun before it may take until a fault begins that they cannot survive. */
const COLD_ENDS_MS = 60_000;

/** Plays it. */
export async function runChaos(options: RunOptions): Promise<Report> {
  const dice = new Dice(options.seed);
  const folder = join(options.scratch, 'volume');
  const volume = options.mayMount ? TmpfsVolume.mount(folder, volumeMb(options.minutes)) : 'no mount namespace';
  if (typeof volume === 'string') options.tell(`no volume of our own, so none is full: ${volume}`);
  const disk = typeof volume === 'string' ? undefined : { folder, volume };
  try {
    const world = await startWorld({ scratch: options.scratch, disk, dice: dice.fork(1) });
    try {
      return await new Run(world, dice, options).play();
    } finally {
      await world.close();
    }
  } finally {
    disk?.volume.unmount();
  }
}

class Run {
  readonly #world: World;
  readonly #options: RunOptions;
  readonly #dice: Dice;
  readonly #builds: Builds;
  readonly #faults: MadeFault[] = [];
  readonly #started = performance.now();
  #current: FaultKind | undefined;
  #mostMib = 0;

  constructor(world: World, dice: Dice, options: RunOptions) {
    this.#world = world;
    this.#options = options;
    this.#dice = dice.fork(2);
    this.#builds = new Builds({
      scratch: options.scratch,
      proxy: world.recorder.base,
      database: world.database,
      dice: dice.fork(3),
      trouble: () => ({ name: this.#current?.name ?? 'nothing', isWarmOnly: this.#current?.isWarmOnly ?? false }),
    });
  }

  async play(): Promise<Report> {
    const { minutes, seed } = this.#options;
    // Nothing survives that everything is dead before anything is stored.
    await this.#builds.warmUp();
    const building = this.#builds.run(LANES);
    const growing = setInterval(() => this.#world.modules.grow(), 30_000);
    await this.#hurt(this.#elapsedMs + minutes * 60_000);
    clearInterval(growing);
    this.#builds.stop();
    await building;
    const known = this.#known();
    const { history } = this.#world.recorder;
    return {
      seed,
      minutes,
      goVersion: execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).trim(),
      faults: this.#faults,
      impossible: FAULT_KINDS.filter((kind) => !kind.isPossible(this.#world.ground)).map(({ name }) => name),
      builds: this.#builds.done,
      requests: history.length,
      mostMib: Math.round(this.#mostMib),
      fetches: fetchFigures(history, known),
      breaches: breachesIn(history, known),
    };
  }

  get #elapsedMs(): number {
    return performance.now() - this.#started;
  }

  /** One fault every fifteen seconds, after a quiet beginning. */
  async #hurt(untilMs: number): Promise<void> {
    const schedule = scheduleOf(this.#world.ground, this.#dice);
    await sleep(Math.min(5000, untilMs - this.#elapsedMs));
    while (this.#elapsedMs < untilMs) {
      const began = this.#elapsedMs;
      while (!(await this.#make(schedule.next().value)));
      await sleep(Math.max(0, FAULT_EVERY_MS - (this.#elapsedMs - began)));
    }
  }

  /** False when it would not have been fair now. */
  async #make(kind: FaultKind): Promise<boolean> {
    this.#current = kind; // from now on nothing is begun that it does not allow
    if (kind.isWarmOnly) await this.#coldHaveEnded();
    const at = Math.round(this.#elapsedMs);
    let trouble: string | undefined;
    try {
      const end = await kind.begin(this.#world.ground, this.#dice);
      if (end === undefined) return false;
      await sleep(FAULT_MS);
      await end();
    } catch (error) {
      trouble = messageOf(error);
    }
    this.#current = undefined;
    this.#weigh();
    const endedAt = Math.round(this.#elapsedMs);
    this.#faults.push({ at, endedAt, name: kind.name, area: kind.area, ...(trouble !== undefined && { trouble }) });
    const failed = this.#builds.done.filter(({ failure }) => failure !== undefined).length;
    const { tell } = this.#options;
    tell(
      `${(endedAt / 1000).toFixed(0)} s · ${kind.name}${trouble === undefined ? '' : ` (${trouble})`} · ${this.#builds.done.length} builds, ${failed} failed`,
    );
    return true;
  }

  #weigh(): void {
    for (const { pid } of this.#world.replicas) {
      try {
        this.#mostMib = Math.max(this.#mostMib, memoryMib(pid, 'VmRSS'));
      } catch {
        // It is being started.
      }
    }
  }

  async #coldHaveEnded(): Promise<void> {
    const until = this.#elapsedMs + COLD_ENDS_MS;
    while (this.#builds.coldRunning > 0 && this.#elapsedMs < until) await sleep(50);
  }

  #known(): Known {
    const { modules, log, upstreams, replicas } = this.#world;
    const shas = new Map<string, string | undefined>();
    const shaOf = (target: string): string | undefined => {
      const body = modules.get(target);
      return body && createHash('sha256').update(body).digest('hex');
    };
    return {
      shaOf: (target) => shas.get(target) ?? (shas.set(target, shaOf(target)), shas.get(target)),
      treeOf: (size) => log.rootOf(size),
      asked: new Map(
        (Object.keys(upstreams) as UpstreamName[]).map((name) => [
          name,
          upstreams[name].requests.map(({ target }) => target),
        ]),
      ),
      privateNames: ['corp.chaos.test'],
      faults: this.#faults.length,
      failedRestarts: replicas.flatMap(({ failures }) => failures),
    };
  }
}
