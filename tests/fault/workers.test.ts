/** Several processes on one port, and several servers on one data folder: the shipped program, while its processes are killed, stopped and told to end. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { askServers, type ControlReply } from '../../src/control/client.ts';
import { goClient, goVersion } from '../e2e/go-client.ts';
import { build, type LarderProcess, runLarder, startLarderProcess } from '../e2e/larder-process.ts';
import { madeUpModule } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { hasNginx, startNginx } from '../fakes/nginx.ts';
import { skipUnless } from '../skip.ts';

const M = 'example.com/m';
const ZIP = `/${M}/@v/v1.0.0.zip`;
const content = madeUpModule(M, 'v1.0.0', { zipBytes: 1_500_000 });
const zip = Buffer.from(content.get(ZIP.slice(1)) ?? '');

let dist: string;
let folder: string;
let upstream: FakeUpstream;
let closers: (() => unknown)[];
beforeAll(() => {
  dist = build(mkdtempSync(join(tmpdir(), 'larder-workers-dist-')));
}, 120_000);
afterAll(() => rmSync(dist, { recursive: true, force: true }));
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-workers-'));
  upstream = await startFakeUpstream({ content: [content], latencyMs: 300 });
  closers = [() => rmSync(folder, { recursive: true, force: true }), () => upstream.close()];
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(...flags: readonly string[]): Promise<LarderProcess> {
  return await serveWithin([], ...flags);
}

/** The same behind the command `within`. */
async function serveWithin(within: readonly string[], ...flags: readonly string[]): Promise<LarderProcess> {
  const data = join(folder, 'data');
  const larder = await startLarderProcess({ dist, data, upstream: upstream.base, flags, within });
  closers.push(() => larder.signal('SIGKILL'));
  return larder;
}

/** Pids of the workers of a server, in the order of their numbers. */
function workersOf({ pid }: LarderProcess): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}

/** Whether the process has come as far as the worker's program: until then who starts it waits for it. */
function runsWorker(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('server-worker');
}

/** How often a worker has said that it serves. */
function starts(larder: LarderProcess): number {
  return larder.log().split('"msg":"listening","worker"').length - 1;
}

/** What the workers of the one running server say about what leads outside. */
async function asked(input: object): Promise<readonly ControlReply[]> {
  const signal = AbortSignal.timeout(30_000);
  const [server] = await askServers(join(folder, 'data'), { command: 'offline', input }, { signal });
  if (server === undefined || 'error' in server) throw server?.error ?? new Error('no server answers');
  return server.replies;
}

/** The number in the line of `/metrics` that begins with `name`. */
async function metric({ base }: LarderProcess, name: string): Promise<number> {
  const text = (await fetched(`${base}/metrics`)).body.toString();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

/** A connection that is taken and asks nothing; what it gets once it asks. */
async function silent({ port }: LarderProcess): Promise<() => Promise<string>> {
  const socket = connect(port, '127.0.0.1');
  let said = '';
  const over = new Promise<string>((resolve) => {
    socket.on('data', (data) => (said += data.toString()));
    socket.on('error', () => undefined).on('close', () => resolve(said));
  });
  closers.push(() => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  return async () => {
    socket.write(`GET /${M}/@v/v1.0.0.mod HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    return await over;
  };
}

/** Both workers serve, and the log has a line of each: one that is killed takes along what it has not written yet. */
async function bothServe(larder: LarderProcess): Promise<void> {
  await expect.poll(() => larder.log(), { timeout: 60_000 }).toContain('"workers":2');
  await expect.poll(() => starts(larder), { timeout: 30_000 }).toBe(2);
}

interface Got {
  /** `cut` = the connection ended, or nothing came for 20 s. */
  readonly status: number | 'cut';
  readonly body: Buffer;
}

function fetched(url: string, agent?: Agent): Promise<Got> {
  return new Promise((resolve) => {
    const cut = (): void => resolve({ status: 'cut', body: Buffer.alloc(0) });
    const request = get(url, { agent: agent ?? false, timeout: 20_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.complete ? (response.statusCode ?? 0) : 'cut', body: Buffer.concat(chunks) }),
      );
      response.on('error', cut);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', cut);
  });
}

const all = (url: string, count: number): Promise<Got[]> =>
  Promise.all(Array.from({ length: count }, () => fetched(url)));
const failures = (got: readonly Got[]): Got[] => got.filter(({ status, body }) => status !== 200 || !body.equals(zip));

/** Clients that ask one after the other for as long as `run` takes, over connections that stay. */
async function underLoad(base: string, run: () => Promise<void>): Promise<{ good: number; bad: Got[] }> {
  const told = { good: 0, bad: [] as Got[] };
  const over = new AbortController();
  const ask = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!over.signal.aborted) {
      const got = await fetched(`${base}/${M}/@v/v1.0.0.mod`, agent);
      if (got.status === 200) told.good++;
      else told.bad.push(got);
    }
    agent.destroy();
  };
  const clients = Array.from({ length: 16 }, ask);
  await run();
  over.abort();
  await Promise.all(clients);
  return told;
}

async function killInTurn(larder: LarderProcess, kills: number): Promise<void> {
  for (let i = 0; i < kills; i++) {
    await sleep(200 + Math.random() * 300);
    const victim = workersOf(larder)[i % 2];
    if (victim !== undefined) process.kill(victim, 'SIGKILL');
    await expect.poll(() => workersOf(larder).filter((pid) => pid !== victim), { timeout: 30_000 }).toHaveLength(2);
    await expect.poll(() => starts(larder), { timeout: 30_000 }).toBeGreaterThanOrEqual(2 + i + 1);
  }
}

describe('two workers', () => {
  test('fetch a cold zip once for 400 clients, and each gets all of it', async () => {
    const larder = await serve('--workers', '2');
    await bothServe(larder);
    expect(failures(await all(`${larder.base}${ZIP}`, 400))).toEqual([]);
    expect(upstream.count(/v1\.0\.0\.zip$/)).toBe(1);
    const workers = new Set(larder.requests().map((line) => (line as { worker?: number }).worker));
    expect(workers).toEqual(new Set([1, 2]));
  }, 120_000);

  test('lose replies under way and nothing else when one of them is killed again and again; none hangs', async () => {
    const larder = await serve('--workers', '2');
    await bothServe(larder);
    const kills = 6;
    // Stored before: whoever fetches it and is killed each time before it has it never does.
    expect((await fetched(`${larder.base}/${M}/@v/v1.0.0.mod`)).status).toBe(200);
    const { good, bad } = await underLoad(larder.base, () => killInTurn(larder, kills));
    expect(bad.filter(({ status }) => status !== 'cut').map(({ status, body }) => [status, String(body)])).toEqual([]);
    // At most what each of 16 clients had under way with the one that was killed.
    expect(bad.length).toBeLessThanOrEqual(16 * kills);
    expect(good).toBeGreaterThan(100);
    const metrics = (await fetched(`${larder.base}/metrics`)).body.toString();
    expect(metrics).toContain('larder_workers 2');
    expect(metrics).toContain(`larder_worker_ends_total ${kills}`);
  }, 180_000);

  test('count together, and never less than before when one of them has ended', async () => {
    const larder = await serve('--workers', '2');
    await bothServe(larder);
    const requests = async (): Promise<number> => {
      const text = (await fetched(`${larder.base}/metrics`)).body.toString();
      const lines = text.split('\n').filter((line) => line.startsWith('larder_requests_total{kind="mod"'));
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    };
    for (let i = 0; i < 20; i++) await fetched(`${larder.base}/${M}/@v/v1.0.0.mod`);
    expect(await requests()).toBe(20);
    process.kill(workersOf(larder)[0]!, 'SIGKILL');
    await expect.poll(() => larder.log(), { timeout: 30_000 }).toContain('a worker has ended');
    expect(await requests()).toBe(20);
    for (let i = 0; i < 5; i++) await fetched(`${larder.base}/${M}/@v/v1.0.0.mod`);
    expect(await requests()).toBe(25);
  }, 120_000);

  test('serve while one is stopped, which is ended after a while and replaced; what it was sent is answered by others, what all are asked by all others', async () => {
    const larder = await serve('--workers', '2');
    await bothServe(larder);
    await fetched(`${larder.base}${ZIP}`);
    const stopped = workersOf(larder)[0]!;
    process.kill(stopped, 'SIGSTOP');
    const told = asked({});
    const got = await all(`${larder.base}${ZIP}`, 60);
    expect(failures(got)).toEqual([]);
    expect(await told).toMatchObject([
      { worker: 1, failure: { message: expect.stringContaining('no answer within') as string } },
      { worker: 2, answer: { offline: false } },
    ]);
    await expect.poll(() => workersOf(larder).includes(stopped), { timeout: 30_000 }).toBe(false);
  }, 120_000);

  test('are left as they are when all processes were stopped together, as by a machine that slept', async () => {
    const larder = await serve('--workers', '2');
    await bothServe(larder);
    const workers = workersOf(larder);
    // They before the one that watches them: it has asked how they are, and waits.
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    await sleep(4000);
    process.kill(larder.pid, 'SIGSTOP');
    await sleep(13_000);
    // It wakes first, and finds answers that are seventeen seconds late.
    process.kill(larder.pid, 'SIGCONT');
    await sleep(1500);
    for (const pid of workers) process.kill(pid, 'SIGCONT');
    await sleep(1500);
    expect(workersOf(larder)).toEqual(workers);
    expect((await fetched(`${larder.base}/readyz`)).status).toBe(200);
  }, 60_000);

  test('finish what is in progress on SIGTERM, and end with 0', async () => {
    const larder = await serve('--workers', '2', '--set', 'drain.accept=1s');
    await bothServe(larder);
    let code: number | NodeJS.Signals = -1;
    const slow = all(`${larder.base}${ZIP}`, 20);
    await sleep(100);
    const told = larder.signal('SIGTERM').then((ended) => (code = ended));
    await sleep(200);
    expect((await fetched(`${larder.base}/readyz`)).status).toBe(503);
    expect(failures(await slow)).toEqual([]);
    await told;
    expect(code).toBe(0);
  }, 120_000);

  test('of which one is told to end answer whoever is connected, also who has asked nothing yet', async () => {
    const larder = await serve('--workers', '2', '--set', 'drain.accept=2s');
    await bothServe(larder);
    const [first = 0, second = 0] = workersOf(larder);
    const quiet = await Promise.all(Array.from({ length: 20 }, () => silent(larder)));
    process.kill(first, 'SIGTERM');
    await expect.poll(() => larder.log(), { timeout: 30_000 }).toContain('"msg":"draining"');
    const answers = await Promise.all(quiet.map((ask) => ask()));
    expect(answers.filter((one) => !one.startsWith('HTTP/1.1 200'))).toEqual([]);
    await expect.poll(() => starts(larder), { timeout: 30_000 }).toBe(3);
    const { good, bad } = await underLoad(larder.base, async () => {
      const slow = all(`${larder.base}${ZIP}`, 20);
      process.kill(second, 'SIGTERM');
      expect(failures(await slow)).toEqual([]);
      await expect.poll(() => starts(larder), { timeout: 30_000 }).toBe(4);
    });
    expect(bad).toEqual([]);
    expect(good).toBeGreaterThan(100);
  }, 120_000);

  test('start anew with the credentials that count now, also when the first ones are gone', async () => {
    const [file, before, after] = ['larder.yaml', 'before', 'after'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const configured = (secret: string): string =>
      `credentials: [{ url: "${upstream.origin}", token: "file:${secret}", form: bearer }]\ntls: { checkEvery: 200ms }\n`;
    writeFileSync(before, 'old', { mode: 0o600 });
    writeFileSync(after, 'new', { mode: 0o600 });
    writeFileSync(file, configured(before));
    const larder = await serve('--workers', '2', '--config', file);
    await bothServe(larder);
    writeFileSync(file, configured(after));
    const accepted = (): number => larder.log().split('configuration read again').length - 1;
    await expect.poll(accepted, { timeout: 30_000 }).toBe(2);
    rmSync(before);
    for (const pid of workersOf(larder)) process.kill(pid, 'SIGKILL');
    await expect.poll(() => starts(larder), { timeout: 30_000 }).toBe(4);
    expect((await fetched(`${larder.base}/${M}/@v/v1.0.0.mod`)).status).toBe(200);
    expect(upstream.requests.at(-1)?.headers['authorization']).toBe('Bearer new');
  }, 120_000);

  test('go offline also when none of them serves at the moment of the switch', async () => {
    const larder = await serve('--workers', '2');
    await bothServe(larder);
    const killed = workersOf(larder);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    const others = (): number[] => workersOf(larder).filter((pid) => !killed.includes(pid) && runsWorker(pid));
    await expect.poll(() => others().length, { timeout: 30_000, interval: 10 }).toBe(2);
    // They have not got far yet, and get no farther.
    for (const pid of others()) process.kill(pid, 'SIGSTOP');
    expect(await asked({ to: 'on' })).toMatchObject([{ worker: 0, failure: { code: 'OVERLOADED' } }]);
    for (const pid of others()) process.kill(pid, 'SIGCONT');
    await expect.poll(() => starts(larder), { timeout: 30_000 }).toBe(4);
    const [on1, on2] = [1, 2].map((worker) => ({ worker, answer: { offline: true } }));
    await expect.poll(() => asked({}), { timeout: 30_000 }).toEqual([on1, on2]);
  }, 120_000);

  test('count the lines of the log that nobody takes', async () => {
    const larder = await serveWithin(['sh', '-c', 'exec "$@" 2> /dev/full', 'sh'], '--workers', '2');
    await expect.poll(() => metric(larder, 'larder_workers'), { timeout: 60_000 }).toBe(2);
    for (let i = 0; i < 20; i++) await fetched(`${larder.base}/${M}/@v/v1.0.0.mod`);
    await expect.poll(() => metric(larder, 'larder_log_lines_dropped'), { timeout: 30_000 }).toBeGreaterThanOrEqual(20);
  }, 60_000);

  test('close a connection that dawdles over its headers', async () => {
    const larder = await serve(
      '--workers',
      '2',
      '--set',
      'server.headersTimeout=1s',
      '--set',
      'server.checkEvery=200ms',
    );
    await bothServe(larder);
    const socket = connect(larder.port, '127.0.0.1');
    let said = '';
    socket.on('data', (data) => (said += data.toString()));
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(said).toContain('408');
  }, 60_000);
});

describe('two workers that cannot start', () => {
  const start = (...flags: readonly string[]): Promise<string> =>
    runLarder(dist, ['serve', '--data', join(folder, 'data'), '--upstream', 'off', '--workers', '2', ...flags]);

  test('say that the port is taken as one process says it', async () => {
    const taken = new URL(upstream.origin).host;
    await expect(start('--listen', taken)).rejects.toMatchObject({
      code: 4,
      stderr: expect.stringContaining('the port is in use') as string,
    });
  }, 60_000);

  test('say what is wrong with the ledger, which the first of them finds', async () => {
    const key = join(folder, 'ledger.key');
    writeFileSync(key, 'no key', { mode: 0o600 });
    const told = start('--listen', '127.0.0.1:0', '--set', `ledger.key=${key}`);
    await expect(told).rejects.toMatchObject({ code: 4, stderr: expect.stringContaining(key) as string });
  }, 60_000);
});

describe('two workers behind nginx', () => {
  skipUnless(hasNginx(), 'nginx is not installed');

  test('are killed again and again, and no client notices', async () => {
    const larder = await serve('--workers', '2');
    await bothServe(larder);
    const backends = [larder.port, larder.port, larder.port];
    const nginx = await startNginx({ home: join(folder, 'nginx'), backends, readTimeoutS: 60 });
    closers.push(() => nginx.stop());
    const { good, bad } = await underLoad(nginx.base, () => killInTurn(larder, 6));
    expect(bad).toEqual([]);
    expect(good).toBeGreaterThan(100);
  }, 180_000);
});

describe('the go command before two workers behind nginx', () => {
  skipUnless(hasNginx(), 'nginx is not installed');
  skipUnless(goVersion() !== undefined, 'go is not installed');

  test('downloads again and again while they are killed, and never fails', async () => {
    const larder = await serve('--workers', '2');
    await bothServe(larder);
    const backends = [larder.port, larder.port, larder.port];
    const nginx = await startNginx({ home: join(folder, 'nginx'), backends, readTimeoutS: 60 });
    closers.push(() => nginx.stop());
    const over = new AbortController();
    const told = { ran: 0, failed: [] as string[] };
    const download = async (name: string): Promise<void> => {
      for (let i = 0; !over.signal.aborted; i++) {
        const home = join(folder, `go-${name}-${i}`);
        mkdirSync(home, { recursive: true });
        const { code, stderr } = await goClient(home, nginx.base).run(home, ['mod', 'download', '-x', `${M}@v1.0.0`]);
        told.ran++;
        if (code !== 0) told.failed.push(stderr);
        rmSync(home, { recursive: true, force: true });
      }
    };
    const clients = ['a', 'b', 'c'].map(download);
    await killInTurn(larder, 5);
    over.abort();
    await Promise.all(clients);
    expect(told.failed).toEqual([]);
    expect(told.ran).toBeGreaterThan(5);
  }, 240_000);
});

describe('two servers on one data folder', () => {
  test('fetch a cold zip once for 200 clients of each', async () => {
    const servers = [await serve('--set', 'fills.shared=true'), await serve('--set', 'fills.shared=true')];
    const got = await Promise.all(servers.map(({ base }) => all(`${base}${ZIP}`, 200)));
    expect(failures(got.flat())).toEqual([]);
    expect(upstream.count(/v1\.0\.0\.zip$/)).toBe(1);
  }, 120_000);

  test('fetch it each for itself when they do not share: what is tried here can fail', async () => {
    const servers = [await serve(), await serve()];
    await Promise.all(servers.map(({ base }) => all(`${base}${ZIP}`, 10)));
    expect(upstream.count(/v1\.0\.0\.zip$/)).toBe(2);
  }, 120_000);

  test('serve all clients of one when the other is killed while it fetches', async () => {
    for (const afterMs of [50, 200, 320, 400]) {
      const data = join(folder, `killed-${afterMs}`);
      const flags = ['--set', 'fills.shared=true'];
      const [first, second] = [
        await startLarderProcess({ dist, data, upstream: upstream.base, flags }),
        await startLarderProcess({ dist, data, upstream: upstream.base, flags }),
      ];
      const lost = all(`${first.base}${ZIP}`, 20);
      await sleep(20);
      const got = all(`${second.base}${ZIP}`, 100);
      await sleep(afterMs);
      await first.signal('SIGKILL');
      expect(failures(await got)).toEqual([]);
      await lost;
      await second.signal('SIGKILL');
    }
  }, 180_000);

  test('serve all when leases cannot be written', async () => {
    mkdirSync(join(folder, 'data'), { recursive: true });
    writeFileSync(join(folder, 'data', '.leases'), 'in the way');
    // A FORMAT makes it a data folder that is not empty.
    const format = JSON.stringify({ uuid: '00000000-0000-4000-8000-000000000000', version: 1 });
    writeFileSync(join(folder, 'data', 'FORMAT'), `${format}\n`);
    chmodSync(join(folder, 'data', '.leases'), 0o444);
    const larder = await serve('--set', 'fills.shared=true');
    expect(failures(await all(`${larder.base}${ZIP}`, 50))).toEqual([]);
    expect(readdirSync(join(folder, 'data'))).toContain('download');
  }, 60_000);
});
