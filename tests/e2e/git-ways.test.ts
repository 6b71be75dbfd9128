/** The real go command gets private modules through the shipped server by every way of being let in and of being led to a repository; and a tag that moves is told of. */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hasOpenssl } from '../fakes/certificates.ts';
import { addressForHosts } from '../fakes/company.ts';
import { type HostOfWays, startHostOfWays } from '../fakes/company-ways.ts';
import { canRecordEgress, type EgressRecorder, startEgressRecorder } from '../fakes/egress-recorder.ts';
import { growRepository, plainGit } from '../fakes/git-repositories.ts';
import { skipUnless } from '../skip.ts';
import { filesWith, ProcessWatch, spellingsOf } from './company-rig.ts';
import type { LarderProcess } from './larder-process.ts';
import { clientsIn, installed, lardersIn } from './proof-rig.ts';

const [tool] = installed;
const address = tool !== undefined && hasOpenssl() && canRecordEgress() ? await addressForHosts() : undefined;
/** A second one, for the hosts without TLS. */
const plainAddress = address?.replace(/7$/, '8') ?? '';
const scratch = mkdtempSync(join(tmpdir(), 'larder-ways-'));
const fresh = clientsIn(scratch);
const startLarder = lardersIn(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('private modules', { timeout: 60_000 }, () => {
  skipUnless(
    address !== undefined,
    'needs go, openssl, strace, unshare and root: it has the real names and ports of git hosts',
  );
  const data = join(scratch, 'data');
  const programs = join(scratch, 'config');
  const said: string[] = [];
  let host: HostOfWays;
  let recorder: EgressRecorder;
  let larder: LarderProcess;
  let watch: ProcessWatch;

  beforeAll(async () => {
    if (address === undefined) return;
    for (const folder of ['host', 'egress', 'config', 'home']) mkdirSync(join(scratch, folder));
    host = await startHostOfWays(join(scratch, 'host'), address, plainAddress);
    recorder = await startEgressRecorder(join(scratch, 'egress'), address, host.hosts);
    watch = new ProcessWatch((line) => /^(?:\S*\/)?git\b/.test(line) || /\/config\/(?:helper|command)/.test(line));
    larder = await startLarder({
      upstream: 'off',
      data,
      flags: ['--config', configOf(host, 'wrong')],
      within: recorder.within,
      env: {
        SSL_CERT_FILE: host.authority,
        HOME: join(scratch, 'home'),
        NETRC: '',
        GOAUTH: '',
        PROXY_TOKEN: host.secrets.proxy,
      },
    });
  });

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    await Promise.all([host?.close(), recorder?.close()]);
  });

  /** What the operator writes; `changing` is the one secret that stands in it. Programs and files with the others lie beside it. */
  function configOf({ secrets }: HostOfWays, changing: string): string {
    const file = (name: string, text: string, mode = 0o600): string => {
      writeFileSync(join(programs, name), text);
      chmodSync(join(programs, name), mode);
      return join(programs, name);
    };
    // They take their time, so that their arguments and environment are seen.
    const program = (name: string, answer: string): string =>
      file(name, `#!/bin/sh\nsleep 0.1\ncat '${file(`${name}.answer`, answer)}'\n`, 0o700);
    const helper = program('helper', `username=helped\npassword=${secrets.helper}\n`);
    const command = program('command', `https://ways.example/command\n\nAuthorization: Bearer ${secrets.command}\n\n`);
    const netrc = file('netrc', `machine ways.example login listed password ${secrets.netrc}\n`);
    const plain = file('plain', `${secrets.plain}\n`);
    const text = `private: [ways.example, plain.example, strict.example]
anchors: { checkEvery: 1s }
tls: { checkEvery: 100ms }
resolver: { errorMemo: 0s }
git:
  govcs: "ways.example/refused:off,private:all"
  insecure: [plain.example]
credentials:
  - { url: https://ways.example/helper, helper: ["${helper}"] }
  - { url: https://ways.example/command, command: ["${command}"] }
  - { url: https://ways.example/netrc, netrc: "${netrc}" }
  - { url: https://ways.example/changing, token: "${changing}" }
  - { url: https://ways.example/proxy, token: "env:PROXY_TOKEN" }
  - { url: http://plain.example/open, username: unprotected, password: "file:${plain}" }
`;
    const made = file('larder.yaml.new', text);
    renameSync(made, join(programs, 'larder.yaml'));
    return join(programs, 'larder.yaml');
  }

  /** What a go command that never ran before says of `MODULE@VERSION`. */
  async function download(module: string): Promise<{ readonly code: number; readonly text: string; sum?: string }> {
    if (tool === undefined) throw new Error('no go command');
    const client = fresh({ tool, proxy: larder.base, env: {} });
    const { code, stdout, stderr } = await client.download('-json', module);
    said.push(stdout, stderr);
    const { Sum: sum } = JSON.parse(stdout || '{}') as { Sum?: string };
    return { code, text: stdout + stderr, ...(sum !== undefined && { sum }) };
  }

  async function get(target: string): Promise<string> {
    const text = await (await fetch(`${larder.base}/${target}`)).text();
    said.push(text);
    return text;
  }

  test.each([
    ['a git credential helper', 'ways.example/helper/lib'],
    ['a command in the manner of GOAUTH', 'ways.example/command/lib'],
    ['a netrc file', 'ways.example/netrc/lib'],
    ['a page that names a subdirectory', 'ways.example/deep'],
    ['a page that names a module proxy, with a token from the environment', 'ways.example/proxy/lib'],
    ['plain http where git.insecure names the host', 'plain.example/open/lib'],
  ])('come by %s', async (_, module) => {
    const { code, text, sum } = await download(`${module}@v1.0.0`);
    expect(code, text).toBe(0);
    expect(sum).toMatch(/^h1:/);
  });

  test('come from behind doors that are closed to others', () => {
    for (const way of ['helper', 'command', 'netrc', 'proxy']) {
      const asked = host.secured.requests.filter(({ target }) => target.startsWith(`/${way}/`));
      expect(asked.some(({ status, headers }) => status === 200 && headers.authorization !== undefined)).toBe(true);
    }
    expect(
      host.plain.requests.some(({ status, headers }) => status === 200 && headers.authorization !== undefined),
    ).toBe(true);
  });

  test('do not come by plain http where nobody allowed it', async () => {
    const { code, text } = await download('strict.example/open/lib@v1.0.0');
    expect(code).toBe(1);
    expect(text).not.toContain('404 Not Found');
    expect(host.plain.requests.filter((request) => request.host.startsWith('strict.example'))).toEqual([]);
  });

  test('do not come from repositories that GOVCS refuses', async () => {
    const { code, text } = await download('ways.example/refused/lib@v1.0.0');
    expect(code).toBe(1);
    expect(text).toContain('403 Forbidden');
    expect(text).toContain('GOVCS disallows using git for private ways.example/refused/lib');
    expect(host.secured.requests.filter(({ target }) => target.startsWith('/refused/lib.git'))).toEqual([]);
  });

  test('come as soon as the row in the configuration file is right', async () => {
    const before = await download('ways.example/changing/lib@v1.0.0');
    expect(before.code).toBe(1);
    expect(before.text).toMatch(/https:\/\/ways\.example.*credentials/s);
    configOf(host, host.secrets.changing);
    await vi.waitFor(() => expect(larder.log()).toContain('configuration read again'), { timeout: 10_000 });
    const after = await download('ways.example/changing/lib@v1.0.0');
    expect(after.code, after.text).toBe(0);
  });

  test('stay as they were when their tag moves, and the log and the metrics tell of it', async () => {
    const before = await download('ways.example/drift/lib@v1.0.0');
    expect(before.code, before.text).toBe(0);
    const repository = join(host.repositories, 'drift/lib.git');
    await growRepository(repository, [{ files: { 'lib.go': 'package lib // moved\n' }, tags: ['v1.0.0'] }]);
    const commit = plainGit(repository, ['rev-parse', 'refs/tags/v1.0.0']);
    const events = (): readonly object[] =>
      larder
        .log()
        .split('\n')
        .filter((line) => line.includes('origin-drift'))
        .map((line) => JSON.parse(line) as object);
    await vi.waitFor(() => expect(events()).toHaveLength(1), { timeout: 20_000, interval: 100 });
    expect(events()).toMatchObject([
      { msg: 'security', kind: 'origin-drift', subject: 'ways.example/drift/lib@v1.0.0' },
    ]);
    expect(JSON.stringify(events())).toContain(commit);
    await vi.waitFor(async () => expect(await get('metrics')).toMatch(/^larder_anchors_drifted 1$/m), {
      timeout: 5000,
    });
    expect(await download('ways.example/drift/lib@v1.0.0')).toMatchObject({ code: 0, sum: before.sum });
  });

  test('leave no secret anywhere but where it was put', async () => {
    const canaries = Object.values(host.secrets).flatMap((secret) => spellingsOf(secret, USERS));
    for (const module of ['ways.example/helper/lib', 'ways.example/proxy/lib', 'plain.example/open/lib'])
      for (const rest of ['@v/list', '@latest', '@v/v1.0.0.info', '@v/v9.9.9.info', '@v/v1.0.0.zip'])
        await get(`${module}/${rest}`);
    const processes = watch.stop();
    for (const name of ['/helper', '/command'])
      expect(processes.some((one) => one.includes(`${programs}${name}\0`) && one.includes('\0PATH='))).toBe(true);
    expect(processes.some((one) => one.startsWith('git\0'))).toBe(true);
    expect(processes.filter((one) => canaries.some((canary) => one.includes(canary)))).toEqual([]);
    const texts = [larder.log(), await get('metrics'), recorder.text(), ...said];
    expect(texts.filter((text) => canaries.some((canary) => text.includes(canary)))).toEqual([]);
    expect(filesWith(data, canaries)).toEqual([]);
    // Where they were put they are found.
    expect(filesWith(programs, canaries)).toHaveLength(5);
  });
});

const USERS = ['helped', 'listed', 'git', 'unprotected'];
