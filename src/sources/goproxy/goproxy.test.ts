import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Credentials, NO_CREDENTIALS } from '../../credentials/credentials.ts';
import { bodies } from '../../../tests/fakes/content.ts';
import { type FakeUpstream, type Fault, startFakeUpstream } from '../../../tests/fakes/fake-upstream.ts';
import { plainZip } from '../../../tests/fakes/plain-zip.ts';
import { type ModuleVersion, parseModulePath, type Version } from '../../gomod/module.ts';
import { HttpClient } from '../../io/http-client.ts';
import { createSpoolDirectory } from '../../io/spool.ts';
import { openTempDirectory } from '../../io/temp-directory.ts';
import { isAppError } from '../../std/errors.ts';
import { CONTRACT_CONTENT, testSource } from '../contract.ts';
import type { Spool } from '../source.ts';
import { GoproxySource } from './goproxy.ts';

const o = { signal: new AbortController().signal };
const path = parseModulePath('x.test/m');
const mv: ModuleVersion = { path, version: 'v1.0.0' as Version };
const ZIP = plainZip([{ name: 'x.test/m@v1.0.0/go.mod', content: 'module x.test/m\n' }]);
const PAGE = '<!DOCTYPE html><html><body>Please sign in</body></html>\n';
const CONTENT = {
  page: PAGE,
  'x.test/m/@v/list': 'v1.0.0\n',
  'x.test/m/@v/v1.0.0.info': '{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z"}',
  'x.test/m/@v/v1.0.0.mod': 'module x.test/m\n\ngo 1.24\n',
  'x.test/m/@v/v1.0.0.zip': ZIP,
};

let fake: FakeUpstream;
let client: HttpClient;
let folder: string;
let spool: Spool;
let source: GoproxySource;
beforeAll(async () => {
  fake = await startFakeUpstream({ content: [bodies({ ...CONTRACT_CONTENT, ...CONTENT })] });
  client = new HttpClient({
    userAgent: 'larder/test',
    firstByteTimeoutMs: 400,
    connectTimeoutMs: 400,
    idleTimeoutMs: 300,
    totalTimeoutMs: 2000,
  });
  folder = await mkdtemp(join(tmpdir(), 'larder-goproxy-'));
  spool = createSpoolDirectory({ temp: await openTempDirectory(folder) }).spool(1 << 30);
  source = at(fake.base);
});
afterAll(async () => {
  await client.close();
  await fake.close();
  await rm(folder, { recursive: true, force: true });
});
let heal = (): void => {};
afterEach(() => heal());

function at(base: string, name = 'fake'): GoproxySource {
  return new GoproxySource({ name, base: new URL(base), client, credentials: NO_CREDENTIALS });
}

testSource('goproxy', async () => ({ source: at(fake.base) }));

const KINDS = ['info', 'mod', 'zip'] as const;
type Kind = (typeof KINDS)[number];

async function ask(kind: Kind, from = source): Promise<void> {
  if (kind === 'info') await from.query(path, mv.version, o);
  else if (kind === 'mod') await from.mod(mv, o);
  else await (await from.zip(mv, spool, o)).unverified.discard();
}

async function failureOf(kind: Kind, from = source): Promise<{ code: string; message: string } | undefined> {
  try {
    await ask(kind, from);
    return undefined;
  } catch (error) {
    if (isAppError(error)) return { code: error.code, message: error.message };
    throw error;
  }
}

const HTML = { 'content-type': 'text/html; charset=utf-8' };
const BODY: Readonly<Record<Kind, Buffer>> = {
  info: Buffer.from(CONTENT['x.test/m/@v/v1.0.0.info']),
  mod: Buffer.from(CONTENT['x.test/m/@v/v1.0.0.mod']),
  zip: ZIP,
};
const type = 'text/plain';

/** Answers that no upstream should give, made from the right body of each kind. None of them may be taken for a good answer, and none for "not here". */
const MALFORMED: readonly (readonly [what: string, fault: (body: Buffer, kind: Kind) => Fault])[] = [
  ['status 201', () => ({ answer: { status: 201 } })],
  ['status 202', () => ({ answer: { status: 202 } })],
  ['status 203', () => ({ answer: { status: 203 } })],
  ['status 204', () => ({ answer: { status: 204, body: Buffer.alloc(0) } })],
  ['status 206, whole body', () => ({ answer: { status: 206 } })],
  [
    'status 206, part of the body',
    (body) => ({
      answer: { status: 206, body: body.subarray(0, 9) },
      headers: { 'content-range': `bytes 0-8/${body.length}` },
    }),
  ],
  ['status 226', () => ({ answer: { status: 226 } })],
  ['status 299', () => ({ answer: { status: 299 } })],
  ['304 without a question', () => ({ answer: { status: 304, body: Buffer.alloc(0) } })],
  ['300 with a body', () => ({ answer: { status: 300 } })],
  ['302 with the right body and no Location', () => ({ answer: { status: 302 } })],
  ['302 to a page', () => ({ answer: { status: 302, headers: { location: '/mod/page' } } })],
  [
    'redirect to itself',
    (_, kind) => ({ answer: { status: 302, headers: { location: `/mod/x.test/m/@v/v1.0.0.${kind}` } } }),
  ],
  ['redirect to another scheme', () => ({ answer: { status: 302, headers: { location: 'file:///etc/passwd' } } })],
  ['redirect to no URL', () => ({ answer: { status: 302, headers: { location: 'http://[' } } })],
  ['400', () => ({ answer: { status: 400 } })],
  ['403', () => ({ answer: { status: 403 } })],
  ['418 with the right body', () => ({ answer: { status: 418 } })],
  ['500 with the right body', () => ({ answer: { status: 500 } })],
  ['503', () => ({ answer: { status: 503 } })],
  ['an HTML page', () => ({ answer: { body: Buffer.from(PAGE), headers: HTML } })],
  [
    'an HTML page that calls itself text',
    () => ({ answer: { body: Buffer.from(PAGE), headers: { 'content-type': type } } }),
  ],
  [
    'an HTML page after blank lines',
    () => ({ answer: { body: Buffer.from(`\r\n\r\n ${PAGE}`), headers: { 'content-type': type } } }),
  ],
  ['JSON of an error', () => ({ answer: { body: Buffer.from('{"errors":[{"status":404}]}') } })],
  ['a JSON array', () => ({ answer: { body: Buffer.from('[]') } })],
  ['zeros in place of the body', (body) => ({ answer: { body: Buffer.alloc(body.length) } })],
  ['gzip, said so', (body) => ({ answer: { body: gzipSync(body) }, headers: { 'content-encoding': 'gzip' } })],
  ['gzip said, not done', () => ({ headers: { 'content-encoding': 'gzip' } })],
  [
    'gzip twice',
    (body) => ({ answer: { body: gzipSync(gzipSync(body)) }, headers: { 'content-encoding': 'gzip, gzip' } }),
  ],
  ['deflate', (body) => ({ answer: { body: deflateRawSync(body) }, headers: { 'content-encoding': 'deflate' } })],
  ['br said, not done', () => ({ headers: { 'content-encoding': 'br' } })],
  ['an unknown encoding', () => ({ headers: { 'content-encoding': 'x-none' } })],
  ['cut in the middle', (body) => ({ cutAfter: body.length >> 1 })],
  ['cut before the last byte', (body) => ({ cutAfter: body.length - 1 })],
  ['cut before the first byte', () => ({ cutAfter: 0 })],
  ['Content-Length too large', (body) => ({ contentLength: body.length + 5 })],
  [
    'Content-Length twice, differing',
    (body) => ({
      raw: `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nContent-Length: 3\r\n\r\n${body.toString('latin1')}`,
    }),
  ],
  ['Content-Length that is no number', () => ({ headers: { 'content-length': '12x' } })],
  ['no length, cut', (body) => ({ contentLength: 'none', cutAfter: body.length - 2 })],
  [
    'chunked, cut before the last chunk',
    (body) => ({
      raw: Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`),
        body,
        Buffer.from('\r\n'),
      ]),
    }),
  ],
  [
    'a chunk with a bad size',
    () => ({ raw: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n' }),
  ],
  ['no HTTP at all', () => ({ raw: 'SSH-2.0-OpenSSH_9.2\r\n' })],
  ['a header without an end', () => ({ raw: `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(40_000)}\r\n\r\n` })],
  ['the connection reset', () => ({ reset: true })],
  ['silence', () => ({ hang: 'before-head' })],
  ['silence after the head', () => ({ hang: 'after-head' })],
  ['a stall in the body', (body) => ({ trickle: { bytes: Math.max(body.length - 1, 1), everyMs: 1500 } })],
];

describe.each(KINDS)('.%s: a malformed answer is an error, and never "not here"', (kind) => {
  test.each(MALFORMED)('%s', async (_, fault) => {
    heal = fake.fault(({ path: asked }) => (asked.endsWith(`.${kind}`) ? fault(BODY[kind], kind) : undefined));
    const failure = await failureOf(kind);
    expect(failure?.code).toMatch(/^UPSTREAM_(UNAVAILABLE|TIMEOUT|BAD_RESPONSE)$/);
    expect(failure?.message).toMatch(/^fetch the .* of x\.test\/m@v1\.0\.0 from fake: /);
    expect(failure?.message).not.toContain('\n');
  });

  test('the same question without the fault is answered', async () => expect(await failureOf(kind)).toBeUndefined());
});

describe('a zip', () => {
  test.each<[string, Fault]>([
    ['with bytes after its end', { answer: { body: Buffer.concat([ZIP, Buffer.from('more')]) } }],
    ['with bytes before its start', { answer: { body: Buffer.concat([Buffer.from('#!/bin/sh\n'), ZIP]) } }],
    ['without its end record', { answer: { body: ZIP.subarray(0, ZIP.length - 22) } }],
    ['shortened together with its length', { answer: { body: ZIP.subarray(0, 40) } }],
    ['that is empty', { answer: { body: Buffer.alloc(0) } }],
  ])('%s is refused', async (_, fault) => {
    heal = fake.fault(() => fault);
    expect((await failureOf('zip'))?.code).toBe('UPSTREAM_BAD_RESPONSE');
  });

  test('of a larger size than the go command takes is refused by its length alone', async () => {
    heal = fake.fault(() => ({ contentLength: 500 * 1024 * 1024 + 1 }));
    expect((await failureOf('zip'))?.code).toBe('TOO_LARGE');
  });

  test('that arrives in pieces is whole', async () => {
    heal = fake.fault(() => ({ trickle: { bytes: 16, everyMs: 1 } }));
    expect(await failureOf('zip')).toBeUndefined();
  });
});

describe('what an answer means', () => {
  test.each([
    [404, 'NOT_FOUND'],
    [410, 'GONE'],
    [401, 'AUTH_REQUIRED'],
    [403, 'UPSTREAM_BAD_RESPONSE'],
    [400, 'UPSTREAM_BAD_RESPONSE'],
    [451, 'UPSTREAM_BAD_RESPONSE'],
    [408, 'UPSTREAM_UNAVAILABLE'],
    [429, 'UPSTREAM_UNAVAILABLE'],
    [500, 'UPSTREAM_UNAVAILABLE'],
    [504, 'UPSTREAM_UNAVAILABLE'],
  ])('%i is %s, for every kind of question', async (status, code) => {
    const down = at(`${fake.base}/${status}`, 'down');
    await expect(down.list(path, o)).rejects.toMatchObject({ code, detail: { status } });
    await expect(down.latest(path, o)).rejects.toMatchObject({ code });
    for (const kind of KINDS) expect((await failureOf(kind, down))?.code).toBe(code);
  });

  test("the upstream's reason is in the message, one printable line of it", async () => {
    await expect(at(`${fake.base}/plain404`, 'p').mod(mv, o)).rejects.toThrow(
      'fetch the go.mod of x.test/m@v1.0.0 from p: 404: policy says no: ask it@example.com',
    );
    heal = fake.fault(() => ({
      answer: { status: 404, body: Buffer.from(`\u001b[31mred\u001b[0m ${'x'.repeat(500)}`) },
    }));
    const failure = await failureOf('mod');
    expect(failure?.message).toContain('404: ?[31mred?[0m xxx');
    expect(failure?.message.length).toBeLessThan(300);
  });

  test('a reason that repeats the URL does not tell the path or the query string of the upstream', async () => {
    const from = at(`${fake.base}/t%6fken-canary?key=canary`, 'p');
    const echo = (url: string): void => {
      heal = fake.fault(() => ({ answer: { status: 404, body: Buffer.from(`no ${url} here`) } }));
    };
    echo('http://h/mod/t%6fken-canary/x.test/m/@v/v1.0.0.mod?key=canary');
    expect((await failureOf('mod', from))?.message).toMatch(
      /: 404: no http:\/\/h\/x\.test\/m\/@v\/v1\.0\.0\.mod here$/,
    );
    heal();
    echo('/mod/token-canary');
    expect((await failureOf('mod', from))?.message).not.toContain('canary');
    heal();
    echo('/mod/t%6fken-canaryland');
    expect((await failureOf('mod', from))?.message).toContain('canaryland');
  });

  test('a page of HTML is no reason', async () => {
    expect((await failureOf('mod', at(`${fake.base}/html403`, 'p')))?.message).toBe(
      'fetch the go.mod of x.test/m@v1.0.0 from p: 403',
    );
  });

  describe('401', () => {
    const answering = (http: Credentials['http']) => {
      const refused: (number | undefined)[] = [];
      const credentials = {
        ...NO_CREDENTIALS,
        http,
        advice: () => 'set it',
        refused: (_: URL, s?: number) => refused.push(s),
      };
      const base = new URL(`${fake.base}/auth`);
      return { refused, source: new GoproxySource({ name: 'p', base, client, credentials }) };
    };
    const sent = (text: string) => ({
      origin: fake.origin,
      pathPrefix: '/',
      headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` },
    });

    test('says what to do', async () => {
      const { source: asked, refused } = answering(() => Promise.resolve(undefined));
      await expect(asked.mod(mv, o)).rejects.toThrow('fetch the go.mod of x.test/m@v1.0.0 from p: 401: set it');
      expect(refused).toEqual([401]);
    });

    test('is met with what there is then, once', async () => {
      let n = 0;
      const { source: asked, refused } = answering(() => Promise.resolve(sent(`user:wrong-${n++}`)));
      await expect(asked.mod(mv, o)).rejects.toMatchObject({ code: 'AUTH_REQUIRED' });
      expect([n, refused]).toEqual([2, [401]]);
    });
  });

  test('Retry-After is kept', async () => {
    heal = fake.fault(() => ({ answer: { status: 503, headers: { 'retry-after': '7' } } }));
    await expect(source.mod(mv, o)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      detail: { retryAfterSeconds: 7 },
    });
  });

  test('a list in disorder is put in order; a page of HTML is an empty one, as for the go command', async () => {
    const quote = parseModulePath('rsc.io/quote');
    expect(await at(`${fake.base}/timelist`).list(quote, o)).toEqual(['v1.0.0', 'v1.2.0', 'v1.5.2']);
    expect(await at(`${fake.base}/htmllist`).list(quote, o)).toEqual([]);
  });

  describe('where the upstream has no @latest', () => {
    const [older, newer] = ['v0.0.0-20180507143103-dc8cbe209b64', 'v0.0.0-20190507143103-cc8cbe209b64'];
    const untagged = parseModulePath('untagged.test/m');
    const lists = (list: string): void => {
      heal = fake.fault(({ target }) => {
        if (target.endsWith('/list')) return { answer: { status: 200, body: Buffer.from(list) } };
        const version = /@v\/(.*)\.info$/.exec(target)?.[1];
        return version === undefined
          ? undefined
          : { answer: { status: 200, body: Buffer.from(`{"Version":"${version}"}`) } };
      });
    };
    const latest = async (): Promise<string> => (await source.latest(untagged, o)).unverified.version;

    test('the newest commit that it lists is the latest version', async () => {
      lists(`${newer}\n${older}\n`);
      expect(await latest()).toBe(newer);
    });

    test('a time in the list says more than the name of the version', async () => {
      lists(`${older} 2020-01-01T00:00:00Z\n${newer} 2019-05-07T14:31:03Z\n`);
      expect(await latest()).toBe(older);
    });

    test('what is no time in the list says nothing', async () => {
      lists(`${older} yesterday\n${newer}\n`);
      expect(await latest()).toBe(newer);
    });

    test.each(['v1.0.0\n', `v1.0.0\n${newer}\n`, '', '<html>'])('the list %j leaves it "not here"', async (list) => {
      lists(list);
      await expect(latest()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('no list either leaves it "not here"', async () => {
      await expect(latest()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('a list that cannot be had is told as such', async () => {
      heal = fake.fault(({ target }) => (target.endsWith('/list') ? { answer: { status: 500 } } : undefined));
      await expect(latest()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    });
  });

  test('a list past 100,000 lines or 4 MiB is refused', async () => {
    heal = fake.fault(() => ({ answer: { status: 200, body: Buffer.from('v1.0.0\n'.repeat(100_001)) } }));
    await expect(source.list(path, o)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    heal();
    heal = fake.fault(() => ({ answer: { status: 200, body: Buffer.alloc((4 << 20) + 1, 0x20) } }));
    await expect(source.list(path, o)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  test('a version that does not fit the path is an answer to a query, which the go command judges, but not to a version', async () => {
    heal = fake.fault(() => ({ answer: { status: 200, body: Buffer.from('{"Version":"v2.0.0"}') } }));
    for (const query of ['main', 'v2.0.0'])
      expect(await source.query(path, query, o)).toMatchObject({ unverified: { version: 'v2.0.0' } });
    expect(await source.latest(path, o)).toMatchObject({ unverified: { version: 'v2.0.0' } });
    expect((await failureOf('info'))?.code).toBe('UPSTREAM_BAD_RESPONSE');
  });

  test('a version that is not canonical is no answer to any question', async () => {
    heal = fake.fault(() => ({ answer: { status: 200, body: Buffer.from('{"Version":"v2"}') } }));
    await expect(source.query(path, 'v2', o)).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
  });

  test('text without a length is refused even when its last line is whole: it may be cut between two lines', async () => {
    heal = fake.fault(() => ({ contentLength: 'none' }));
    const cut = { code: 'UPSTREAM_BAD_RESPONSE', message: expect.stringContaining('it may be cut') };
    expect(await failureOf('mod')).toMatchObject(cut);
    expect(await failureOf('info')).toMatchObject(cut);
    await expect(source.list(path, o)).rejects.toMatchObject(cut);
    await expect(source.latest(path, o)).rejects.toMatchObject(cut);
  });

  test('a zip without a length is taken: its end record says whether it is whole', async () => {
    heal = fake.fault(() => ({ contentLength: 'none' }));
    expect(await failureOf('zip')).toBeUndefined();
  });
});

describe('a request', () => {
  test('goes out as the go command writes it, below the base, with its query string', async () => {
    const upper = { path: parseModulePath('x.test/Upper'), version: 'v2.0.0-RC+incompatible' as Version };
    fake.clearLog();
    await at(`${fake.base}/?token=s3cret`)
      .mod(upper, o)
      .catch(() => {});
    expect(fake.requests.map((one) => one.path)).toEqual([
      '/x.test/%21upper/@v/v2.0.0-%21r%21c+incompatible.mod?token=s3cret',
    ]);
    expect(fake.requests[0]?.headers).toMatchObject({ 'user-agent': 'larder/test', 'accept-encoding': 'identity' });
  });

  test('never shows the query string or the password of its upstream', async () => {
    const failing = at(`${fake.base}/500?token=s3cret`, 'p');
    for (const kind of KINDS) expect((await failureOf(kind, failing))?.message).not.toContain('s3cret');
    expect(() => at(`http://user:s3cret@127.0.0.1:1/`)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.not.stringContaining('s3cret') }),
    );
  });

  test('follows nine redirects and not ten', async () => {
    expect(await failureOf('zip', at(`${fake.base}/redirect/9`))).toBeUndefined();
    expect((await failureOf('zip', at(`${fake.base}/redirect/10`)))?.code).toBe('UPSTREAM_BAD_RESPONSE');
  });
});
