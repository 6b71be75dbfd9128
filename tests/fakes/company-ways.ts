/** A host with a door for each way of being let in, and one that speaks plain http alone; with their real names and ports. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateAuthority } from './certificates.ts';
import { madeUpModule } from './content.ts';
import { makeRepository } from './git-repositories.ts';
import { basic, bearer, type GitServer, importPage, startGitServer } from './git-server.ts';
import type { GitServerFault } from './git-server-faults.ts';
import type { GitServerRequest } from './git-server.ts';

/** Below them on ways.example is a module `lib` each, v1.0.0. */
const WAYS = ['helper', 'command', 'netrc', 'changing', 'open', 'refused'] as const;
/** What lets somebody in: none may be seen anywhere. `plain` is for the host without TLS, `proxy` for the one that serves a module as zip. */
export type WaySecrets = Readonly<Record<'helper' | 'command' | 'netrc' | 'changing' | 'plain' | 'proxy', string>>;

export interface HostOfWays {
  readonly secrets: WaySecrets;
  readonly repositories: string;
  /** A hosts file with `ways.example`, and with `plain.example` and `strict.example`, which have no TLS. */
  readonly hosts: string;
  /** Of the authority that vouches for ways.example. */
  readonly authority: string;
  readonly secured: GitServer;
  readonly plain: GitServer;
  close(): Promise<void>;
}

const PROXIED = madeUpModule('ways.example/proxy/lib', 'v1.0.0');

/** Starts it at `address` and, without TLS, at `plainAddress`; what it needs goes to `scratch`. Close it. */
export async function startHostOfWays(scratch: string, address: string, plainAddress: string): Promise<HostOfWays> {
  const repositories = join(scratch, 'repositories');
  await makeRepositories(repositories);
  mkdirSync(join(scratch, 'ca'));
  const authority = new CertificateAuthority(join(scratch, 'ca'));
  const [hosts, pem] = [join(scratch, 'hosts'), join(scratch, 'ca.pem')];
  writeFileSync(pem, authority.certificate.cert);
  const names = `${address} ways.example\n${plainAddress} plain.example strict.example\n`;
  writeFileSync(hosts, `127.0.0.1 localhost\n${names}`);
  const secrets = newSecrets();
  const tls = authority.issue({ names: 'DNS:ways.example' });
  const doors = [
    { prefix: '/helper/', accepts: [basic('helped', secrets.helper)] },
    { prefix: '/command/', accepts: [bearer(secrets.command)] },
    { prefix: '/netrc/', accepts: [basic('listed', secrets.netrc)] },
    { prefix: '/changing/', accepts: [basic('git', secrets.changing)] },
  ];
  const secured = await startGitServer({ repositories, tls, doors, address, port: 443 });
  const plainDoor = { prefix: '/open/', accepts: [basic('unprotected', secrets.plain)] };
  const plain = await startGitServer({ repositories, doors: [plainDoor], address: plainAddress, port: 80 });
  putPages(secured, plain);
  secured.fault((request) => proxyAnswer(request, basic('git', secrets.proxy)));
  const close = async (): Promise<void> => void (await Promise.all([secured.close(), plain.close()]));
  return { secrets, repositories, hosts, authority: pem, secured, plain, close };
}

async function makeRepositories(folder: string): Promise<void> {
  const commitOf = (module: string, at = '', tag = 'v1.0.0') => ({
    files: { [`${at}go.mod`]: `module ${module}\n\ngo 1.17\n`, [`${at}lib.go`]: 'package lib\n' },
    tags: [tag],
  });
  for (const way of WAYS) {
    const host = way === 'open' ? 'plain.example' : 'ways.example';
    await makeRepository(join(folder, way, 'lib.git'), { commits: [commitOf(`${host}/${way}/lib`)] });
  }
  await makeRepository(join(folder, 'mono.git'), {
    commits: [commitOf('ways.example/deep', 'go/deep/', 'go/deep/v1.0.0')],
  });
  await makeRepository(join(folder, 'drift/lib.git'), { commits: [commitOf('ways.example/drift/lib')] });
}

function putPages(secured: GitServer, plain: GitServer): void {
  for (const name of ['helper', 'command', 'netrc', 'changing', 'refused', 'drift']) {
    const module = `ways.example/${name}/lib`;
    secured.page(`/${name}/lib`, importPage(module, 'git', `https://${module}.git`));
  }
  secured.page('/proxy/lib', importPage('ways.example/proxy/lib', 'mod', 'https://ways.example/proxy/store'));
  secured.page('/deep', importPage('ways.example/deep', 'git', 'https://ways.example/mono.git', 'go/deep'));
  for (const host of ['plain.example', 'strict.example'])
    plain.page(`${host}/open/lib`, importPage(`${host}/open/lib`, 'git', `http://${host}/open/lib.git`));
}

/** Of the module proxy that a page names; undefined for what it is not asked. */
function proxyAnswer({ target, headers }: GitServerRequest, accepts: string): GitServerFault | undefined {
  const place = '/proxy/store/';
  if (!target.startsWith(place)) return undefined;
  if (headers.authorization !== accepts) return { answer: { status: 401 } };
  const body = PROXIED.get(target.slice(place.length));
  return { answer: body === undefined ? { status: 404 } : { status: 200, body } };
}

function newSecrets(): WaySecrets {
  const secret = (way: string): string => `canary-${way}-${randomBytes(12).toString('hex')}`;
  return {
    helper: secret('helper'),
    command: secret('command'),
    netrc: secret('netrc'),
    changing: secret('changing'),
    plain: secret('plain'),
    proxy: secret('proxy'),
  };
}
