/** `larder go` with the real go: each level is reached by breaking the one above. */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { formatAnchors } from '../../src/gomod/anchor-file.ts';
import { parseModulePath, type Version } from '../../src/gomod/module.ts';
import { newProcessMark } from '../../src/io/process-mark.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { skipUnless } from '../skip.ts';
import { goTools, goVersion } from './go-client.ts';
import { type Ground, LIB, type Machine, makeGround, runIn } from './toolbox-rig.ts';

const DEAD = 'http://127.0.0.1:1/mod';
const READONLY = { GOFLAGS: '-modcacherw -trimpath -mod=readonly' };

// The first build compiles the standard library.
vi.setConfig({ testTimeout: 180_000 });

let ground: Ground;
let second: FakeUpstream;
const undo: (() => unknown)[] = [];
beforeAll(async () => {
  ground = await makeGround();
  second = await startFakeUpstream({ content: [ground.lib] });
});
afterAll(async () => {
  await second?.close();
  await ground?.close();
});
afterEach(async () => {
  for (const act of undo.splice(0)) await act();
  ground.proxy.clearLog();
});

/** What larder says of its choice, in one line, and the lines of stderr that are go's. */
function toldBy({ stderr }: { readonly stderr: string }): string {
  const lines = stderr.split('\n').filter((line) => line.startsWith('larder go: '));
  expect(lines).toHaveLength(1);
  return lines[0] ?? '';
}

async function gitDown(): Promise<void> {
  await ground.git.down();
  undo.push(() => ground.git.up());
}

/** A machine with vendor/ and a snapshot of it, and then an empty cache. */
async function vendored(program: string): Promise<Machine> {
  const machine = ground.machine(program);
  expect(await machine.plainGo(['mod', 'vendor'])).toMatchObject({ code: 0 });
  expect(await machine.larder(['vendor', 'snapshot'])).toMatchObject({ code: 0 });
  machine.emptyCache();
  return machine;
}

function damageVendor({ project }: Machine): void {
  writeFileSync(join(project, 'vendor', LIB, 'lib.go'), 'package lib\n\nfunc Word() string { return "evil" }\n');
}

/** What a restore leaves that is killed when the damaged vendor/ is put aside, and the whole one is not in its place yet. */
async function killBetweenRenames({ project }: Machine): Promise<void> {
  const dead = (await newProcessMark()).replace(/-\d+-\d+-/, '-1-1-');
  renameSync(join(project, 'vendor'), join(project, `.larder.${dead}.vendor.old`));
  cpSync(join(project, 'vendor.offline'), join(project, `.larder.${dead}.vendor.new`), { recursive: true });
}

describe.each(goTools())('larder go with $name', ({ program, isInstalled }) => {
  skipUnless(isInstalled, `${program} is not installed`);

  test('asks the proxies when the module cache is empty, and nobody when it is not', async () => {
    const machine = ground.machine(program);
    const cold = await machine.go(['run', '.']);
    expect(cold).toMatchObject({ code: 0, stdout: 'word\n' });
    expect(toldBy(cold)).toContain('level 0: the proxies answer');
    ground.proxy.clearLog();
    const warm = await machine.go(['run', '.']);
    expect(warm).toMatchObject({ code: 0, stdout: 'word\n' });
    expect(toldBy(warm)).toContain('level 0: the module cache has all it needs');
    expect(ground.proxy.requests).toEqual([]);
  });

  test.each([
    ['refuses connections', DEAD, 'ECONNREFUSED'],
    ['hangs', 'hang', 'no answer in time'],
    ['answers everything with a page', 'lie', 'wrong content'],
    ['answers 502', 'fail', '502'],
  ])('passes over a proxy that %s', async (_, how, trouble) => {
    const bad = await startFakeUpstream({ content: [ground.lib] });
    undo.push(() => bad.close());
    const page = { status: 200, headers: { 'content-type': 'text/html' }, body: Buffer.from('<html>log in</html>') };
    if (how === 'hang') bad.fault(() => ({ hang: 'before-head' }));
    if (how === 'lie') bad.fault(() => ({ answer: page }));
    if (how === 'fail') bad.fault(() => ({ answer: { status: 502 } }));
    const chain = `${how === DEAD ? DEAD : bad.base},${ground.proxy.base}`;
    const patience = how === 'hang' ? ['--probe', '4s'] : [];
    const ran = await ground.machine(program).go(['run', '.'], { GOPROXY: chain }, patience);
    expect(ran).toMatchObject({ code: 0, stdout: 'word\n' });
    expect(toldBy(ran)).toContain('level 2: not every proxy can be used');
    expect(toldBy(ran)).toContain(trouble);
  });

  test('finds the sound one among proxies that all answer the probe', async () => {
    undo.push(ground.proxy.fault(({ target }) => (target.endsWith('.zip') ? { corruptAt: 70 } : undefined)));
    const ran = await ground.machine(program).go(['run', '.'], { GOPROXY: `${ground.proxy.base},${second.base}` });
    expect(ran).toMatchObject({ code: 0, stdout: 'word\n' });
    expect(toldBy(ran)).toContain('level 2');
  });

  test('gives up a download that hangs', async () => {
    undo.push(ground.proxy.fault(({ target }) => (target.endsWith('.zip') ? { hang: 'before-head' } : undefined)));
    const chain = { GOPROXY: `${ground.proxy.base},${second.base}` };
    const ran = await ground.machine(program).go(['run', '.'], chain, ['--stall', '5s']);
    expect(ran).toMatchObject({ code: 0, stdout: 'word\n' });
  });

  test('takes a vendor/ that is as it was, then brings it back, then asks git, then is locked', async () => {
    const machine = await vendored(program);
    const dead = { ...READONLY, GOPROXY: DEAD };
    const whole = await machine.go(['run', '.'], dead);
    expect([whole.stdout, toldBy(whole)]).toEqual([
      'word\n',
      expect.stringContaining('level 3: no proxy can be used; vendor/'),
    ]);

    damageVendor(machine);
    const back = await machine.go(['run', '.'], dead);
    expect([back.stdout, toldBy(back)]).toEqual([
      'word\n',
      expect.stringContaining('level 3: vendor/ was damaged and is back'),
    ]);

    damageVendor(machine);
    writeFileSync(join(machine.project, 'vendor.offline', 'modules.txt'), '# wrong\n');
    const git = await machine.go(['run', '.'], dead);
    expect([git.stdout, toldBy(git)]).toEqual([
      'word\n',
      expect.stringContaining('level 4: no proxy can be used; straight'),
    ]);

    machine.emptyCache();
    await gitDown();
    const locked = await machine.go(['run', '.'], dead);
    expect([locked.code, locked.stdout]).toEqual([1, '']);
    expect(locked.stderr).toContain('GOPROXY=off');
    expect(toldBy(locked)).toContain('level 5');
  });

  test('a project that go builds from vendor/ is built from it, and from nothing else while it is whole', async () => {
    const machine = await vendored(program);
    ground.proxy.clearLog();
    const whole = await machine.go(['run', '.']);
    expect([whole.stdout, toldBy(whole)]).toEqual([
      'word\n',
      expect.stringContaining('level 0: vendor/ is as vendor.sum says'),
    ]);
    damageVendor(machine);
    const back = await machine.go(['run', '.']);
    expect([back.stdout, toldBy(back)]).toEqual([
      'word\n',
      expect.stringContaining('level 3: vendor/ was damaged and is back'),
    ]);
    await killBetweenRenames(machine);
    const finished = await machine.go(['run', '.']);
    expect([finished.stdout, toldBy(finished)]).toEqual([
      'word\n',
      expect.stringContaining('level 0: vendor/ is as vendor.sum says'),
    ]);
    expect(ground.proxy.requests).toEqual([]);
    damageVendor(machine);
    rmSync(join(machine.project, 'vendor.offline'), { recursive: true });
    expect(await machine.plainGo(['run', '.'])).toMatchObject({ stdout: 'evil\n' });
    const round = await machine.go(['run', '.']);
    expect([round.stdout, toldBy(round)]).toEqual(['word\n', expect.stringContaining('level 0: the proxies answer')]);
    const forced = await machine.go(['build', '-mod=vendor', './...']);
    expect(forced.code).toBe(1);
    expect(toldBy(forced)).toContain('vendor/ is damaged');
  });

  test('with everything dead still builds what the module cache has', async () => {
    const machine = ground.machine(program);
    expect(await machine.go(['build', './...'])).toMatchObject({ code: 0 });
    await gitDown();
    const dead = { GOPROXY: DEAD };
    for (const args of [
      ['run', '.'],
      ['build', './...'],
      ['test', './...'],
      ['vet', './...'],
      ['list', '-m', 'all'],
      ['mod', 'verify'],
    ]) {
      expect([args, await machine.go(args, dead)]).toMatchObject([args, { code: 0 }]);
    }
  });

  test('straight from git takes exactly what go.sum pins', async () => {
    const machine = ground.machine(program);
    const sum = join(machine.project, 'go.sum');
    const dead = { GOPROXY: DEAD };
    writeFileSync(sum, readFileSync(sum, 'utf8').replace(/ h1:./, ' h1:A'));
    const wrong = await machine.go(['run', '.'], dead);
    expect([wrong.code === 0, toldBy(wrong)]).toEqual([false, expect.stringContaining('level 5')]);
    machine.emptyCache();
    const fetches = ground.git.count('fetch');
    writeFileSync(sum, '');
    const unpinned = await machine.go(['run', '.'], dead);
    expect([unpinned.code === 0, toldBy(unpinned)]).toEqual([false, expect.stringContaining('no network would help')]);
    expect(ground.git.count('fetch')).toBe(fetches);
    machine.emptyCache();
    writeFileSync(sum, ground.lib.sums);
    expect(toldBy(await machine.go(['run', '.'], dead, ['--no-git']))).toContain('level 5');
    expect(toldBy(await machine.go(['run', '.'], { GOPROXY: 'off' }))).toContain('level 5');
    expect(toldBy(await machine.go(['run', '.'], dead))).toContain('level 4');
  });

  test('hands on the exit codes of go', async () => {
    const machine = ground.machine(program);
    expect((await machine.go(['build', '-nope', './...'])).code).toBe(2);
    writeFileSync(join(machine.project, 'bad.go'), 'package main\n\nfunc bad() { nope }\n');
    const broken = await machine.go(['build', './...']);
    const { code } = await machine.plainGo(['build', './...']);
    expect([code > 0, broken]).toMatchObject([true, { code, stderr: expect.stringContaining('nope') }]);
    expect((await machine.go(['build', '-C', 'nowhere'])).code).not.toBe(0);
    expect(await machine.larder(['go', '--go', 'no-such-go', '--', 'build'])).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('no-such-go'),
    });
    expect(await machine.go(['version'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('go version'),
      stderr: '',
    });
  });

  test('changes no setting and no file', async () => {
    const machine = ground.machine(program);
    const before = await machine.state();
    const ways: readonly Readonly<Record<string, string>>[] = [
      {},
      { GOPROXY: DEAD },
      { GOPROXY: `${DEAD}|${second.base}` },
    ];
    for (const env of ways) {
      machine.emptyCache();
      expect(await machine.go(['build', '-o', join(machine.home, 'out'), '.'], env)).toMatchObject({ code: 0 });
    }
    expect(await machine.state()).toBe(before);
  });

  test('keeps the flags of the user', async () => {
    const machine = ground.machine(program);
    writeFileSync(
      join(machine.project, 'extra.go'),
      '//go:build extra\n\npackage main\n\nfunc init() { println("extra") }\n',
    );
    const env = { GOFLAGS: '-modcacherw -trimpath -tags=extra', GOPROXY: DEAD };
    const ran = await machine.go(['run', '.'], env);
    expect(ran).toMatchObject({ code: 0, stdout: 'word\n', stderr: expect.stringContaining('extra') });
    expect(toldBy(ran)).toContain('level 4');
  });

  test('works without a go.mod, and in a workspace', async () => {
    const machine = ground.machine(program);
    const alone = join(machine.home, 'alone');
    mkdirSync(alone);
    writeFileSync(join(alone, 'main.go'), 'package main\n\nfunc main() { print("alone") }\n');
    expect(await machine.go(['run', join(alone, 'main.go')], { GOPROXY: DEAD })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('alone'),
    });
    const other = join(machine.project, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'go.mod'), 'module larder.test/other\n\ngo 1.19\n');
    writeFileSync(join(other, 'main.go'), 'package main\n\nfunc main() { print("other") }\n');
    writeFileSync(join(machine.project, 'go.work'), 'go 1.19\n\nuse (\n\t.\n\t./other\n)\n');
    const work = await machine.go(['run', './other'], { GOPROXY: DEAD });
    expect(work).toMatchObject({ code: 0, stderr: expect.stringContaining('other') });
    expect(await machine.go(['run', '.'], { GOPROXY: DEAD })).toMatchObject({
      code: 0,
      stdout: 'word\n',
      stderr: expect.stringContaining('level 4'),
    });
  });

  test('runs the command once', async () => {
    const machine = ground.machine(program);
    const log = join(machine.home, 'log');
    const counting = join(machine.home, 'go-counting');
    writeFileSync(counting, `#!/bin/sh\necho "$1" >>${log}\nexec ${program} "$@"\n`);
    chmodSync(counting, 0o755);
    expect(await machine.larder(['go', '--go', counting, '--', 'build', './...'])).toMatchObject({ code: 0 });
    expect(
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line === 'build'),
    ).toHaveLength(1);
  });

  test('refuses a repository whose tag is not where the anchors say, on each run', async () => {
    const machine = ground.machine(program);
    const line = (commit: string): string =>
      formatAnchors([
        {
          module: { path: parseModulePath(LIB), version: 'v1.0.0' as Version },
          anchor: { commit, tree: 'b'.repeat(40), tag: 'v1.0.0', url: 'https://git.test/acme/lib' },
        },
      ]);
    const file = join(machine.home, 'anchors.txt');
    writeFileSync(file, line(ground.commit));
    const env = { GOPROXY: DEAD };
    expect(toldBy(await machine.go(['run', '.'], env, ['--anchors', file]))).toContain('level 4');
    machine.emptyCache();
    writeFileSync(file, line('a'.repeat(40)));
    for (const level of ['level 4', 'level 0']) {
      const moved = await machine.go(['run', '.'], env, ['--anchors', file]);
      expect(moved).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(`${LIB}@v1.0.0`) });
      expect(toldBy(moved)).toContain(level);
    }
  });
});

describe('larder go', () => {
  skipUnless(goVersion() !== undefined, 'go is not installed');

  const script = (machine: Machine, body: string): string => {
    const path = join(machine.home, 'fake-go');
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  };

  test('hands on stdin and signals, and ends as go ends', async () => {
    const machine = ground.machine('go');
    const args = (go: string): string[] => [join(ground.dist, 'main.js'), 'go', '--go', go, '--', 'version'];
    const env = { PATH: process.env['PATH'] ?? '' };
    const fed = await runIn(machine.project, process.execPath, args(script(machine, 'cat; exit 5')), env, {
      input: 'from stdin',
    });
    expect(fed).toMatchObject({ code: 5, stdout: 'from stdin' });
    const waiting = script(machine, 'trap "echo stopped; exit 7" TERM\necho ready\nwhile :; do sleep 0.05; done');
    let sent = false;
    const stopped = await runIn(machine.project, process.execPath, args(waiting), env, {
      onOutput: (text, pid) => {
        if (!sent && text.includes('ready')) process.kill(pid, 'SIGTERM');
        sent ||= text.includes('ready');
      },
    });
    expect(stopped).toMatchObject({ code: 7, stdout: 'ready\nstopped\n' });
    const killed = await runIn(machine.project, process.execPath, args(script(machine, 'kill -KILL $$')), env);
    expect(killed.code).toBe(137);
  });

  test('tells of a Larder at a level, as an event when asked, and nothing when told to be quiet', async () => {
    const machine = ground.machine('go');
    undo.push(ground.proxy.fault(() => ({ headers: { 'larder-level': '3' } })));
    const told = await machine.go(['list', '-m', 'all'], {}, ['--json']);
    const event = JSON.parse(told.stderr.split('\n').find((line) => line.startsWith('{')) ?? '') as unknown;
    expect(event).toMatchObject({ event: 'larder-go', level: 0, name: 'proxies', proxies: [{ larderLevel: '3' }] });
    machine.emptyCache();
    expect(toldBy(await machine.go(['list', '-m', 'all']))).toContain('is a Larder at level 3');
    expect((await machine.go(['build', './...'], {}, ['--quiet'])).stderr).not.toContain('larder');
  });

  test('shows no password of a proxy', async () => {
    const machine = ground.machine('go');
    const goproxy = ground.proxy.base.replace('http://', 'http://user:hunter2@');
    for (const flags of [[], ['--json']]) {
      machine.emptyCache();
      const ran = await machine.go(['build', './...'], { GOPROXY: goproxy }, flags);
      expect([ran.code, ran.stderr.includes('hunter2')]).toEqual([0, false]);
    }
  });

  test('a command that looks for new versions asks the proxies though the cache is whole', async () => {
    const machine = ground.machine('go');
    expect(await machine.go(['build', './...'])).toMatchObject({ code: 0 });
    ground.proxy.clearLog();
    const got = await machine.go(['get', `${LIB}@latest`], { GOPROXY: `${DEAD},${ground.proxy.base}` });
    expect([got.code, toldBy(got)]).toEqual([0, expect.stringContaining('level 2')]);
    expect(ground.proxy.requests.length).toBeGreaterThan(0);
    const straight = await machine.go(['get', `${LIB}@latest`], { GOPROXY: `${DEAD},direct` });
    expect([straight.code, toldBy(straight)]).toEqual([0, expect.stringContaining('no go.sum pins versions')]);
  });

  test('leaves nothing behind', async () => {
    const machine = ground.machine('go');
    await machine.go(['build', '-o', join(machine.home, 'out'), '.']);
    expect(readdirSync(machine.project).sort()).toEqual(['go.mod', 'go.sum', 'main.go']);
  });
});
