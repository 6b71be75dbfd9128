/**
 * R9 of the failure matrix: the clock of two servers on one data folder is set ten years ahead, back, and right again while clients come. The short form sets it 12 times; CLOCK_STEPS=100 is the
 * long one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { build, type LarderProcess, startLarderProcess } from '../e2e/larder-process.ts';
import { CertificateAuthority, hasOpenssl } from '../fakes/certificates.ts';
import { bodies, type Content, type MadeUpModule, madeUpModule } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { skipUnless } from '../skip.ts';
import { askAll, filesOf } from './disk-rig.ts';
import { FakedTime, faketimeLibrary } from './faked-time.ts';

const STEPS = Number(process.env['CLOCK_STEPS'] ?? 12);
const YEARS = [10, -10, 0, -10, 10, 0];
const LIBRARY = faketimeLibrary();
/** How long a cold zip takes: in the middle of that the clock is set. */
const SLOW_MS = 1200;

const cached = Array.from({ length: 20 }, (_, i) =>
  madeUpModule(`example.com/cached${i}`, 'v1.0.0', { zipBytes: 3000 }),
);
const cold = Array.from({ length: STEPS }, (_, i) =>
  madeUpModule(`example.com/cold${i}`, 'v1.0.0', { zipBytes: 3000 }),
);
const main = { Version: 'v0.0.0-20260101000000-abcdefabcdef', Time: '2026-01-01T00:00:00Z' };
const branch = bodies({ 'example.com/cached0/@v/main.info': JSON.stringify(main) });
/** As their infos say: what is put together from what is stored is the same. */
const latest = bodies(
  Object.fromEntries(
    cached.map((one) => [`${one.name.split('@')[0]}/@latest`, one.get(`${one.name.replace('@', '/@v/')}.info`) ?? '']),
  ),
);
const content: readonly Content[] = [branch, latest, ...cached, ...cold];
const truth: Content = { get: (target) => content.map((one) => one.get(target)).find((body) => body !== undefined) };
const zipOf = ({ name }: MadeUpModule): string => `${name.replace('@', '/@v/')}.zip`;

/** What may be cached and changes: as clients ask for it. */
const changing = cached.flatMap(({ name }) => {
  const [path] = name.split('@');
  return [`${path}/@v/list`, `${path}/@latest`];
});
const scratch = mkdtempSync(join(tmpdir(), 'larder-clock-'));

beforeAll(() => void build(join(scratch, 'dist')), 120_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function newTime(): FakedTime {
  return new FakedTime(LIBRARY ?? '', join(mkdtempSync(join(scratch, 'time-')), 'offset'));
}

async function start(time: FakedTime, data: string, upstream: string, env = {}): Promise<LarderProcess> {
  const dist = join(scratch, 'dist');
  const flags = ['--set', 'fills.shared=true'];
  const larder = await startLarderProcess({ dist, data, upstream, flags, env: { ...time.env, ...env } });
  onTestFinished(async () => void (await larder.signal('SIGKILL')));
  return larder;
}

/** The year that the server believes to be in, by its newest log line. */
async function yearOf(larder: LarderProcess): Promise<number> {
  await fetch(`${larder.base}/livez`);
  await fetch(`${larder.base}/example.com/cached0/@v/v1.0.0.mod`);
  const times = [...larder.log().matchAll(/"time":"(\d{4})-/g)];
  return Number(times.at(-1)?.[1]);
}

/** All that is cached, changing or not, from each server, which must be right; says what was wrong. */
async function wrongAnswers(larders: readonly LarderProcess[], targets: readonly string[]): Promise<readonly string[]> {
  const tallies = await Promise.all(larders.map(({ base }) => askAll(base, targets, truth, 4)));
  return tallies.flatMap(({ wrong }) => wrong);
}

describe('a clock that is set by ten years while two servers run', () => {
  skipUnless(LIBRARY !== undefined, 'faketime is not installed');
  const all = [...filesOf(cached), ...changing, 'example.com/cached0/@v/main.info'];
  let upstream: FakeUpstream;

  beforeAll(async () => {
    upstream = await startFakeUpstream({ content });
    upstream.fault(({ target }) => (/cold.*zip$/.test(target) ? { delayMs: SLOW_MS } : undefined));
  });
  afterAll(() => upstream.close());

  test(`${STEPS} times: no cached answer fails, nothing is refreshed that was fresh, no fill loses its lease; nor after a restart without any upstream`, async () => {
    const time = newTime();
    const data = mkdtempSync(join(scratch, 'data-'));
    // Another process fetches what is to be stored: these two must not take all zips for fast, and wait for each other too shortly.
    const first = await start(time, data, upstream.base);
    const began = performance.now();
    expect(await wrongAnswers([first], all)).toEqual([]);
    await first.signal('SIGKILL');
    const larders = [await start(time, data, upstream.base), await start(time, data, upstream.base)];
    const thisYear = new Date().getFullYear();
    expect(await wrongAnswers(larders, all)).toEqual([]);
    upstream.clearLog();
    let answers = 0;
    let fetches = 0;

    for (const [i, module] of cold.entries()) {
      const years = YEARS[i % YEARS.length] ?? 0;
      const filling = wrongAnswers(larders, [zipOf(module)]);
      await expect
        .poll(() => upstream.count(`/${zipOf(module)}`), { timeout: 20_000, interval: 20 })
        .toBeGreaterThan(0);
      time.setYears(years);
      expect(await wrongAnswers(larders, all)).toEqual([]);
      answers += all.length * larders.length;
      expect(await filling).toEqual([]);
      fetches += upstream.count(`/${zipOf(module)}`);
      if (i < YEARS.length) expect(Math.abs((await yearOf(larders[0]!)) - (thisYear + years))).toBeLessThanOrEqual(1);
    }

    const seconds = (performance.now() - began) / 1000;
    const refreshed = upstream.requests.filter(({ target }) => !target.includes('/cold')).length;
    // Fresh for a minute, less a fifth, then asked for once: by each server.
    const usual = (changing.length + 1) * larders.length * Math.floor(seconds / 48);
    console.log(
      `${STEPS} steps in ${seconds.toFixed(1)} s: ${answers} cached answers, ${refreshed} refreshes (usual: up to ${usual}), ${fetches} fetches of ${STEPS} zips`,
    );
    expect(refreshed).toBeLessThanOrEqual(2 * usual);
    // Lost with the clock, each would be fetched twice; on a busy machine one may be, when nobody gets on for too long.
    expect(fetches).toBeLessThanOrEqual(STEPS * 1.25);

    await upstream.close();
    await Promise.all(larders.map((larder) => larder.signal('SIGKILL')));
    for (const years of [10, -10]) {
      time.setYears(years);
      const again = await start(time, data, upstream.base);
      expect(await wrongAnswers([again], [...filesOf(cached), ...changing])).toEqual([]);
      await again.signal('SIGKILL');
    }
  }, 600_000);
});

describe('an upstream with a certificate that the clock makes bad', () => {
  skipUnless(LIBRARY !== undefined && hasOpenssl(), 'faketime or openssl is not installed');
  let secure: Server;
  let ca: string;

  beforeAll(async () => {
    const folder = mkdtempSync(join(scratch, 'ca-'));
    const authority = new CertificateAuthority(folder);
    ca = join(folder, 'ca.pem');
    secure = createServer(authority.issue({ names: 'IP:127.0.0.1' }), (request, response) => {
      const body = truth.get((request.url ?? '').slice(1));
      response.writeHead(body === undefined ? 404 : 200).end(body);
    });
    await new Promise<void>((done) => secure.listen(0, '127.0.0.1', done));
  });
  afterAll(() => (secure.closeAllConnections(), secure.close()));

  test.each([
    [-10, 'certificate is not yet valid \\(clock\\? this machine says \\d{4}-\\d\\d-\\d\\d\\)'],
    [10, 'certificate has expired'],
  ])(
    '(by %i years) fails what is cold, with the reason in the log; what is stored is served',
    async (years, reason) => {
      const time = newTime();
      const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
      const env = { NODE_EXTRA_CA_CERTS: ca };
      const data = mkdtempSync(join(scratch, 'data-'));
      const before = await start(time, data, url, env);
      const [stored, missing] = [filesOf(cached.slice(0, 2)), filesOf(cached.slice(2, 3))];
      expect(await wrongAnswers([before], stored)).toEqual([]);
      await before.signal('SIGKILL');
      time.setYears(years);
      const larder = await start(time, data, url, env);
      const wrong = await wrongAnswers([larder], missing);
      expect(wrong).toHaveLength(missing.length);
      for (const one of wrong) expect(one).toMatch(/: 50[234] /);
      expect(larder.log()).toMatch(new RegExp(reason));
      expect(await wrongAnswers([larder], stored)).toEqual([]);
      time.setYears(0);
      await expect.poll(() => wrongAnswers([larder], missing), { timeout: 90_000, interval: 1000 }).toEqual([]);
    },
    180_000,
  );
});
