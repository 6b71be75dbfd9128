/**
 * Runs inside a network namespace where every address of every forbidden range is this machine: tries to get there by every spelling and every way that an address comes
 * to us, with the guard and without it. Prints what was reached as JSON. Started by egress.test.ts.
 */
import { execFile } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { createServer as createSink } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { NO_CREDENTIALS } from '../../src/credentials/credentials.ts';
import { createEgressGuard } from '../../src/io/egress/egress-guard.ts';
import type { EgressGuard } from '../../src/io/egress/guard.ts';
import { readEgressRules } from '../../src/io/egress/rules.ts';
import { HttpClient } from '../../src/io/http-client.ts';
import { createDispatchers } from '../../src/io/http-dispatcher.ts';
import { parseModulePath } from '../../src/gomod/module.ts';
import { ClaimedRepositories } from '../../src/sources/vcs/claimed-repositories.ts';
import { Discovery } from '../../src/sources/vcs/discovery.ts';
import type { GitNetwork } from '../../src/sources/vcs/git-network.ts';
import { createGitNetwork } from '../../src/sources/vcs/network.ts';
import { rewriteBy } from '../../src/sources/vcs/rewrites.ts';
import { systemClock } from '../../src/std/clock.ts';
import { PLAIN_GIT_ENVIRONMENT } from '../fakes/git-repositories.ts';
import { startNameServer } from '../fakes/name-server.ts';
import { FORBIDDEN_HOSTS, FORBIDDEN_NAMES } from './egress-forms.ts';

/** How one way to us ended for each host; keys are hosts. */
export type Outcomes = Readonly<Record<string, { readonly reached: boolean; readonly code: string }>>;

export interface LabReport {
  /** Ways by name; each with the guard and without. */
  readonly ways: Readonly<Record<string, { readonly guarded: Outcomes; readonly open: Outcomes }>>;
  /** Connections to a private address out of 100 tries of a name that changes its address at every question. */
  readonly rebinding: { readonly guarded: number; readonly guardedGood: number; readonly open: number };
}

const PUBLIC = '203.0.113.10';
const FIRST_PORT = 20_000;
const REBIND_PORT = 19_999;
const AT_A_TIME = 16;
const LIMITS = { connectTimeoutMs: 1500, firstByteTimeoutMs: 1500 };
const signal = new AbortController().signal;
const ask = { signal, attempt: 'try', maxBytes: 100_000 };
const scratch = mkdtempSync(join(tmpdir(), 'larder-egress-'));

/** Ports of sinkholes that somebody connected to, at a forbidden address. */
const reached = new Set<number>();
let rebound = 0;

interface Net {
  readonly client: HttpClient;
  readonly network: GitNetwork & { close(): Promise<void> };
  readonly discovery: Discovery;
  readonly close: () => Promise<void>;
}

function netWith(guard: EgressGuard | undefined): Net {
  const o = { ...(guard && { guard }), ...LIMITS };
  const client = new HttpClient({ userAgent: 'larder/test', totalTimeoutMs: 5000, ...o });
  const dispatchers = createDispatchers({ ...o, maxConnections: 8 });
  const knownHostsFile = join(scratch, 'known_hosts');
  const network = createGitNetwork({
    dispatchers,
    guard: guard ?? OPEN,
    credentials: { ...NO_CREDENTIALS, ssh: () => ({ knownHostsFile }) },
    folder: scratch,
    userAgent: 'larder/test',
    idleMs: 3000,
    connectTimeoutMs: 1500,
  });
  const close = async (): Promise<void> => {
    await Promise.all([client.close(), network.close(), dispatchers.destroy()]);
  };
  return { client, network, discovery: discoveryWith(client, guard), close };
}

/** As the server has it; nothing here has a `.git` in its path, or credentials, so nobody is pinged. Modules below public.test/private are private: for them no claim is checked. */
function discoveryWith(client: HttpClient, guard: EgressGuard | undefined): Discovery {
  const pings = { ping: () => Promise.reject(new Error('not used')) };
  const around = { credentials: NO_CREDENTIALS, rewrite: rewriteBy([]), clock: systemClock };
  return new Discovery({
    ...pings,
    ...around,
    pages: client,
    rules: {
      govcs: [],
      isInsecure: () => true,
      isPrivate: (path) => path.startsWith('public.test/private/'),
      aliases: [],
    },
    ...(guard && { claims: new ClaimedRepositories({ ...around, guard, pings }) }),
  });
}

/** No guard at all, for ssh, which is given an address in any case. */
const OPEN: EgressGuard = {
  resolve: async ({ host }) => (await lookup(host, { all: true })).map(({ address }) => address),
  connect: () => Promise.reject(new Error('not used')),
};

/**
 * One way for an address to come to us. `place` is `HOST:PORT`. LFS is none: the relay that git is pointed at passes on the two questions of a fetch, so the place that a
 * repository or a host names for large files is never asked for.
 */
type Way = (place: string, net: Net) => Promise<unknown>;

const WAYS: Readonly<Record<string, Way>> = {
  'a URL over http': (place, { client }) => client.getBytes(new URL(`http://${place}/`), ask),
  'a URL over https': (place, { client }) => client.getBytes(new URL(`https://${place}/`), ask),
  'a redirect': (place, { client }) => client.getBytes(publicPage('to', `http://${place}/`), ask),
  'a go-import page that names a repository': async (place, net) =>
    advertisement(await named('git', `http://${place}/repo`, net), net),
  'a go-import page of a private module': async (place, net) =>
    advertisement(await named('private', `http://${place}/repo`, net), net),
  'a go-import page that names a proxy': async (place, net) => {
    const { href } = await named('mod', `http://${place}/proxy`, net);
    await net.client.getBytes(new URL(`${href}/example.com/m/@v/list`), ask);
  },
  // One process each is dear.
  'git, itself, by a sample': (place, net) => lsRemote(new URL(`http://${place}/repo`), net),
  'git, by a redirect': (place, net) => advertisement(publicRepository(`https://${place}/repo`), net),
  'git over ssh': (place, net) =>
    lsRemote(new URL(place.includes('@') ? `ssh://${place}/repo` : `ssh://git@${place}/repo`), net),
};

function publicPage(kind: 'to', target: string): URL {
  return new URL(`http://${PUBLIC}/${kind}/${Buffer.from(target).toString('hex')}`);
}

function publicRepository(target: string): URL {
  return new URL(`http://${PUBLIC}/repo/${Buffer.from(target).toString('hex')}`);
}

/** What discovery makes of a page at the public host that says that its module is kept at `target`. */
async function named(kind: 'git' | 'private' | 'mod', target: string, { discovery }: Net): Promise<URL> {
  const module = parseModulePath(`public.test/${kind}/${Buffer.from(target).toString('hex')}`);
  return rewriteBy([])((await discovery.find(module, { signal })).url);
}

/** The first question of git, put by hand: for the many. */
async function advertisement(url: URL, { network }: Net): Promise<void> {
  const remote = await network.open(url, ask);
  try {
    await new Promise<void>((resolve, reject) => {
      const [name = '', key = ''] = (remote.environment['GIT_CONFIG_VALUE_0'] ?? '').split(': ');
      const question = get(`${remote.url}/info/refs?service=git-upload-pack`, { headers: { [name]: key } }, (answer) =>
        answer.resume().on('end', resolve),
      );
      question.on('error', reject);
    });
    throw remote.failure() ?? new Error('answered');
  } finally {
    remote.close();
  }
}

async function lsRemote(url: URL, { network }: Net): Promise<void> {
  const remote = await network.open(url, ask);
  try {
    const env = { ...PLAIN_GIT_ENVIRONMENT, ...remote.environment };
    await promisify(execFile)('git', ['ls-remote', remote.url], { cwd: scratch, env }).catch(() => undefined);
    throw remote.failure() ?? new Error('answered');
  } finally {
    remote.close();
  }
}

/** All hosts by one way, some at a time. Each host has a port of its own, by which it is known who got where. */
async function tryAll(name: string, guard: EgressGuard | undefined): Promise<Outcomes> {
  const hosts = [...FORBIDDEN_HOSTS.entries()].filter(([i]) => !name.endsWith('sample') || i % 12 === 0);
  const way = WAYS[name] as Way;
  const net = netWith(guard);
  reached.clear();
  const codes = new Map<string, string>();
  const left = hosts.values();
  const work = async (): Promise<void> => {
    for (const [i, host] of left) codes.set(host, await codeOf(way, `${host}:${FIRST_PORT + i}`, net));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  // What is connected is accepted a moment later.
  await sleep(150);
  await net.close();
  return Object.fromEntries(
    hosts.map(([i, host]) => [host, { reached: reached.has(FIRST_PORT + i), code: codes.get(host) ?? '' }]),
  );
}

async function codeOf(way: Way, place: string, net: Net): Promise<string> {
  try {
    await way(place, net);
    return 'ok';
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error);
  }
}

async function rebinding(guard: EgressGuard): Promise<LabReport['rebinding']> {
  const url = new URL(`http://rebind.test:${REBIND_PORT}/`);
  const count = async (once: () => Promise<boolean>): Promise<{ private: number; good: number }> => {
    rebound = 0;
    let good = 0;
    for (let i = 0; i < 100; i++) if (await once()) good++;
    await sleep(100);
    return { private: rebound, good };
  };
  const tryWith = (net: Net) => async (): Promise<boolean> =>
    (await codeOf(() => net.client.getBytes(url, ask), '', net)) === 'ok';
  const guarded = netWith(guard);
  const open = netWith(undefined);
  const behind = await count(tryWith(guarded));
  // What a check that does not pin comes to: look the name up, find it good, and connect by name.
  const naive = await count(async () => {
    const { address } = await lookup('rebind.test', { family: 4 });
    return address === PUBLIC && (await tryWith(open)());
  });
  await Promise.all([guarded.close(), open.close()]);
  return { guarded: behind.private, guardedGood: behind.good, open: naive.private };
}

/** The one host that may be reached: redirects and pages as its paths say. */
async function startPublicHost(): Promise<void> {
  const server = createServer((request, response) => {
    const [, kind, target = ''] = (request.url ?? '').replace(/\?.*/, '').split('/');
    const text = Buffer.from(target, 'hex').toString();
    // In a header only ASCII arrives as what it is.
    const url = text.replace(/[^ -~]/gu, encodeURIComponent);
    if (kind === 'to') response.writeHead(302, { location: url }).end();
    else if (kind === 'repo') response.writeHead(302, { location: `${url}/info/refs?service=git-upload-pack` }).end();
    else response.end(pageOf(`public.test/${kind}/${target}`, kind === 'mod' ? 'mod' : 'git', text));
  });
  await new Promise<void>((resolve) => server.listen(80, PUBLIC, resolve));
}

function pageOf(prefix: string, vcs: string, url: string): string {
  return `<meta name="go-import" content="${prefix} ${vcs} ${url}">`;
}

/** Listens on a port at every address of this machine. */
async function startSinkhole(port: number, onForbidden: () => void): Promise<void> {
  const server = createSink((socket) => {
    if (socket.localAddress?.endsWith(PUBLIC) !== true) onForbidden();
    socket.on('error', () => {}).end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(port, '::', 1024, resolve));
}

writeFileSync(join(scratch, 'known_hosts'), '');
await startNameServer({ address: '127.0.0.53', port: 53 }, (name, nth) => {
  if (name === 'public.test') return [PUBLIC];
  return name === 'rebind.test' ? [nth % 2 === 0 ? PUBLIC : '10.0.0.1'] : FORBIDDEN_NAMES[name];
});
await startPublicHost();
for (const i of FORBIDDEN_HOSTS.keys()) await startSinkhole(FIRST_PORT + i, () => reached.add(FIRST_PORT + i));
await startSinkhole(REBIND_PORT, () => rebound++);
// Pages are asked for over https first, where nobody is.
const ports = [80, 443, REBIND_PORT, ...FORBIDDEN_HOSTS.map((_, i) => FIRST_PORT + i)];
const rules = readEgressRules({ allow: [], ports });
const guard = createEgressGuard({ rules });
// Remembers nothing, or the name would be asked for once.
const forgetful = createEgressGuard({ rules, limits: { freshMs: 0, momentMs: 0 } });
const ways: Record<string, { guarded: Outcomes; open: Outcomes }> = {};
for (const name of Object.keys(WAYS))
  ways[name] = { guarded: await tryAll(name, guard), open: await tryAll(name, undefined) };
const report: LabReport = { ways, rebinding: await rebinding(forgetful) };
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(JSON.stringify(report), () => process.exit(0));
