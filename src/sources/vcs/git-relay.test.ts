/** Real git, pointed at the relay, fetches from a real `git http-backend`, which goes wrong as told. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CertificateAuthority, hasOpenssl } from '../../../tests/fakes/certificates.ts';
import { makeRepository, PLAIN_GIT_ENVIRONMENT, plainGit } from '../../../tests/fakes/git-repositories.ts';
import { basic, type GitServer, startGitServer } from '../../../tests/fakes/git-server.ts';
import type { GitServerFault } from '../../../tests/fakes/git-server-faults.ts';
import { skipUnless } from '../../../tests/skip.ts';
import { type Credentials, NO_CREDENTIALS } from '../../credentials/credentials.ts';
import { createEgressGuard } from '../../io/egress/egress-guard.ts';
import { type NamedTarget, readEgressRules } from '../../io/egress/rules.ts';
import { createDispatchers } from '../../io/http-dispatcher.ts';
import type { HttpTls } from '../../io/http-tls.ts';
import type { GitRemote } from './git-network.ts';
import { GitRelay } from './git-relay.ts';
import { withHiddenValues } from '../../std/secret.ts';

const scratch = mkdtempSync(join(tmpdir(), 'larder-relay-'));
const repositories = join(scratch, 'repositories');
let tip = '';
let server: GitServer;
/** The same over https. */
let other: GitServer;
let tls: HttpTls = {};
const closers: (() => unknown)[] = [];

skipUnless(hasOpenssl(), 'openssl is not installed');
beforeAll(async () => {
  if (!hasOpenssl()) return;
  const spec = {
    commits: [{ name: 'tip', files: { 'go.mod': 'module x\n', noise: noise(400_000) }, tags: ['v1.0.0'] }],
  };
  tip = (await makeRepository(join(repositories, 'acme/tool.git'), spec)).commits.get('tip') ?? '';
  await makeRepository(join(repositories, 'closed/tool.git'), spec);
  const doors = [{ prefix: '/closed/', accepts: [basic('u', 'right')] }];
  server = await startGitServer({ repositories, doors });
  const authority = new CertificateAuthority(mkdtempSync(join(scratch, 'ca-')));
  tls = { ca: authority.certificate.cert };
  other = await startGitServer({ repositories, doors, tls: authority.issue({ names: 'IP:127.0.0.1' }) });
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  for (const one of [server, other]) (one as GitServer | undefined)?.clearLog();
});
afterAll(async () => {
  for (const one of [server, other]) await (one as GitServer | undefined)?.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** Bytes that no compression makes small. */
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0, x = 1; i < size; i++) bytes[i] = (x = (x * 48_271) % 2_147_483_647) & 255;
  return bytes;
}

interface RelaySettings {
  readonly credentials?: Pick<Credentials, 'http' | 'refused' | 'advice'>;
  readonly allow?: readonly string[];
  readonly named?: readonly NamedTarget[];
  readonly idleMs?: number;
}

function relayWith({
  credentials = NO_CREDENTIALS,
  allow = ['127.0.0.1', 'localhost'],
  named = [],
  idleMs = 2000,
}: RelaySettings = {}): GitRelay {
  const guard = createEgressGuard({ rules: readEgressRules({ allow, ports: [443], named }) });
  const dispatchers = createDispatchers({
    connectTimeoutMs: 1000,
    firstByteTimeoutMs: 1000,
    maxConnections: 8,
    guard,
    tls,
  });
  const relay = new GitRelay({ dispatchers, credentials, userAgent: 'larder/test', idleMs });
  closers.push(
    () => dispatchers.destroy(),
    () => relay.close(),
  );
  return relay;
}

async function opened(relay: GitRelay, url: string): Promise<GitRemote> {
  return await relay.open(new URL(url), { attempt: 'fetch x.test/tool', signal: new AbortController().signal });
}

interface GitEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function git(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<GitEnd> {
  const how = { cwd: scratch, env: { ...PLAIN_GIT_ENVIRONMENT, ...env } };
  try {
    return { code: 0, ...(await promisify(execFile)('git', args, how)) };
  } catch (error) {
    return error as GitEnd;
  }
}

/** What the relay says about `git ls-remote` of a place with a fault. */
async function failureAt(url: string, settings: RelaySettings = {}): Promise<unknown> {
  const remote = await opened(relayWith(settings), url);
  const { code } = await git(['ls-remote', remote.url], remote.environment);
  expect(code).not.toBe(0);
  return remote.failure();
}

function withFault(kind: 'info-refs' | 'ls-refs' | 'fetch', fault: GitServerFault, at = server): void {
  closers.push(at.fault((one) => (one.kind === kind ? fault : undefined)));
}

function fixed(
  secrets: readonly (string | undefined)[],
): Pick<Credentials, 'http' | 'refused' | 'advice'> & { readonly refusals: number[] } {
  const refusals: number[] = [];
  return {
    refusals,
    http: (url) => {
      const secret = secrets[Math.min(refusals.length, secrets.length - 1)];
      const headers = withHiddenValues({ authorization: basic('u', secret ?? ''), 'x-canary': 'canary' });
      return Promise.resolve(secret === undefined ? undefined : { origin: url.origin, pathPrefix: '/', headers });
    },
    refused: (_, status = 0) => void refusals.push(status),
    advice: () => 'set credentials for it',
  };
}

describe('git behind the relay', () => {
  test('clones, and says who asks', async () => {
    const remote = await opened(relayWith(), `${server.origin}/acme/tool`);
    const folder = mkdtempSync(join(scratch, 'clone-'));
    expect(await git(['clone', '-q', '--bare', remote.url, folder], remote.environment)).toMatchObject({ code: 0 });
    expect(plainGit(folder, ['rev-parse', 'v1.0.0'])).toBe(tip);
    expect(remote.failure()).toBeUndefined();
    expect(server.requests.map(({ kind, status }) => [kind, status])).toEqual([
      ['info-refs', 200],
      ['ls-refs', 200],
      ['fetch', 200],
    ]);
    expect(server.requests[0]?.headers['user-agent']).toMatch(/^git\/\S+ larder\/test$/);
    expect(server.requests[0]?.headers['accept-encoding']).toBe('identity');
  });

  test('speaks the protocol that it wants', async () => {
    for (const version of ['0', '2']) {
      const remote = await opened(relayWith(), `${server.origin}/acme/tool.git/`);
      expect(
        await git(['-c', `protocol.version=${version}`, 'ls-remote', remote.url], remote.environment),
      ).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`${tip}\trefs/tags/v1.0.0`),
      });
    }
  });

  test('sends long questions too', async () => {
    const relay = relayWith();
    const remote = await opened(relay, `${server.origin}/acme/tool`);
    const wants = Array.from({ length: 40_000 }, (_, i) => `0032want ${(i + 1).toString(16).padStart(40, '0')}\n`);
    await ask(remote, { path: '/info/refs?service=git-upload-pack' });
    const sent = `${wants.join('')}00000009done\n`;
    const answer = await ask(remote, { method: 'POST', path: '/git-upload-pack', body: sent });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('not our ref');
    expect(Number(server.requests.at(-1)?.headers['content-length'] ?? 0)).toBe(0);
  });

  test('sees neither credentials nor the URL that it stands for', async () => {
    const remote = await opened(relayWith({ credentials: fixed(['right']) }), `${server.origin}/closed/tool`);
    expect(JSON.stringify(remote)).not.toMatch(/closed|canary|authorization/i);
    const trace = await git(['ls-remote', remote.url], {
      ...remote.environment,
      GIT_TRACE_CURL: '1',
      GIT_TRACE_REDACT: '0',
    });
    expect(trace.code).toBe(0);
    expect(trace.stderr).toContain('info/refs');
    expect(trace.stderr).not.toMatch(/closed|canary|authorization/i);
    expect(server.requests.every(({ headers }) => headers['x-canary'] === 'canary')).toBe(true);
  });
});

interface RawAsk {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What the environment has git say beside the URL. */
function keyOf({ environment }: Pick<GitRemote, 'environment'>): Readonly<Record<string, string>> {
  const [name = '', value = ''] = (environment['GIT_CONFIG_VALUE_0'] ?? '').split(': ');
  return name === '' ? {} : { [name]: value };
}

/** A request to the relay as git would not make it. */
async function ask(
  remote: Pick<GitRemote, 'url' | 'environment'>,
  { method = 'GET', path, headers = {}, body }: RawAsk,
): Promise<{ status: number; text: string }> {
  const { hostname, port, pathname } = new URL(remote.url);
  const type = method === 'POST' ? { 'content-type': 'application/x-git-upload-pack-request' } : {};
  return await new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, method, path: pathname + path, headers: { ...type, ...keyOf(remote), ...headers } },
      (answer) => {
        let text = '';
        answer.setEncoding('latin1').on('data', (piece: string) => (text += piece));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text })).on('error', reject);
      },
    );
    sent.on('error', reject).end(body);
  });
}

describe('the relay', () => {
  test.each<RawAsk>([
    { path: '/info/refs?service=git-receive-pack' },
    { path: '/info/refs' },
    { path: '/info/refs?service=git-upload-pack&x=1' },
    { path: '/../acme/tool/info/refs?service=git-upload-pack' },
    { path: '/HEAD' },
    { path: '/objects/info/alternates' },
    { path: '/objects/info/http-alternates' },
    { path: '/objects/info/packs' },
    { path: '/info/lfs/objects/batch', method: 'POST', headers: { 'content-type': 'application/vnd.git-lfs+json' } },
    { path: '/git-receive-pack', method: 'POST' },
    { path: '/git-upload-archive', method: 'POST' },
    { path: '/git-upload-pack', method: 'POST', headers: { 'content-type': 'text/plain' } },
    { path: '/git-upload-pack', method: 'PUT' },
    { path: '/info/refs?service=git-upload-pack', method: 'POST' },
    { path: '' },
  ])('passes nothing on but the two questions of a fetch: $method $path', async (raw) => {
    const remote = await opened(relayWith(), `${server.origin}/acme/tool`);
    expect((await ask(remote, raw)).status).toBe(403);
    expect(server.requests).toEqual([]);
    expect((await ask(remote, { path: '/info/refs?service=git-upload-pack' })).status).toBe(200);
  });

  test('knows a repository by the name that its command got, until it is closed', async () => {
    const remote = await opened(relayWith(), `${server.origin}/acme/tool`);
    const path = '/info/refs?service=git-upload-pack';
    const { origin } = new URL(remote.url);
    expect(remote.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/);
    for (const id of ['0'.repeat(32), '', 'acme/tool', 'x'.repeat(32)])
      expect((await ask({ ...remote, url: `${origin}/${id}` }, { path })).status).toBe(403);
    remote.close();
    expect((await ask(remote, { path })).status).toBe(403);
    expect(server.requests).toEqual([]);
  });

  test('asks for objects only where refs were answered', async () => {
    const remote = await opened(relayWith(), `${server.origin}/acme/tool`);
    expect((await ask(remote, { method: 'POST', path: '/git-upload-pack', body: '0000' })).status).toBe(502);
    expect(server.requests).toEqual([]);
  });

  test('passes no header of git on that it does not know', async () => {
    const remote = await opened(relayWith(), `${server.origin}/acme/tool`);
    const headers = {
      authorization: 'Basic x',
      cookie: 'x',
      'x-forwarded-for': 'x',
      'git-protocol': 'version=2:evil=1',
    };
    await ask(remote, { path: '/info/refs?service=git-upload-pack', headers });
    expect(Object.keys(server.requests[0]?.headers ?? {}).toSorted()).toEqual([
      'accept-encoding',
      'connection',
      'host',
      'pragma',
      'user-agent',
    ]);
  });

  test('breaks off what is under way when it is closed', async () => {
    withFault('fetch', { hang: 'after-head' });
    const remote = await opened(relayWith({ idleMs: 60_000 }), `${server.origin}/acme/tool`);
    const cloning = git(
      ['clone', '-q', '--bare', remote.url, mkdtempSync(join(scratch, 'clone-'))],
      remote.environment,
    );
    await expect.poll(() => server.count('fetch')).toBe(1);
    remote.close();
    expect((await cloning).code).not.toBe(0);
    expect(remote.failure()).toBeUndefined();
  });

  test('serves nobody who knows only what stands in the arguments of git, where every account can read it', async () => {
    const remote = await opened(relayWith({ credentials: fixed(['right']) }), `${server.origin}/closed/tool`);
    const [name = '', key = ''] = Object.entries(keyOf(remote))[0] ?? [];
    for (const headers of [{}, { [name]: '' }, { [name]: '0'.repeat(key.length) }, { [name]: `${key}0` }])
      expect(
        await ask({ ...remote, environment: {} }, { path: '/info/refs?service=git-upload-pack', headers }),
      ).toEqual({
        status: 403,
        text: 'not relayed',
      });
    expect(server.requests).toEqual([]);
    expect(remote.url).not.toContain(key);
    // Positive control.
    expect(await ask(remote, { path: '/info/refs?service=git-upload-pack' })).toMatchObject({ status: 200 });
  });

  test('takes from the origin only what git takes from it', async () => {
    withFault('info-refs', { endless: Buffer.alloc(65_536, 'x') });
    const remote = await opened(relayWith(), `${server.origin}/acme/tool`);
    const { hostname, port, pathname } = new URL(remote.url);
    const before = process.memoryUsage().rss;
    const how = { hostname, port, path: `${pathname}/info/refs?service=git-upload-pack`, headers: keyOf(remote) };
    const sent = request(how, (answer) => answer.pause()).end();
    sent.on('error', () => {});
    await sleep(700);
    expect(process.memoryUsage().rss - before).toBeLessThan(48 << 20);
    sent.destroy();
  });
});

test('a redirect to another host leads to nothing that the operator named for another purpose', async () => {
  const inside = { host: 'localhost', port: other.port };
  const named = [{ host: '127.0.0.1', port: server.port }, inside];
  withFault('info-refs', {
    redirect: { to: `https://localhost:${other.port}/acme/tool/info/refs?service=git-upload-pack` },
  });
  const place = `${server.origin}/acme/tool`;
  expect(await failureAt(place, { allow: [], named })).toMatchObject({
    code: 'POLICY_DENIED',
    message: expect.stringContaining('put localhost into egress.allow'),
  });
  // Positive control: who allows it gets there, and is shown a certificate, which happens to be for another name.
  expect(await failureAt(place, { allow: ['localhost'], named })).toMatchObject({
    detail: { tls: expect.any(String) },
  });
});

describe('credentials', () => {
  const closed = (): string => `${server.origin}/closed/tool`;

  test('let git in that knows nothing of them', async () => {
    const remote = await opened(relayWith({ credentials: fixed(['right']) }), closed());
    expect(await git(['ls-remote', remote.url], remote.environment)).toMatchObject({ code: 0 });
  });

  test('are asked for once more when a helper has others', async () => {
    const credentials = fixed(['wrong', 'right']);
    const remote = await opened(relayWith({ credentials }), closed());
    expect(await git(['ls-remote', remote.url], remote.environment)).toMatchObject({ code: 0 });
    expect(credentials.refusals).toEqual([401]);
    expect(remote.failure()).toBeUndefined();
  });

  test.each([['wrong'], [undefined]])(
    'that are wrong (%s) are AUTH_REQUIRED with the origin and what to set',
    async (secret) => {
      expect(await failureAt(closed(), { credentials: fixed([secret]) })).toMatchObject({
        code: 'AUTH_REQUIRED',
        message: `fetch x.test/tool: ${server.origin} answered 401, so it wants credentials or has no such repository: set credentials for it`,
      });
      expect(server.requests).toHaveLength(1);
    },
  );

  test('that cannot be read fail with that', async () => {
    const { AppError } = await import('../../std/errors.ts');
    const broken = {
      ...fixed([]),
      http: () => Promise.reject(new AppError('CONFIG_INVALID', 'read /x/token: no such file')),
    };
    expect(await failureAt(closed(), { credentials: broken })).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(server.requests).toEqual([]);
  });

  test('do not follow a redirect to another origin', async () => {
    withFault('info-refs', { redirect: { to: `${other.origin}/closed/tool/info/refs?service=git-upload-pack` } });
    expect(await failureAt(closed(), { credentials: fixed(['right']) })).toMatchObject({
      code: 'AUTH_REQUIRED',
      message: expect.stringContaining('credentials are not sent where a redirect leads'),
    });
    // The control: the first place got them.
    expect(server.requests[0]?.headers).toMatchObject({ 'x-canary': 'canary' });
    expect(other.requests).toHaveLength(1);
    expect(JSON.stringify(other.requests)).not.toMatch(/canary|Basic/);
  });

  test('stay below their prefix', async () => {
    const credentials = fixed(['right']);
    const http: Credentials['http'] = async (url, o) => {
      const one = await credentials.http(url, o);
      return one && { ...one, pathPrefix: '/closed/' };
    };
    const target = `${server.origin}/acme/tool/info/refs?service=git-upload-pack`;
    closers.push(
      server.fault(({ target: asked }) => (asked.startsWith('/closed/') ? { redirect: { to: target } } : undefined)),
    );
    const remote = await opened(relayWith({ credentials: { ...credentials, http } }), closed());
    expect(await git(['ls-remote', remote.url], remote.environment)).toMatchObject({ code: 0 });
    expect(server.requests.map(({ headers }) => headers['x-canary'])).toEqual(['canary', undefined, undefined]);
  });
});

describe('redirects', () => {
  const to = (at: GitServer, path: string): string => `${at.origin}${path}/info/refs?service=git-upload-pack`;

  test('of the first question are followed, and the second goes where that led', async () => {
    closers.push(
      server.fault(({ target }) =>
        target.startsWith('/old/') ? { redirect: { to: to(server, '/acme/tool.git') } } : undefined,
      ),
    );
    const remote = await opened(relayWith(), `${server.origin}/old/name`);
    expect(
      await git(['clone', '-q', '--bare', remote.url, mkdtempSync(join(scratch, 'clone-'))], remote.environment),
    ).toMatchObject({
      code: 0,
    });
    expect(server.requests.map(({ target }) => target.replace(/\?.*/, ''))).toEqual([
      '/old/name/info/refs',
      '/acme/tool.git/info/refs',
      '/acme/tool.git/git-upload-pack',
      '/acme/tool.git/git-upload-pack',
    ]);
  });

  test('in a circle end', async () => {
    withFault('info-refs', { redirect: { to: to(server, '/acme/tool') } });
    expect(await failureAt(`${server.origin}/acme/tool`)).toMatchObject({
      code: 'UPSTREAM_BAD_RESPONSE',
      message: 'fetch x.test/tool: stopped after 5 redirects',
    });
    expect(server.requests).toHaveLength(6);
  });

  test.each([
    ['/login', 'to a place that is no repository'],
    ['/acme/tool/info/refs?service=git-receive-pack', 'to a place that is no repository'],
    ['ftp://127.0.0.1/x/info/refs?service=git-upload-pack', 'not http or https'],
    ['file:///etc/info/refs?service=git-upload-pack', 'not http or https'],
    ['http://localhost:1/x/info/refs?service=git-upload-pack', 'plain http at another place refused'],
  ])('to %s are refused', async (target, words) => {
    const type = { 'content-type': 'application/x-git-upload-pack-advertisement' };
    closers.push(
      server.fault((one) =>
        one.target.startsWith('/login') || one.target.includes('receive')
          ? { answer: { status: 200, headers: type, body: '' } }
          : undefined,
      ),
    );
    closers.push(
      server.fault((one) =>
        one.target.startsWith('/acme/tool/info/refs?service=git-upload') ? { redirect: { to: target } } : undefined,
      ),
    );
    expect(await failureAt(`${server.origin}/acme/tool`)).toMatchObject({
      code: 'UPSTREAM_BAD_RESPONSE',
      message: expect.stringContaining(words),
    });
  });

  test('from https to http are refused', async () => {
    withFault('info-refs', { redirect: { to: to(server, '/acme/tool') } }, other);
    expect(await failureAt(`${other.origin}/acme/tool`)).toMatchObject({
      code: 'UPSTREAM_BAD_RESPONSE',
      message: expect.stringContaining('plain http'),
    });
    expect(server.requests).toEqual([]);
  });

  test('from http to https are followed', async () => {
    withFault('info-refs', { redirect: { to: to(other, '/acme/tool') } });
    const remote = await opened(relayWith(), `${server.origin}/acme/tool`);
    expect(await git(['ls-remote', remote.url], remote.environment)).toMatchObject({ code: 0 });
    expect(other.count('ls-refs')).toBe(1);
  });

  test('of the second question are refused', async () => {
    withFault('ls-refs', { redirect: { to: `${server.origin}/acme/tool/git-upload-pack`, status: 307 } });
    expect(await failureAt(`${server.origin}/acme/tool`)).toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
    expect(server.count('ls-refs')).toBe(1);
  });

  test('to what the guard does not allow go nowhere', async () => {
    withFault('info-refs', { redirect: { to: `https://127.0.0.2:${other.port}/x/info/refs?service=git-upload-pack` } });
    expect(await failureAt(`${server.origin}/acme/tool`)).toMatchObject({
      code: 'POLICY_DENIED',
      message: expect.stringContaining('egress.allow'),
    });
  });
});

/** A thousand lines of a list of refs. */
const REFS = Buffer.from(`003d${'1'.repeat(40)} refs/heads/0123\n`.repeat(1000));

describe('a failure is told as what it is', () => {
  const html = { 'content-type': 'text/html' };
  test.each<[string, 'info-refs' | 'ls-refs', GitServerFault, string, string]>([
    ['403', 'info-refs', { answer: { status: 403 } }, 'AUTH_REQUIRED', 'answered 403'],
    ['404', 'info-refs', { answer: { status: 404 } }, 'NOT_FOUND', 'repository not found'],
    ['410', 'info-refs', { answer: { status: 410 } }, 'NOT_FOUND', 'repository not found'],
    ['500', 'info-refs', { answer: { status: 500 } }, 'UPSTREAM_UNAVAILABLE', 'answered 500'],
    ['503', 'ls-refs', { answer: { status: 503 } }, 'UPSTREAM_UNAVAILABLE', 'answered 503'],
    ['429', 'info-refs', { answer: { status: 429 } }, 'UPSTREAM_UNAVAILABLE', 'answered 429'],
    ['418', 'info-refs', { answer: { status: 418 } }, 'UPSTREAM_BAD_RESPONSE', 'answered 418'],
    [
      'a login page',
      'info-refs',
      { answer: { status: 200, headers: html, body: '<html>' } },
      'UPSTREAM_BAD_RESPONSE',
      'perhaps for logging in',
    ],
    [
      'a dumb server',
      'info-refs',
      { answer: { status: 200, headers: { 'content-type': 'text/plain' }, body: `${'1'.repeat(40)}\trefs/heads/x\n` } },
      'UPSTREAM_BAD_RESPONSE',
      'smart HTTP',
    ],
    [
      'a page for objects',
      'ls-refs',
      { answer: { status: 200, headers: html, body: '<html>' } },
      'UPSTREAM_BAD_RESPONSE',
      'perhaps for logging in',
    ],
    [
      'an odd encoding',
      'info-refs',
      { headers: { 'content-encoding': 'br' } },
      'UPSTREAM_BAD_RESPONSE',
      'in an encoding',
    ],
    ['no answer', 'info-refs', { hang: 'before-head' }, 'UPSTREAM_TIMEOUT', 'no answer in time'],
    ['a stall', 'ls-refs', { hang: 'after-head' }, 'UPSTREAM_TIMEOUT', 'stalled'],
    ['a reset', 'info-refs', { reset: true }, 'UPSTREAM_UNAVAILABLE', 'connection'],
    ['a cut', 'ls-refs', { cutAfter: 20 }, 'UPSTREAM_UNAVAILABLE', 'connection'],
  ])('%s', async (_, kind, fault, code, words) => {
    withFault(kind, fault);
    expect(await failureAt(`${server.origin}/acme/tool`, { idleMs: 300 })).toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`^fetch x\\.test/tool: .*${words}`)),
    });
  });

  test('404 of a host that asks strangers for credentials', async () => {
    const status = (known: boolean): GitServerFault => ({ answer: { status: known ? 404 : 401 } });
    closers.push(server.fault(({ headers }) => status(headers.authorization !== undefined)));
    expect(await failureAt(`${server.origin}/acme/tool`, { credentials: fixed(['right']) })).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('repository not found'),
    });
  });

  test('404 of a host that says so to everybody', async () => {
    withFault('info-refs', { answer: { status: 404 } });
    expect(await failureAt(`${server.origin}/acme/tool`, { credentials: fixed(['wrong']) })).toMatchObject({
      code: 'AUTH_REQUIRED',
      message: expect.stringMatching(/answered 404.*these credentials: set credentials for it/),
    });
  });

  test.each<[string, GitServerFault]>([
    ['a list of refs without end', { rewrite: (body) => body.subarray(0, -4), endless: REFS }],
    [
      'one that is packed small',
      {
        rewrite: (body) => gzipSync(Buffer.concat([body.subarray(0, -4), ...Array.from({ length: 1200 }, () => REFS)])),
        headers: { 'content-encoding': 'gzip' },
      },
    ],
  ])('%s', async (_, fault) => {
    withFault('ls-refs', fault);
    expect(await failureAt(`${server.origin}/acme/tool`)).toMatchObject({
      code: 'TOO_LARGE',
      message: 'fetch x.test/tool: the list of branches and tags is larger than 200000 of them',
    });
  });

  test('nobody there', async () => {
    expect(await failureAt('http://127.0.0.1:1/acme/tool')).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: 'fetch x.test/tool: connection refused',
    });
  });

  test('not allowed', async () => {
    expect(await failureAt(`${server.origin}/acme/tool`, { allow: [] })).toMatchObject({ code: 'POLICY_DENIED' });
    expect(server.requests).toEqual([]);
  });
});
