/** The real go command, in a world of its own: own module cache, home and settings; only what a test says comes from outside. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The installed go version as [major, minor], or undefined when there is none. */
export function goVersion(): readonly [number, number] | undefined {
  try {
    const match = /go(\d+)\.(\d+)/.exec(
      execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', env: { ...process.env, GOTOOLCHAIN: 'local' } }),
    );
    return match === null ? undefined : [Number(match[1]), Number(match[2])];
  } catch {
    return undefined;
  }
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GoClient {
  readonly moduleCache: string;
  /** Runs `go ARGS` in `folder`. */
  run(folder: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** The same, and throws with everything go said unless it succeeds. Returns stdout. */
  ok(folder: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
}

/**
 * A go command that asks `proxy` alone and has an empty module cache under `home`. The build cache is shared between clients
 * when `buildCache` is given: with -trimpath what was compiled once serves every client.
 */
export function goClient(home: string, proxy: string, buildCache = join(home, 'build')): GoClient {
  const moduleCache = join(home, 'mod');
  mkdirSync(home, { recursive: true });
  const base: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    GOENV: 'off',
    GOPATH: home,
    GOMODCACHE: moduleCache,
    GOCACHE: buildCache,
    GOPROXY: proxy,
    GOSUMDB: 'off',
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-modcacherw -trimpath',
    GOTELEMETRY: 'off',
    CGO_ENABLED: '0',
  };
  const run = async (
    folder: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Ran> => {
    try {
      const done = await promisify(execFile)('go', args, {
        cwd: folder,
        env: { ...base, ...env },
        maxBuffer: 64 << 20,
      });
      return { code: 0, stdout: done.stdout, stderr: done.stderr };
    } catch (error) {
      const failed = error as { code?: unknown; stdout?: string; stderr?: string };
      return {
        code: typeof failed.code === 'number' ? failed.code : 1,
        stdout: failed.stdout ?? '',
        stderr: failed.stderr ?? String(error),
      };
    }
  };
  return {
    moduleCache,
    run,
    async ok(folder, args, env) {
      const ran = await run(folder, args, env);
      if (ran.code !== 0) throw new Error(`go ${args.join(' ')}: exit ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
      return ran.stdout;
    },
  };
}
