/** Bundles from end to end: made of a module cache, installed, used by go without Larder and by a server whose upstream is dead, rolled back. */
import { existsSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type LarderProcess, startLarderProcess } from './larder-process.ts';
import { copyOf, type Ground, LIB, type Machine, makeGround } from './toolbox-rig.ts';
import { goVersion } from './go-client.ts';
import { skipUnless } from '../skip.ts';

vi.setConfig({ testTimeout: 180_000 });

const DEAD = 'http://127.0.0.1:1/mod';

describe('larder bundle', () => {
  skipUnless(goVersion() !== undefined, 'go is not installed');

  let ground: Ground;
  let machine: Machine;
  let verifier: string;
  const servers: LarderProcess[] = [];
  const at = (name: string): string => join(machine.home, name);

  beforeAll(async () => {
    ground = await makeGround();
    machine = ground.machine('go');
    expect(await machine.plainGo(['mod', 'download'])).toMatchObject({ code: 0 });
    const made = await machine.larder(['bundle', 'keygen', '--name', 'bundles.corp.test', '--key', at('key')]);
    verifier = made.stdout.trim();
    await makeBundle('one');
  });
  afterAll(async () => {
    await Promise.all(servers.map((one) => one.signal('SIGKILL')));
    await ground?.close();
  });

  async function makeBundle(id: string): Promise<void> {
    const what = ['--from', at('mod'), '--to', at(id), '--key', at('key'), '--id', id, '--for', 'a test'];
    const made = await machine.larder([
      'bundle',
      'create',
      ...what,
      '--go-sum',
      join(machine.project, 'go.sum'),
      '--json',
    ]);
    expect([made.code, JSON.parse(made.stdout)]).toEqual([0, { id, modules: 1, files: 4, to: at(id), missing: [] }]);
  }

  const install = (folder: string): ReturnType<Machine['larder']> =>
    machine.larder(['bundle', 'install', at(folder), '--store', at('store'), '--verifier', verifier, '--json']);

  test('its key is only its owner’s', () => {
    expect(statSync(at('key')).mode & 0o777).toBe(0o600);
    expect(readFileSync(at('key'), 'utf8')).toMatch(/^PRIVATE\+KEY\+bundles\.corp\.test\+/);
    expect(verifier).toMatch(/^bundles\.corp\.test\+/);
  });

  test('is verified with the key, and refused without one or with a byte changed', async () => {
    const verify = (folder: string, ...more: string[]): ReturnType<Machine['larder']> =>
      machine.larder(['bundle', 'verify', at(folder), ...more]);
    expect(await verify('one', '--verifier', verifier)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('signed by bundles.corp.test'),
    });
    expect(await verify('one')).toMatchObject({ code: 4, stderr: expect.stringContaining('ladder.bundleKeys') });
    copyOf(at('one'), at('spoilt'));
    writeFileSync(join(at('spoilt'), 'download', LIB, '@v/v1.0.0.zip'), 'PK', { flag: 'r+' });
    const zip = readFileSync(join(at('spoilt'), 'download', LIB, '@v/v1.0.0.zip'));
    zip[100] = (zip[100] ?? 0) ^ 1;
    writeFileSync(join(at('spoilt'), 'download', LIB, '@v/v1.0.0.zip'), zip);
    expect(await verify('spoilt', '--verifier', verifier)).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('v1.0.0.zip'),
    });
    expect(await install('spoilt')).toMatchObject({ code: 3 });
    expect(existsSync(join(at('store'), 'current'))).toBe(false);
  });

  test('is a GOPROXY for go alone', async () => {
    const other = ground.machine('go');
    const goproxy = pathToFileURL(join(at('one'), 'download')).href;
    expect(await other.plainGo(['run', '.'], { GOPROXY: goproxy })).toMatchObject({ code: 0, stdout: 'word\n' });
  });

  test('feeds a server whose upstream is dead; a switch and a rollback count at once', async () => {
    expect(await install('one')).toMatchObject({ code: 0 });
    const server = await startLarderProcess({
      dist: ground.dist,
      data: at('data'),
      upstream: DEAD,
      flags: ['--set', `ladder.bundles=${at('store')}`, '--set', `ladder.bundleKeys=${verifier}`],
    });
    servers.push(server);
    const other = ground.machine('go');
    const ran = await other.go(['run', '.'], { GOPROXY: server.base });
    expect(ran).toMatchObject({ code: 0, stdout: 'word\n' });
    await makeBundle('two');
    const switched = await install('two');
    expect(JSON.parse(switched.stdout)).toEqual({ current: 'two', previous: 'one' });
    expect(readlinkSync(join(at('store'), 'current'))).toBe('two');
    const rolled = await machine.larder([
      'bundle',
      'rollback',
      '--store',
      at('store'),
      '--verifier',
      verifier,
      '--json',
    ]);
    const { ms, ...links } = JSON.parse(rolled.stdout) as { ms: number };
    expect(links).toEqual({ current: 'one', previous: 'two', unread: 0 });
    expect(ms).toBeLessThan(1000);
    const listed = await machine.larder(['bundle', 'list', '--store', at('store'), '--verifier', verifier]);
    expect(listed.stdout).toMatch(/^one {2}current .*a test\ntwo {2}previous .*a test\n$/);
  });

  test('says what to do when something is missing', async () => {
    for (const [args, code] of [
      [['create', '--from', at('mod'), '--to', at('x'), '--key', at('key')], 2],
      [['create', 'x.test/a', '--from', at('mod'), '--to', at('x'), '--key', at('key')], 2],
      [['create', 'x.test/a@v1.0.0', '--from', at('mod'), '--to', at('x'), '--key', at('nokey')], 4],
      [['create', 'x.test/a@v1.0.0', '--from', at('mod'), '--to', at('x'), '--key', at('key')], 1],
      [['create', '--go-sum', at('none'), '--from', at('mod'), '--to', at('x'), '--key', at('key')], 4],
      [['verify', at('nowhere'), '--verifier', verifier], 3],
      [['verify', at('one'), '--verifier', 'rubbish'], 4],
      [['install', at('one'), '--verifier', verifier], 4],
      [['rollback', '--store', at('nowhere'), '--verifier', verifier], 1],
      [['list', '--store', at('nowhere'), '--verifier', verifier], 1],
      [['keygen', '--name', 'a b', '--key', at('other')], 4],
      [['keygen', '--name', 'a', '--key', at('key')], 1],
    ] as const) {
      const ran = await machine.larder(['bundle', ...args]);
      expect([args, ran.code]).toEqual([args, code]);
      expect(ran.stderr).toContain('larder: ');
    }
  });
});
