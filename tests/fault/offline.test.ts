/** `larder serve --offline` and `larder offline on`: what the kernel saw of a server that may touch nothing outside, and of the same one that may. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { goClient, goVersion } from '../e2e/go-client.ts';
import { build, type LarderProcess, runLarder, startLarderProcess } from '../e2e/larder-process.ts';
import { madeUpModule } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { skipUnless } from '../skip.ts';

const MAY_TRACE = spawnSync('strace', ['--seccomp-bpf', '-f', '-qq', '-o', '/dev/null', 'true']).status === 0;
const lib = madeUpModule('example.com/lib', 'v1.0.0', {
  files: [{ name: 'lib.go', content: 'package lib\n\nconst Answer = 42\n' }],
});
const cold = madeUpModule('example.com/cold', 'v1.0.0');
/** Longer than until every probe and every look of our own that is due, ms. */
const DUE_MS = 3000;

let folder = '';
let upstream: FakeUpstream;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-offline-'));
  upstream = await startFakeUpstream({ content: [lib, cold] });
});
afterAll(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A server of which everything goes on record that it sends. */
interface Traced {
  readonly larder: LarderProcess;
  /** What went to a network since `from`, a place that `here` told. */
  sent(from?: number): readonly string[];
  here(): number;
}

async function traced(name: string, flags: readonly string[]): Promise<Traced> {
  const trace = join(folder, `${name}.trace`);
  const calls = 'trace=connect,sendto,sendmsg,sendmmsg,write,writev';
  const larder = await startLarderProcess({
    dist: build(join(folder, 'dist')),
    data: join(folder, 'data'),
    upstream: 'mirrors,direct',
    flags: ['--set', `upstreams=name=a,url=${upstream.base},pool=mirrors`, '--set', 'engine.idleProbe=200ms', ...flags],
    // Databases are not switched off: they would be asked.
    env: { LARDER_SUMDB: '', LARDER_NO_SUMDB: 'example.com' },
    within: ['strace', '-D', '-f', '-yy', '--seccomp-bpf', '-qq', '-e', calls, '-e', 'signal=none', '-o', trace],
  });
  onTestFinished(async () => void (await larder.signal('SIGKILL')));
  const lines = (): readonly string[] => (existsSync(trace) ? readFileSync(trace, 'latin1').split('\n') : []);
  return {
    larder,
    here: () => lines().length - 1,
    sent: (from = 0) =>
      lines()
        .slice(from)
        .filter((line) => isSending(line, larder.port)),
  };
}

/** Whether a call is about an address of a network, loopback included, or about a connection that was not accepted at `port`: of files and Unix sockets nothing leaves. */
function isSending(line: string, port: number): boolean {
  const [, local] = /^\d+ +\w+\(\d+<(?:TCP|UDP)(?:v6)?:\[\S*?:(\d+)->/.exec(line) ?? [];
  return local === undefined ? /sin_addr|inet_pton|AF_INET6?, /.test(line) : Number(local) !== port;
}

/** A program that needs the module, built by the real go command with an empty cache of its own. */
async function builds(base: string, name: string): Promise<string> {
  const home = join(folder, name);
  const project = join(home, 'project');
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, 'go.mod'), 'module example.com/app\n\ngo 1.19\n\nrequire example.com/lib v1.0.0\n');
  writeFileSync(
    join(project, 'main.go'),
    'package main\n\nimport "example.com/lib"\n\nfunc main() { print(lib.Answer) }\n',
  );
  const client = goClient(join(home, 'go'), base, { buildCache: join(folder, 'build') });
  await client.ok(project, ['build', '-mod=mod', '-o', join(home, 'app'), '.']);
  return spawnSync(join(home, 'app'), { encoding: 'utf8' }).stderr;
}

describe('a server that is offline', () => {
  skipUnless(MAY_TRACE, 'needs strace');
  skipUnless(goVersion() !== undefined, 'needs go');

  test('builds what is stored, refuses what is not, and connects to nobody; online the same server does', async () => {
    const online = await traced('online', []);
    expect(await builds(online.larder.base, 'first')).toBe('42');
    const { port } = new URL(upstream.base);
    await expect.poll(() => online.sent().some((line) => line.includes(`htons(${port})`))).toBe(true);
    // Control: probes go out on connections that are open.
    const open = online.here();
    await expect.poll(() => online.sent(open).some((line) => line.includes(`:${port}]>`))).toBe(true);

    await runLarder(join(folder, 'dist'), ['offline', 'on', '--data', join(folder, 'data')]);
    const switched = online.here();
    expect((await fetch(`${online.larder.base}/example.com/cold/@v/v1.0.0.zip`)).status).toBe(503);
    await sleep(DUE_MS);
    expect(online.sent(switched)).toEqual([]);
    await online.larder.signal('SIGTERM');
    upstream.clearLog();

    const offline = await traced('offline', ['--offline']);
    const { base } = offline.larder;
    expect(await builds(base, 'second')).toBe('42');
    for (const target of [
      'example.com/cold/@v/v1.0.0.zip',
      'example.com/lib/@v/main.info',
      'other.example/m/@latest',
      'github.com/nobody/nothing/@v/list',
    ]) {
      const answer = await fetch(`${base}/${target}`);
      expect([target, answer.status, answer.headers.get('Larder-Level')]).toEqual([target, 503, '5']);
      expect(await answer.text()).toContain('[OFFLINE]');
    }
    expect((await fetch(`${base}/sumdb/sum.golang.org/lookup/example.org/x@v1.0.0`)).status).toBe(503);
    await sleep(DUE_MS);
    expect(offline.sent()).toEqual([]);
    expect(upstream.requests).toEqual([]);
    await offline.larder.signal('SIGTERM');
  }, 120_000);
});
