import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { dialledHost, isThisMachine } from '../setup.ts';
import { skipUnless } from '../skip.ts';
import { bodies, downloadTree, madeUpModule, moduleArchives } from './content.ts';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream.ts';
import { entryNamed } from './special-prefixes.ts';
import { parseTextArchive } from './txtar.ts';

const ARCHIVES = join(
  process.env['CONFORMANCE_DIR'] ?? resolve(import.meta.dirname, '../../../shared/conformance'),
  'goproxy/mod',
);

async function get(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { redirect: 'follow' });
  return { status: response.status, text: await response.text() };
}

describe('a fake upstream', () => {
  let fake: FakeUpstream;
  beforeAll(async () => {
    fake = await startFakeUpstream({
      content: [
        bodies({ 'x.test/a/@v/list': 'v1.0.0\n' }),
        madeUpModule('x.test/big', 'v1.2.3', { zipBytes: 100_000 }),
      ],
    });
  });
  afterAll(() => fake.close());

  test('gives out what it was given, and says 404 as text for the rest', async () => {
    expect(await get(`${fake.base}/x.test/a/@v/list`)).toEqual({ status: 200, text: 'v1.0.0\n' });
    expect(await get(`${fake.base}/x.test/b/@v/list`)).toEqual({ status: 404, text: '404 page not found\n' });
  });

  test('remembers each request as it stood on the wire', async () => {
    fake.clearLog();
    await get(`${fake.base}/x.test/%21a/@v/v1.0.0+incompatible.mod?a=b`);
    expect(fake.requests).toMatchObject([
      {
        method: 'GET',
        path: '/x.test/%21a/@v/v1.0.0+incompatible.mod?a=b',
        target: 'x.test/!a/@v/v1.0.0+incompatible.mod',
        status: 404,
      },
    ]);
    expect(fake.count(/\.mod/)).toBe(1);
  });

  test('cuts, corrupts, delays and mislabels on request, and is whole again when the rule is taken away', async () => {
    const zip = `${fake.base}/x.test/big/@v/v1.2.3.zip`;
    const whole = await get(zip);
    const heal = fake.fault(({ target }) => (target.endsWith('.zip') ? { cutAfter: 1000 } : undefined));
    await expect(get(zip)).rejects.toThrow();
    heal();
    const undo = fake.fault(() => ({ corruptAt: 200 }));
    expect((await get(zip)).text).not.toBe(whole.text);
    undo();
    expect((await get(zip)).text).toBe(whole.text);
  });

  test('redirects as often as the path says', async () => {
    expect(await get(`${fake.base}/redirect/5/x.test/a/@v/list`)).toEqual({ status: 200, text: 'v1.0.0\n' });
    expect(fake.count(/^\/redirect\//)).toBe(5);
  });

  test.each([
    ['404', 404],
    ['503', 503],
    ['emptylist', 200],
    ['plain404', 404],
    ['html403', 403],
    ['auth', 401],
  ])('plays /%s/', async (prefix, status) => {
    expect((await get(`${fake.base}/${prefix}/x.test/a/@v/list`)).status).toBe(status);
  });

  test('serves a download tree', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'larder-tree-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'list'), 'v1.0.0\n');
    expect(downloadTree(folder).get('list')?.toString()).toBe('v1.0.0\n');
    expect(downloadTree(folder).get('none')).toBeUndefined();
    expect(downloadTree(folder).get('')).toBeUndefined();
  });
});

describe('module archives', () => {
  skipUnless(existsSync(ARCHIVES), 'the conformance collection is not here');
  test('and every place that the fallback matrix names can be played', () => {
    const matrix = JSON.parse(readFileSync(join(ARCHIVES, '../fallback_matrix.json'), 'utf8')) as {
      tests: { first: string; second: string }[];
    };
    const entries = matrix.tests
      .flatMap(({ first, second }) => [first, second])
      .map((name) => entryNamed(name, 'http://h/mod'));
    expect(entries.every((entry) => /^(http:\/\/(h\/mod|127\.0\.0\.1:9)|direct$|off$)/.test(entry))).toBe(true);
    expect(() => entryNamed('nowhere', '')).toThrow();
  });

  let content: ReturnType<typeof moduleArchives>;
  beforeAll(() => {
    if (existsSync(ARCHIVES)) content = moduleArchives(ARCHIVES);
  });
  const textOf = (target: string): string | undefined => content.get(target)?.toString();

  test('list tagged versions that fit the path, and nothing for unknown modules', () => {
    expect(textOf('rsc.io/quote/@v/list')?.split('\n')).toContain('v1.5.3-pre1');
    expect(textOf('rsc.io/quote/@v/list')).not.toContain('v2.0.0');
    expect(textOf('example.com/notags/@v/list')).toBe('');
    expect(textOf('rsc.io/@v/list')).toBeUndefined();
  });

  test('find a commit by the beginning of its hash, and no branch', () => {
    expect(textOf('rsc.io/quote/@v/dd9747d.info')).toContain('v0.0.0-20180628003336-dd9747d19b04');
    expect(textOf('rsc.io/quote/@v/master.info')).toBeUndefined();
  });

  test('answer @latest as the recorded traces have it', () => {
    expect(textOf('rsc.io/quote/@latest')).toContain('v0.0.0-20180628003336-dd9747d19b04');
    expect(textOf('example.com/notags/@latest')).toContain('v0.0.0-20190507143103-cc8cbe209b64');
  });

  test('have upper-case names in their escaped form', () => {
    expect(textOf('rsc.io/!q!u!o!t!e/@v/v1.5.3-!p!r!e.mod')).toContain('module rsc.io/QUOTE');
    expect(content.get('rsc.io/quote/@v/v1.5.2.zip')?.subarray(0, 2).toString()).toBe('PK');
  });
});

test('a text archive is read file by file', () => {
  const { files } = parseTextArchive('comment\n-- a --\n1\n2\n-- b/c.go --\n-- d --\nlast');
  expect(files).toEqual([
    { name: 'a', content: '1\n2\n' },
    { name: 'b/c.go', content: '' },
    { name: 'd', content: 'last\n' },
  ]);
  expect(readFileSync(import.meta.filename, 'utf8')).toContain('text archive');
});

describe('the network is off in tests', () => {
  test.each([
    [[{ host: 'proxy.example', port: 443 }], 'proxy.example'],
    [[[{ host: '10.0.0.1', port: 80 }, null]], '10.0.0.1'],
    [[443, 'proxy.example'], 'proxy.example'],
    [[443], undefined],
    [[{ path: '/run/x.sock' }], undefined],
  ])('%j dials %s', (args, host) => expect(dialledHost(args)).toBe(host));

  test('loopback passes, everything else is refused', async () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost', 'a.localhost'].every(isThisMachine)).toBe(true);
    expect(['10.0.0.1', 'proxy.example', '0.0.0.0', '::2'].some(isThisMachine)).toBe(false);
    await expect(fetch('http://192.0.2.1/')).rejects.toMatchObject({ cause: { code: 'ENETUNREACH' } });
  });
});
