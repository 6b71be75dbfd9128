/** `larder drill` on a running server under load: whatever one upstream does, no client notices, and the report says what happened. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DrillKind } from '../../src/drill/drill-kind.ts';
import type { DrillReport } from '../../src/drill/report.ts';
import { type Drilled, type Seen, reportOf, startDrilled } from './drill-rig.ts';

const scratch = mkdtempSync(join(tmpdir(), 'larder-drill-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Expected {
  readonly kind: DrillKind;
  readonly seconds: number;
  /** How the server comes to know; undefined where it need not. A busy machine is slow as well, so it may be suspect before. */
  readonly as?: RegExp;
}

const KINDS: readonly Expected[] = [
  { kind: 'network-down', seconds: 3, as: /^(?:suspect|open)/ },
  { kind: 'expired-cert', seconds: 3, as: /^(?:suspect|open \(tls\))/ },
  { kind: 'timeout', seconds: 5, as: /^(?:suspect|open)/ },
  { kind: 'slow', seconds: 5, as: /^(?:suspect|open)/ },
  { kind: '5xx', seconds: 3, as: /^(?:suspect|open)/ },
  { kind: '429', seconds: 3 },
  { kind: 'truncate', seconds: 3, as: /^(?:suspect|open)/ },
  { kind: 'corrupt', seconds: 3, as: /^(?:suspect|open \(integrity\))/ },
  { kind: 'dns', seconds: 3, as: /^(?:suspect|open)/ },
  { kind: 'disk-full', seconds: 3, as: /^no room$/ },
];

/** Three servers at a time: most of a drill is waiting. */
const GROUPS = [0, 1, 2].map((nth) => KINDS.filter((_, i) => i % 3 === nth));

describe.concurrent('under load, of three servers', () => {
  test.each(GROUPS.map((group) => [group.map(({ kind }) => kind).join(', '), group] as const))(
    '%s: no client notices, all is detected and well again, and each line of the log bears the name of its drill',
    async (_, group) => {
      const drilled = await startDrilled({ folder: join(scratch, group[0]?.kind ?? '') });
      try {
        await vi.waitUntil(() => drilled.seen.length > 50, { timeout: 60_000 });
        for (const expected of group) await goesThrough(drilled, expected);
        await logBearsNames(drilled, group.length);
      } finally {
        await drilled.close();
      }
    },
    240_000,
  );

  test('of an upstream that has no other: the report says that requests failed, and so does the exit code', async () => {
    const folder = join(scratch, 'lone');
    const settings = 'ladder: {patience: 0s}';
    const drilled = await startDrilled({ folder, settings, upstreams: ['one'], perSecond: 10 });
    try {
      await vi.waitUntil(() => drilled.seen.length > 10, { timeout: 60_000 });
      const run = drilled.drill('5xx', ...upstreamOf('5xx'), '--for', '3s', '--json');
      const code = await run.ended;
      const failed = drilled.seen.filter(({ status }) => status >= 500).length;
      const { userErrors, requests, switchedMs } = reportOf(run);
      expect({ code, said: run.err() }).toEqual({ code: 3, said: expect.stringContaining('requests failed during') });
      expect(userErrors).toBeGreaterThan(0);
      expect(userErrors).toBeLessThanOrEqual(Math.min(requests, failed));
      expect(switchedMs).toBeUndefined();
    } finally {
      await drilled.close();
    }
  }, 240_000);
});

async function goesThrough(drilled: Drilled, { kind, seconds, as }: Expected): Promise<void> {
  const before = drilled.seen.length;
  const run = drilled.drill(kind, ...upstreamOf(kind), '--for', `${seconds}s`, '--json');
  const code = await run.ended;
  const report = reportOf(run);
  const seen = drilled.seen.slice(before);
  expect({ kind, wrong: seen.filter(({ status }) => status !== 200) }).toEqual({ kind, wrong: [] });
  expect({ kind, code, said: run.err() }).toMatchObject({ code: 0 });
  expect(report).toMatchObject({ kind, endedBy: 'time', userErrors: 0, level: 0 });
  isPlausible(report, seconds, seen);
  if (as !== undefined) {
    expect({ kind, as: report.detectedAs }).toEqual({ kind, as: expect.stringMatching(as) });
    expect(report.detectedMs).toBeLessThan(report.ranMs);
  }
  if (kind !== 'disk-full') return await isBack(drilled);
  expect(report.refusedWrites).toBeGreaterThan(0);
  expect(report.recoveredMs).toBeLessThan(10_000);
}

function upstreamOf(kind: DrillKind): readonly string[] {
  return kind === 'disk-full' ? [] : ['--upstream', 'one'];
}

async function logBearsNames(drilled: Drilled, drills: number): Promise<void> {
  const turns = ['drill started', 'drill ended', 'drill recovered'];
  const counts = (): readonly number[] => turns.map((turn) => drilled.log().filter(({ msg }) => msg === turn).length);
  // The command may end before the last line has come through the pipe.
  await vi.waitFor(() => expect(counts()).toEqual([drills, drills, drills]), { timeout: 10_000 });
  const log = drilled.log();
  const states = log.filter(({ kind, member }) => kind === 'upstream' && member === 'one');
  expect(states.filter(({ drill }) => drill !== undefined).length).toBeGreaterThan(1);
  // Where none is on, a busy machine may be slow by itself: that is no drill's doing.
  expect(states.filter((line) => line['drill'] === undefined && isInDrill(log, line))).toEqual([]);
}

type Line = ReturnType<Drilled['log']>[number];

function isInDrill(log: readonly Line[], line: Line): boolean {
  const turns = log
    .slice(0, log.indexOf(line))
    .filter(({ msg }) => msg === 'drill started' || msg === 'drill recovered');
  const last = turns.at(-1);
  return last?.['msg'] === 'drill started' && last['upstream'] === 'one';
}

/** The figures of a report beside the test's own clock and count. */
function isPlausible(report: DrillReport, seconds: number, seen: readonly Seen[]): void {
  expect(report.ranMs).toBeGreaterThan(seconds * 1000 - 50);
  const startedAt = Date.parse(report.startedAt);
  const isInside = ({ at, tookMs }: Seen): boolean => at > startedAt && at + tookMs < startedAt + report.ranMs;
  const inside = seen.filter(isInside).length;
  expect(report.requests).toBeGreaterThan(0);
  expect(report.requests).toBeGreaterThanOrEqual(inside * 0.9);
  expect(report.requests).toBeLessThanOrEqual(seen.length + 5);
  expect(report.slowestMs).toBeLessThanOrEqual(Math.max(...seen.map(({ tookMs }) => tookMs)) + 50);
  expect(Object.values(report.levels).reduce((sum, count) => sum + count, 0)).toBe(report.requests);
  if (report.upstream === '') return;
  expect(report.switchedMs).toBeLessThan(report.ranMs);
  const { upstream, others } = report.load;
  // A request is answered by somebody, and by few more than one.
  expect(others.good + upstream.good).toBeGreaterThan(report.requests * 0.9);
}

/** The upstream that was drilled is asked by clients again. */
async function isBack({ one }: Drilled): Promise<void> {
  const before = one.requests.length;
  await vi.waitUntil(() => one.requests.length - before > 10, { timeout: 30_000 });
}

describe('a drill ends', () => {
  let drilled: Drilled;
  beforeAll(async () => {
    drilled = await startDrilled({ folder: join(scratch, 'ends'), perSecond: 0 });
  });
  afterAll(() => drilled.close());

  /** Starts one that would take long, and waits until it is on. */
  async function begun(kind: DrillKind, ...more: readonly string[]) {
    const run = drilled.drill(kind, ...upstreamOf(kind), '--for', '5m', ...more);
    await expect.poll(() => run.err(), { timeout: 20_000 }).toContain('is on for 300 s at most');
    return run;
  }

  const lastEnd = (): unknown => drilled.log().findLast(({ msg }) => msg === 'drill ended')?.['endedBy'];

  test('within seconds when its command is killed, and the true upstream is asked again', async () => {
    const run = await begun('5xx');
    const before = drilled.one.requests.length;
    for (let n = 0; n < 5; n++) expect((await drilled.ask()).status).toBe(200);
    expect(drilled.one.requests.slice(before).filter(({ path }) => path.endsWith('.mod'))).toEqual([]);
    run.child.kill('SIGKILL');
    const killedAt = performance.now();
    await expect.poll(lastEnd, { timeout: 20_000 }).toBe('silence');
    // Five seconds after the last beat, of which there was one each second.
    expect(performance.now() - killedAt).toBeGreaterThan(3000);
    await expect.poll(() => drilled.one.requests.length, { timeout: 20_000 }).toBeGreaterThan(before);
  }, 60_000);

  test('on Ctrl-C, and is reported as far as it came; exit 130', async () => {
    const run = await begun('timeout');
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(130);
    expect(run.out()).toContain('drill timeout of one: ');
    expect(run.out()).toContain('until it was told to stop');
    await expect.poll(lastEnd).toBe('asked');
  }, 60_000);

  test('alone: a second one is refused meanwhile, in words; so is an upstream that there is not', async () => {
    const run = await begun('dns');
    const second = drilled.drill('slow', '--upstream', 'one');
    expect(await second.ended).toBe(1);
    expect(second.err()).toBe(
      'larder: another drill is on: dns of one\nwhat to do: wait until it is over: ten minutes at most\n',
    );
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(130);
    const unknown = drilled.drill('slow', '--upstream', 'tow');
    expect(await unknown.ended).toBe(1);
    expect(unknown.err()).toBe(
      'larder: tow: no such upstream in a pool of this server\nwhat to do: name one of two, one\n',
    );
  }, 60_000);

  test('with the server: the command says so, and the next server knows nothing of it', async () => {
    const run = await begun('5xx');
    drilled.server.child.kill('SIGTERM');
    expect(await drilled.server.ended).toBe(0);
    expect(await run.ended).toBe(1);
    expect(run.err()).toMatch(/the server with pid \d+ ended|ended while/);
    expect(lastEnd()).toBe('server');
    const none = drilled.drill('5xx', '--upstream', 'one');
    expect(await none.ended).toBe(1);
    expect(none.err()).toContain('larder: no server runs on ');
  }, 60_000);
});

describe('a drill is refused', () => {
  test('by a server with drills: forbid, whatever it is', async () => {
    const drilled = await startDrilled({ folder: join(scratch, 'forbid'), perSecond: 0, settings: 'drills: forbid' });
    try {
      for (const args of [['5xx', '--upstream', 'one'], ['disk-full']]) {
        const run = drilled.drill(...args);
        expect(await run.ended).toBe(1);
        expect(run.err()).toMatch(/^larder: this server does no drills: drills: forbid\nwhat to do: /);
      }
      const other = drilled.drill('5xx', '--upstream', 'one', '--pid', '1');
      expect(await other.ended).toBe(1);
      expect(other.err()).toBe(
        `larder: --pid 1: no server of that process runs on ${join(scratch, 'forbid/data')}\nwhat to do: name one of ${drilled.server.child.pid}\n`,
      );
      expect(drilled.log().filter(({ msg }) => msg === 'drill started')).toEqual([]);
    } finally {
      await drilled.close();
    }
  }, 60_000);

  test('by a server that is offline, and one that is on ends when it goes offline', async () => {
    const drilled = await startDrilled({ folder: join(scratch, 'offline'), perSecond: 0 });
    try {
      const run = drilled.drill('5xx', '--upstream', 'one', '--for', '5m');
      await expect.poll(() => run.err(), { timeout: 20_000 }).toContain('is on for 300 s at most');
      expect(await drilled.larder('offline', 'on').ended).toBe(0);
      await expect
        .poll(() => drilled.log().find(({ msg }) => msg === 'drill ended')?.['endedBy'], { timeout: 10_000 })
        .toBe('server');
      const second = drilled.drill('5xx', '--upstream', 'one');
      expect(await second.ended).toBe(1);
      expect(second.err()).toContain('larder: the server is offline: it asks no upstream');
      run.child.kill('SIGINT');
      await run.ended;
    } finally {
      await drilled.close();
    }
  }, 60_000);
});
