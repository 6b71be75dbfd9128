import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contentOf, storeModules, versionOf } from '../../tests/fakes/stored-modules.ts';
import { TestLog } from '../../tests/fakes/test-log.ts';
import { run } from '../cli/run.ts';

const PROVEN = 'example.com/proven@v1.0.0';
const EXEMPT = 'corp.example/exempt@v1.0.0';

let folder = '';
let data = '';
let log: TestLog;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-explain-'));
  data = join(folder, 'data');
  log = new TestLog();
  await log.growTo(3);
  await log.add(versionOf(PROVEN), contentOf(PROVEN).sums);
  await storeModules(data, log, [
    {
      module: PROVEN,
      verification: { by: 'sumdb', database: log.name, record: 3, treeSize: 4 },
      proof: 'database',
    },
    { module: EXEMPT, verification: { by: 'exemption', because: 'off' }, source: 'evil\u001b[31m', proof: 'ledger' },
  ]);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function explain(module: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const sets = [`sumdb.database=${log.key.text}`, 'upstream=https://proxy.example|https://other.example,direct'];
  const words = ['explain', module, '--data', data, ...sets.flatMap((one) => ['--set', one]), ...args];
  const code = await run(words, {
    stdout: { write: (text) => void (texts.out += text) },
    stderr: { write: (text) => void (texts.err += text) },
    env: { GOENV: 'off', HOME: folder },
    cwd: () => folder,
  });
  return { code, ...texts };
}

async function explained(...args: [string, ...string[]]): Promise<Record<string, unknown>> {
  return JSON.parse((await explain(...args, '--json')).out) as Record<string, unknown>;
}

describe('larder explain', () => {
  test('says where a module came from and what proves it, aligned, and exits 0', async () => {
    const { code, out, err } = await explain(PROVEN);
    expect([code, err]).toEqual([0, '']);
    const [zip = ''] = out.split('\n.mod\n');
    const h1 = /^\S+ \S+ (h1:\S+)$/m.exec(contentOf(PROVEN).sums)?.[1] ?? '?';
    expect(zip.split('\n').slice(0, 4)).toEqual([PROVEN, '', '.zip', '  source       upstream.test']);
    expect(zip).toContain(`\n  h1           ${h1}\n`);
    expect(zip).toContain('\n  believed by  record 3 of sum.example.org, in a tree of 4\n');
    expect(zip).toContain('\n  now          proven: record 3 of sum.example.org, in a tree of 4\n');
    expect(zip).toMatch(
      /\n {2}first seen {3}\d{4}-\d\d-\d\dT[\d:.]+Z\n {2}size {9}\d+ bytes\n {2}sha256 {7}[0-9a-f]{64}\n/,
    );
    expect(out).toContain('\n  proof       record 3 of sum.example.org, in a tree of 4: it holds\n');
    expect(out).toMatch(
      /\n {2}asked of {4}proxy\.example\|other\.example,direct\n {2}repository {2}https:\/\/example\.com\/proven\?go-get=1 \(where the go-import tag of this page leads\)\n$/,
    );
  });

  test('gives the same as data', async () => {
    const found = await explained(PROVEN);
    const place = { database: 'sum.example.org', record: 3, treeSize: 4 };
    expect(found).toMatchObject({
      module: PROVEN,
      isStored: true,
      artifacts: [
        {
          kind: 'zip',
          isStored: true,
          record: { source: 'upstream.test', verification: { by: 'sumdb', ...place } },
          standing: { is: 'proven', by: [place] },
          quarantined: [],
        },
        { kind: 'mod', isStored: true },
        { kind: 'info', standing: { is: 'form' } },
      ],
      proofs: [{ holds: true, ...place, zip: [expect.stringMatching(/^h1:/)], mod: [expect.stringMatching(/^h1:/)] }],
      plan: {
        isAllowed: true,
        steps: [
          { source: 'proxy.example', separator: '|' },
          { source: 'other.example', separator: ',' },
          { source: 'direct' },
        ],
      },
    });
    expect(found).not.toHaveProperty('noProxy');
    expect(found).not.toHaveProperty('exemption');
  });

  test('names the route of the module, and the members of pools', async () => {
    const upstreams =
      'upstreams=near=https://near.example;name=far,url=https://far.example;name=x,url=https://x.example,pool=stage';
    const routes = 'routes=name=all,header=x-env: y,upstream=off;name=proven,modules=example.com,upstream=stage|main';
    const found = await explained(PROVEN, '--set', upstreams, '--set', routes);
    const steps = [
      { source: 'proven/stage', separator: '|', members: ['x'] },
      { source: 'proven/main', separator: ',', members: ['near', 'far'] },
    ];
    expect(found).toMatchObject({ plan: { isAllowed: true, route: 'proven', steps } });
  });

  test('names the record of the ledger, and the exemption then and now', async () => {
    const found = await explained(EXEMPT, '--set', 'noSumdb=x.example,corp.example');
    expect(found).toMatchObject({
      artifacts: [
        { record: { verification: { by: 'exemption', because: 'off' } }, standing: { is: 'proven' } },
        {},
        {},
      ],
      proofs: [{ holds: true, database: 'sum.corp.test', record: 0, treeSize: 1 }],
      exemption: { because: 'pattern', pattern: 'corp.example' },
      scope: 'public',
      plan: { isAllowed: true, steps: [{ source: 'proxy.example' }, {}, {}] },
    });
  });

  test('names the glob that keeps proxies out, and the two that make a module private together', async () => {
    const noProxy = ['--set', 'noProxy=*.example/exempt'] as const;
    expect(await explained(EXEMPT, ...noProxy)).toMatchObject({
      isStored: true,
      scope: 'public',
      noProxy: '*.example/exempt',
      plan: { isAllowed: true, steps: [{ source: 'direct' }] },
    });
    const both = await explained(EXEMPT, ...noProxy, '--set', 'noSumdb=corp.example');
    expect(both).toMatchObject({
      isStored: false,
      scope: 'private',
      private: { key: 'noProxy, noSumdb', pattern: '*.example/exempt, corp.example' },
    });
    expect(both).not.toHaveProperty('noProxy');
  });

  test('says where in a repository a module came from', async () => {
    const module = 'corp.example/lib@v1.2.0';
    const anchor = { url: 'ssh://git@git.corp.example/lib', commit: 'c'.repeat(40), tree: 'd'.repeat(40) };
    const verification = { by: 'exemption', because: 'off' } as const;
    await storeModules(data, log, [
      { module, verification, source: 'direct', anchor: { ...anchor, tag: 'v1.2.0' } },
      { module: 'corp.example/lib@v1.2.1', verification, source: 'direct', anchor },
    ]);
    const { out } = await explain(module);
    expect(out).toContain(
      `  source       direct\n  repository   ${anchor.url}\n  tag          v1.2.0\n  commit       ${anchor.commit}\n  tree         ${anchor.tree}\n`,
    );
    expect((await explain('corp.example/lib@v1.2.1')).out).not.toContain('  tag ');
    expect(await explained(module)).toMatchObject({ artifacts: [{ record: { anchor } }, {}, { record: { anchor } }] });
  });

  test('says what makes a module private, and looks for it in the private part of the store alone', async () => {
    const verification = { by: 'exemption', because: 'pattern', pattern: 'corp.example' } as const;
    await storeModules(data, log, [
      { module: 'corp.example/lib@v1.0.0', verification, source: 'direct', scope: 'private' },
    ]);
    const args = ['--set', 'private=corp.example'] as const;
    expect(await explained('corp.example/lib@v1.0.0', ...args)).toMatchObject({
      scope: 'private',
      isStored: true,
      private: { key: 'private', pattern: 'corp.example' },
      exemption: { because: 'pattern', pattern: 'corp.example' },
      plan: { isAllowed: true, steps: [{ source: 'direct', separator: ',' }] },
    });
    const { out } = await explain('corp.example/lib@v1.0.0', ...args);
    expect(out).toMatch(/\n {2}configured {2}exempt by corp\.example \(private, noSumdb\)\n/);
    expect(out).toMatch(/\n {2}private {5}by corp\.example \(private\)\n {2}asked of {4}direct\n {2}repository /);
    expect(await explained('corp.example/lib@v1.0.0')).toMatchObject({ scope: 'public', isStored: false });
    expect(await explained(EXEMPT, ...args)).toMatchObject({ scope: 'private', isStored: false });
  });

  test('names the row that gives a module another repository', async () => {
    const alias =
      'git.aliases=example.com=https://git.example/all;module=example.com/lib,repository=ssh://git@git.example/lib,subdirectory=go';
    const { out } = await explain('example.com/lib/v2@v2.0.0', '--set', alias);
    expect(out).toContain('  alias       example.com/lib = ssh://git@git.example/lib (go)\n  asked of    direct\n');
    expect(out).toContain('  repository  ssh://git@git.example/lib (go) (git.aliases)\n');
    expect(await explained('example.com/other@v1.0.0', '--set', alias)).toMatchObject({
      scope: 'public',
      alias: { module: 'example.com', repository: 'https://git.example/all' },
    });
    expect(await explained('example.comx/other@v1.0.0', '--set', alias)).not.toHaveProperty('alias');
  });

  test('says where the repository would be, where it is reached instead, and why there is none', async () => {
    const sets = [
      '--set',
      'upstream=direct',
      '--set',
      'git.rewrites=https://github.com/acme=ssh://git@git.example/acme',
    ];
    const { out } = await explain('github.com/acme/lib@v1.0.0', ...sets);
    expect(out).toContain('  repository  https://github.com/acme/lib (a known host)\n');
    expect(out).toContain('  reached at  ssh://git@git.example/acme/lib (git.rewrites)\n');
    expect(await explained('git.example/x/y.git/sub@v1.0.0', ...sets)).toMatchObject({
      repository: { by: 'qualifier', root: 'git.example/x/y.git', url: 'https://git.example/x/y' },
    });
    const denied = await explain('github.com/acme/lib@v1.0.0', ...sets, '--set', 'git.govcs=github.com:hg');
    expect(denied.out).toMatch(/ {2}repository {2}GOVCS disallows using git /);
    expect(await explained('example.com/m@v1.0.0', '--set', 'upstream=https://proxy.example')).not.toHaveProperty(
      'repository',
    );
  });

  test('shows nothing raw that came from outside', async () => {
    const { out } = await explain(EXEMPT);
    expect(out).toContain('source       evil\\u{1b}[31m');
    expect(out).not.toContain('\u001b');
  });

  test('tells of bytes that were put aside, and why', async () => {
    const aside = join(data, 'quarantine/public', `${PROVEN.replace('@', '/@v/')}.zip`);
    const sha256 = 'ab'.repeat(32);
    const { mkdirSync } = await import('node:fs');
    mkdirSync(aside, { recursive: true });
    writeFileSync(join(aside, sha256), 'evil');
    const note = {
      reason: 'its h1 is \u001bother',
      source: 'mirror.test',
      sha256,
      sizeBytes: 4,
      at: '2026-01-02T03:04:05.000Z',
    };
    writeFileSync(join(aside, `${sha256}.json`), JSON.stringify(note));
    const { out } = await explain(PROVEN);
    expect(out).toContain(
      `put aside    2026-01-02T03:04:05.000Z, mirror.test, 4 bytes, sha256 ${sha256}, its h1 is \\u{1b}other`,
    );
  });

  test('says of data that are missing that they are wrong, and of a damaged proof that it does not hold', async () => {
    rmSync(join(data, 'download', `${PROVEN.replace('@', '/@v/')}.zip`));
    const lookup = join(data, 'sumdb/sum.example.org/lookup', PROVEN);
    rmSync(lookup);
    writeFileSync(lookup, 'rubbish');
    const { code, out } = await explain(PROVEN);
    expect(code).toBe(0);
    expect(out).toContain('now          wrong: it has a record but no data\n');
    expect(out).toMatch(/proof +by sum\.example\.org: it does not hold: /);
  });

  test('says of what is not stored where it would be asked for, and exits 0', async () => {
    const { code, out } = await explain('example.com/gone@v1.0.0');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'example.com/gone@v1.0.0: not stored',
      '',
      '  proof       none is stored',
      '  asked of    proxy.example|other.example,direct',
      '  repository  https://example.com/gone?go-get=1 (where the go-import tag of this page leads)',
      '',
    ]);
    expect(await explained('github.com/user@v1.0.0')).toMatchObject({
      isStored: false,
      plan: { isAllowed: false, code: 'NOT_FOUND' },
    });
  });

  test('changes nothing, and makes no data folder', async () => {
    const before = readdirSync(data, { recursive: true });
    await explain(PROVEN);
    expect(readdirSync(data, { recursive: true })).toEqual(before);
    data = join(folder, 'typo');
    expect(await explain(PROVEN)).toMatchObject({ code: 4, out: '' });
    expect(existsSync(data)).toBe(false);
  });

  test('says the same in Chinese, aligned', async () => {
    const { out } = await explain(PROVEN, '--lang', 'zh');
    expect(out).toContain('\n  来源      upstream.test\n');
    expect(out).toContain('\n  当时依据  sum.example.org 的第 3 条记录，树大小 4\n');
  });

  test.each([
    [[], 'larder explain needs module@version'],
    [['example.com/m@v1'], 'write example.com/m@v1.0.0'],
    [['example.com/m@v1.0.0', 'x'], 'larder explain takes no argument'],
  ])('%j is a mistake: exit 2', async (args, words) => {
    const texts = { err: '' };
    const code = await run(['explain', ...args], {
      stdout: { write: () => true },
      stderr: { write: (text) => void (texts.err += text) },
      env: { GOENV: 'off', HOME: folder },
      cwd: () => folder,
    });
    expect([code, texts.err]).toEqual([2, expect.stringContaining(words)]);
  });
});
