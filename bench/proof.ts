/** What proof costs: the checksum database on the way of cold files, the relay, and the first byte of a zip that is sent while it arrives. */
import { get } from 'node:http';
import type { Case, Ground, Row } from './cases.ts';
import { fresh, latencies, withDatabase } from './ground.ts';
import { latencyMs, median } from './load.ts';
import { cpuSeconds, startLarder } from './processes.ts';
import { module, type ModulePaths } from './tree.ts';

export const PROOF_CASES: Readonly<Record<string, Case>> = {
  'cold proof': coldProof,
  'proof CPU': proofCpu,
  'warm relay': warmRelay,
  'first byte': firstByte,
};

const ROUND_TRIP_MS = 50;
const COLD_FILES = 60;

/** With the database and without, in turns, each on files that nobody asked for before. Upstream and database are each 50 ms away. */
async function coldProof(ground: Ground): Promise<readonly Row[]> {
  return await withDatabase(ground, async (database) => {
    const plain = await startLarder(ground.dist, { data: fresh(ground, 'plain'), upstream: ground.upstream.base });
    const proving = await startLarder(ground.dist, {
      data: fresh(ground, 'proving'),
      upstream: ground.upstream.base,
      set: [`sumdb.database=${database.setting}`],
    });
    for (const subject of [plain, proving]) await latencyMs(subject.base + module('small').mod);
    await ground.upstream.delay(ROUND_TRIP_MS);
    await database.delay(ROUND_TRIP_MS);
    const rows: Row[] = [];
    for (const kind of ['mod', 'zip'] as const) {
      const paths = ground.tree.many.slice(kind === 'mod' ? 0 : COLD_FILES).slice(0, COLD_FILES);
      const before = await database.counts();
      const [without, withProof] = await inTurns(paths, [plain.base, proving.base], kind);
      const asked = (await database.counts()).total - before.total;
      const added = median(withProof) - median(without);
      rows.push({
        name: `cold .${kind}, upstream and database +${ROUND_TRIP_MS} ms`,
        subject: 'larder',
        figures: { ...latencies(withProof), 'ms added': added, 'requests to the database each': asked / paths.length },
        ratios: {},
        goal: `≤ 1 round trip to the database (${ROUND_TRIP_MS} ms, + 10 ms of work) added`,
        reached: added <= ROUND_TRIP_MS + 10,
      });
    }
    await ground.upstream.delay(0);
    await plain.stop();
    await proving.stop();
    return rows;
  });
}

async function inTurns(
  paths: readonly ModulePaths[],
  bases: readonly [string, string],
  kind: 'mod' | 'zip',
): Promise<readonly [number[], number[]]> {
  const each: [number[], number[]] = [[], []];
  for (const path of paths) for (const [n, base] of bases.entries()) each[n]?.push(await latencyMs(base + path[kind]));
  return each;
}

/** CPU of a cold 2 MB zip without the database, with one whose log stands still, and with one whose log grows with each lookup. */
async function proofCpu(ground: Ground): Promise<readonly Row[]> {
  return await withDatabase(ground, async (database) => {
    const without = await coldZipCpuMs(ground, 'off');
    const rows: Row[] = [];
    for (const grows of [false, true]) {
      await database.grow(grows);
      const withProof = await coldZipCpuMs(ground, database.setting);
      rows.push({
        name: `CPU of a cold 2 MB zip, the log ${grows ? 'grows with each lookup' : 'stands still'}`,
        subject: 'larder',
        figures: {
          'ms without': without,
          'ms with': withProof,
          'ms added': withProof - without,
          n: ground.tree.twos.length - WARM_UP,
        },
        ratios: {},
        goal: '≤ 5 ms of CPU added by the proof',
        reached: withProof - without <= 5,
      });
    }
    return rows;
  });
}

/** Zips before the measured ones: they start the threads, compile the code, and fetch the edge of the log. */
const WARM_UP = 20;

async function coldZipCpuMs(ground: Ground, setting: string): Promise<number> {
  const larder = await startLarder(ground.dist, {
    data: fresh(ground, 'cpu'),
    upstream: ground.upstream.base,
    set: [`sumdb.database=${setting}`],
  });
  const { twos } = ground.tree;
  for (const path of twos.slice(0, WARM_UP)) await latencyMs(larder.base + path.zip);
  const before = cpuSeconds(larder.pid);
  for (const path of twos.slice(WARM_UP)) await latencyMs(larder.base + path.zip);
  const spent = cpuSeconds(larder.pid) - before;
  await larder.stop();
  return (spent * 1000) / (twos.length - WARM_UP);
}

/** Lookups and tiles that were asked for before. */
async function warmRelay(ground: Ground): Promise<readonly Row[]> {
  return await withDatabase(ground, async (database) => {
    const larder = await startLarder(ground.dist, {
      data: fresh(ground, 'relay'),
      upstream: ground.upstream.base,
      set: [`sumdb.database=${database.setting}`],
    });
    const base = `${larder.base}/sumdb/sum.bench.test`;
    const targets = { lookup: '/lookup/bench.test/small@v1.0.0', tile: '/tile/8/0/000' };
    await latencyMs(larder.base + module('small').mod);
    const rows: Row[] = [];
    for (const [name, path] of Object.entries(targets)) {
      for (let i = 0; i < 200; i++) await latencyMs(base + path);
      const before = await database.counts();
      const each: number[] = [];
      for (let i = 0; i < 1000; i++) each.push(await latencyMs(base + path));
      const asked = (await database.counts()).total - before.total;
      rows.push({
        name: `warm ${name}`,
        subject: 'larder',
        figures: { ...latencies(each), 'requests to the database': asked },
        ratios: {},
        goal: '≤ 1 ms, no request to the database',
        reached: median(each) <= 1 && asked === 0,
      });
    }
    await larder.stop();
    return rows;
  });
}

/** From the request to the first byte of the body of a cold 60 MB zip that comes at 20 MB/s, at the upstream and through Larder. */
async function firstByte(ground: Ground): Promise<readonly Row[]> {
  return await withDatabase(ground, async (database) => {
    const zip = module('sixty').zip;
    await ground.upstream.pace(20e6);
    const direct: number[] = [];
    const through: number[] = [];
    for (let round = 0; round < 3; round++) {
      const larder = await startLarder(ground.dist, {
        data: fresh(ground, 'first-byte'),
        upstream: ground.upstream.base,
        set: [`sumdb.database=${database.setting}`],
      });
      await latencyMs(larder.base + module('small').mod);
      direct.push(await firstByteMs(ground.upstream.base + zip));
      through.push(await firstByteMs(larder.base + zip));
      await larder.stop();
    }
    await ground.upstream.pace(undefined);
    const added = median(through) - median(direct);
    return [
      {
        name: 'first byte of a cold 60 MB zip at 20 MB/s',
        subject: 'larder',
        figures: {
          'ms median': median(through),
          'ms at the upstream': median(direct),
          'ms added': added,
          n: through.length,
        },
        ratios: {},
        goal: '≤ 100 ms after the first byte of the upstream',
        reached: added <= 100,
      },
    ];
  });
}

async function firstByteMs(url: string): Promise<number> {
  const started = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const request = get(url, (response) => {
    if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
    response.once('data', () => resolve(performance.now() - started));
    response.on('error', () => undefined);
  }).on('error', reject);
  const ms = await promise;
  request.destroy();
  return ms;
}
