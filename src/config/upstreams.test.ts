import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Loaded, loadConfig } from './load.ts';
import type { ConfigProblem } from './problem.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-upstreams-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function load(file: string, sets: readonly string[] = [], environment: Record<string, string> = {}): Loaded {
  writeFileSync(join(folder, 'larder.yaml'), file);
  return loadConfig(
    { values: new Map(), sets },
    { environment: { GOENV: 'off', ...environment }, folder, home: '/home/u', localNames: ['build-host'] },
  );
}

function good(file: string, sets?: readonly string[], environment?: Record<string, string>) {
  const loaded = load(file, sets, environment);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
}

function problems(
  file: string,
  sets?: readonly string[],
  environment?: Record<string, string>,
): readonly ConfigProblem[] {
  const loaded = load(file, sets, environment);
  return loaded.ok ? [] : loaded.problems;
}

const PIN = 'sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
const BACKUP = 'sha256/RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRQ=';

describe('rows of upstreams', () => {
  test('are read with all their members', () => {
    const file = `region: eu
upstreams:
  - name: hub
    url: https://hub.example/go
    pool: mirrors
    weight: 20
    region: eu
    token: file:secrets/hub
    minTls: 1.3
    ca: ca.pem
    cert: our.crt
    key: our.key
    pins: [${PIN}, ${BACKUP}]
    proxy: none
    connections: 16
    rate: 50/s
    probe: corp.example/lib@v1.0.0
  - {name: new, url: "https://new.example", pool: mirrors, canary: true, user: u, password: "env:P"}
upstream: mirrors,direct
`;
    const { config } = good(file);
    expect(config.region).toBe('eu');
    expect(config.upstreams).toEqual([
      {
        name: 'hub',
        url: 'https://hub.example/go',
        pool: 'mirrors',
        weight: 20,
        region: 'eu',
        token: `file:${folder}/secrets/hub`,
        minTls: '1.3',
        ca: `${folder}/ca.pem`,
        cert: `${folder}/our.crt`,
        key: `${folder}/our.key`,
        pins: [PIN, BACKUP],
        proxy: 'none',
        connections: 16,
        rate: '50/s',
        probe: 'corp.example/lib@v1.0.0',
      },
      { name: 'new', url: 'https://new.example', pool: 'mirrors', canary: true, user: 'u', password: 'env:P' },
    ]);
  });

  test('are printed without secrets', () => {
    const file = `upstreams:
  - {name: a, url: "https://a.example", token: hunter2}
  - {name: b, url: "https://b.example", user: u, password: hunter3, proxy: "http://u:hunter4@proxy.example:3128"}
routes:
  - {name: stage, credential: hunter5, upstream: "https://u:hunter6@c.example"}
peers:
  - {name: p, url: "https://p.example", token: hunter7}
`;
    expect(JSON.stringify(good(file).effective)).not.toContain('hunter');
  });

  test('stand in one line, a list in it with its commas', () => {
    const { config } = good('', [
      'upstreams=hub=https://hub.example;name=b,url=https://b.example,weight=5,canary=true',
      'routes=name=stage,header=x-env: stage,upstream=main,direct;name=x,modules=a.example/*,b.example,upstream=main|off',
    ]);
    expect(config.upstreams).toEqual([
      { name: 'hub', url: 'https://hub.example' },
      { name: 'b', url: 'https://b.example', weight: 5, canary: true },
    ]);
    expect(config.routes).toEqual([
      { name: 'stage', header: 'x-env: stage', upstream: 'main,direct' },
      { name: 'x', modules: 'a.example/*,b.example', upstream: 'main|off' },
    ]);
  });
});

describe('the chain that rows of upstreams make', () => {
  const rows = `upstreams:
  - {name: a, url: "https://a.example", pool: near}
  - {name: b, url: "https://b.example"}
  - {name: c, url: "https://c.example", pool: near}
`;
  test('is all pools in the order of their first mention, then direct, whatever GOPROXY says', () => {
    const { config, origins } = good(rows, [], { GOPROXY: 'https://env.example', GONOPROXY: 'n.example' });
    expect([config.upstream, origins.get('upstream')]).toEqual([
      'near,main,direct',
      'default: the pools of upstreams, then direct',
    ]);
    expect(config.noProxy).toBe('n.example');
  });

  test('is what is written, where it is written', () => {
    const { config, origins } = good(`${rows}upstream: main|near,off\n`);
    expect([config.upstream, origins.get('upstream')]).toEqual(['main|near,off', 'file larder.yaml:5']);
  });
});

/** The one problem of a row of upstreams beside a good one. */
const badRow: readonly (readonly [row: string, member: string, reason: string])[] = [
  ['name: "a.b", url: "https://x.example"', 'name', 'name-unfit'],
  ['name: direct, url: "https://x.example"', 'name', 'name-reserved'],
  ['name: off, url: "https://x.example"', 'name', 'name-reserved'],
  ['name: noproxy, url: "https://x.example"', 'name', 'name-reserved'],
  ['name: good, url: "https://x.example"', 'name', 'name-taken'],
  ['name: x, url: "https://x.example", pool: "a/b"', 'pool', 'pool-unfit'],
  ['name: x, url: "https://x.example", pool: direct', 'pool', 'name-reserved'],
  ['name: x, url: "https://x.example", pool: lonely, canary: true', 'canary', 'canary-alone'],
  ['name: x, url: "ftp://x.example"', 'url', 'url-unfit'],
  ['name: x, url: "file:///srv/go"', 'url', 'url-unfit'],
  ['name: x, url: "x.example"', 'url', 'url-unfit'],
  ['name: x, url: "https:///go"', 'url', 'url-unfit'],
  ['name: x, url: "https://u:hunter2@x.example"', 'url', 'url-has-userinfo'],
  ['name: x, url: "http://u:hunter2@x.example"', 'url', 'url-has-userinfo'],
  ['name: x, url: "http://localhost:8080"', 'url', 'self-call'],
  ['name: x, url: "http://build-host:8080/go"', 'url', 'self-call'],
  ['name: x, url: "https://x.example", token: hunter2, user: u, password: hunter3', 'password', 'two-secrets'],
  ['name: x, url: "https://x.example", user: u', 'user', 'password-missing'],
  ['name: x, url: "https://x.example", password: hunter2', 'password', 'user-missing'],
  ['name: x, url: "http://x.example", token: hunter2', 'token', 'secret-over-http'],
  ['name: x, url: "http://x.example", user: u, password: hunter2', 'password', 'secret-over-http'],
  ['name: x, url: "http://x.example", minTls: 1.3', 'minTls', 'tls-over-http'],
  ['name: x, url: "https://x.example", cert: c.pem', 'cert', 'key-missing'],
  ['name: x, url: "https://x.example", key: k.pem', 'key', 'cert-missing'],
  [`name: x, url: "https://x.example", pins: ["${PIN}"]`, 'pins', 'pins-without-backup'],
  [`name: x, url: "https://x.example", pins: ["${PIN}", "${PIN}"]`, 'pins', 'pins-without-backup'],
  [`name: x, url: "https://x.example", pins: ["${PIN}", "sha256/AAAA"]`, 'pins', 'pin-unfit'],
  [`name: x, url: "https://x.example", pins: ["${PIN}", "${BACKUP.replace('Q=', 'R=')}"]`, 'pins', 'pin-unfit'],
  [`name: x, url: "https://x.example", pins: ["${PIN}", "${BACKUP.replace('sha256', 'sha1')}"]`, 'pins', 'pin-unfit'],
  ['name: x, url: "https://x.example", proxy: proxy.example', 'proxy', 'proxy-unfit'],
  ['name: x, url: "https://x.example", proxy: "ftp://proxy.example"', 'proxy', 'proxy-unfit'],
  ['name: x, url: "https://x.example", proxy: "http://proxy.example/way"', 'proxy', 'proxy-unfit'],
  ['name: x, url: "https://x.example", rate: 50/d', 'rate', 'rate-unfit'],
  ['name: x, url: "https://x.example", rate: 0/s', 'rate', 'rate-unfit'],
  ['name: x, url: "https://x.example", probe: rsc.io/quote', 'probe', 'probe-unfit'],
  ['name: x, url: "https://x.example", probe: rsc.io/quote@master', 'probe', 'probe-unfit'],
];

describe('a row of upstreams that cannot be used is told with its key, its member and why', () => {
  test.each(badRow)('%s', (row, member, reason) => {
    const found = problems(`upstreams:\n  - {name: good, url: "https://good.example"}\n  - {${row}}\n`);
    expect(found).toMatchObject([
      { kind: 'unfit-row', origin: 'file larder.yaml:3', key: 'upstreams', row: 2, member, reason },
    ]);
    expect(JSON.stringify(found)).not.toContain('hunter');
  });

  test.each([
    ['weight: 0', 'weight'],
    ['weight: 101', 'weight'],
    ['weight: 1.5', 'weight'],
    ['weight: heavy', 'weight'],
    ['minTls: 1.1', 'minTls'],
    ['minTls: "1.0"', 'minTls'],
    ['canary: maybe', 'canary'],
    ['connections: 0', 'connections'],
    ['rate: 50', 'rate'],
  ])('%s', (text, member) => {
    expect(problems(`upstreams:\n  - {name: x, url: "https://x.example", ${text}}\n`)).toMatchObject([
      { kind: 'bad-member', key: 'upstreams', row: 1, member },
    ]);
  });

  test('a secret goes in the open to this machine alone', () => {
    for (const host of ['localhost:9', '127.0.0.1:9', '[::1]:9'])
      expect(problems(`upstreams: [{name: x, url: "http://${host}", token: t}]\n`)).toEqual([]);
  });
});

describe('the chain', () => {
  const row = 'upstreams: [{name: a, url: "https://a.example", pool: mirrors}]\n';

  test('names only pools that there are', () => {
    expect(problems(`${row}upstream: mirors,direct\n`)).toEqual([
      { kind: 'unknown-pool', origin: 'file larder.yaml:2', pool: 'mirors', pools: ['mirrors'], nearest: 'mirrors' },
    ]);
    expect(problems('upstream: mirrors\n')).toMatchObject([{ kind: 'unknown-pool', pools: [] }]);
    expect(problems('upstream: "one,http://localhost:8080,two"\n')).toMatchObject([
      { kind: 'unknown-pool', pool: 'one' },
      { kind: 'self-call', entry: 'http://localhost:8080' },
      { kind: 'unknown-pool', pool: 'two' },
    ]);
  });

  test('of the go command names none, as before', () => {
    expect(problems('', [], { GOPROXY: 'mirrors,direct' })).toMatchObject([
      { kind: 'bad-upstream', origin: 'environment GOPROXY' },
    ]);
  });

  test('or the chain of a route names every pool', () => {
    const unnamed = {
      kind: 'unfit-row',
      key: 'upstreams',
      row: 1,
      member: 'pool',
      reason: 'pool-unnamed',
      other: 'mirrors',
    };
    expect(problems(`${row}upstream: https://b.example\n`)).toMatchObject([unnamed]);
    const route = 'routes: [{name: x, modules: x.example, upstream: mirrors}]\n';
    expect(problems(`${row}${route}upstream: https://b.example\n`)).toEqual([]);
  });
});

describe('a route that cannot be used is told with its key, its member and why', () => {
  test.each([
    ['name: default, modules: x.example, upstream: main', 'name', 'name-reserved'],
    ['name: "x y", modules: x.example, upstream: main', 'name', 'name-unfit'],
    ['name: x, upstream: main', 'modules', 'matches-all'],
    ['name: x, modules: "a.example/[", upstream: main', 'modules', 'globs-unfit'],
    ['name: x, header: x-env, upstream: main', 'header', 'header-unfit'],
    ['name: x, header: "x-env:", upstream: main', 'header', 'header-unfit'],
    ['name: x, header: "x env: stage", upstream: main', 'header', 'header-unfit'],
    ['name: x, header: "Authorization: Bearer hunter2", upstream: main', 'header', 'header-is-secret'],
    ['name: x, modules: x.example, upstream: nowhere', 'upstream', 'pool-unknown'],
    ['name: x, modules: x.example, upstream: "a b"', 'upstream', 'chain-unfit'],
    ['name: x, modules: x.example, upstream: "http://localhost:8080"', 'upstream', 'self-call'],
    ['name: x, modules: x.example, upstream: main, rate: fast', 'rate', 'rate-unfit'],
    ['name: x, modules: x.example, upstream: main, burst: 5', 'burst', 'burst-without-rate'],
  ])('%s', (row, member, reason) => {
    const rows = 'upstreams: [{name: a, url: "https://a.example"}]\n';
    expect(problems(`${rows}routes:\n  - {${row}}\n`)).toMatchObject([
      { kind: 'unfit-row', origin: 'file larder.yaml:3', key: 'routes', row: 1, member, reason },
    ]);
  });

  test('whose chain names a pool that there nearly is, with the one that was meant', () => {
    const rows = 'upstreams: [{name: a, url: "https://a.example", pool: mirrors}]\nupstream: mirrors\n';
    const found = problems(`${rows}routes: [{name: x, modules: x.example, upstream: "mirors,nowhere"}]\n`);
    expect(found).toMatchObject([
      { reason: 'pool-unknown', other: 'mirors', nearest: 'mirrors' },
      { reason: 'pool-unknown', other: 'nowhere' },
    ]);
  });

  test('two routes have two names; a route and an upstream may share one', () => {
    const rows = 'upstreams: [{name: a, url: "https://a.example"}]\n';
    const route = '{name: a, modules: x.example, upstream: main}';
    expect(problems(`${rows}routes: [${route}]\n`)).toEqual([]);
    expect(problems(`${rows}routes: [${route}, ${route}]\n`)).toMatchObject([{ row: 2, reason: 'name-taken' }]);
  });
});

describe('a peer that cannot be used is told with its key, its member and why', () => {
  test.each([
    ['name: a, url: "https://p.example"', 'name', 'name-taken'],
    ['name: off, url: "https://p.example"', 'name', 'name-reserved'],
    ['name: p, url: "http://127.0.0.1:8080"', 'url', 'self-call'],
    ['name: p, url: "http://p.example", token: hunter2', 'token', 'secret-over-http'],
    ['name: p, url: "https://hunter2@p.example"', 'url', 'url-has-userinfo'],
  ])('%s', (row, member, reason) => {
    const rows = 'upstreams: [{name: a, url: "https://a.example"}]\n';
    const found = problems(`${rows}peers:\n  - {${row}}\n`);
    expect(found).toMatchObject([{ kind: 'unfit-row', key: 'peers', row: 1, member, reason }]);
    expect(JSON.stringify(found)).not.toContain('hunter');
  });
});
