/** How soon a server sees that an upstream is dead, and that it is back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { Clients, nthOf } from './clients.ts';
import { befall, heal, type Kind } from './faults.ts';
import type { Member } from './member.ts';
import { Rig, type RigOptions } from './rig.ts';

/** Ways to be dead at once, for open connections, too. */
const DEATHS: readonly Kind[] = ['hang', 'refuse', 'reset', 'black-hole'];

export interface DetectionOptions extends Pick<RigOptions, 'dist' | 'seed' | 'settings'> {
  readonly rounds: number;
  /** From the last question until the first upstream dies, and how long they go on dying; ms. */
  readonly quietMs: number;
  readonly dyingMs: number;
}

export interface Seen {
  /** From its death until it is left alone, of each death, ms. */
  readonly deadMs: readonly number[];
  /** From its end until it is up again, ms. */
  readonly backMs: readonly number[];
}

const DYING = 10;

/** Ten of eleven upstreams die, each at its own time, while nobody asks for anything, and are well again as soon as that was seen and somebody asks; so many times. */
export async function detections({ rounds, quietMs, dyingMs, ...o }: DetectionOptions): Promise<Seen> {
  const rows = ['weight: 100', ...Array.from({ length: DYING }, () => 'weight: 1')];
  const rig = await Rig.start({ ...o, rows, medianMs: 10 });
  const random = seededRandom(o.seed);
  const clients = new Clients({ base: rig.larder.base, perSecond: 1, seed: o.seed });
  const [deadMs, backMs]: [number[], number[]] = [[], []];
  try {
    for (let i = 0; i < rounds; i++) {
      await clients.ask();
      await sleep(quietMs);
      await Promise.all(
        rig.members.slice(1).map(async (member, nth) => {
          await sleep(random() * dyingMs);
          deadMs.push(await untilLeftAlone(rig, member, DEATHS[(i + nth) % DEATHS.length] as Kind));
        }),
      );
      await clients.ask();
      await Promise.all(
        rig.members.slice(1).map(async (member) => backMs.push(await untilUp(rig, member, random() * 2000))),
      );
    }
    return { deadMs, backMs };
  } finally {
    await rig.close();
  }
}

async function untilLeftAlone(rig: Rig, member: Member, kind: Kind): Promise<number> {
  const since = Date.now();
  await befall(member, kind);
  const line = await rig.until((one) => one.member === member.name && one.to === 'open', since);
  return line.time - since;
}

async function untilUp(rig: Rig, member: Member, afterMs: number): Promise<number> {
  await sleep(afterMs);
  await heal(member);
  const since = Date.now();
  const line = await rig.until((one) => one.member === member.name && one.to === 'up', since);
  return line.time - since;
}

export interface HealingOptions extends Pick<RigOptions, 'dist' | 'seed' | 'settings'> {
  readonly cycles: number;
  readonly perSecond: number;
}

/**
 * So long a death lasts at least once it is seen, so that the probe that follows at once fails in it: one that hangs needs 800 ms for that. One that no probe saw keeps an upstream away for a time that
 * doubles with each opening within a minute. Shorter deaths are not measured here; prober.test.ts has refusals that end 150 ms after they began.
 */
const SEEN_BY_A_PROBE_MS = 1000;

/** The upstream that a server prefers dies under load, and is well again; so many times. From its being well until a client's request comes to it, ms. */
export async function healings({ cycles, perSecond, ...o }: HealingOptions): Promise<readonly number[]> {
  const rig = await Rig.start({ ...o, rows: ['weight: 100', 'weight: 10', 'weight: 10'] });
  const [preferred] = rig.members as [Member];
  const random = seededRandom(o.seed);
  const clients = new Clients({ base: rig.larder.base, perSecond, seed: o.seed }).start();
  const firstMs: number[] = [];
  try {
    for (let i = 0; i < cycles; i++) {
      await untilAsked(preferred, clients.count);
      await sleep(1000);
      await befall(preferred, DEATHS[i % DEATHS.length] as Kind);
      await rig.untilState(preferred.name, 'open');
      await sleep(SEEN_BY_A_PROBE_MS + random() * 3000);
      await heal(preferred);
      const since = performance.now();
      firstMs.push((await untilAsked(preferred, clients.count)) - since);
    }
    await clients.stop();
    const [failed, ...others] = clients.seen.filter(({ status }) => status !== 200);
    if (failed !== undefined) {
      const { path, tookMs, status, said } = failed;
      throw new Error(`${1 + others.length} failed, ${path} with ${status} after ${Math.round(tookMs)} ms: ${said}`);
    }
    return firstMs;
  } finally {
    await clients.stop();
    await rig.close();
  }
}

/** When the first came of the requests that clients begin from the `nth` on, and was answered well; those before may have been held by a fault. */
async function untilAsked(member: Member, nth: number): Promise<number> {
  const since = performance.now();
  while (performance.now() - since < 60_000) {
    const first = member.asked(since).find(({ path, status }) => status === 200 && nthOf(path) >= nth);
    if (first !== undefined) return first.at;
    await sleep(10);
  }
  throw new Error(`${member.name} is not asked any more`);
}
