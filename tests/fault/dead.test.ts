/**
 * M2, M14 and U14 of the reliability rules with the real go command: everything else is dead or hangs, then Larder too. The short form makes 10 builds in each state; DEAD_BUILDS=100 is the long one.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goClient, goTools } from '../e2e/go-client.ts';
import { build, type LarderProcess, startLarderProcess } from '../e2e/larder-process.ts';
import { moduleOf, recordsOf } from '../e2e/proof-rig.ts';
import { LyingDatabase, logOf } from '../fakes/checksum-database.ts';
import { checksumDatabases } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { makeRepository } from '../fakes/git-repositories.ts';
import { type GitServer, startGitServer } from '../fakes/git-server.ts';
import { hasNginx, startStaticNginx } from '../fakes/nginx.ts';
import { plainKeys } from '../fakes/plain-log.ts';
import { skipUnless } from '../skip.ts';
import { askAll, filesOf } from './disk-rig.ts';

const BUILDS = Number(process.env['DEAD_BUILDS'] ?? 10);
const modules = Array.from({ length: 12 }, (_, i) => moduleOf(`good.test/m${i}`));
const keys = plainKeys('sum.good.test');
const [tool] = goTools();
const scratch = mkdtempSync(join(tmpdir(), 'larder-dead-'));
/** Comes from a git host of its own. */
const COMPANY = 'corp.test/tool';
const lists = [...modules.map(({ name }) => name.split('@')[0]), COMPANY].flatMap((path) => [
  `${path}/@v/list`,
  `${path}/@latest`,
]);
/** What the clients know when all goes down, beside what they build from. */
const known = [...lists, ...filesOf([{ name: `${COMPANY}@v1.0.0` }])];
let clients = 0;

/** A program that uses all modules, built from nothing: own module cache and home, checked against the database through the proxy. Says what go said when it failed. */
async function buildFailure(proxy: string, goSum = ''): Promise<string | undefined> {
  const home = join(scratch, `client-${++clients}`);
  const client = goClient(home, proxy, {
    env: { GOSUMDB: keys.verifier },
    buildCache: join(scratch, 'compiled'),
    patienceMs: 120_000,
  });
  const folder = join(home, 'work');
  mkdirSync(folder);
  const names = modules.map(({ name }) => name.split('@')[0] ?? '');
  const requirements = names.map((name) => `\t${name} v1.0.0\n`).join('');
  writeFileSync(join(folder, 'go.mod'), `module larder.test/program\n\ngo 1.17\n\nrequire (\n${requirements})\n`);
  if (goSum !== '') writeFileSync(join(folder, 'go.sum'), goSum);
  const imports = names.map((name, i) => `import m${i} "${name}"\n`).join('');
  const uses = names.map((_, i) => `\tprintln(m${i}.Says)\n`).join('');
  writeFileSync(join(folder, 'main.go'), `package main\n\n${imports}\nfunc main() {\n${uses}}\n`);
  const { code, stderr } = await client.run(folder, ['build', '-mod=mod', '-o', 'program', '.']);
  const isBuilt = code === 0 && existsSync(join(folder, 'program'));
  rmSync(home, { recursive: true, force: true });
  return isBuilt ? undefined : `exit ${code}: ${stderr}`;
}

/** The failures of so many builds, two at a time. */
async function failuresOf(builds: number, proxy: string, goSum = ''): Promise<string[]> {
  const failures: string[] = [];
  let left = builds;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const failure = await buildFailure(proxy, goSum);
      if (failure !== undefined) failures.push(failure);
    }
  };
  await Promise.all([lane(), lane()]);
  return failures;
}

/** Where the company keeps its module. */
async function startCompany(): Promise<GitServer> {
  const repositories = join(scratch, 'repositories');
  const files = { 'go.mod': `module ${COMPANY}\n\ngo 1.17\n`, 'tool.go': 'package tool\n' };
  await makeRepository(join(repositories, 'tool.git'), { commits: [{ files, tags: ['v1.0.0'] }] });
  return await startGitServer({ repositories });
}

/** Answers nothing, whoever connects. */
async function startSilence(port: number): Promise<{ readonly connections: () => number; readonly close: () => void }> {
  const sockets: { destroy(): void }[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return {
    connections: () => sockets.length,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('real go builds from nothing', () => {
  skipUnless(tool?.isInstalled === true, 'go is not installed');
  const data = mkdtempSync(join(scratch, 'data-'));
  const config = join(scratch, 'larder.yaml');
  let upstream: FakeUpstream;
  let larders: LarderProcess[];
  let port: number;
  let host: GitServer;
  let silences: readonly Awaited<ReturnType<typeof startSilence>>[] = [];
  let stale: Map<string, Buffer>;
  let neverFetched: Promise<number>;

  const start = (): Promise<LarderProcess> =>
    startLarderProcess({
      dist: join(scratch, 'dist'),
      data,
      upstream: `http://127.0.0.1:${port}/mod,http://127.0.0.2:${port}/mod,direct`,
      flags: ['--config', config, '--set', 'fills.shared=true', '--set', 'resolver.fresh=1s'],
      env: { LARDER_SUMDB: `${keys.verifier} http://127.0.0.1:${port}/mod/sumdb/sum.good.test` },
    });
  const base = (): string => larders[0]?.base ?? '';

  beforeAll(async () => {
    build(join(scratch, 'dist'));
    const database = new LyingDatabase(logOf(keys.signer, recordsOf(modules), 100));
    upstream = await startFakeUpstream({
      content: [checksumDatabases({ 'sumdb/sum.good.test': database }), ...modules],
    });
    port = Number(new URL(upstream.origin).port);
    host = await startCompany();
    writeFileSync(
      config,
      `private: [corp.test]\ngit: { insecure: [corp.test], aliases: [{ module: ${COMPANY}, repository: "${host.origin}/tool" }] }\n`,
    );
    larders = [await start(), await start()];
    // One warms the other: half of the modules come in through each.
    expect(await failuresOf(2, `${larders[0]?.base}`)).toEqual([]);
    expect(await failuresOf(1, `${larders[1]?.base}`)).toEqual([]);
    stale = new Map();
    for (const one of known) {
      const answer = await fetch(`${base()}/${one}`);
      expect([one, answer.status]).toEqual([one, 200]);
      stale.set(one, Buffer.from(await answer.arrayBuffer()));
    }
    await fetch(`${larders[1]?.base}/${lists[0]}`);
  }, 300_000);
  afterAll(async () => {
    for (const silence of silences) silence.close();
    for (const larder of larders ?? []) await larder.signal('SIGKILL');
    await upstream?.close();
    await host?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function expectAll(): Promise<void> {
    expect(await failuresOf(BUILDS, base())).toEqual([]);
    const told = await askAll(base(), known, { get: (target) => stale.get(target) }, 4);
    expect(told).toMatchObject({ asked: known.length, right: known.length, wrong: [] });
  }

  test(`(${BUILDS}) succeed with every upstream, repository and database dead; lists and latest stay`, async () => {
    await Promise.all([upstream.close(), host.close()]);
    await expectAll();
  }, 600_000);

  test(`(${BUILDS}) succeed with all of them hanging`, async () => {
    silences = await Promise.all([port, host.port].map(startSilence));
    await expectAll();
  }, 600_000);

  test(`(${BUILDS}) succeed after Larder was killed and started anew meanwhile`, async () => {
    for (const larder of larders) await larder.signal('SIGKILL');
    larders = [await start(), await start()];
    // It takes as long as patience with upstreams does, and what is stored does not wait for it.
    const statusOf = (target: string): Promise<number> =>
      fetch(`${base()}/${target}`).then(
        ({ status }) => status,
        () => 0,
      );
    neverFetched = statusOf('good.test/never/@v/v1.0.0.mod');
    void statusOf(`${COMPANY}/@v/v1.9.0.mod`); // that git gives up takes longer than this test
    await expectAll();
    // Control: it did ask.
    for (const silence of silences)
      await expect.poll(() => silence.connections(), { timeout: 30_000 }).toBeGreaterThan(0);
  }, 600_000);

  test('fail for what was never fetched: the rest is dead indeed', async () => {
    expect([502, 503, 504]).toContain(await neverFetched);
  }, 120_000);

  describe('when all our processes are dead', () => {
    beforeAll(async () => {
      await Promise.all(larders.map((larder) => larder.signal('SIGKILL')));
      for (const silence of silences) silence.close();
    });
    // The checksum database is dead too, and a static tree cannot stand in for it: a project has its go.sum.
    const goSum = modules.map(({ sums }) => sums).join('');

    test(`(${BUILDS}) succeed from file://DATA/download`, async () => {
      expect(await failuresOf(BUILDS, `file://${join(data, 'download')}`, goSum)).toEqual([]);
    }, 600_000);

    describe('over nginx', () => {
      skipUnless(hasNginx(), 'nginx is not installed');
      test(`(${BUILDS}) succeed from DATA/download as static files`, async () => {
        const nginx = await startStaticNginx(join(scratch, 'nginx'), join(data, 'download'));
        try {
          expect(await failuresOf(BUILDS, nginx.base, goSum)).toEqual([]);
        } finally {
          nginx.stop();
        }
        expect(readdirSync(join(data, 'download'))).not.toEqual([]);
      }, 600_000);
    });
  });
});
