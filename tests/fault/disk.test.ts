/** The volume of the data folder in trouble while clients come: S1 to S5, S8 and S9 of the failure matrix, on the whole program. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { goTools } from '../e2e/go-client.ts';
import { build, type LarderProcess, startLarderProcess } from '../e2e/larder-process.ts';
import { clientsIn, type ProofWorld, startProofWorld } from '../e2e/proof-rig.ts';
import { type Content, type MadeUpModule, madeUpModule } from '../fakes/content.ts';
import { skipUnless } from '../skip.ts';
import {
  askAll,
  filesOf,
  inject,
  isStored,
  keepAsking,
  MAY_MOUNT,
  onVolume,
  seenBy,
  VOLUME_FAULTS,
} from './disk-rig.ts';

const HAS_STRACE = spawnSync('strace', ['-V']).status === 0;
const MIB = 1 << 20;

/** `count` modules, every twentieth with a zip of 3 MiB. */
const modulesOf = (kind: string, count: number): MadeUpModule[] =>
  Array.from({ length: count }, (_, i) =>
    madeUpModule(`good.test/${kind}${i}`, 'v1.0.0', { zipBytes: i % 20 === 7 ? 3 * MIB : 2000 }),
  );

const cached = modulesOf('cached', 30);
const cold = modulesOf('cold', 200);
const later = modulesOf('later', 40);
/** For the go command, by the kind of trouble: published only then. */
const built = VOLUME_FAULTS.map((_, i) => modulesOf(`built${i}x`, 24));
const shared = modulesOf('shared', 24);
const all = [...cached, ...cold, ...later, ...built.flat(), ...shared];
const truth: Content = {
  get: (target) => all.find(({ name }) => target.startsWith(`${name.split('@')[0]}/`))?.get(target),
};
const scratch = mkdtempSync(join(tmpdir(), 'larder-disk-'));
let world: ProofWorld;

beforeAll(async () => {
  build(join(scratch, 'dist'));
  world = await startProofWorld([...cached, ...cold, ...later]);
  for (const module of [...built.flat(), ...shared]) world.upstream.add(module);
}, 120_000);
afterAll(async () => {
  await world.upstream.close();
  rmSync(scratch, { recursive: true, force: true });
});

type Within = (data: string) => readonly string[];
interface Started {
  readonly larder: LarderProcess;
  readonly data: string;
}

async function start(
  within?: Within,
  data = mkdtempSync(join(scratch, 'data-')),
  flags: readonly string[] = [],
): Promise<Started> {
  const larder = await startLarderProcess({
    dist: join(scratch, 'dist'),
    data,
    upstream: world.upstream.base,
    flags,
    env: { LARDER_SUMDB: world.keys.verifier },
    ...(within && { within: within(data) }),
  });
  onTestFinished(async () => void (await larder.signal('SIGKILL')));
  return { larder, data };
}

/** A server with the cached modules in its store. */
async function startWarm(within?: Within, flags: readonly string[] = []): Promise<Started> {
  const started = await start(within, undefined, flags);
  const warmed = await askAll(started.larder.base, filesOf(cached), truth, 8);
  expect(warmed).toMatchObject({ right: filesOf(cached).length, wrong: [] });
  return started;
}

/** Each of `modules` comes into the log when it is first looked up, so that it is in no tree that was there before. Returns how that ends. */
function publishAtFirstLookup(modules: readonly MadeUpModule[]): () => void {
  const { log } = world.database;
  const numbers = new Map<string, number>();
  return world.database.tell((path) => {
    const found = modules.find(({ name }) => path === `lookup/${name}`);
    if (found === undefined) return undefined;
    const number = numbers.get(path) ?? log.append(found.sums);
    numbers.set(path, number);
    return Buffer.from(`${number}\n${found.sums}\n${log.get('latest')?.toString() ?? ''}`);
  });
}

/** The data folder as it is now, in a place of its own. */
function copyOf({ pid, port }: LarderProcess, data: string, name: string): string {
  const copy = join(scratch, `${name}-${port}`);
  cpSync(seenBy(pid, data), copy, { recursive: true, filter: (path) => !/[.]sock$|[/]junk$|[/]many$/.test(path) });
  return copy;
}

/** Whether the server has stored the record of the module in the log. */
function isRecorded({ pid }: LarderProcess, data: string, { name }: MadeUpModule): boolean {
  return existsSync(seenBy(pid, join(data, 'sumdb', world.database.log.name, 'lookup', name)));
}

const warningsIn = (larder: LarderProcess): readonly string[] =>
  larder
    .log()
    .split('\n')
    .filter((line) => /"level":"(warn|error|fatal)"/.test(line));

const readiness = async (larder: LarderProcess): Promise<string> => {
  const answer = await fetch(`${larder.base}/readyz`);
  return `${answer.status} ${await answer.text()}`;
};

/** Asks for one new module after the other until one is stored; how long that took, in ms. */
async function msUntilStored(larder: LarderProcess, data: string): Promise<number> {
  const since = performance.now();
  for (const module of later) {
    const targets = filesOf([module]);
    const { wrong } = await askAll(larder.base, targets, truth, 3);
    expect(wrong).toEqual([]);
    if (targets.every((target) => isStored(larder, data, target))) break;
    await sleep(250);
  }
  return performance.now() - since;
}

describe.each(VOLUME_FAULTS)('a volume $name under a server with clients', (fault) => {
  skipUnless(MAY_MOUNT, 'mount namespaces are not allowed here');

  test('fails no cached answer and no cold one, keeps it ready, and what comes after it is stored within 10 s', async () => {
    const { larder, data } = await startWarm((folder) => onVolume(folder, fault.options));
    await fault.begin(larder.pid, data);
    const began = performance.now();
    const warm = keepAsking(larder.base, filesOf(cached), truth, 4);
    const coldly = await askAll(larder.base, filesOf(cold), truth, 12);
    expect(await readiness(larder)).toMatch(/^200 degraded: .*free space/);
    const warmly = await warm();
    const seconds = (performance.now() - began) / 1000;
    expect(filesOf(cold).filter((target) => isStored(larder, data, target))).toEqual([]);
    expect(warmly).toMatchObject({ right: warmly.asked, wrong: [] });
    expect(coldly.right, coldly.wrong.join('\n')).toBeGreaterThanOrEqual(coldly.asked * 0.99);
    // Four operations can fail, each is told of every 10 s.
    expect(warningsIn(larder).length).toBeLessThanOrEqual(4 * (1 + Math.ceil(seconds / 10)));
    await fault.end(larder.pid, data);
    const storedMs = await msUntilStored(larder, data);
    expect(storedMs).toBeLessThan(10_000);
    console.log(
      `${fault.name}: cached ${warmly.right}/${warmly.asked}, cold ${coldly.right}/${coldly.asked} in ${seconds.toFixed(1)} s; stored again after ${storedMs.toFixed(0)} ms; ${warningsIn(larder).length} warnings`,
    );
  }, 180_000);
});

describe.each([
  ...VOLUME_FAULTS.map((fault, i) => ({ ...fault, modules: built[i] ?? [], flags: [] })),
  ...VOLUME_FAULTS.slice(0, 1).map((fault) => ({
    ...fault,
    name: `${fault.name} and two workers`,
    modules: shared,
    flags: ['--workers', '2'],
  })),
])('go commands that check what they get through the relay, on a volume $name', ({ modules, flags, ...fault }) => {
  const [tool] = goTools();
  skipUnless(MAY_MOUNT, 'mount namespaces are not allowed here');
  skipUnless(tool?.isInstalled === true, 'go is not installed');

  test('none fails while the log grows, and within 10 s after it what they checked can be checked with the database dead', async () => {
    const { larder, data } = await startWarm((folder) => onVolume(folder, fault.options), flags);
    const fresh = clientsIn(mkdtempSync(join(scratch, 'clients-')));
    const env = { GOSUMDB: world.keys.verifier };
    const failed: string[] = [];
    const download = async (base: string, some: readonly MadeUpModule[]): Promise<void> => {
      if (tool === undefined) return;
      const ran = await fresh({ tool, proxy: base, env, patienceMs: 60_000 }).download(...some.map(({ name }) => name));
      if (ran.code !== 0) failed.push(ran.stderr);
    };
    onTestFinished(publishAtFirstLookup(modules));
    await fault.begin(larder.pid, data);
    const before = world.database.log.size;
    const lane = async (n: number): Promise<void> => {
      for (let i = n * 3; i < modules.length; i += 9) await download(larder.base, modules.slice(i, i + 3));
    };
    await Promise.all([0, 1, 2].map(lane));
    expect(failed).toEqual([]);
    expect(world.database.log.size).toBe(before + modules.length);
    expect(modules.filter((module) => isRecorded(larder, data, module))).toEqual([]);
    // As after a restart meanwhile: the head that is stored, and a client that knows a newer one.
    if (tool === undefined) return;
    const knowing = fresh({ tool, proxy: larder.base, env, patienceMs: 60_000 });
    expect((await knowing.download(modules[0]?.name ?? '')).code).toBe(0);
    const behind = (await start(undefined, copyOf(larder, data, 'behind'))).larder;
    const names = cached.slice(0, 2).map(({ name }) => name);
    const asked = await knowing.run(knowing.folder, ['mod', 'download', ...names], { GOPROXY: behind.base });
    expect([asked.code, asked.stderr]).toEqual([0, '']);
    await fault.end(larder.pid, data);
    await expect
      .poll(() => modules.filter((module) => !isRecorded(larder, data, module)).length, { timeout: 10_000 })
      .toBe(0);
    const copy = copyOf(larder, data, 'later');
    world.upstream.fault(({ path }) => (path.includes('/sumdb/') ? { answer: { status: 500 } } : undefined));
    onTestFinished(() => world.heal());
    const later = (await start(undefined, copy)).larder;
    await download(later.base, modules);
    expect(failed).toEqual([]);
  }, 180_000);
});

describe('a disk with I/O errors under a server', () => {
  skipUnless(HAS_STRACE, 'strace is not installed');

  test('when nothing can be made durable (S5): all is served, nothing is stored; what comes after it is stored', async () => {
    const { larder, data } = await startWarm();
    const broken = await inject(larder.pid, ['trace=fsync,fdatasync', 'inject=fsync,fdatasync:error=EIO']);
    const few = cold.slice(0, 10);
    const coldly = await askAll(larder.base, filesOf(few), truth, 4);
    const warmly = await askAll(larder.base, filesOf(cached), truth, 4);
    const ready = await readiness(larder);
    await broken.end();
    expect(coldly).toMatchObject({ right: coldly.asked, wrong: [] });
    expect(warmly).toMatchObject({ right: warmly.asked, wrong: [] });
    expect(filesOf(few).filter((target) => isStored(larder, data, target))).toEqual([]);
    expect(ready).toMatch(/^200 degraded: /);
    await expect.poll(() => larder.log()).toContain('EIO: the disk reports an I/O error');
    expect(await msUntilStored(larder, data)).toBeLessThan(10_000);
  }, 120_000);

  test('when stored files cannot be read (S4): they are served as fetched anew, and from the disk when it can', async () => {
    const before = await startWarm();
    await before.larder.signal('SIGKILL'); // what it holds in memory
    const { larder, data } = await start(undefined, before.data);
    const files = filesOf(cached).filter((target) => target.endsWith('.zip'));
    const paths = files.map((target) => join(data, 'download', target));
    world.upstream.clearLog();
    const broken = await inject(larder.pid, ['trace=read,pread64', 'inject=read,pread64:error=EIO'], paths);
    const during = await askAll(larder.base, files, truth, 4);
    const fetched = world.upstream.requests.length;
    await broken.end();
    const after = await askAll(larder.base, files, truth, 4);
    expect(during).toMatchObject({ right: files.length, wrong: [] });
    expect(fetched).toBeGreaterThan(0);
    expect(after).toMatchObject({ right: files.length, wrong: [] });
  }, 120_000);

  test('that takes 100 ms for each fsync (S3): all is served, what is stored does not wait for what is not', async () => {
    const { larder, data } = await startWarm();
    const slow = await inject(larder.pid, ['trace=fsync,fdatasync', 'inject=fsync,fdatasync:delay_enter=100000']);
    const few = cold.slice(20, 40);
    const warm = keepAsking(larder.base, filesOf(cached.slice(0, 2)), truth, 2);
    const coldly = await askAll(larder.base, filesOf(few), truth, 8);
    const warmly = await warm();
    await slow.end();
    expect(coldly).toMatchObject({ right: coldly.asked, wrong: [] });
    expect(warmly).toMatchObject({ right: warmly.asked, wrong: [] });
    // Each of the cold ones waits for four: were the others behind them, they would not be more.
    expect(warmly.asked).toBeGreaterThan(coldly.asked);
    expect(filesOf(few).every((target) => isStored(larder, data, target))).toBe(true);
  }, 120_000);
});

describe('a store that is not what it was', () => {
  const stored = filesOf(cached);

  test.each(['while the server runs', 'while it is down'])(
    'is filled again when all modules were removed %s (S9)',
    async (when) => {
      const { larder, data } = await startWarm();
      if (when === 'while it is down') await larder.signal('SIGKILL');
      for (const part of ['download', 'meta']) rmSync(join(data, part), { recursive: true });
      const again = when === 'while it is down' ? (await start(undefined, data)).larder : larder;
      expect(await askAll(again.base, stored, truth, 8)).toMatchObject({ right: stored.length, wrong: [] });
      await again.signal('SIGTERM');
      const last = (await start(undefined, data)).larder;
      world.upstream.clearLog();
      expect(await askAll(last.base, stored, truth, 8)).toMatchObject({ right: stored.length, wrong: [] });
      expect(stored.every((target) => isStored(last, data, target))).toBe(true);
    },
    120_000,
  );

  test('is filled up when an older backup was put back (S9)', async () => {
    const { larder, data } = await startWarm();
    const backup = join(scratch, 'backup');
    cpSync(data, backup, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    const newer = filesOf(cold.slice(40, 60));
    expect(await askAll(larder.base, newer, truth, 8)).toMatchObject({ right: newer.length, wrong: [] });
    await larder.signal('SIGKILL');
    rmSync(data, { recursive: true });
    cpSync(backup, data, { recursive: true });
    const again = (await start(undefined, data)).larder;
    const all = [...stored, ...newer];
    expect(newer.filter((target) => isStored(again, data, target))).toEqual([]); // control: it is older
    expect(await askAll(again.base, all, truth, 8)).toMatchObject({ right: all.length, wrong: [] });
    expect(all.every((target) => isStored(again, data, target))).toBe(true);
  }, 120_000);

  test('with one bit flipped in each file (S8) serves what is right, and has it again', async () => {
    const { larder, data } = await startWarm();
    await larder.signal('SIGKILL');
    for (const [i, target] of stored.entries()) flipBit(join(data, 'download', target), i);
    const again = (await start(undefined, data)).larder;
    const flipped = stored.filter((target) => !isRight(data, target));
    expect(flipped).toEqual(stored); // control: nothing has looked at them yet
    expect(await askAll(again.base, stored, truth, 8)).toMatchObject({ right: stored.length, wrong: [] });
    expect(stored.filter((target) => !isRight(data, target))).toEqual([]);
  }, 120_000);
});

/** As a disk does that forgets: without a new time of the file, as far as that goes. */
function flipBit(path: string, i: number): void {
  const { atime, mtime } = statSync(path);
  const bytes = readFileSync(path);
  const at = (i * 7919) % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8));
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
  chmodSync(path, 0o444);
  utimesSync(path, atime, mtime);
}

function isRight(data: string, target: string): boolean {
  return readFileSync(join(data, 'download', target)).equals(Buffer.from(truth.get(target) ?? ''));
}
