/** The git hosts of the tests are real enough for git itself, and go wrong as told. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipUnless } from '../skip.ts';
import { CertificateAuthority, hasOpenssl } from './certificates.ts';
import { growRepository, makeRepository, PLAIN_GIT_ENVIRONMENT, plainGit } from './git-repositories.ts';
import { basic, bearer, type GitServer, importPage, startGitServer } from './git-server.ts';
import { hasSshServer, type SshServer, startSshServer } from './ssh-server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'larder-git-server-'));
const repositories = join(scratch, 'repositories');
let tip = '';

beforeAll(async () => {
  const made = await makeRepository(join(repositories, 'acme/tool.git'), {
    commits: [
      {
        name: 'first',
        files: { 'go.mod': 'module x.test/tool\n', 'bin/run': { mode: '100755', content: '#!' } },
        tags: ['v1.0.0'],
      },
      { name: 'side', on: 'dev', from: 'first', files: { 'naïve "x"\n.go': 'package x\n' }, annotated: ['sub/v0.1.0'] },
      { name: 'tip', merge: ['side'], files: { link: { mode: '120000', content: 'go.mod' }, bin: null } },
    ],
  });
  tip = made.commits.get('tip') ?? '';
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function git(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)('git', args, {
    cwd: scratch,
    env: { ...PLAIN_GIT_ENVIRONMENT, ...env },
  });
  return stdout;
}

describe('a made repository', () => {
  test('has the commits, tags and files of its specification, and the same hashes every time', async () => {
    const folder = join(repositories, 'acme/tool.git');
    expect(plainGit(folder, ['fsck', '--strict'])).toBe('');
    expect(plainGit(folder, ['ls-tree', '-r', 'dev', '--format=%(objectmode) %(path)']).split('\n')).toEqual([
      '100755 bin/run',
      '100644 go.mod',
      '100644 "na\\303\\257ve \\"x\\"\\n.go"',
    ]);
    expect(plainGit(folder, ['for-each-ref', '--format=%(objecttype) %(refname)']).split('\n')).toEqual([
      'commit refs/heads/dev',
      'commit refs/heads/main',
      'tag refs/tags/sub/v0.1.0',
      'commit refs/tags/v1.0.0',
    ]);
    expect(plainGit(folder, ['rev-parse', 'main'])).toBe(tip);
    expect(tip).toBe('390c40bee08d226d4d1fffed2f746a506c9d7cf5');
  });

  test('grows on its branches, and tags move', async () => {
    const folder = join(scratch, 'grows.git');
    await makeRepository(folder, { commits: [{ files: { a: '1' }, tags: ['v1.0.0'] }], objectFormat: 'sha256' });
    const { commits } = await growRepository(folder, [{ name: 'next', files: { b: '2' }, tags: ['v1.0.0'] }]);
    expect(plainGit(folder, ['rev-list', '--count', 'v1.0.0'])).toBe('2');
    expect(commits.get('next')).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a git server over https', () => {
  skipUnless(hasOpenssl(), 'openssl is not installed');
  let server: GitServer;
  const trusted = { GIT_SSL_CAINFO: join(scratch, 'ca.pem') };
  beforeAll(async () => {
    const authority = new CertificateAuthority(mkdtempSync(join(scratch, 'ca-')));
    writeFileSync(trusted.GIT_SSL_CAINFO, authority.certificate.cert);
    server = await startGitServer({
      repositories,
      tls: authority.issue({ names: 'IP:127.0.0.1' }),
      doors: [{ prefix: '/closed/', accepts: [basic('u', 'p'), bearer('t'), 'PRIVATE-TOKEN: g'] }],
    });
  });
  afterAll(() => server.close());

  test('is cloned by git, with and without .git', async () => {
    for (const path of ['acme/tool', 'acme/tool.git']) {
      server.clearLog();
      await git(['clone', '-q', '--bare', `${server.origin}/${path}`, mkdtempSync(join(scratch, 'clone-'))], trusted);
      expect(server.requests.map(({ kind, status }) => [kind, status])).toEqual([
        ['info-refs', 200],
        ['ls-refs', 200],
        ['fetch', 200],
      ]);
    }
  });

  test('knows no other repositories, and takes no pushes', async () => {
    expect((await ask('/acme/other/info/refs?service=git-upload-pack')).status).toBe(404);
    expect((await ask('/acme/tool.git/info/refs?service=git-receive-pack')).status).toBe(403);
  });

  /** With git's own client of HTTPS: the one of Node does not know the authority. */
  async function ask(path: string, headers: readonly string[] = []): Promise<{ status: number; text: string }> {
    const all = headers.flatMap((line) => ['-H', line]);
    const args = ['-s', '--cacert', trusted.GIT_SSL_CAINFO, '-w', '\n%{http_code}', ...all, `${server.origin}${path}`];
    const { stdout } = await promisify(execFile)('curl', args).catch((error: { stdout: string }) => error);
    const at = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(at + 1)), text: stdout.slice(0, at) };
  }

  test('lets in who knows the word', async () => {
    expect((await ask('/closed/x')).status).toBe(401);
    expect((await ask('/closed/x', ['Authorization: Basic bm8='])).status).toBe(401);
    for (const line of [`Authorization: ${basic('u', 'p')}`, 'Authorization: Bearer t', 'Private-Token: g'])
      expect((await ask('/closed/x', [line])).status).toBe(404);
  });

  test('has go-import pages', async () => {
    server.page('/x/tool', importPage('x.test/tool', 'git', 'https://x.test/repo'));
    expect(await ask('/x/tool?go-get=1')).toEqual({
      status: 200,
      text: expect.stringContaining('"x.test/tool git https://x.test/repo"'),
    });
    expect(server.count('page', /tool/)).toBe(1);
  });

  test('goes wrong as told', async () => {
    const remove = server.fault(({ kind }) => (kind === 'info-refs' ? { answer: { status: 503 } } : undefined));
    expect((await ask('/acme/tool/info/refs?service=git-upload-pack')).status).toBe(503);
    remove();
    expect((await ask('/acme/tool/info/refs?service=git-upload-pack')).status).toBe(200);
    for (const fault of [{ reset: true }, { cutAfter: 10 }, { hang: 'after-head' as const }]) {
      const end = server.fault(() => fault);
      const target = `${server.origin}/acme/tool/info/refs?service=git-upload-pack`;
      const args = ['-s', '--max-time', '2', '--cacert', trusted.GIT_SSL_CAINFO, target];
      await expect(promisify(execFile)('curl', args)).rejects.toThrow('Command failed');
      end();
    }
  });

  test('goes away and comes back', async () => {
    await server.down();
    expect((await ask('/acme/tool/info/refs')).status).toBe(0);
    await server.up();
    expect((await ask('/acme/tool/info/refs?service=git-upload-pack')).status).toBe(200);
  });
});

describe('a git server over ssh', () => {
  skipUnless(hasSshServer(), 'sshd is not installed');
  let server: SshServer;
  beforeAll(async () => {
    if (hasSshServer()) server = await startSshServer(join(scratch, 'ssh'), repositories);
  });
  afterAll(() => server?.close());

  async function list(known: string, key: string): Promise<string> {
    writeFileSync(join(scratch, 'known_hosts'), known);
    const options = [
      'IdentitiesOnly=yes',
      'BatchMode=yes',
      'StrictHostKeyChecking=yes',
      `UserKnownHostsFile=${join(scratch, 'known_hosts')}`,
      'HostKeyAlias=git.corp.example',
    ];
    const command = `ssh -F none -i ${key} ${options.map((one) => `-o ${one}`).join(' ')}`;
    return await git(['ls-remote', `ssh://${server.user}@127.0.0.1:${server.port}/acme/tool`], {
      GIT_SSH_COMMAND: command,
    });
  }

  test('is read by git with the right key, from the right host', async () => {
    expect(await list(server.knownHost('git.corp.example'), server.keyFile)).toContain(`${tip}\trefs/heads/main`);
    expect(server.commands()).toEqual(["git-upload-pack '/acme/tool'"]);
  });

  test('and by nobody else', async () => {
    await expect(list(server.knownHost('git.corp.example'), server.strangerKeyFile)).rejects.toThrow(
      'Permission denied',
    );
    await expect(list(server.wrongHost('git.corp.example'), server.keyFile)).rejects.toThrow(
      'Host key verification failed',
    );
    expect(readFileSync(join(scratch, 'ssh/commands'), 'utf8').split('\n')).toHaveLength(2);
  });

  test('goes away and comes back', async () => {
    await server.down();
    await expect(list(server.knownHost('git.corp.example'), server.keyFile)).rejects.toThrow('Connection refused');
    await server.up();
    expect(await list(server.knownHost('git.corp.example'), server.keyFile)).toContain(tip);
  });
});
