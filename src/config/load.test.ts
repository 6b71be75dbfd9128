import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { skipUnless } from '../../tests/skip.ts';
import { keySpecs } from './key-specs.ts';
import { type ConfigFlags, type Loaded, loadConfig } from './load.ts';
import type { ConfigProblem } from './problem.ts';
import { readYaml } from './yaml-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  readonly file?: string;
  readonly environment?: Record<string, string>;
  readonly flags?: Record<string, string>;
  readonly sets?: readonly string[];
}

function load(o: Case): Loaded {
  if (o.file !== undefined) writeFileSync(join(folder, 'larder.yaml'), o.file);
  const flags: ConfigFlags = {
    values: new Map(Object.entries(o.flags ?? {}).map(([key, value]) => [key, { flag: `--${key}`, value }])),
    sets: o.sets ?? [],
  };
  return loadConfig(flags, {
    environment: { GOENV: 'off', ...o.environment },
    folder,
    home: folder,
    localNames: ['build-host', '10.0.0.7'],
  });
}

function good(o: Case): Extract<Loaded, { ok: true }> {
  const loaded = load(o);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
}

function problems(o: Case): readonly ConfigProblem[] {
  const loaded = load(o);
  return loaded.ok ? [] : loaded.problems;
}

describe('an amount', () => {
  test('of nothing needs no unit, as a number and as a text', () => {
    for (const zero of ['0', '"0"', '0s'])
      expect(good({ file: `anchors:\n  checkEvery: ${zero}\ngit:\n  fresh: ${zero}\n` }).config).toMatchObject({
        anchors: { checkEvery: 0 },
        git: { fresh: 0 },
      });
    expect(good({ file: 'fetch:\n  streamAbove: 0\n' }).config).toMatchObject({ fetch: { streamAbove: 0 } });
  });

  test('of something does, and a range that begins above nothing holds for numbers, too', () => {
    for (const file of ['anchors:\n  checkEvery: 60\n', 'git:\n  fetchTime: 0\n', 'git:\n  repositorySize: 0\n'])
      expect([file, problems({ file })]).toEqual([file, [expect.objectContaining({ kind: 'bad-value' })]]);
  });
});

describe('which value is in force', () => {
  test('a flag beats a variable, a variable beats the file, the file beats the default; each says where it is from', () => {
    const file = 'listen: 127.0.0.1:1\ndata: stored\n\nlog:\n  level: warn\n';
    const all = good({ file, environment: { LARDER_LISTEN: '127.0.0.1:2' }, flags: { listen: '127.0.0.1:3' } });
    expect(all.config.listen).toEqual({ host: '127.0.0.1', port: 3 });
    expect(all.origins.get('listen')).toBe('flag --listen');
    const two = good({ file, environment: { LARDER_LISTEN: '127.0.0.1:2' } });
    expect([two.config.listen.port, two.origins.get('listen')]).toEqual([2, 'environment LARDER_LISTEN']);
    const one = good({ file });
    expect([one.config.listen.port, one.origins.get('listen')]).toEqual([1, 'file larder.yaml:1']);
    expect([one.config.log.level, one.origins.get('log.level')]).toEqual(['warn', 'file larder.yaml:5']);
    expect([one.config.log.access, one.origins.get('log.access')]).toEqual([true, 'default']);
  });

  test('relative paths start at the config file when they stand there, else at the current folder', () => {
    mkdirSync(join(folder, 'etc'));
    writeFileSync(join(folder, 'etc', 'l.yaml'), 'data: stored\nmodcache: [cache, ~/other]\n');
    const loaded = good({ environment: { LARDER_CONFIG: 'etc/l.yaml' } });
    expect(loaded.config.data).toBe(join(folder, 'etc', 'stored'));
    expect(loaded.config.modcache).toEqual([join(folder, 'etc', 'cache'), join(folder, 'other')]);
    expect(good({ flags: { data: 'stored' } }).config.data).toBe(join(folder, 'stored'));
  });

  test('the data folder is $XDG_DATA_HOME/larder, else ~/.local/share/larder', () => {
    expect(good({ environment: { XDG_DATA_HOME: '/srv/x' } }).config.data).toBe('/srv/x/larder');
    expect(good({}).config.data).toBe(join(folder, '.local/share/larder'));
    const homeless = loadConfig(
      { values: new Map(), sets: [] },
      { environment: { GOENV: 'off' }, folder, home: undefined, localNames: [] },
    );
    expect(homeless).toEqual({ ok: false, problems: [{ kind: 'no-home', origin: 'default', key: 'data' }] });
  });

  test('every key can be set by its variable and by --set', () => {
    const texts = { boolean: 'false', upstream: 'https://x.test', paths: '/a,/b' } as Record<string, string>;
    const bundleKeys = keySpecs().find(({ key }) => key === 'ladder.bundleKeys')?.example ?? '';
    const partners: Record<string, Record<string, string>> = {
      'tls.cert': { LARDER_TLS_KEY: '/k' },
      'tls.key': { LARDER_TLS_CERT: '/c' },
      'ladder.bundles': { LARDER_LADDER_BUNDLE_KEYS: bundleKeys },
    };
    for (const spec of keySpecs()) {
      const text = texts[spec.expected] ?? spec.example;
      const partner = partners[spec.key] ?? {};
      expect(good({ environment: { [spec.variable]: text, ...partner } }).origins.get(spec.key)).toBe(
        `environment ${spec.variable}`,
      );
      expect(good({ environment: partner, sets: [`${spec.key}=${text}`] }).origins.get(spec.key)).toBe(
        `flag --set ${spec.key}`,
      );
    }
  });

  test('what is printed hides passwords', () => {
    const loaded = good({ flags: { upstream: 'https://me:hunter2@proxy.test,direct' } });
    expect(JSON.stringify(loaded.effective)).not.toContain('hunter2');
    expect(loaded.config.upstream).toContain('hunter2');
  });

  test('an empty section and an empty file set nothing', () => {
    expect(good({ file: 'tls:\nlog: {}\n' }).config.tls.cert).toBeUndefined();
    expect(good({ file: '# nothing yet\n' }).origins.get('listen')).toBe('default');
  });
});

describe('the upstream that Go would use', () => {
  test('GOPROXY of the environment, then of the go env file, then the default of Go', () => {
    const env = join(folder, 'goenv');
    writeFileSync(env, 'GOFLAGS=-mod=mod\nGOPROXY=https://file.test|off\n');
    expect(good({ environment: { GOPROXY: 'https://env.test', GOENV: env } }).origins.get('upstream')).toBe(
      'environment GOPROXY',
    );
    const fromFile = good({ environment: { GOPROXY: '', GOENV: env } });
    expect([fromFile.config.upstream, fromFile.origins.get('upstream')]).toEqual([
      'https://file.test|off',
      `file ${env}:2`,
    ]);
    expect([good({}).config.upstream, good({}).origins.get('upstream')]).toEqual([
      'https://proxy.golang.org,direct',
      'default',
    ]);
  });

  const GO_FILES: readonly (readonly [what: string, text: string, value: string, line: number])[] = [
    ['one line', 'GOPROXY=https://a.test', 'https://a.test', 1],
    ['two lines with the name: the later', 'GOPROXY=https://a.test\nGOPROXY=https://b.test\n', 'https://b.test', 2],
    ['a line that begins with a blank', 'GOPROXY=https://a.test\n GOPROXY=https://b.test\n', 'https://a.test', 1],
    ['a comment', '#x\n#GOPROXY=https://b.test\nGOPROXY=https://a.test\n', 'https://a.test', 3],
    ['a name in lower case', 'GOPROXY=https://a.test\ngoproxy=https://b.test\n', 'https://a.test', 1],
    ['a blank before the =', 'GOPROXY=https://a.test\nGOPROXY =https://b.test\n', 'https://a.test', 1],
    ['a second =', 'GOPROXY=https://a.test?x=y\n', 'https://a.test?x=y', 1],
    ['a line without =', 'GOPROXY\nGOPROXY=https://a.test\n', 'https://a.test', 2],
  ];
  test.each(GO_FILES)('a go env file with %s is read as Go reads it', (_what, text, value, line) => {
    const env = join(folder, 'goenv');
    writeFileSync(env, text);
    const { config, origins } = good({ environment: { GOENV: env } });
    expect([config.upstream, origins.get('upstream')]).toEqual([value, `file ${env}:${line}`]);
  });

  describe('go itself', () => {
    skipUnless(spawnSync('go', ['version']).status === 0, 'go is not installed');
    test.each(GO_FILES)('reads a go env file with %s so', (_what, text, value) => {
      const env = join(folder, 'goenv');
      writeFileSync(env, text);
      const { GOPROXY: _, ...environment } = process.env;
      const said = spawnSync('go', ['env', 'GOPROXY'], {
        cwd: folder,
        env: { ...environment, GOENV: env, GOTOOLCHAIN: 'local' },
        encoding: 'utf8',
      });
      expect(said.stdout).toBe(`${value}\n`);
    });
  });

  test('without GOENV the file is go/env in the user configuration folder', () => {
    mkdirSync(join(folder, '.config', 'go'), { recursive: true });
    writeFileSync(join(folder, '.config', 'go', 'env'), 'GOPROXY=https://home.test\n');
    expect(good({ environment: { GOENV: '' } }).config.upstream).toBe('https://home.test');
  });

  test('what is private for Go is private here, whatever the upstream is', () => {
    const environment = { GOPRIVATE: 'corp.example', GONOPROXY: '', GONOSUMDB: '' };
    for (const flags of [{}, { upstream: 'https://a.test' }] as Record<string, string>[]) {
      const { config, origins } = good({ environment, flags });
      expect([config.private, config.noProxy, config.noSumdb]).toEqual(['corp.example', '', '']);
      expect(origins.get('private')).toBe('environment GOPRIVATE');
    }
    expect(good({ environment, sets: ['private=y.example'] }).config.private).toBe('y.example');
    const env = join(folder, 'goenv');
    writeFileSync(env, 'GOPRIVATE=corp.example\n');
    expect(good({ environment: { GOENV: env } }).origins.get('private')).toBe(`file ${env}:1`);
  });

  test('what Go would tell no proxy, or no checksum database, is not told here either', () => {
    const environment = { GOPRIVATE: 'corp.example', GONOPROXY: 'x.example', GONOSUMDB: 'y.example' };
    const { config, origins } = good({ environment, flags: { upstream: 'https://a.test' } });
    expect([config.private, config.noProxy, config.noSumdb]).toEqual(['corp.example', 'x.example', 'y.example']);
    expect([origins.get('noProxy'), origins.get('noSumdb')]).toEqual([
      'environment GONOPROXY',
      'environment GONOSUMDB',
    ]);
    const own = { LARDER_NO_PROXY: 'p.example', LARDER_NO_SUMDB: 's.example' };
    const written = good({ environment: { ...environment, ...own } }).config;
    expect([written.noProxy, written.noSumdb]).toEqual(['p.example', 's.example']);
  });

  test('GONOPROXY lets the proxies of GOPROXY be asked for what GOPRIVATE names, as for Go, and no other upstream', () => {
    const environment = { GOPROXY: 'https://corp.test', GOPRIVATE: 'corp.example', GONOPROXY: 'none' };
    const { config } = good({ environment });
    expect([config.private, config.noProxy, config.noSumdb]).toEqual(['', 'none', 'corp.example']);
    expect(good({ environment: { ...environment, GONOSUMDB: 'y.example' } }).config.noSumdb).toBe('y.example');
    expect(good({ environment, flags: { upstream: 'https://a.test' } }).config.private).toBe('corp.example');
  });

  test('GOVCS and GOINSECURE are those of Go', () => {
    const { config } = good({ environment: { GOVCS: '*:git', GOINSECURE: 'lab.example' } });
    expect([config.git.govcs, config.git.insecure]).toEqual(['*:git', 'lab.example']);
    expect(good({}).config.git.govcs).toBe('private:all,public:git|hg');
    expect(problems({ environment: { GOVCS: 'corp.example' } })).toMatchObject([
      { kind: 'bad-value', key: 'git.govcs', origin: 'environment GOVCS', shown: 'corp.example' },
    ]);
  });

  test('globs may be a list; blanks around them do not count, and one that can match nothing is refused', () => {
    expect(good({ file: 'private:\n  - git.corp.example/*\n  - github.com/acme\n' }).config.private).toBe(
      'git.corp.example/*,github.com/acme',
    );
    expect(good({ sets: ['private= a.example , b.example/x/,'] }).config.private).toBe('a.example,b.example/x/');
    expect(problems({ file: '', environment: { GOPRIVATE: 'corp.example,[x' } })).toMatchObject([
      { kind: 'bad-value', key: 'private', origin: 'environment GOPRIVATE', shown: 'corp.example,[x' },
    ]);
  });

  test('the checksum database is that of Go, whatever GOSUMDB says, and LARDER_SUMDB sets another', () => {
    expect(good({ environment: { GOSUMDB: 'off' } }).config.sumdb.database).toBe('sum.golang.org');
    const set = good({ environment: { LARDER_SUMDB: 'off' } });
    expect([set.config.sumdb.database, set.origins.get('sumdb.database')]).toEqual(['off', 'environment LARDER_SUMDB']);
    expect(good({ file: 'sumdb:\n  database: off\n' }).config.sumdb.database).toBe('off');
    const relay = ['sum.golang.org', 'sum.golang.google.cn https://mirror.test/sumdb/sum.golang.org'];
    expect(good({ environment: { LARDER_SUMDB_RELAY: relay.join(',') } }).config.sumdb.relay).toEqual(relay);
  });

  test('the signer key of the ledger may stand in the environment and is no key of the configuration', () => {
    expect(problems({ environment: { LARDER_LEDGER_SECRET: 'PRIVATE+KEY+x' } })).toEqual([]);
    // The path of the key file is no place for the key: the nearest name must not be that.
    expect(problems({ environment: { LARDER_LEDGER_SECRT: 'PRIVATE+KEY+x' } })).toMatchObject([
      { nearest: 'LARDER_LEDGER_SECRET' },
    ]);
  });

  test('one path is a list of one, wherever it is written', () => {
    const { config } = good({ file: 'modcache: cache\nverify:\n  goSum: /srv/go.sum\n' });
    expect([config.modcache, config.verify.goSum]).toEqual([[join(folder, 'cache')], ['/srv/go.sum']]);
    expect(good({ environment: { LARDER_VERIFY_GO_SUM: '/a,/b' } }).config.verify.goSum).toEqual(['/a', '/b']);
  });

  test('a list of entries is the chain with commas', () => {
    expect(
      good({ file: 'upstream:\n  - https://a.test\n  - https://b.test|https://c.test\n  - direct\n' }).config.upstream,
    ).toBe('https://a.test,https://b.test|https://c.test,direct');
  });
});

describe('an upstream that is this server itself', () => {
  test.each([
    'http://localhost:8080',
    'http://127.0.0.1:8080/x',
    'http://127.1:8080',
    'http://[::1]:8080',
    'http://[::ffff:127.0.0.1]:8080',
    'http://0.0.0.0:8080',
    'http://build-host:8080',
    'http://Build-Host.:8080',
    'https://10.0.0.7:8080',
    'https://proxy.golang.org|http://u:hunter2@localhost:8080,direct',
    'localhost:8080',
  ])('%s is refused', (upstream) => {
    const [first, ...rest] = problems({ flags: { upstream } });
    expect(rest).toEqual([]);
    if (upstream === 'localhost:8080')
      return expect(first).toMatchObject({ kind: expect.stringMatching(/self-call|bad-upstream/) });
    expect(first).toMatchObject({ kind: 'self-call', origin: 'flag --upstream', setting: 'upstream' });
    expect(JSON.stringify(first)).not.toContain('hunter2');
  });

  test.each([
    'http://localhost:8081',
    'http://10.0.0.8:8080',
    'https://localhost',
    'file:///srv/x',
    'https://a.test',
    'off',
    'direct',
  ])('%s is not', (upstream) => expect(problems({ flags: { upstream } })).toEqual([]));

  test('when GOPROXY says so, the message can say that GOPROXY did', () => {
    expect(problems({ environment: { GOPROXY: 'http://localhost:8080,direct' } })).toEqual([
      {
        kind: 'self-call',
        origin: 'environment GOPROXY',
        entry: 'http://localhost:8080',
        listen: '127.0.0.1:8080',
        setting: 'GOPROXY',
      },
    ]);
  });

  test('port 80 and 443 count where no port is written', () => {
    expect(problems({ flags: { listen: ':80', upstream: 'http://localhost' } })).toHaveLength(1);
    expect(problems({ flags: { listen: ':443', upstream: 'https://localhost' } })).toHaveLength(1);
  });

  test('a chain that Go would not take is refused, without its password', () => {
    const [first] = problems({ flags: { upstream: 'ftp://me:hunter2@x.test' } });
    expect(first).toMatchObject({ kind: 'bad-upstream' });
    expect(JSON.stringify(first)).not.toContain('hunter2');
  });
});

describe('what is refused, all at once, with file, line and what to write', () => {
  test('unknown keys and variables, with the nearest name', () => {
    const found = problems({
      file: 'listne: x\ntls:\n  crt: a\nfrobnicate: 1\n',
      environment: { LARDER_LISTNE: 'x', LARDER_QQQ: '1' },
      sets: ['dtaa=1'],
    });
    expect(found).toEqual([
      { kind: 'unknown-key', origin: 'file larder.yaml:1', key: 'listne', nearest: 'listen' },
      { kind: 'unknown-key', origin: 'file larder.yaml:3', key: 'tls.crt', nearest: 'tls.cert' },
      { kind: 'unknown-key', origin: 'file larder.yaml:4', key: 'frobnicate' },
      {
        kind: 'unknown-variable',
        origin: 'environment LARDER_LISTNE',
        name: 'LARDER_LISTNE',
        nearest: 'LARDER_LISTEN',
      },
      { kind: 'unknown-variable', origin: 'environment LARDER_QQQ', name: 'LARDER_QQQ' },
      { kind: 'unknown-key', origin: 'flag --set dtaa', key: 'dtaa', nearest: 'data' },
    ]);
  });

  test('variables of tests, builds and Kubernetes services are left alone', () => {
    const environment = {
      LARDER_TEST_X: '1',
      LARDER_BUILD_DIR: '/x',
      LARDER_SERVICE_HOST: '10.0.0.1',
      LARDER_PORT: 'tcp://10.0.0.1:80',
      LARDER_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    expect(problems({ environment })).toEqual([]);
  });

  test.each<[string, string, string]>([
    ['listen: 8080', 'listen', '8080'],
    ['listen: localhost', 'listen', 'localhost'],
    ['listen: 127.0.0.1:99999', 'listen', '127.0.0.1:99999'],
    ['listen:', 'listen', ''],
    ['log: {access: yes}', 'log.access', 'yes'],
    ['log: {level: loud}', 'log.level', 'loud'],
    ['drain: {finish: 60}', 'drain.finish', '60'],
    ['drain: {finish: 2h}', 'drain.finish', '2h'],
    ['modcache: 5', 'modcache', '5'],
    ['verify: {goSum: ""}', 'verify.goSum', ''],
    ['data: [a]', 'data', '*'],
    ['upstream: []', 'upstream', ''],
    ['sumdb: {database: sum.example}', 'sumdb.database', 'sum.example'],
    ['sumdb: {database: sum.golang.org ftp://x.test}', 'sumdb.database', 'sum.golang.org ftp://x.test'],
    ['sumdb: {database: sum.golang.org https://x.test more}', 'sumdb.database', '*'],
    ['sumdb: {database: ""}', 'sumdb.database', ''],
    ['sumdb: {database: sum.golang.org+00000000+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8}', 'sumdb.database', '*'],
    ['sumdb: {relay: off}', 'sumdb.relay', 'off'],
    ['sumdb: {onOutage: serve}', 'sumdb.onOutage', 'serve'],
  ])('%s', (file, key, shown) => {
    const [first, ...rest] = problems({ file });
    expect(rest).toEqual([]);
    expect(first).toMatchObject({ kind: 'bad-value', origin: 'file larder.yaml:1', key });
    if (shown !== '*') expect(first).toHaveProperty('shown', shown);
  });

  test.each([
    ['listen: a:1\nlisten: b:2\n', 2],
    ['a: &x 1\n', 1],
    ['data: *x\n', 1],
    ['data: !!str x\n', 1],
    ['data: !mine x\n', 1],
    ['<<: {data: x}\n', 1],
    ['__proto__: {data: x}\n', 1],
    ['tls: {constructor: x}\n', 1],
    ['listen: [\n', 2],
    ['- a\n', 1],
    ['data: x\n---\ndata: y\n', 2],
    ['['.repeat(500), undefined],
    [`data: ${'x'.repeat(300_000)}`, undefined],
  ])('form $#', (file, line) => {
    const origins = problems({ file }).map((problem) => problem.origin);
    expect(origins[0]).toBe(line === undefined ? 'file larder.yaml' : `file larder.yaml:${line}`);
  });

  const stairs = (levels: number): string => Array.from({ length: levels }, (_, i) => `${' '.repeat(i)}a:\n`).join('');
  test.each([
    ['brackets', '['.repeat(200_000)],
    ['braces over lines', '{a:\n'.repeat(60_000)],
    ['items in one line', '- '.repeat(130_000)],
    ['items after a blank', ` ${'- '.repeat(130_000)}`],
    ['items in a line that is not the first', `listen: :0\ntls:\n  ${'- '.repeat(100_000)}`],
    ['items with tabs', '-\t'.repeat(130_000)],
    ['items with more blanks', '-  '.repeat(80_000)],
    ['explicit keys and values', '? : - '.repeat(40_000)],
    ['sections', stairs(700)],
    ['sections with line ends of another kind', stairs(700).replaceAll('\n', '\r')],
    ['brackets that quotes hide', '["]",'.repeat(700) + '['.repeat(33)],
    ['33 sections', stairs(33)],
  ])('%s, nested too deep, are told as that, in an instant', (_, text) => {
    const startedAt = performance.now();
    const { problems: found } = readYaml(text, { name: 'x.yaml', folder, specs: keySpecs() });
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(found).toEqual([{ kind: 'bad-yaml', origin: 'file x.yaml', what: 'nested deeper than 32' }]);
  });

  test('what only the parser finds nested too deep is told as that', () => {
    const { problems: found } = readYaml('["]",'.repeat(20_000), { name: 'x.yaml', folder, specs: keySpecs() });
    expect(found).toEqual([{ kind: 'bad-yaml', origin: 'file x.yaml', what: 'nested deeper than 32' }]);
  });

  test('a line far to the right is not deep', () =>
    expect(good({ file: `modcache:\n  [a,\n${' '.repeat(300)}b]\n` }).config.modcache).toHaveLength(2));

  test('half of a TLS pair, a section where a value belongs, a value where a section belongs, a named file that is not there', () => {
    expect(problems({ file: 'tls:\n  cert: a.pem\n' })).toEqual([
      { kind: 'missing-partner', origin: 'file larder.yaml:2', key: 'tls.cert', partner: 'tls.key' },
    ]);
    expect(problems({ file: 'listen: {host: x}\n' })[0]).toMatchObject({ kind: 'not-a-section', key: 'listen' });
    expect(problems({ file: 'tls: yes\n' })[0]).toMatchObject({ kind: 'is-a-section', key: 'tls' });
    expect(problems({ environment: { LARDER_CONFIG: 'none.yaml' } })).toEqual([
      { kind: 'unreadable-file', origin: 'file none.yaml', reason: 'ENOENT' },
    ]);
  });

  test('a second stage of a canary that is no larger than its first, with where both were written', () => {
    expect(problems({ file: 'canary:\n  firstPercent: 25\n' })).toEqual([
      {
        kind: 'not-above',
        origin: 'default',
        key: 'canary.secondPercent',
        other: 'canary.firstPercent',
        otherOrigin: 'file larder.yaml:2',
      },
    ]);
    const [equal, above] = ['5', '6'].map((percent) =>
      problems({ sets: ['canary.firstPercent=5', `canary.secondPercent=${percent}`] }),
    );
    expect(equal).toMatchObject([{ kind: 'not-above', origin: 'flag --set canary.secondPercent' }]);
    expect(above).toEqual([]);
  });

  test('--set without a value', () =>
    expect(problems({ sets: ['listen'] })).toEqual([{ kind: 'bad-set', origin: 'flag --set', text: 'listen' }]));

  test('a wrong value does not show a password', () => {
    expect(JSON.stringify(problems({ sets: ['listen=https://u:hunter2@h'] }))).not.toContain('hunter2');
  });

  test('nor a signer key that was put where its verifier key belongs', () => {
    const signer = 'PRIVATE+KEY+sum.corp.example+0123abcd+hunter2';
    expect(JSON.stringify(problems({ sets: [`sumdb.database=${signer}`] }))).toMatch(/PRIVATE\+KEY\+\*\*\*"/);
    expect(JSON.stringify(problems({ sets: [`sumdb.relay=${signer}`] }))).not.toContain('hunter2');
  });

  test('nothing written reaches the object prototype', () => {
    problems({
      file: '__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\n',
      sets: ['__proto__.polluted=1'],
    });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
