/** The fault proxy makes each fault as clients see it: Node's own, and ours with the words it has for it. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as nodeRequest } from 'node:http';
import { request as nodeTlsRequest } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fault } from '../../src/drill/fault.ts';
import type { FaultProxy } from '../../src/drill/fault-proxy.ts';
import { HttpClient } from '../../src/io/http-client.ts';
import { isAppError, messageOf } from '../../src/std/errors.ts';
import { goVersion } from '../e2e/go-client.ts';
import { bodies } from '../fakes/content.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import { faultyHttp, faultyTcp } from '../fakes/fault-target.ts';
import { Dice } from '../oracle/dice.ts';
import { skipUnless } from '../skip.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const BODY = 'the quick brown fox jumps over the lazy dog\n'.repeat(4);
let asked: string[] = [];
let version = 1;
let origin = '';

beforeEach(async () => {
  asked = [];
  version = 1;
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const body = request.url === '/version' ? `v${version}` : request.url === '/other' ? 'other body' : BODY;
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => (server.closeAllConnections(), server.close()));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

async function proxied(start: (origin: string) => Promise<FaultProxy> = faultyHttp): Promise<FaultProxy> {
  const proxy = await start(origin);
  closers.push(() => proxy.close());
  return proxy;
}

/** How long a client waits for something that hangs, and for all else; ms. */
const HANG_MS = 300;
const PATIENCE_MS = 5000;

function clientOf(proxy: FaultProxy, patienceMs: number): HttpClient {
  const tls = proxy.authority === undefined ? {} : { tls: { ca: proxy.authority } };
  const limits = { connectTimeoutMs: patienceMs, firstByteTimeoutMs: patienceMs, idleTimeoutMs: patienceMs };
  const client = new HttpClient({ userAgent: 'larder/test', ...limits, totalTimeoutMs: 2 * PATIENCE_MS, ...tls });
  closers.push(() => client.close());
  return client;
}

/** What our client says of `/path`: the body, `refused STATUS`, or `CODE: words`. */
async function ours(client: HttpClient, url: string): Promise<string> {
  try {
    const ask = { signal: new AbortController().signal, attempt: 'ask', maxBytes: 10_000 };
    const answer = await client.getBytes(new URL(url), ask);
    if (answer.kind === 'ok') return `200 ${answer.contentType} ${Buffer.from(answer.bytes).toString('latin1')}`;
    return `refused ${answer.status}${answer.retryAfterSeconds === undefined ? '' : ` after ${answer.retryAfterSeconds} s`}`;
  } catch (error) {
    return isAppError(error) ? `${error.code}: ${error.message}` : messageOf(error);
  }
}

/** What Node's own client says: the body, or `error CODE`; `hangs` when nothing happens for so long. */
function nodes(proxy: FaultProxy, path = '/a', patienceMs = PATIENCE_MS): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const ask = proxy.authority === undefined ? nodeRequest : nodeTlsRequest;
  const asking = ask(`${proxy.url}${path}`, { agent: false, ca: proxy.authority }, (answer) => {
    const pieces: Buffer[] = [];
    answer.on('data', (piece: Buffer) => pieces.push(piece));
    answer.on('end', () => resolve(`${answer.statusCode} ${Buffer.concat(pieces).toString('latin1')}`));
    answer.on('error', (error: NodeJS.ErrnoException) => resolve(`error ${error.code}`));
  });
  asking.setTimeout(patienceMs, () => (resolve('hangs'), asking.destroy()));
  asking.on('error', (error: NodeJS.ErrnoException) => resolve(`error ${error.code}`));
  asking.end();
  return promise;
}

const corrupted = Buffer.from(BODY);
corrupted[BODY.length / 2] = (corrupted[BODY.length / 2] ?? 0) ^ 0xff;

interface Row {
  readonly fault: Fault;
  readonly node: string | RegExp;
  readonly ours: string | RegExp;
}

const good = `200 ${BODY}`;
const ourGood = `200 text/plain ${BODY}`;

const ANSWERS: readonly Row[] = [
  { fault: { kind: 'status', status: 503 }, node: /^503/, ours: 'refused 503' },
  { fault: { kind: 'status', status: 429, retryAfter: '7' }, node: /^429/, ours: 'refused 429 after 7 s' },
  {
    fault: { kind: 'truncate' },
    node: 'error ECONNRESET',
    ours: /^UPSTREAM_UNAVAILABLE: ask: .*after 88 of 176 bytes/,
  },
  { fault: { kind: 'truncate', bytes: 0 }, node: 'error ECONNRESET', ours: /^UPSTREAM_UNAVAILABLE: / },
  {
    fault: { kind: 'content-length', is: 'short' },
    node: 'error HPE_CLOSED_CONNECTION',
    ours: `200 text/plain ${BODY.slice(0, -7)}`,
  },
  {
    fault: { kind: 'content-length', is: 'long' },
    node: 'error ECONNRESET',
    ours: /^UPSTREAM_UNAVAILABLE: ask: .*176 of 183/,
  },
  { fault: { kind: 'content-length', is: 'none' }, node: good, ours: ourGood },
  {
    fault: { kind: 'corrupt' },
    node: `200 ${corrupted.toString('latin1')}`,
    ours: `200 text/plain ${corrupted.toString('latin1')}`,
  },
  { fault: { kind: 'swap', path: '/other' }, node: '200 other body', ours: '200 text/plain other body' },
  { fault: { kind: 'html' }, node: /^200 <!DOCTYPE html>/, ours: /^200 text\/html; charset=utf-8 <!DOCTYPE/ },
  { fault: { kind: 'json' }, node: /^200 \{"status"/, ours: /^200 application\/json / },
  {
    fault: { kind: 'encoding', is: 'gzip' },
    node: /^200 [^ -~]/,
    ours: /^UPSTREAM_BAD_RESPONSE: .*"gzip" although/,
  },
  {
    fault: { kind: 'encoding', is: 'double' },
    node: /^200 [^ -~]/,
    ours: /^UPSTREAM_BAD_RESPONSE: .*"gzip, gzip"/,
  },
  { fault: { kind: 'encoding', is: 'claimed' }, node: good, ours: /^UPSTREAM_BAD_RESPONSE: .*"gzip" although/ },
  { fault: { kind: 'redirect' }, node: /^302/, ours: /^200 text\/html; charset=utf-8 <!DOCTYPE/ },
  { fault: { kind: 'informational', count: 50 }, node: good, ours: ourGood },
  { fault: { kind: 'trickle', bytes: 100, everyMs: 20 }, node: good, ours: ourGood },
  { fault: { kind: 'trickle', bytes: 1, everyMs: 2 }, node: good, ours: ourGood },
  {
    fault: { kind: 'duplicate-header', name: 'content-length', value: '3' },
    node: 'error HPE_UNEXPECTED_CONTENT_LENGTH',
    ours: /^UPSTREAM_UNAVAILABLE: ask: connection /,
  },
  {
    fault: { kind: 'duplicate-header', name: 'content-type', value: 'text/html' },
    node: good,
    ours: /^200 text\/plain, text\/html /,
  },
  { fault: { kind: 'hang', after: 'request' }, node: 'hangs', ours: /^UPSTREAM_TIMEOUT: ask: no answer/ },
  { fault: { kind: 'hang', after: 'head' }, node: 'hangs', ours: /^UPSTREAM_TIMEOUT: ask: stalled after 0 of 176/ },
  { fault: { kind: 'delay', ms: 50 }, node: good, ours: ourGood },
];

const CONNECTIONS: readonly Row[] = [
  { fault: { kind: 'latency', ms: 50, jitterMs: 20 }, node: good, ours: ourGood },
  { fault: { kind: 'bandwidth', bytesPerSecond: 20_000 }, node: good, ours: ourGood },
  { fault: { kind: 'slicer', bytes: 40, everyMs: 5 }, node: good, ours: ourGood },
  { fault: { kind: 'slow-close', ms: 50 }, node: good, ours: ourGood },
  { fault: { kind: 'timeout', ms: 0 }, node: 'hangs', ours: /^UPSTREAM_TIMEOUT: ask: no answer/ },
  {
    fault: { kind: 'timeout', ms: 100 },
    node: 'error ECONNRESET',
    ours: /^UPSTREAM_UNAVAILABLE: ask: connection (closed|reset)/,
  },
  { fault: { kind: 'silence' }, node: 'hangs', ours: /^UPSTREAM_TIMEOUT: ask: no answer/ },
  { fault: { kind: 'reset' }, node: 'error ECONNRESET', ours: /^UPSTREAM_UNAVAILABLE: ask: connection reset/ },
  {
    fault: { kind: 'limit-data', bytes: 20 },
    node: 'error ECONNRESET',
    ours: /^UPSTREAM_UNAVAILABLE: ask: connection /,
  },
  {
    fault: { kind: 'limit-data', bytes: 250 },
    node: 'error ECONNRESET',
    ours: /^UPSTREAM_UNAVAILABLE: ask: .* of 176 bytes/,
  },
  { fault: { kind: 'refuse' }, node: 'error ECONNREFUSED', ours: /^UPSTREAM_UNAVAILABLE: ask: connection refused/ },
];

const TLS: readonly Row[] = [
  { fault: { kind: 'certificate', is: 'expired' }, node: 'error CERT_HAS_EXPIRED', ours: /certificate has expired$/ },
  {
    fault: { kind: 'certificate', is: 'not-yet-valid' },
    node: 'error CERT_NOT_YET_VALID',
    ours: /certificate is not yet valid$/,
  },
  {
    fault: { kind: 'certificate', is: 'wrong-name' },
    node: 'error ERR_TLS_CERT_ALTNAME_INVALID',
    ours: /certificate is for another name$/,
  },
  {
    fault: { kind: 'certificate', is: 'self-signed' },
    node: 'error DEPTH_ZERO_SELF_SIGNED_CERT',
    ours: /certificate is self-signed$/,
  },
  {
    fault: { kind: 'certificate', is: 'unknown-authority' },
    node: 'error UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ours: /unknown authority$/,
  },
  { fault: { kind: 'old-tls' }, node: /^error E/, ours: /^UPSTREAM_UNAVAILABLE: ask: TLS version is too old$/ },
  { fault: { kind: 'handshake-stall' }, node: 'hangs', ours: /^UPSTREAM_TIMEOUT: ask: no (connection|answer)/ },
];

/** Faults of a connection of which clients say the same over TLS. */
const ALIKE_OVER_TLS: ReadonlySet<string> = new Set(['latency', 'bandwidth', 'slicer', 'slow-close', 'refuse']);

function expectSaid(said: string, wanted: string | RegExp): void {
  if (typeof wanted === 'string') expect(said).toBe(wanted);
  else expect(said).toMatch(wanted);
}

async function holds(proxy: FaultProxy, { fault, node, ours: wanted }: Row): Promise<void> {
  expect(await nodes(proxy)).toBe(good);
  await proxy.set([fault]);
  const patienceMs = node === 'hangs' ? HANG_MS : PATIENCE_MS;
  expectSaid(await nodes(proxy, '/a', patienceMs), node);
  expectSaid(await ours(clientOf(proxy, patienceMs), `${proxy.url}/a`), wanted);
  await proxy.clear();
  expect(await nodes(proxy)).toBe(good);
  expect(await ours(clientOf(proxy, PATIENCE_MS), `${proxy.url}/a`)).toBe(ourGood);
}

const named = (rows: readonly Row[]): (readonly [string, Row])[] =>
  rows.map((row) => [JSON.stringify(row.fault), row] as const);

describe('of an answer', () => {
  test.each(named(ANSWERS))('%s', async (_, row) => holds(await proxied(), row));
});

describe('of a connection', () => {
  test.each(named(CONNECTIONS))('%s, before HTTP', async (_, row) => holds(await proxied(), row));
  test.each(named(CONNECTIONS))('%s, before bytes', async (_, row) =>
    holds(await proxied((base) => faultyTcp(Number(new URL(base).port))), row),
  );
});

describe('of the handshake', () => {
  const tls = (base: string): Promise<FaultProxy> => faultyHttp(base, { tls: {} });
  test.each(named(TLS))('%s', async (_, row) => holds(await proxied(tls), row));
  test.each(named(ANSWERS.slice(0, 9)))('%s, over TLS', async (_, row) => holds(await proxied(tls), row));
  // Of the others clients say what happened to the handshake, in words of their own.
  const alike = CONNECTIONS.filter(({ fault }) => ALIKE_OVER_TLS.has(fault.kind));
  test.each(named(alike))('%s, over TLS', async (_, row) => holds(await proxied(tls), row));
});

/** One connection that stays open, asked by hand. */
async function openConnection(proxy: FaultProxy) {
  const socket = connect(proxy.port, '127.0.0.1');
  let said = '';
  let isEnded = false;
  socket.on('data', (data: Buffer) => (said += data.toString('latin1')));
  socket.on('error', () => (isEnded = true));
  socket.on('close', () => (isEnded = true));
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  closers.push(() => socket.destroy());
  const ask = (path = '/a'): unknown => socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  return { ask, said: () => said, isEnded: () => isEnded };
}

describe('rules', () => {
  test('hit the connections and requests that they name, and others not', async () => {
    const proxy = await proxied();
    const fault = { kind: 'status', status: 503 } as const;
    await proxy.set([{ fault, when: ({ request }) => request?.path === '/bad' }]);
    expect(await nodes(proxy, '/bad')).toMatch(/^503/);
    expect(await nodes(proxy, '/a')).toBe(good);
    await proxy.set([{ fault: { kind: 'reset' }, when: ({ connection }) => connection % 2 === 1 }]);
    const said = [await nodes(proxy), await nodes(proxy), await nodes(proxy), await nodes(proxy)];
    expect(said).toEqual([good, 'error ECONNRESET', good, 'error ECONNRESET']);
  });

  test('hit a share of all, the same for the same seed, and so often as they say', async () => {
    const runs: string[][] = [];
    for (let run = 0; run < 2; run++) {
      const dice = new Dice(7);
      const proxy = await proxied((base) => faultyHttp(base, { random: () => dice.below(1000) / 1000 }));
      await proxy.set([{ fault: { kind: 'status', status: 500 }, share: 0.5 }]);
      const said: string[] = [];
      for (let n = 0; n < 30; n++) said.push((await nodes(proxy)).slice(0, 3));
      runs.push(said);
    }
    expect(runs[0]).toEqual(runs[1]);
    const hit = runs[0]?.filter((one) => one === '500').length ?? 0;
    expect(hit).toBeGreaterThan(5);
    expect(hit).toBeLessThan(25);
    const proxy = await proxied();
    await proxy.set([{ fault: { kind: 'status', status: 500 }, times: 2 }]);
    expect([await nodes(proxy), await nodes(proxy), await nodes(proxy)].map((one) => one.slice(0, 3))).toEqual([
      '500',
      '500',
      '200',
    ]);
  });

  test('go together: the answer of one, late by another, in pieces by a third', async () => {
    const proxy = await proxied();
    await proxy.set([
      { kind: 'status', status: 500, body: 'x'.repeat(1000) },
      { kind: 'delay', ms: 60 },
      { kind: 'slicer', bytes: 500, everyMs: 30 },
    ]);
    const startedAt = performance.now();
    expect(await nodes(proxy)).toBe(`500 ${'x'.repeat(1000)}`);
    expect(performance.now() - startedAt).toBeGreaterThan(85);
  });

  test('that this proxy cannot make are refused, and change nothing', async () => {
    const proxy = await proxied();
    await proxy.set([{ kind: 'status', status: 503 }]);
    await expect(proxy.set([{ kind: 'old-tls' }])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await nodes(proxy)).toMatch(/^503/);
    const bytes = await proxied((base) => faultyTcp(Number(new URL(base).port)));
    await expect(bytes.set([{ kind: 'html' }])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('while it runs', () => {
  test('what is held goes on when the fault is taken away', async () => {
    const proxy = await proxied();
    const connection = await openConnection(proxy);
    await proxy.set([{ kind: 'timeout', ms: 0 }]);
    connection.ask();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([connection.said(), asked]).toEqual(['', []]);
    await proxy.clear();
    await expect.poll(() => connection.said()).toContain(BODY);
    expect(asked).toEqual(['/a']);
  });

  test('a half-open connection is dead for ever and nobody is told, and a new one is well', async () => {
    const proxy = await proxied();
    const connection = await openConnection(proxy);
    connection.ask();
    await expect.poll(() => connection.said()).toContain(BODY);
    await proxy.set([{ kind: 'half-open' }]);
    await proxy.clear();
    connection.ask('/again');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(asked).toEqual(['/a']);
    expect(connection.isEnded()).toBe(false);
    expect(await nodes(proxy)).toBe(good);
  });

  test('silence spares what is open', async () => {
    const proxy = await proxied();
    const connection = await openConnection(proxy);
    await expect.poll(() => proxy.log.openConnections).toBe(1);
    await proxy.set([{ kind: 'silence' }]);
    connection.ask();
    await expect.poll(() => connection.said()).toContain(BODY);
    expect(await nodes(proxy, '/a', HANG_MS)).toBe('hangs');
  });

  test('a refusing proxy resets what is open, and is at the same port afterwards', async () => {
    const proxy = await proxied();
    const connection = await openConnection(proxy);
    await expect.poll(() => proxy.log.openConnections).toBe(1);
    const { port } = proxy;
    await proxy.set([{ kind: 'refuse' }]);
    await expect.poll(() => connection.isEnded()).toBe(true);
    await proxy.clear();
    expect(proxy.port).toBe(port);
    expect(await nodes(proxy)).toBe(good);
  });

  test('a refusing one whose port is taken says so, and does as it is told once the port is free', async () => {
    const proxy = await proxied();
    await proxy.set([{ kind: 'refuse' }]);
    const taker = createServer();
    await new Promise<void>((resolve) => taker.listen(proxy.port, '127.0.0.1', resolve));
    closers.push(() => taker.close());
    await expect(proxy.clear()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await new Promise((resolve) => taker.close(resolve));
    await proxy.set([{ kind: 'status', status: 503 }]);
    expect(await nodes(proxy)).toMatch(/^503/);
  });

  test('one that could not listen again can be closed', async () => {
    const proxy = await faultyHttp(origin);
    await proxy.set([{ kind: 'refuse' }]);
    const taker = createServer();
    await new Promise<void>((resolve) => taker.listen(proxy.port, '127.0.0.1', resolve));
    closers.push(() => taker.close());
    await expect(proxy.clear()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await proxy.close();
  });

  test('a stale one answers as before, where it had answered, and anew once it is well', async () => {
    const proxy = await proxied();
    expect(await nodes(proxy, '/version')).toBe('200 v1');
    version = 2;
    await proxy.set([{ kind: 'stale' }]);
    expect(await nodes(proxy, '/version')).toBe('200 v1');
    expect(await nodes(proxy, '/other')).toBe('200 other body');
    await proxy.clear();
    expect(await nodes(proxy, '/version')).toBe('200 v2');
  });

  test('latency and bandwidth take the time that they say', async () => {
    const proxy = await proxied();
    const took = async (fault: Fault): Promise<number> => {
      await proxy.set([fault]);
      const startedAt = performance.now();
      expect(await nodes(proxy)).toBe(good);
      return performance.now() - startedAt;
    };
    expect(await took({ kind: 'latency', ms: 120 })).toBeGreaterThan(115);
    // A head and a body of some 350 bytes.
    expect(await took({ kind: 'bandwidth', bytesPerSecond: 1000 })).toBeGreaterThan(150);
  });

  test('its log has connections, requests with what hit them, and bytes', async () => {
    const proxy = await proxied();
    await nodes(proxy, '/a?b=c');
    await proxy.set([
      { kind: 'latency', ms: 1 },
      { kind: 'status', status: 429 },
    ]);
    await nodes(proxy, '/x');
    expect(proxy.log).toMatchObject({ connections: 2, requestCount: 2 });
    expect(proxy.log.requests).toMatchObject([
      { method: 'GET', path: '/a?b=c', connection: 0, faults: [], status: 200 },
      { method: 'GET', path: '/x', connection: 1, faults: ['latency', 'status'], status: 429 },
    ]);
    expect(proxy.log.receivedBytes).toBeGreaterThan(100);
    expect(proxy.log.sentBytes).toBeGreaterThan(BODY.length);
    await expect.poll(() => proxy.log.openConnections).toBe(0);
  });

  test('a target that is not there is told as 502, before HTTP; before bytes the connection is reset', async () => {
    const http = await proxied(() => faultyHttp('http://127.0.0.1:9'));
    expect(await nodes(http)).toMatch(/^502 the target behind the fault proxy: connect ECONNREFUSED/);
    const bytes = await proxied(() => faultyTcp(9));
    expect(await nodes(bytes)).toBe('error ECONNRESET');
  });
});

describe('the real go command', () => {
  skipUnless(goVersion() !== undefined, 'go is not installed');
  const target = 'example.com/m/@v/v1.0.0.info';
  const upstream = bodies({
    [target]: '{"Version":"v1.0.0"}',
    'example.com/m/@v/v1.0.0.mod': 'module example.com/m\n',
  });

  test.each([
    [undefined, /"Version": "v1.0.0"/],
    [{ kind: 'status', status: 503 }, /503 /],
    [{ kind: 'reset' }, /connection reset by peer|EOF/],
    [{ kind: 'refuse' }, /connection refused/],
    [{ kind: 'truncate' }, /unexpected EOF/],
    [{ kind: 'html' }, /invalid character '<'/],
    [{ kind: 'encoding', is: 'claimed' }, /gzip: invalid header/],
    [{ kind: 'informational', count: 5 }, /"Version": "v1.0.0"/],
    [{ kind: 'slicer', bytes: 10, everyMs: 2 }, /"Version": "v1.0.0"/],
  ] as const)(
    'sees %j',
    async (fault, says) => {
      const fake = await startFakeUpstream({ content: [upstream] });
      closers.push(() => fake.close());
      const proxy = await proxied(() => faultyHttp(fake.origin));
      if (fault !== undefined) await proxy.set([fault]);
      expect(await goList(`${proxy.url}/mod`)).toMatch(says);
    },
    60_000,
  );

  test('does not believe a certificate of an unknown authority, nor an expired one', async () => {
    const fake = await startFakeUpstream({ content: [upstream] });
    closers.push(() => fake.close());
    const proxy = await proxied(() => faultyHttp(fake.origin, { tls: {} }));
    const file = join(home, 'authority.pem');
    writeFileSync(file, proxy.authority ?? '');
    const trusting = { SSL_CERT_FILE: file };
    expect(await goList(`${proxy.url}/mod`)).toMatch(/certificate signed by unknown authority/);
    expect(await goList(`${proxy.url}/mod`, trusting)).toMatch(/"Version": "v1.0.0"/);
    await proxy.set([{ kind: 'certificate', is: 'expired' }]);
    expect(await goList(`${proxy.url}/mod`, trusting)).toMatch(/certificate has expired/);
    await proxy.set([{ kind: 'certificate', is: 'wrong-name' }]);
    expect(await goList(`${proxy.url}/mod`, trusting)).toMatch(/doesn't contain any IP SANs|not 127.0.0.1|valid for/);
  }, 60_000);
});

const home = mkdtempSync(join(tmpdir(), 'larder-fault-go-'));
afterAll(() => {
  chmodSync(home, 0o700);
  rmSync(home, { recursive: true, force: true });
});
let nthCache = 0;

/** What go says of the module, asked of `proxy` alone with nothing stored. */
async function goList(proxy: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    GOPATH: join(home, `path${nthCache++}`),
    GOCACHE: join(home, 'cache'),
    GOFLAGS: '-modcacherw',
    GOPROXY: proxy,
    GONOSUMDB: '*',
    GOENV: 'off',
    GOTOOLCHAIN: 'local',
    ...more,
  };
  const asked = promisify(execFile)('go', ['list', '-m', '-json', 'example.com/m@v1.0.0'], { cwd: home, env });
  return await asked.then(
    ({ stdout }) => stdout,
    (error: { readonly stderr?: string }) => error.stderr ?? messageOf(error),
  );
}
