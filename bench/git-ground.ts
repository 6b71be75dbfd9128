/** What the cases about repositories work on: a git host over TLS on loopback, the go command that asks it directly, and a Larder that does. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CertificateAuthority } from '../tests/fakes/certificates.ts';
import { type GitServer, startGitServer } from '../tests/fakes/git-server.ts';
import type { Ground } from './cases.ts';
import { startLarder, type Subject } from './processes.ts';

/** The name that modules have for the host. */
export const HOST = 'git.corp.example';

/** A host whose certificate both sides trust, and how each of them is told where it is. */
export interface GitGround {
  readonly host: GitServer;
  /** Where its repositories lie. */
  readonly repositories: string;
  /** For the go command and its git. */
  readonly goEnv: Readonly<Record<string, string>>;
  /** A Larder on both cores, that takes modules of HOST from the host. Stop it. */
  larder(name: string, set?: readonly string[]): Promise<Subject & { readonly pid: number }>;
}

/** What `measure` finds with a git host. */
export async function withGitHost<T>(ground: Ground, measure: (on: GitGround) => Promise<T>): Promise<T> {
  const folder = join(ground.scratch, 'git');
  rmSync(folder, { recursive: true, force: true });
  const repositories = join(folder, 'repositories');
  makeFolder(repositories);
  const authority = new CertificateAuthority(makeFolder(join(folder, 'authority')));
  const tls = authority.issue({ names: 'DNS:localhost,IP:127.0.0.1' });
  const host = await startGitServer({ repositories, tls });
  const ca = join(folder, 'ca.pem');
  const gitConfig = join(folder, 'gitconfig');
  writeFileSync(ca, authority.certificate.cert);
  writeFileSync(gitConfig, `[url "${host.origin}/"]\n\tinsteadOf = https://${HOST}/\n`);
  const goEnv = { SSL_CERT_FILE: ca, GIT_SSL_CAINFO: ca, GIT_CONFIG_GLOBAL: gitConfig, GIT_CONFIG_NOSYSTEM: '1' };
  try {
    return await measure({
      host,
      repositories,
      goEnv,
      larder: (name, set = []) =>
        startLarder(ground.dist, {
          data: join(folder, name),
          upstream: 'off',
          cores: '0,1',
          env: { SSL_CERT_FILE: ca, LARDER_PRIVATE: HOST },
          set: [`git.rewrites=https://${HOST}/=${host.origin}/`, ...set],
        }),
    });
  } finally {
    await host.close();
  }
}

function makeFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}

/** Milliseconds of `go mod download` of one version into the GOPATH `home`. Fails with what go said. */
export async function goDownload(
  module: string,
  o: { readonly home: string; readonly proxy: string; readonly env: Readonly<Record<string, string>> },
): Promise<number> {
  mkdirSync(o.home, { recursive: true });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: o.home,
    GOPATH: o.home,
    GOENV: 'off',
    GOFLAGS: '-modcacherw',
    GOPROXY: o.proxy,
    GONOPROXY: 'none',
    GONOSUMDB: HOST,
    GOSUMDB: 'off',
    GOTOOLCHAIN: 'local',
    GOTELEMETRY: 'off',
    GOVCS: '*:git',
    ...o.env,
  };
  const started = performance.now();
  await promisify(execFile)('go', ['mod', 'download', module], { cwd: o.home, env });
  return performance.now() - started;
}
