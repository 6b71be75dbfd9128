/** Git over ssh as the network for git sets it up, against Debian's own sshd. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeRepository, PLAIN_GIT_ENVIRONMENT } from '../../../tests/fakes/git-repositories.ts';
import { hasSshServer, type SshServer, startSshServer } from '../../../tests/fakes/ssh-server.ts';
import { skipUnless } from '../../../tests/skip.ts';
import { type Credentials, NO_CREDENTIALS, type SshIdentity } from '../../credentials/credentials.ts';
import { createEgressGuard } from '../../io/egress/egress-guard.ts';
import type { Lookup } from '../../io/egress/names.ts';
import { readEgressRules } from '../../io/egress/rules.ts';
import { createDispatchers } from '../../io/http-dispatcher.ts';
import type { GitNetwork, GitRemote } from './git-network.ts';
import { createGitNetwork } from './network.ts';

const scratch = mkdtempSync(join(tmpdir(), "larder ssh'$HOME "));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Settings {
  readonly identity?: SshIdentity;
  readonly allow?: readonly string[];
  readonly lookup?: Lookup;
  readonly folder?: string;
}

function networkWith({
  identity = {},
  allow = ['127.0.0.1', 'git.test'],
  lookup,
  folder = scratch,
}: Settings = {}): GitNetwork {
  const guard = createEgressGuard({
    rules: readEgressRules({ allow, ports: [22, 443] }),
    lookup: lookup ?? (() => Promise.resolve(['127.0.0.1'])),
  });
  const dispatchers = createDispatchers({ connectTimeoutMs: 1000, firstByteTimeoutMs: 1000, maxConnections: 8, guard });
  const credentials: Credentials = { ...NO_CREDENTIALS, ssh: () => identity, advice: () => 'set sshKey for it' };
  const network = createGitNetwork({
    guard,
    dispatchers,
    credentials,
    folder,
    userAgent: 'larder/test',
    idleMs: 20_000,
    connectTimeoutMs: 10_000,
  });
  closers.push(
    () => dispatchers.destroy(),
    () => network.close(),
  );
  return network;
}

async function opened(network: GitNetwork, url: string): Promise<GitRemote> {
  return await network.open(new URL(url), { attempt: 'fetch x.test/tool', signal: new AbortController().signal });
}

async function lsRemote({ url, environment }: GitRemote): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...PLAIN_GIT_ENVIRONMENT, ...environment };
  try {
    return { code: 0, ...(await promisify(execFile)('git', ['ls-remote', url], { cwd: scratch, env })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

describe('a URL', () => {
  const identity = { knownHostsFile: '/etc/hosts' };

  test.each(['git://git.test/x', 'file:///etc', 'ftp://git.test/x', 'ext::sh', 'git+ssh://git.test/x'])(
    '%s is no way to reach a repository',
    async (url) => {
      await expect(opened(networkWith({ identity }), url)).rejects.toMatchObject({
        code: 'POLICY_DENIED',
        message: expect.stringContaining('fetch x.test/tool'),
      });
    },
  );

  test.each([
    'ssh://-oProxyCommand=touch%20x/x',
    'ssh://%2DoProxyCommand=x/x',
    'ssh://-oProxyCommand=x@git.test/x',
    'ssh://git%20-x@git.test/x',
    'ssh://$(touch x)@git.test/x',
    'ssh://`x`@git.test/x',
    'ssh://u;x@git.test/x',
    'ssh://git.test/-x',
    'ssh://git.test/',
    'ssh://git.test',
    'ssh://git:secret@git.test/x',
    'ssh://git.test/x?y',
    'ssh://git.test/x#y',
    'ssh://a%0Ab/x',
  ])('%s is refused', async (url) => {
    await expect(opened(networkWith({ identity, allow: ['git.test'] }), url)).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      message: expect.not.stringContaining('secret'),
    });
  });

  test('of a host that is not allowed is refused, and so is a port', async () => {
    const lookup: Lookup = () => Promise.resolve(['10.0.0.1']);
    for (const url of [
      'ssh://git@elsewhere.test/x',
      'ssh://git@0x7f.1/x',
      'ssh://git@[::1]/x',
      'ssh://git@1.1.1.1:2222/x',
    ])
      await expect(opened(networkWith({ identity, lookup, allow: [] }), url)).rejects.toMatchObject({
        code: 'POLICY_DENIED',
        message: expect.stringContaining('egress.allow'),
      });
  });

  test('of a host whose key nobody knows is refused with the key to set', async () => {
    await expect(opened(networkWith(), 'ssh://git@git.test/x')).rejects.toMatchObject({
      code: 'AUTH_REQUIRED',
      message: expect.stringMatching(
        /ssh:\/\/git\.test:22: no host key of it is known, so nothing is sent: set sshKey for it$/,
      ),
    });
  });

  test('of a file that ssh would read as something else is refused', async () => {
    for (const file of ['relative', '/a"b', '/a\nb', '/a%h', '/${HOME}/x', '/~/x', '/a\\b'])
      await expect(
        opened(networkWith({ identity: { knownHostsFile: file } }), 'ssh://git@git.test/x'),
      ).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('absolute names without quotes'),
      });
  });
});

describe('what ssh is told', () => {
  const folder = mkdtempSync(join(tmpdir(), 'larder told '));
  const known = join(folder, 'known hosts');
  writeFileSync(known, '');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const told = async (
    url: string,
    identity: SshIdentity = {},
    allow = ['git.test', '::1', '127.0.0.1'],
  ): Promise<string> => {
    const own = mkdtempSync(join(scratch, 'told-'));
    const network = networkWith({ identity: { knownHostsFile: known, ...identity }, folder: own, allow });
    const remote = await opened(network, url);
    const [name = ''] = readdirSync(own);
    const text = readFileSync(join(own, name, 'config'), 'utf8');
    remote.close();
    expect(readdirSync(own)).toEqual([]);
    return text;
  };

  test('is the checked address, and the name for the host key', async () => {
    expect(await told('ssh://git@Git.Test/x')).toMatch(/\n {2}Hostname 127\.0\.0\.1\n {2}HostKeyAlias git\.test\n/);
    expect(await told('ssh://git@git.test:2222/x')).toContain('HostKeyAlias [git.test]:2222\n');
    expect(await told('ssh://git@[::1]:2222/x')).toMatch(/Hostname ::1\n {2}HostKeyAlias \[::1\]:2222\n/);
    expect(await told('ssh://git@0x7f.1/x')).toMatch(/Hostname 127\.0\.0\.1\n {2}HostKeyAlias 127\.0\.0\.1\n/);
  });

  test('is one key or none, and no agent', async () => {
    expect(await told('ssh://git@git.test/x', { keyFile: known })).toContain(`IdentityFile "${known}"\n`);
    const text = await told('ssh://git@git.test/x');
    // Else ssh offers what lies in the home of the account.
    expect(text).toContain('  IdentityFile none\n');
    expect(text).toMatch(/IdentitiesOnly yes\n {2}IdentityAgent none\n/);
  });

  test('holds for ssh itself: no command, no forwarding, no other file', async () => {
    const file = join(scratch, 'checked');
    writeFileSync(file, await told('ssh://git@git.test:2222/x'));
    const { stdout } = await promisify(execFile)('ssh', ['-F', file, '-G', 'git.test']);
    const options = new Map(stdout.split('\n').map((line) => [line.split(' ')[0], line.split(' ').slice(1).join(' ')]));
    expect(Object.fromEntries(options)).toMatchObject({
      hostname: '127.0.0.1',
      hostkeyalias: '[git.test]:2222',
      batchmode: 'yes',
      stricthostkeychecking: 'true',
      globalknownhostsfile: '/dev/null',
      userknownhostsfile: known,
      identitiesonly: 'yes',
      identityagent: 'none',
      passwordauthentication: 'no',
      kbdinteractiveauthentication: 'no',
      clearallforwardings: 'yes',
      forwardagent: 'no',
      forwardx11: 'no',
      permitlocalcommand: 'no',
      controlmaster: 'false',
      updatehostkeys: 'false',
      connecttimeout: '10',
    });
    expect([...options.keys()]).not.toContain('proxycommand');
    expect([...options.keys()]).not.toContain('proxyjump');
  });
});

describe('git over ssh', () => {
  skipUnless(hasSshServer(), 'openssh-server is not installed');
  let server: SshServer;
  const plain = mkdtempSync(join(tmpdir(), 'larder-ssh-'));
  const known = join(plain, 'known_hosts');
  const repositories = join(plain, 'repositories');
  beforeAll(async () => {
    if (!hasSshServer()) return;
    await makeRepository(join(repositories, 'acme/tool.git'), { commits: [{ files: { a: '1' }, tags: ['v1.0.0'] }] });
    server = await startSshServer(join(plain, 'sshd'), repositories);
    writeFileSync(known, server.knownHost(`[git.test]:${server.port}`));
  });
  afterAll(async () => {
    await (server as SshServer | undefined)?.close();
    rmSync(plain, { recursive: true, force: true });
  });

  const identity = (): SshIdentity => ({ user: server.user, keyFile: server.keyFile, knownHostsFile: known });
  const url = (): string => `ssh://git.test:${server.port}/acme/tool.git`;
  const failure = async (settings: Settings): Promise<unknown> => {
    const remote = await opened(networkWith(settings), url());
    expect((await lsRemote(remote)).code).not.toBe(0);
    return remote.failure();
  };

  test('works for a name that only the guard resolves, from a folder with any name', async () => {
    const remote = await opened(networkWith({ identity: identity() }), url());
    expect(await lsRemote(remote)).toMatchObject({ code: 0, stdout: expect.stringContaining('refs/tags/v1.0.0') });
    expect(remote.failure()).toBeUndefined();
    expect(existsSync(join(scratch, 'x'))).toBe(false);
    remote.close();
  });

  test('with a key that is not let in is AUTH_REQUIRED with the origin and what to set', async () => {
    for (const keyFile of [server.strangerKeyFile, undefined])
      expect(
        await failure({ identity: { user: server.user, knownHostsFile: known, ...(keyFile && { keyFile }) } }),
      ).toMatchObject({
        code: 'AUTH_REQUIRED',
        message: `fetch x.test/tool: ssh://git.test:${server.port}: it does not let this key in; set sshKey for it`,
      });
  });

  test('with a key file that others may read, or that is none, says so', async () => {
    const [open, junk] = [join(plain, 'open-key'), join(plain, 'junk-key')];
    writeFileSync(open, readFileSync(server.keyFile), { mode: 0o644 });
    writeFileSync(junk, 'junk\n', { mode: 0o600 });
    expect(await failure({ identity: { ...identity(), keyFile: open } })).toMatchObject({
      message: expect.stringMatching(/make it 0600$/),
    });
    expect(await failure({ identity: { ...identity(), keyFile: junk } })).toMatchObject({
      code: 'AUTH_REQUIRED',
      message: expect.stringMatching(/cannot be used as a private key without passphrase$/),
    });
  });

  test('with a file that is not there is not tried', async () => {
    for (const [key, missing] of [
      ['sshKey', { keyFile: '/nowhere/id' }],
      ['knownHosts', { knownHostsFile: '/nowhere/id' }],
    ] as const)
      await expect(opened(networkWith({ identity: { ...identity(), ...missing } }), url())).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: `fetch x.test/tool: ssh://git.test:${server.port}: the file of ${key} in its credentials cannot be read: ENOENT`,
        // For the log: clients are not told where keys lie.
        detail: { file: '/nowhere/id' },
      });
  });

  test('to a host with another key, or one for another port, is not believed', async () => {
    for (const line of [
      server.wrongHost(`[git.test]:${server.port}`),
      server.knownHost('git.test'),
      server.knownHost(`[127.0.0.1]:${server.port}`),
    ]) {
      const file = join(mkdtempSync(join(plain, 'k-')), 'known_hosts');
      writeFileSync(file, line);
      expect(await failure({ identity: { ...identity(), knownHostsFile: file } })).toMatchObject({
        code: 'AUTH_REQUIRED',
        message: expect.stringMatching(/its host key is not the one in the file of knownHosts, [^;]*$/),
      });
    }
    expect(server.commands().filter((one) => !one.includes('/acme/tool.git'))).toEqual([]);
  });

  test('reads nothing of the user that runs it', async () => {
    const home = join(plain, 'home');
    mkdirSync(join(home, '.ssh'), { recursive: true });
    writeFileSync(join(home, '.ssh/config'), `Host *\n  ProxyCommand touch ${join(plain, 'executed')}\n`);
    const remote = await opened(networkWith({ identity: identity() }), url());
    const environment = { ...remote.environment, HOME: home, GIT_SSH: '/bin/false' };
    expect(await lsRemote({ ...remote, environment })).toMatchObject({ code: 0 });
    expect(existsSync(join(plain, 'executed'))).toBe(false);
  });

  test('to nobody is UPSTREAM_UNAVAILABLE', async () => {
    const port = server.port;
    await server.down();
    expect(await failure({ identity: identity() })).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: `fetch x.test/tool: ssh://git.test:${port}: connection refused`,
    });
    await server.up();
  });

  test('for a repository that is not there leaves it to git to say so', async () => {
    const remote = await opened(networkWith({ identity: identity() }), `ssh://git.test:${server.port}/acme/none.git`);
    const { code, stderr } = await lsRemote(remote);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/not/);
    expect([remote.failure(), remote.advice]).toEqual([undefined, 'set sshKey for it']);
  });
});
