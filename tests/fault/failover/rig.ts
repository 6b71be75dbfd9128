/** The shipped program with one pool of upstreams that can be made bad, and what it says of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LarderProcess, startLarderProcess } from '../../e2e/larder-process.ts';
import { type Member, PROBED, startMember } from './member.ts';

/** A line of the log about an upstream. */
export interface UpstreamLine {
  /** Wall clock, ms. */
  readonly time: number;
  readonly member: string;
  readonly from: string | number;
  readonly to: string | number;
  readonly why?: string;
  readonly msg: string;
}

export interface RigOptions {
  readonly dist: string;
  readonly seed: number;
  /** Further members of each row, as YAML: `weight: 100, canary: true`. One member each. */
  readonly rows: readonly string[];
  /** Further lines of the configuration. */
  readonly settings?: readonly string[];
  readonly medianMs?: number;
}

export class Rig {
  readonly members: readonly Member[];
  readonly larder: LarderProcess;
  readonly #folder: string;

  private constructor(members: readonly Member[], larder: LarderProcess, folder: string) {
    this.members = members;
    this.larder = larder;
    this.#folder = folder;
  }

  static async start({ dist, seed, rows, settings = [], medianMs }: RigOptions): Promise<Rig> {
    const folder = mkdtempSync(join(tmpdir(), 'larder-failover-'));
    const members = await Promise.all(
      rows.map((_, i) => startMember({ name: `u${i}`, seed: seed + i, ...(medianMs !== undefined && { medianMs }) })),
    );
    const file = join(folder, 'larder.yaml');
    const lines = rows.map((row, i) => rowOf(members[i] as Member, row));
    mkdirSync(join(folder, 'data'));
    writeFileSync(file, ['upstreams:', ...lines, 'log: {access: false}', ...settings, ''].join('\n'));
    const larder = await startLarderProcess({
      dist,
      data: join(folder, 'data'),
      upstream: 'mirrors',
      flags: ['--config', file],
    });
    return new Rig(members, larder, folder);
  }

  member(name: string): Member {
    const member = this.members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  }

  /** The one that was asked most in the last two seconds. */
  mostAsked(): Member {
    const since = performance.now() - 2000;
    return this.members.reduce((most, one) => (one.asked(since).length > most.asked(since).length ? one : most));
  }

  /** What the log says of upstreams since `since`, wall clock in ms. */
  told(since = 0): readonly UpstreamLine[] {
    return this.larder
      .log()
      .split('\n')
      .filter((line) => line.includes('"kind":"upstream"'))
      .map((line) => {
        const { time, ...rest } = JSON.parse(line) as UpstreamLine & { time: string };
        return { ...rest, time: new Date(time).getTime() };
      })
      .filter(({ time }) => time >= since);
  }

  /** The first line since `since` that is as `test` says. Rejects after `patienceMs`. */
  async until(test: (line: UpstreamLine) => boolean, since: number, patienceMs = 60_000): Promise<UpstreamLine> {
    const end = performance.now() + patienceMs;
    while (performance.now() < end) {
      const found = this.told(since).find(test);
      if (found !== undefined) return found;
      await sleep(50);
    }
    throw new Error(`not told within ${patienceMs} ms; told: ${JSON.stringify(this.told(since))}`);
  }

  /** Resolves when the member stands so, also when it does already. */
  async untilState(member: string, state: string, patienceMs = 60_000): Promise<void> {
    const end = performance.now() + patienceMs;
    while (this.#stateOf(member) !== state) {
      if (performance.now() > end) throw new Error(`${member} is not ${state}; told: ${JSON.stringify(this.told())}`);
      await sleep(50);
    }
  }

  #stateOf(name: string): string | number {
    return this.told().findLast(({ member }) => member === name)?.to ?? 'up';
  }

  /** Questions that were put to members, by why, as the server counts them. */
  async questions(): Promise<Readonly<Record<string, number>>> {
    const text = await (await fetch(`${this.larder.base}/metrics`)).text();
    const counts: Record<string, number> = {};
    for (const [, labels, value] of text.matchAll(/^larder_upstream_requests_total\{(.*)\} (\d+)$/gm)) {
      const why = /why="([^"]+)"/.exec(labels ?? '')?.[1] ?? '';
      counts[why] = (counts[why] ?? 0) + Number(value);
    }
    return counts;
  }

  async close(): Promise<void> {
    await this.larder.signal('SIGKILL');
    await Promise.all(this.members.map((member) => member.close()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function rowOf({ name, proxy }: Member, row: string): string {
  const more = row === '' ? '' : `, ${row}`;
  return `  - {name: ${name}, pool: mirrors, url: "${proxy.url}", probe: "${PROBED}"${more}}`;
}
