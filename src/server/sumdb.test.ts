import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sumdbPath } from '../gomod/sumdb/request.ts';
import type { ChecksumDatabases, DatabaseAnswer } from '../resolver/checksum-databases.ts';
import { AppError } from '../std/errors.ts';
import { type Served, serve, sha256 } from './edge.fixture.ts';

const asked: { path: string; mayFetch: string }[] = [];
const table = new Map<string, DatabaseAnswer | AppError>();

const databases: ChecksumDatabases = {
  answer: (request, { mayFetch }) => {
    const path = sumdbPath(request);
    asked.push({ path, mayFetch });
    const answer = table.get(path) ?? new AppError('NOT_FOUND', `sumdb/${path}: unknown`);
    return answer instanceof AppError ? Promise.reject(answer) : Promise.resolve(answer);
  },
};

function says(path: string, text: string, over: Partial<DatabaseAnswer> = {}): void {
  const bytes = Buffer.from(text);
  const source = 's.example';
  table.set(path, { source, result: 'hit', form: 'text', bytes, sha256: sha256(bytes), keepSeconds: 3600, ...over });
}

let s: Served;
beforeAll(async () => {
  says('s.example/supported', '', { keepSeconds: 60 });
  says('s.example/latest', 'head\n', { keepSeconds: 5 });
  says('s.example/lookup/x.y/!z@v1.0.0', 'record\n', { result: 'miss' });
  says('s.example/tile/8/0/000', 'x'.repeat(8192), { form: 'hashes', keepSeconds: Number.POSITIVE_INFINITY });
  says('s.example/tile/8/data/000', 'x'.repeat(100), { keepSeconds: Number.POSITIVE_INFINITY });
  s = await serve({ databases });
});
afterAll(() => s.stop());

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(`${s.url}/sumdb/${path}`, { headers, method });

const FOR_EVER = 'public, max-age=31536000, immutable';

describe('a checksum database over HTTP', () => {
  test.each([
    ['s.example/supported', 'text/plain; charset=UTF-8', 'public, max-age=60', 0],
    ['s.example/latest', 'text/plain; charset=UTF-8', 'public, max-age=5', 5],
    ['s.example/lookup/x.y/%21z@v1.0.0', 'text/plain; charset=UTF-8', 'public, max-age=3600', 7],
    ['s.example/tile/8/0/000', 'application/octet-stream', FOR_EVER, 8192],
    ['s.example/tile/8/data/000', 'text/plain; charset=UTF-8', FOR_EVER, 100],
  ])('%s is %s, to be kept as %s', async (path, type, cacheControl, size) => {
    const response = await ask(path);
    const body = await response.bytes();
    expect(response.status).toBe(200);
    expect(body.length).toBe(size);
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('cache-control')).toBe(cacheControl);
    expect(response.headers.get('etag')).toBe(`"${sha256(body)}"`);
    expect(response.headers.get('age')).toBeNull();
  });

  test('sends nothing to those who have it already', async () => {
    const etag = (await ask('s.example/latest')).headers.get('etag') ?? '';
    const again = await ask('s.example/latest', { 'If-None-Match': etag });
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    const other = await ask('s.example/latest', { 'If-None-Match': '"0"' });
    expect([other.status, await other.text()]).toEqual([200, 'head\n']);
  });

  test('is asked with HEAD too, and sends no parts of a tile', async () => {
    const head = await ask('s.example/tile/8/0/000', {}, 'HEAD');
    expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([200, '', '8192']);
    const ranged = await ask('s.example/tile/8/0/000', { Range: 'bytes=0-9' });
    expect([ranged.status, (await ranged.bytes()).length]).toEqual([200, 8192]);
  });

  test.each([
    ['tile/8/0/00', 'invalid tile syntax\n'],
    ['tile/', 'invalid tile syntax\n'],
    ['lookup/', 'invalid module@version syntax\n'],
    ['lookup/x.y/z@latest', 'invalid module@version syntax\n'],
    ['lookup/x.y/z@v1.0.0@v1', 'invalid module@version syntax\n'],
  ])('says of %s that it is malformed, and asks no database', async (rest, body) => {
    asked.length = 0;
    const response = await ask(`s.example/${rest}`);
    expect([response.status, await response.text()]).toEqual([400, body]);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(asked).toEqual([]);
  });

  test.each([
    ['NOT_FOUND', 404, 'public, max-age=5'],
    ['POLICY_DENIED', 403, 'no-store'],
    ['SUMDB_UNAVAILABLE', 503, 'no-store'],
    ['SUMDB_INCONSISTENT', 502, 'no-store'],
  ] as const)('tells %s as %d', async (code, status, cacheControl) => {
    table.set('s.example/lookup/x.y/w@v1.0.0', new AppError(code, 'look up x.y/w@v1.0.0: no'));
    const response = await ask('s.example/lookup/x.y/w@v1.0.0');
    expect([response.status, response.headers.get('cache-control')]).toEqual([status, cacheControl]);
    expect(await response.text()).toContain('x.y/w@v1.0.0');
  });

  test.each([
    ['/cached-only/sumdb/s.example/latest', {}],
    ['/sumdb/s.example/latest', { 'Disable-Module-Fetch': 'true' }],
  ])('%s with %j may fetch nothing', async (path, headers) => {
    asked.length = 0;
    expect((await fetch(s.url + path, { headers })).status).toBe(200);
    expect(asked).toEqual([{ path: 's.example/latest', mayFetch: 'no' }]);
  });

  test('is in the access log by its kind, with how the answer was found', async () => {
    const before = s.outcomes.length;
    await (await ask('s.example/lookup/x.y/%21z@v1.0.0')).text();
    expect(await s.outcome(before + 1)).toMatchObject({
      kind: 'sumdb',
      status: 200,
      result: 'miss',
      source: 's.example',
    });
  });

  test('of bodies that are one object, keeps text and hashes apart', async () => {
    const bytes = Buffer.from('x'.repeat(32));
    says('s.example/tile/8/data/001.p/1', '', { bytes });
    says('s.example/tile/8/0/001.p/1', '', { bytes, form: 'hashes' });
    expect((await ask('s.example/tile/8/data/001.p/1')).headers.get('content-type')).toMatch(/^text\/plain/);
    expect((await ask('s.example/tile/8/0/001.p/1')).headers.get('content-type')).toBe('application/octet-stream');
  });
});
