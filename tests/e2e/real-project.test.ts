/**
 * A real project of 174 modules by the real go command through the shipped program: downloaded, listed and vendored cold; downloaded and checked
 * warm, with the upstream dead, after kill -9 in the middle of a fill, from the files alone, and through nginx.
 *
 * The ordinary client fills a module cache from the machine's own GOPROXY first; that cache then is the upstream, on loopback.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { downloadTree } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { hasNginx, startStaticNginx } from '../fakes/nginx.ts';
import { skipUnless } from '../skip.ts';
import { type GoClient, goClient, goVersion } from './go-client.ts';
import { build, type LarderProcess, startLarderProcess } from './larder-process.ts';

const root = resolve(import.meta.dirname, '../..');
const kept = join(root, '.runtime/e2e');
const scratch = mkdtempSync(join(tmpdir(), 'larder-e2e-'));
const goSum = readFileSync(join(import.meta.dirname, 'project/go.sum'), 'utf8');
const isLong = process.env['LARDER_TEST_LONG'] === '1';
const [major = 0, minor = 0] = goVersion() ?? [];
const isNewEnough = major > 1 || minor >= 24;
const filled = isNewEnough && fillModuleCache();

/** The ordinary client and the machine's own settings; what it fetched is kept for the next run. */
function fillModuleCache(): boolean {
  const folder = projectIn('fill');
  try {
    execFileSync('go', ['mod', 'download', 'all'], {
      cwd: folder,
      env: { ...process.env, GOMODCACHE: join(kept, 'mod'), GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local' },
      stdio: 'pipe',
      timeout: 300_000,
    });
    return true;
  } catch (error) {
    process.stderr.write(`e2e: ${String((error as { stderr?: unknown }).stderr ?? error)}\n`);
    return false;
  }
}

function projectIn(name: string): string {
  const folder = join(scratch, name);
  cpSync(join(import.meta.dirname, 'project'), folder, { recursive: true });
  return folder;
}

function emptyProject(name: string): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'go.mod'), 'module larder.test/scratch\n\ngo 1.24.0\n');
  return folder;
}

describe('a real project through larder', () => {
  skipUnless(goVersion() !== undefined, 'go is not installed');
  skipUnless(isNewEnough, 'the installed go is older than 1.24');
  skipUnless(filled, 'the module cache could not be filled: the machine’s own GOPROXY was not reached');

  let upstream: FakeUpstream;
  let larder: LarderProcess;
  const data = join(scratch, 'data');
  const dist = join(scratch, 'dist');

  beforeAll(async () => {
    if (!filled) return;
    upstream = await startFakeUpstream({ content: [downloadTree(join(kept, 'mod/cache/download')), branches()] });
    larder = await startLarderProcess({
      dist: build(dist),
      data,
      upstream: upstream.base,
      flags: ['--set', 'resolver.fresh=1h'],
    });
  });

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    await upstream?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Downloads and checks every module; that must succeed and leave go.sum as it is. Returns the client and the project. */
  async function getModules(name: string, proxy: string): Promise<{ readonly go: GoClient; readonly folder: string }> {
    const go = goClient(join(scratch, `home-${name}`), proxy, { buildCache: join(kept, 'build') });
    const folder = projectIn(name);
    await go.ok(folder, ['mod', 'download', 'all']);
    await go.ok(folder, ['mod', 'verify']);
    expect(readFileSync(join(folder, 'go.sum'), 'utf8')).toBe(goSum);
    return { go, folder };
  }

  /**
   * All that a project does with modules. Once is enough: go.sum says that the others get the same. The whole project is compiled in the long form alone: that takes minutes, and says no more of
   * Larder than some of its packages do.
   */
  async function useModules(name: string, proxy: string): Promise<void> {
    const { go, folder } = await getModules(name, proxy);
    await go.ok(folder, ['list', '-deps', '.']);
    await go.ok(folder, ['build', 'github.com/spf13/cobra', 'go.uber.org/zap']);
    if (isLong) {
      await go.ok(folder, ['build', '-o', 'app', '.']);
      expect(execFileSync(join(folder, 'app'), { encoding: 'utf8' })).toContain('1.72.2');
    }
    await go.ok(folder, ['mod', 'vendor']);
    expect(readFileSync(join(folder, 'go.sum'), 'utf8')).toBe(goSum);
    expect(existsSync(join(folder, 'vendor/modules.txt'))).toBe(true);
  }

  /** Questions whose answer can change: lists, latest, a branch, a commit. */
  async function askQueries(name: string, proxy: string): Promise<void> {
    const go = goClient(join(scratch, `home-${name}-queries`), proxy, { buildCache: join(kept, 'build') });
    const folder = emptyProject(`${name}-queries`);
    expect(await go.ok(folder, ['list', '-m', '-versions', 'github.com/spf13/cobra'])).toContain('v1.9.1');
    await go.ok(folder, ['get', 'github.com/google/uuid@latest']);
    await go.ok(folder, ['get', 'github.com/dgryski/go-rendezvous@main']);
    await go.ok(folder, ['get', 'github.com/dgryski/go-rendezvous@9f7001d']);
    expect(readFileSync(join(folder, 'go.mod'), 'utf8')).toContain('v0.0.0-20200823014737-9f7001d12a5f');
  }

  /** The cache knows no branches: one branch and one short hash of a module that has no tags, as a full proxy would tell them. */
  function branches(): ReturnType<typeof downloadTree> {
    const info = join(
      kept,
      'mod/cache/download/github.com/dgryski/go-rendezvous/@v/v0.0.0-20200823014737-9f7001d12a5f.info',
    );
    return {
      get: (target) =>
        /^github\.com\/dgryski\/go-rendezvous\/@v\/(main|9f7001d)\.info$/.test(target) ? readFileSync(info) : undefined,
    };
  }

  test('cold: everything comes from the upstream, go.sum stays as it is', { timeout: 600_000 }, async () => {
    await useModules('cold', larder.base);
    await askQueries('cold', larder.base);
    expect(upstream.count(/\.zip$/)).toBeGreaterThan(150);
  });

  test('warm: not one request to the upstream', { timeout: 300_000 }, async () => {
    upstream.clearLog();
    await getModules('warm', larder.base);
    await askQueries('warm', larder.base);
    expect(upstream.requests.map((one) => one.path)).toEqual([]);
  });

  test('what is stored is itself a GOPROXY: file:// alone, without larder', { timeout: 300_000 }, async () => {
    await getModules('file', `file://${data}/download`);
  });

  describe('behind nginx', () => {
    skipUnless(hasNginx(), 'nginx is not installed');
    test('what is stored is a GOPROXY too: static files, without larder', { timeout: 300_000 }, async () => {
      const nginx = await startStaticNginx(join(scratch, 'nginx'), join(data, 'download'));
      onTestFinished(() => nginx.stop());
      await getModules('static', nginx.base);
    });
  });

  test('with the upstream dead, and after a restart', { timeout: 300_000 }, async () => {
    await upstream.close();
    await getModules('dead', larder.base);
    await askQueries('dead', larder.base);
    await larder.signal('SIGTERM');
    larder = await startLarderProcess({ dist, data, upstream: upstream.base });
    await getModules('dead-restarted', larder.base);
    await askQueries('dead-restarted', larder.base);
  });

  test('fsck finds nothing wrong with what all this left', () => {
    expect(fsck(dist, data)).toMatchObject({ code: 0, findings: [] });
  });

  test('after kill -9 in the middle of a fill', { timeout: 600_000 }, async () => {
    const source = await startFakeUpstream({ content: [downloadTree(join(kept, 'mod/cache/download'))], latencyMs: 5 });
    const folder = join(scratch, 'killed-data');
    const go = goClient(join(scratch, 'home-killed-first'), 'off');
    for (const after of [5, 60, 150]) {
      const victim = await startLarderProcess({ dist, data: folder, upstream: source.base });
      const from = source.requests.length;
      const client = go.run(projectIn(`killed-${after}`), ['mod', 'download', 'all'], { GOPROXY: victim.base });
      while (source.requests.length < from + after) await sleep(1);
      await victim.signal('SIGKILL');
      await client;
    }
    const survivor = await startLarderProcess({ dist, data: folder, upstream: source.base });
    try {
      await getModules('killed', survivor.base);
      // What was linked but not yet recorded at a kill is invisible to clients; nothing else may be left.
      expect(fsck(dist, folder).findings.filter(({ kind }) => kind !== 'orphaned')).toEqual([]);
      expect(fsck(dist, folder, '--repair', '--upstream', source.base).code).toBe(0);
      expect(fsck(dist, folder)).toMatchObject({ code: 0, findings: [] });
    } finally {
      await survivor.signal('SIGKILL');
      await source.close();
    }
  });
});

interface Checked {
  readonly code: number;
  readonly findings: readonly { readonly kind: string; readonly path: string }[];
}

function fsck(dist: string, data: string, ...flags: readonly string[]): Checked {
  const args = [join(dist, 'main.js'), 'fsck', '--data', data, '--json', ...flags];
  const done = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { code: done.status ?? -1, findings: (JSON.parse(done.stdout) as Checked).findings };
}
