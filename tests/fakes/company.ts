/** A private company on loopback: `git.corp.example` over https and ssh, `go.corp.example` with pages alone, and its part of `github.com`; with their real names and ports. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { CertificateAuthority } from './certificates.ts';
import { type CompanyModule, makeCompanyModules } from './company-modules.ts';
import { basic, type GitServer, importPage, startGitServer } from './git-server.ts';
import { type SshServer, startSshServer } from './ssh-server.ts';

export interface Company {
  readonly modules: readonly CompanyModule[];
  readonly repositories: string;
  readonly git: GitServer;
  readonly ssh: SshServer;
  /** Where all its hosts are. */
  readonly address: string;
  /** A hosts file that says so. */
  readonly hosts: string;
  /** Of the authority that vouches for its hosts. */
  readonly authority: string;
  /** What lets somebody in: none of them may be seen anywhere. */
  readonly secrets: CompanySecrets;
  close(): Promise<void>;
}

export interface CompanySecrets {
  /** Token for what git.corp.example has below /platform. */
  readonly platform: string;
  /** Password of the user `builder` for what it has below /security over https. */
  readonly security: string;
  /** Token for github.com/acme. */
  readonly github: string;
}

const HOSTS = ['git.corp.example', 'go.corp.example', 'github.com'];

/** An address of this machine whose ports for names, ssh and https this process may listen at; undefined when it may not, or somebody else does. */
export async function addressForHosts(): Promise<string | undefined> {
  const address = `127.${100 + (process.pid % 100)}.${randomBytes(1)[0] ?? 0}.7`;
  const free = await Promise.all([22, 53, 443].map((port) => isFree(port, address)));
  return free.every(Boolean) ? address : undefined;
}

async function isFree(port: number, address: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer().on('error', () => resolve(false));
  server.listen(port, address, () => server.close(() => resolve(true)));
  return await promise;
}

/** Starts it at `address`; what it needs goes to `scratch`. Close it. */
export async function startCompany(scratch: string, address: string): Promise<Company> {
  const repositories = join(scratch, 'repositories');
  const modules = await makeCompanyModules(repositories);
  mkdirSync(join(scratch, 'ca'));
  const authority = new CertificateAuthority(join(scratch, 'ca'));
  writeFileSync(join(scratch, 'ca.pem'), authority.certificate.cert);
  const hosts = join(scratch, 'hosts');
  writeFileSync(hosts, `127.0.0.1 localhost\n${HOSTS.map((host) => `${address} ${host}\n`).join('')}`);
  const secrets = { platform: secret('platform'), security: secret('security'), github: secret('github') };
  const git = await startGitServer({
    repositories,
    tls: authority.issue({ names: HOSTS.map((host) => `DNS:${host}`).join(',') }),
    doors: [
      { prefix: '/platform/', accepts: [basic('git', secrets.platform)] },
      { prefix: '/security/', accepts: [basic('builder', secrets.security)] },
      { prefix: '/acme/', accepts: [basic('x-access-token', secrets.github)], refusal: 404 },
    ],
    address,
    port: 443,
  });
  const ssh = await startSshServer(mkdtempSync(join(scratch, 'sshd-')), repositories, { address, port: 22 });
  for (const { path } of modules) putPage(git, path);
  return {
    modules,
    repositories,
    git,
    ssh,
    address,
    hosts,
    authority: join(scratch, 'ca.pem'),
    secrets,
    close: async () => void (await Promise.all([git.close(), ssh.close()])),
  };
}

/** Told from all other text. */
function secret(name: string): string {
  return `canary-${name}-${randomBytes(12).toString('hex')}`;
}

/** Says which repository the module `path` is in: security's over ssh, with one exception. */
function putPage(git: GitServer, path: string): void {
  const [host = '', team = '', name = ''] = path.split('/');
  if (host === 'github.com') return; // nobody asks there
  const place = path.replace(/\/v\d+$/, '');
  if (host === 'go.corp.example') {
    // The subdirectory is that of the prefix, so each module of the one repository has a prefix of its own.
    const repository = team === 'mono' ? 'platform/mono.git' : 'security/auth';
    const subdirectory = team === 'mono' ? `go/${name}` : '';
    for (const one of [path, place])
      git.page(one, importPage(place, 'git', `https://git.corp.example/${repository}`, subdirectory));
    return;
  }
  const repository = `git.corp.example/${team}/${name}`;
  const scheme = team === 'security' ? `ssh://${userInfo().username}@` : 'https://';
  for (const one of [path, place, repository])
    git.page(one, importPage(repository, 'git', `${scheme}${repository}.git`));
}
