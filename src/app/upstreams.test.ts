/** Upstreams, routes and peers through a whole Larder: who is asked for what, with what, and who is not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bodies } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { startForwardProxy } from '../../tests/fakes/forward-proxy.ts';
import { loadConfig } from '../config/load.ts';
import { composeLarder } from './compose.ts';
import { findUnusable } from './preflight.ts';

let folder = '';
const closers: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-upstreams-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

const module = 'example.com/m';
const GO_MOD = `${module}/@v/v1.0.0.mod`;

/** An upstream that has the module, with a list that says which one it is. */
async function upstream(listed = 'v1.0.0', more: Readonly<Record<string, string>> = {}): Promise<FakeUpstream> {
  const content = {
    [`${module}/@v/list`]: `${listed}\n`,
    [`${module}/@v/${listed}.info`]: `{"Version":"${listed}"}`,
    [GO_MOD]: `module ${module}\n`,
    ...more,
  };
  const fake = await startFakeUpstream({ content: [bodies(content)] });
  closers.push(() => fake.close());
  return fake;
}

function configOf(file: string, environment: Readonly<Record<string, string>> = {}) {
  const path = join(folder, 'larder.yaml');
  const shared = `listen: 127.0.0.1:0\ndata: ${join(folder, 'data')}\nsumdb: {database: off}\n`;
  writeFileSync(path, `${shared}${file.includes('log:') ? '' : 'log: {level: silent}\n'}${file}`);
  const around = { environment: { GOENV: 'off', ...environment }, folder, home: folder, localNames: [] };
  const loaded = loadConfig({ values: new Map(), sets: [] }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

/** Starts a Larder, and gives how to ask it. */
async function serve(file: string, environment: Readonly<Record<string, string>> = {}) {
  const log = join(folder, 'log');
  const around = { version: '0.0.0', environment, home: folder, logTo: log };
  const larder = await composeLarder(configOf(file, environment), around);
  closers.push(() => larder.stopNow());
  const { host, port } = await larder.start();
  return async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`http://${host}:${port}/${path}`, { headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
}

/** What was asked beside probes. */
function asked(fake: FakeUpstream): readonly string[] {
  return fake.requests.map(({ target }) => target).filter((target) => !target.startsWith('rsc.io/'));
}

const broken = (): { readonly answer: { readonly status: number } } => ({ answer: { status: 500 } });

describe('a pool', () => {
  test('answers when one of its upstreams can', async () => {
    const [a, b] = [await upstream(), await upstream()];
    a.fault(broken);
    const get = await serve(`upstreams:\n  - {name: a, url: "${a.base}"}\n  - {name: b, url: "${b.base}"}\n`);
    expect((await get(GO_MOD)).status).toBe(200);
    expect(asked(b)).toContain(GO_MOD);
  });

  test('is one step of the chain: what it says is not there is asked of the next', async () => {
    const [a, b, next] = [await startFakeUpstream(), await startFakeUpstream(), await upstream()];
    closers.push(
      () => a.close(),
      () => b.close(),
    );
    const rows = `upstreams:\n  - {name: a, url: "${a.base}", pool: mirrors}\n  - {name: b, url: "${b.base}", pool: mirrors}\n`;
    const get = await serve(`${rows}upstream: "mirrors,${next.base}"\n`);
    expect((await get(GO_MOD)).status).toBe(200);
    expect([asked(a), asked(b), asked(next)]).toEqual([[GO_MOD], [GO_MOD], [GO_MOD]]);
  });

  test('stands in metrics with its members and their probes', async () => {
    const [a, b] = [await upstream(), await upstream()];
    b.fault(broken);
    const get = await serve(
      `upstreams:\n  - {name: a, url: "${a.base}"}\n  - {name: b, url: "${b.base}"}\nengine: {probe: 100ms}\n`,
    );
    await get(GO_MOD);
    await expect
      .poll(async () => (await get('metrics')).text, { timeout: 20_000 })
      .toMatch(/larder_upstream_state\{pool="main",member="b",state="open"\} 1\n/);
    const { text } = await get('metrics');
    expect(text).toMatch(/larder_upstream_state\{pool="main",member="a",state="up"\} 1\n/);
    expect(text).toMatch(/larder_upstream_requests_total\{pool="main",member="b",why="probe",result="failed"\} \d/);
    expect(text).toMatch(/larder_upstream_latency_seconds\{pool="main",member="a"\} 0\.\d/);
  });
});

describe('credentials of an upstream', () => {
  test('go to its place and below, and nowhere else', async () => {
    const [a, b, elsewhere] = [await upstream(), await upstream(), await upstream()];
    b.fault(({ target }) =>
      target === GO_MOD ? { answer: { status: 302, headers: { location: `${elsewhere.base}/${GO_MOD}` } } } : undefined,
    );
    const get = await serve(
      `upstreams:
  - {name: a, url: "${a.base}", pool: one, token: "env:A_TOKEN"}
  - {name: b, url: "${b.base}", pool: two, user: me, password: hunter2-of-b}
upstream: one|two
egress: {allow: ["${new URL(elsewhere.base).host}"]}
log: {level: debug}
`,
      { A_TOKEN: 'hunter1-of-a' },
    );
    a.fault(({ target }) => (target === GO_MOD ? broken() : undefined));
    expect((await get(GO_MOD)).status).toBe(200);
    const sent = (fake: FakeUpstream): readonly unknown[] => [
      ...new Set(fake.requests.map(({ headers }) => headers.authorization)),
    ];
    expect(sent(a)).toEqual(['Bearer hunter1-of-a']);
    expect(sent(b)).toEqual([`Basic ${Buffer.from('me:hunter2-of-b').toString('base64')}`]);
    expect([sent(elsewhere), asked(elsewhere)]).toEqual([[undefined], [GO_MOD]]);
    expect((await get('metrics')).text + readFileSync(join(folder, 'log'), 'utf8')).not.toContain('hunter');
  });

  test('that cannot be read are told with the row, and nothing is started', async () => {
    const config = configOf('upstreams: [{name: a, url: "https://a.example", token: "env:NO_SUCH"}]\n');
    const around = { version: '0.0.0', environment: {}, home: folder, logTo: join(folder, 'log') };
    const blamed = { code: 'CONFIG_INVALID', detail: { key: 'upstreams', reason: 'upstreams-unusable' } };
    await expect(composeLarder(config, around)).rejects.toMatchObject(blamed);
    expect(await findUnusable(config, around)).toMatchObject([blamed]);
  });

  test.each(['ca', 'cert'])('neither are files of TLS: %s', async (member) => {
    const more = member === 'cert' ? 'cert: none.pem, key: none.pem' : 'ca: none.pem';
    const config = configOf(`upstreams: [{name: a, url: "https://a.example", ${more}}]\n`);
    const around = { version: '0.0.0', environment: {}, home: folder, logTo: join(folder, 'log') };
    const [found] = await findUnusable(config, around);
    expect(found?.message).toMatch(/^use the row a of upstreams: read the certificate file .*none\.pem/);
    writeFileSync(join(folder, 'none.pem'), 'not PEM');
    expect(await findUnusable(config, around)).toMatchObject([
      { code: 'CONFIG_INVALID', detail: { key: 'upstreams' } },
    ]);
  });
});

test('an upstream is reached through its own proxy, the others without', async () => {
  const [a, b] = [await upstream(), await upstream()];
  const proxy = await startForwardProxy(() => Number(new URL(a.origin).port));
  closers.push(() => proxy.close());
  const get = await serve(
    `upstreams:
  - {name: a, url: "http://mirror.test/mod", pool: one, proxy: "${proxy.origin}"}
  - {name: b, url: "${b.base}", pool: two}
upstream: one,two
`,
  );
  expect((await get(GO_MOD)).status).toBe(200);
  expect(proxy.requests.map(({ line }) => line)).toContain(`GET http://mirror.test/mod/${GO_MOD}`);
  expect([asked(a), asked(b)]).toEqual([[GO_MOD], []]);
});

describe('a route', () => {
  const LIST = `${module}/@v/list`;

  test('is taken by module, by header and by credential, and remembers its own lists', async () => {
    const [prod, stage, team] = [await upstream('v1.0.0'), await upstream('v1.1.0'), await upstream('v1.2.0')];
    const get = await serve(
      `upstream: "${prod.base}"
routes:
  - {name: team, credential: "env:TEAM", upstream: "${team.base}"}
  - {name: stage, header: "x-env: stage", upstream: "${stage.base}"}
`,
      { TEAM: 'hunter1-of-team' },
    );
    for (let i = 0; i < 2; i++) {
      expect((await get(LIST)).text).toBe('v1.0.0\n');
      expect((await get(LIST, { 'x-env': 'stage' })).text).toBe('v1.1.0\n');
      expect((await get(LIST, { authorization: 'Bearer hunter1-of-team' })).text).toBe('v1.2.0\n');
      expect((await get(LIST, { authorization: 'Bearer hunter1' })).text).toBe('v1.0.0\n');
    }
    expect([asked(prod), asked(stage), asked(team)]).toEqual([[LIST], [LIST], [LIST]]);
  });

  test('lets through what its rate allows; others wait, and are refused when there is no time', async () => {
    const up = await upstream();
    const get = await serve(
      `upstream: "${up.base}"
engine: {turnWait: 0}
routes:
  - {name: slow, header: "x-env: slow", upstream: "${up.base}", rate: 1/h, burst: 1}
  - {name: known, credential: hunter1-of-known, upstream: "${up.base}", rate: 1/h, burst: 1}
`,
    );
    const inRoute = { 'x-env': 'slow' };
    const known = { authorization: 'Bearer hunter1-of-known' };
    expect((await get(LIST, inRoute)).status).toBe(200);
    expect((await get(`${module}/@latest`, inRoute)).status).toBe(503);
    expect((await get(LIST, known)).status).toBe(200);
    const refused = await get(`${module}/@latest`, known);
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([429, true]);
    // Nobody else is meant.
    expect((await get(LIST)).status).toBe(200);
  });
});

test('a peer is asked for what it has when the upstreams are out, and for nothing more', async () => {
  const [down, peer] = [await upstream(), await upstream()];
  down.fault(() => ({ reset: true }));
  const get = await serve(
    `upstream: "${down.base}"\npeers: [{name: p, url: "${peer.base}", token: hunter1-of-peer}]\n`,
  );
  const { status, headers } = await get(GO_MOD);
  expect([status, headers.get('larder-level')]).toEqual([200, '2']);
  expect(asked(peer)).toEqual([GO_MOD]);
  const [request] = peer.requests.filter(({ target }) => target === GO_MOD);
  expect(request?.headers).toMatchObject({ 'disable-module-fetch': 'true', authorization: 'Bearer hunter1-of-peer' });
  expect(down.requests.every(({ headers: sent }) => !('disable-module-fetch' in sent))).toBe(true);
});
