/** The whole program on a volume without room, or one that is read-only: in a mount namespace of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LyingDatabase, logOf } from '../fakes/checksum-database.ts';
import { checksumDatabases, madeUpModule } from '../fakes/content.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import { plainKeys } from '../fakes/plain-log.ts';
import { skipUnless } from '../skip.ts';

const MAY_MOUNT = spawnSync('unshare', ['-m', 'true']).status === 0;
const KEYS = plainKeys('sum.good.test');
const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
/** Leaves no room: first large, then small writes until not one byte fits. */
const FILL = 'head -c 9000000 /dev/zero > "$1/junk" 2>/dev/null; true';

describe('larder serve on a volume', () => {
  skipUnless(MAY_MOUNT, 'mount namespaces are not allowed here');
  let folder = '';
  let child: ChildProcess | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'larder-volume-'));
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    for (const path of [folder, `${folder}.now`, `${folder}.done`]) rmSync(path, { recursive: true, force: true });
  });

  /** Mounts a small volume at `folder`, runs `prepare` on it ($1) and starts the server there. */
  const serve = (prepare: string, flags: readonly string[] = []) => {
    const script = `mount -t tmpfs -o size=2m larder-test "$1" && { ${prepare}; } && shift && exec "$@"`;
    const program = [process.execPath, MAIN, 'serve', '--listen', '127.0.0.1:0', '--data', join(folder, 'data')];
    const started = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', folder, ...program, ...flags], {
      env: { ...process.env, HOME: folder, GOENV: 'off', GOPROXY: 'off', LANG: 'C', LC_ALL: '' },
    });
    child = started;
    let err = '';
    started.stderr.on('data', (data: Buffer) => (err += data.toString()));
    const ended = new Promise<number | null>((done) => started.once('close', done));
    return { ended, err: () => err };
  };

  test('without room says so in one line, and one more says what to do; exit 1', async () => {
    const { ended, err } = serve(FILL);
    expect(await ended).toBe(1);
    expect(err()).toMatch(/^larder: data folder \S+: the disk is full\nwhat to do: free some space.*\n$/);
  });

  test('without room for its temporary folder likewise', async () => {
    const { ended, err } = serve(`mkdir -p "$1/data" && ${FILL}`);
    expect(await ended).toBe(1);
    expect(err()).toMatch(/^larder: data folder \S+: the disk is full\nwhat to do: free some space.*\n$/);
  });

  test.each(['true', 'mkdir -p "$1/data"'])('that is read-only (%s) likewise', async (prepare) => {
    const { ended, err } = serve(`${prepare}; mount -o remount,ro "$1"`);
    expect(await ended).toBe(1);
    expect(err()).toMatch(/^larder: data folder \S+: cannot be written \(EROFS\)\nwhat to do: .*\n$/);
  });

  test.each([
    ['nothing is proven', 'off'],
    ['all is proven', KEYS.verifier],
  ])(
    'that fills up while it runs and %s: modules are served, and /readyz, /metrics and the log say what is wrong',
    async (_, database) => {
      const module = madeUpModule('example.com/m', 'v1.0.0');
      const log = logOf(KEYS.signer, new Map([[module.name, module.sums]]), 300);
      const content = [checksumDatabases({ 'sumdb/sum.good.test': new LyingDatabase(log) }), module];
      const upstream = await startFakeUpstream({ content });
      // Started with room; then the room is taken, from inside the namespace, before anything is asked. The two files beside the volume say when.
      const [now, done] = [`${folder}.now`, `${folder}.done`];
      const fillLater = `(while [ ! -e "${now}" ]; do sleep 0.1; done; ${FILL}; touch "${done}") & true`;
      const flags = ['--upstream', upstream.base, '--set', `sumdb.database=${database}`];
      const { err } = serve(fillLater, flags);
      await expect.poll(err, { timeout: 10_000 }).toContain('export GOPROXY=');
      const base = /export GOPROXY=(\S+)/.exec(err())?.[1] ?? '';
      const text = async (path: string): Promise<string> => await (await fetch(`${base}/${path}`)).text();
      expect(await text('readyz')).toBe('ready: the store can be read\n');
      writeFileSync(now, '');
      await expect.poll(() => existsSync(done), { timeout: 10_000 }).toBe(true);
      for (const kind of ['info', 'mod', 'zip'])
        expect((await fetch(`${base}/example.com/m/@v/v1.0.0.${kind}`)).status).toBe(200);
      const ready = await fetch(`${base}/readyz`);
      expect([ready.status, await ready.text()]).toEqual([200, expect.stringMatching(/^degraded: .*free space/)]);
      expect(await text('metrics')).toMatch(
        /larder_store_trouble_total\{operation="commit",code="STORE_UNAVAILABLE"\} [1-9]/,
      );
      await expect.poll(err).toMatch(/"level":"warn".*"operation":"commit","code":"STORE_UNAVAILABLE".*ENOSPC/);
      await upstream.close();
    },
    30_000,
  );
});
