/** The real go command, in a world of its own: own module cache, home and settings; only what a test says comes from outside. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The version of the go command `program` as [major, minor], or undefined when there is none. */
export function goVersion(program = 'go'): readonly [number, number] | undefined {
  try {
    const match = /go(\d+)\.(\d+)/.exec(
      execFileSync(program, ['env', 'GOVERSION'], { encoding: 'utf8', env: { ...process.env, GOTOOLCHAIN: 'local' } }),
    );
    return match === null ? undefined : [Number(match[1]), Number(match[2])];
  } catch {
    return undefined;
  }
}

/** A go command that tests run. */
export interface GoTool {
  /** `go` and its version, for the names of tests. */
  readonly name: string;
  readonly program: string;
  readonly isInstalled: boolean;
  /** Whether it is known to believe checksum databases what it should not: CVE-2026-42501, CVE-2026-56864 and CVE-2026-56865. */
  readonly isCredulous: boolean;
}

/** The machine's own go command, and Go 1.19 where Debian 12 puts it. */
export function goTools(): readonly GoTool[] {
  return ['go', '/usr/lib/go-1.19/bin/go'].map((program) => {
    const version = goVersion(program);
    const [major, minor] = version ?? [1, 19];
    const isCredulous = major === 1 && minor < 20;
    return { name: `go ${major}.${minor}`, program, isInstalled: version !== undefined, isCredulous };
  });
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

export interface GoClientOptions {
  /** `go` on the PATH unless given. */
  readonly program?: string;
  /** Shared between clients of one version when given: with -trimpath what was compiled once serves every client. */
  readonly buildCache?: string;
  /** A go command that takes longer is killed, and counts as failed. */
  readonly patienceMs?: number;
  /** On top of the settings that keep the client apart. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A go command that asks `proxy` alone, checks nothing against a checksum database, and has an empty module cache under `home`. */
export function goClient(home: string, proxy: string, options: GoClientOptions = {}): GoClient {
  const moduleCache = join(home, 'mod');
  mkdirSync(home, { recursive: true });
  const base: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    GOENV: 'off',
    GOPATH: home,
    GOMODCACHE: moduleCache,
    GOCACHE: options.buildCache ?? join(home, 'build'),
    GOPROXY: proxy,
    GOSUMDB: 'off',
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-modcacherw -trimpath',
    GOTELEMETRY: 'off',
    CGO_ENABLED: '0',
    ...options.env,
  };
  const run = async (
    folder: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Ran> => {
    try {
      const done = await promisify(execFile)(options.program ?? 'go', args, {
        cwd: folder,
        env: { ...base, ...env },
        maxBuffer: 64 << 20,
        timeout: options.patienceMs ?? 0,
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
