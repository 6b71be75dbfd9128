import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';

const MAIN = resolve(import.meta.dirname, '../main.ts');

let folder = '';
const started: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-serve-'));
});
afterEach(() => {
  for (const one of started.splice(0)) one.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** The program itself, in a process of its own. */
function larder(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: '', HOME: folder, GOENV: 'off', GOPROXY: 'off', ...env },
  });
  started.push(child);
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const ended = new Promise<number | null>((done) => child.once('close', done));
  const url = async (): Promise<string> => {
    await expect.poll(() => err, { timeout: 10_000 }).toContain('export GOPROXY=');
    return /export GOPROXY=(\S+)/.exec(err)?.[1] ?? '';
  };
  return { child, ended, url, output: () => ({ out, err }) };
}

describe('larder serve, as a process', () => {
  test('prints what to paste, serves, and ends with 0 on SIGTERM', async () => {
    const { child, ended, url, output } = larder([
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--data',
      'data',
      '--set',
      'drain.accept=0',
    ]);
    expect((await fetch(`${await url()}/readyz`)).status).toBe(200);
    expect(output().err).toContain('off  (environment GOPROXY)');
    expect(output().err).toContain(join(folder, 'data'));
    expect(output().err).not.toContain('  config ');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(output().out).toBe('');
    expect(output().err).toContain('larder: stopping: requests in progress have 55 s to finish');
    expect(output().err.trimEnd().endsWith('larder: stopped')).toBe(true);
  });

  test('names the config file that it read, also the one that nobody named', async () => {
    writeFileSync(join(folder, 'larder.yaml'), 'listen: 127.0.0.1:0\n');
    writeFileSync(join(folder, 'other.yaml'), 'listen: 127.0.0.1:0\n');
    const [implicit, named] = [larder(['serve', '--data', 'a']), larder(['serve', '--config=other.yaml', '--data=b'])];
    await Promise.all([implicit.url(), named.url()]);
    await expect.poll(() => implicit.output().err).toContain(`  config    ${join(folder, 'larder.yaml')}\n`);
    await expect.poll(() => named.output().err).toContain(`  config    ${join(folder, 'other.yaml')}\n`);
  });

  test('lingers for load balancers on SIGTERM, ends at once on the second signal, and does not linger on Ctrl-C', async () => {
    const flags = ['serve', '--listen', '127.0.0.1:0', '--set', 'drain.accept=30s'];
    const [first, second] = [larder([...flags, '--data', 'a']), larder([...flags, '--data', 'b'])];
    await Promise.all([first.url(), second.url()]);
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
    first.child.kill('SIGTERM');
    await expect.poll(() => first.output().err).toContain('stopping');
    expect((await fetch(`${await first.url()}/readyz`)).status).toBe(503);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
  });

  test('says in one line, and one more, that the port is in use; exit 4', async () => {
    const first = larder(['serve', '--listen', '127.0.0.1:0']);
    const port = new URL(await first.url()).port;
    const second = larder(['serve', '--listen', `127.0.0.1:${port}`, '--data', 'other', '--log-level', 'silent']);
    expect(await second.ended).toBe(4);
    expect(second.output().err).toBe(
      `larder: flag --listen: listen: 127.0.0.1:${port}: the port is in use\nwhat to do: stop what uses it, or choose another: larder serve --listen 127.0.0.1:8081\n`,
    );
  });

  test('goes on when the reader of its log has died, and finishes what is in progress after SIGTERM', async () => {
    const upstream = await startFakeUpstream({ content: [madeUpModule('example.com/m', 'v1.0.0')] });
    upstream.fault(() => ({ delayMs: 1500 }));
    const args = ['serve', '--listen', '127.0.0.1:0', '--data', 'data', '--upstream', upstream.base];
    const { child, ended, url } = larder([...args, '--set', 'drain.accept=0', '--set', 'sumdb.database=off']);
    const base = await url();
    child.stderr.destroy();
    const answer = fetch(`${base}/example.com/m/@v/v1.0.0.mod`).then(({ status }) => status);
    await expect.poll(() => upstream.count(/\.mod$/)).toBe(1);
    child.kill('SIGTERM');
    expect(await answer).toBe(200);
    expect(await ended).toBe(0);
    await upstream.close();
  });

  test('says in Chinese that the data folder cannot be used; exit 1', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { ended, output } = larder(['serve', '--data', 'file/data'], { LANG: 'zh_CN.UTF-8' });
    expect(await ended).toBe(1);
    expect(output().err).toMatch(/^larder: 数据目录 .*file\/data：路径上有文件（ENOTDIR）\n解决办法: .*目录.*\n$/);
  });

  test.each(['file', 'file/data'])('says of --data %s that a file is there and a folder is needed', async (data) => {
    writeFileSync(join(folder, 'file'), '');
    const { ended, output } = larder(['serve', '--data', data]);
    expect(await ended).toBe(1);
    expect(output().err).toMatch(/^larder: data folder .*: a file is in the way \(E(EXIST|NOTDIR)\)\n/);
    expect(output().err).toContain('what to do: name a folder and not a file');
  });
});
