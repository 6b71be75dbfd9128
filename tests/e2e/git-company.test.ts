/** The real go command builds a company's program: private modules from git over https and ssh, public ones from an upstream, all with one GOSUMDB. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasOpenssl } from '../fakes/certificates.ts';
import { expectedCount } from '../fakes/company-modules.ts';
import { addressForHosts, type Company, startCompany } from '../fakes/company.ts';
import { canRecordEgress, type EgressRecorder, startEgressRecorder } from '../fakes/egress-recorder.ts';
import { hasSshServer } from '../fakes/ssh-server.ts';
import { skipUnless } from '../skip.ts';
import { buildProgram, companyConfig, filesWith, ProcessWatch, spellingsOf } from './company-rig.ts';
import type { GoTool } from './go-client.ts';
import { build, type LarderProcess, runLarder } from './larder-process.ts';
import {
  clientsIn,
  type FreshClient,
  lardersIn,
  moduleOf,
  type ProofWorld,
  startProofWorld,
  withEachGo,
} from './proof-rig.ts';

const LEDGER = 'sum.corp.example';
const PUBLIC = moduleOf('good.test/public');
/** What only private names have. */
const PRIVATE_NAMES = /corp\.example|acme/;
/** Kept for the next run: what is compiled once serves every client. */
const buildCache = resolve(import.meta.dirname, '../../.runtime/e2e/build');
/** An existing build must not be taken for one of this run. */
const PATIENCE_MS = 60_000;

const address = hasOpenssl() && hasSshServer() && canRecordEgress() ? await addressForHosts() : undefined;
const scratch = mkdtempSync(join(tmpdir(), 'larder-company-'));
const fresh = clientsIn(scratch);
const startLarder = lardersIn(scratch);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('a private company', { timeout: 180_000 }, () => {
  skipUnless(
    address !== undefined,
    'needs openssl, sshd, strace, unshare and root: it has the real names and ports of git hosts',
  );
  const data = join(scratch, 'data');
  const key = join(scratch, 'ledger.key');
  const said: string[] = [];
  let company: Company;
  let world: ProofWorld;
  let recorder: EgressRecorder;
  let larder: LarderProcess;
  let watch: ProcessWatch;
  let verifier = '';

  interface Wish {
    readonly data: string;
    readonly config: string;
    readonly token: string;
    readonly port?: number;
    readonly hasLedger: boolean;
  }

  const start = ({ data: folder, config, token, port, hasLedger }: Wish): Promise<LarderProcess> =>
    startLarder({
      ...(port !== undefined && { port }),
      upstream: world.upstream.base,
      data: folder,
      flags: ['--config', config],
      within: recorder.within,
      env: {
        LARDER_SUMDB: world.direct,
        ...(hasLedger && { LARDER_LEDGER_KEY: key }),
        SSL_CERT_FILE: company.authority,
        PLATFORM_TOKEN: token,
      },
    });
  const startRight = (port?: number): Promise<LarderProcess> => {
    const config = companyConfig(join(scratch, 'config'), company);
    return start({
      data,
      config,
      token: company.secrets.platform,
      hasLedger: true,
      ...(port !== undefined && { port }),
    });
  };
  const clientOf = (tool: GoTool): FreshClient =>
    fresh({ tool, proxy: larder.base, env: { GOSUMDB: verifier }, patienceMs: PATIENCE_MS });
  const secrets = (): readonly string[] => Object.values(company.secrets).flatMap((one) => spellingsOf(one));

  beforeAll(async () => {
    if (address === undefined) return;
    company = await startCompany(mkdtempSync(join(scratch, 'company-')), address);
    world = await startProofWorld([PUBLIC]);
    const records = join(scratch, 'egress');
    mkdirSync(records);
    recorder = await startEgressRecorder(records, address, company.hosts);
    const args = ['ledger', 'init', '--name', LEDGER, '--key', key, '--data', data, '--json'];
    const made = JSON.parse(await runLarder(build(join(scratch, 'dist')), args)) as { gosumdb: string };
    verifier = made.gosumdb;
    watch = new ProcessWatch((line) => /^(?:\S*\/)?(?:git|ssh)\b/.test(line));
    larder = await startRight();
  });

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    await Promise.all([company, recorder, world?.upstream].map((one) => one?.close()));
  });

  /** All modules of the company and a public one, in a program that runs. */
  async function builds(tool: GoTool): Promise<void> {
    const client = clientOf(tool);
    const modules = [...company.modules];
    const printed = await buildProgram(client, client.folder, modules, { GOCACHE: buildCache });
    expect(printed).toBe(String(expectedCount(modules)));
    const { code, stderr } = await client.download(PUBLIC.name);
    expect(code, stderr).toBe(0);
  }

  withEachGo((tool) => {
    test('has its program built, with every module proven by its own ledger', async () => {
      await builds(tool);
    });
  });

  test('has each repository fetched once, for all its modules', () => {
    const repositories = company.git.requests.filter(({ kind }) => kind === 'fetch').map(({ target }) => target);
    expect(new Set(repositories).size).toBe(9);
    expect(repositories).toHaveLength(9);
    expect(company.ssh.commands().length).toBeGreaterThanOrEqual(3);
  });

  test('has all its modules in the ledger', async () => {
    for (const { path, version } of company.modules) {
      const lookup = await fetch(`${larder.base}/sumdb/${LEDGER}/lookup/${path}@${version}`);
      expect(await lookup.text(), path).toContain(`${path} ${version} h1:`);
    }
  });

  test('has its names sent nowhere else', async () => {
    expect(world.upstream.requests.length).toBeGreaterThan(0);
    const heard = world.upstream.requests.map(({ path, headers }) => `${path} ${JSON.stringify(headers)}`);
    expect(heard.filter((one) => PRIVATE_NAMES.test(one))).toEqual([]);
    expect(recorder.names.filter((name) => PRIVATE_NAMES.test(name))).toEqual([]);
    const known = [`${address}:443`, `${address}:22`, `${address}:53`, new URL(world.upstream.base).host];
    const elsewhere = [...recorder.connections()].filter(
      (one) => !known.includes(one) && !one.startsWith('127.0.0.1:'),
    );
    expect(elsewhere).toEqual([]);
    // The recorder saw what it should see.
    expect(recorder.connections()).toContain(`${address}:443`);
    expect(recorder.connections()).toContain(`${address}:22`);
  });

  test('has its names sent to the upstream by a server that is not told that they are private', async () => {
    const careless = await startLarder({ upstream: world.upstream.base, env: { LARDER_SUMDB: world.direct } });
    onTestFinished(async () => void (await careless.signal('SIGKILL')));
    const { path, version } = company.modules[1] ?? PUBLIC_ID;
    await fetch(`${careless.base}/${path}/@v/${version}.mod`);
    expect(world.upstream.requests.some(({ path: asked }) => PRIVATE_NAMES.test(asked))).toBe(true);
  });

  describe('when a secret is wrong', () => {
    let misled: LarderProcess;
    beforeAll(async () => {
      if (address === undefined) return;
      const config = companyConfig(join(scratch, 'wrong'), company, { security: 'wrong', github: 'wrong' });
      misled = await start({
        data: mkdtempSync(join(scratch, 'wrong-data-')),
        config,
        token: 'wrong',
        hasLedger: false,
      });
    });
    afterAll(async () => void (await misled?.signal('SIGKILL')));

    withEachGo((tool) => {
      test.each([
        ['git.corp.example/platform/log@v1.4.0', 'https://git.corp.example', /credentials/],
        ['go.corp.example/auth@v1.0.0', 'https://git.corp.example', /credentials/],
        ['github.com/acme/lib@v1.0.0', 'https://github.com', /credentials/],
      ])('says for %s which place refused it, and what to set', async (module, origin, advice) => {
        const client = fresh({ tool, proxy: misled.base, env: {}, patienceMs: PATIENCE_MS });
        const { code, stderr } = await client.download(module);
        said.push(stderr);
        expect(code).toBe(1);
        expect(stderr).toContain(origin);
        expect(stderr).toMatch(advice);
        expect(stderr).not.toMatch(/404 Not Found|no such module/i);
      });
    });

    test('answers 502 or so, never 404', async () => {
      for (const target of ['git.corp.example/platform/log/@v/v1.4.0.info', 'github.com/acme/lib/@v/list']) {
        const answer = await fetch(`${misled.base}/${target}`);
        said.push(await answer.text());
        expect(answer.status, target).toBeGreaterThanOrEqual(500);
      }
    });
  });

  describe('whose git servers are stopped', () => {
    beforeAll(async () => {
      if (address === undefined) return;
      await Promise.all([company.git.down(), company.ssh.down()]);
      await larder.signal('SIGKILL');
      larder = await startRight(larder.port);
    });

    withEachGo((tool) => {
      test('goes on building, from empty module caches', async () => {
        await builds(tool);
      });
    });

    test('is told the truth about what was never asked for', async () => {
      const answer = await fetch(`${larder.base}/git.corp.example/platform/log/@v/v9.9.9.info`);
      const text = await answer.text();
      said.push(text);
      expect(answer.status).toBeGreaterThanOrEqual(502);
      expect(text).toContain('git.corp.example');
    });
  });

  test('has its secrets nowhere but where they were put', async () => {
    const canaries = secrets();
    const processes = watch.stop();
    expect(processes.length).toBeGreaterThan(0);
    expect(processes.filter((one) => canaries.some((canary) => one.includes(canary)))).toEqual([]);
    const metrics = await (await fetch(`${larder.base}/metrics`)).text();
    const texts = [larder.log(), metrics, recorder.text(), ...said];
    expect(texts.filter((text) => canaries.some((canary) => text.includes(canary)))).toEqual([]);
    expect(filesWith(data, canaries)).toEqual([]);
    // Where they were put they are found.
    expect(filesWith(join(scratch, 'config'), canaries)).toHaveLength(2);
  });
});

const PUBLIC_ID = { path: 'good.test/public', version: 'v1.0.0' };
