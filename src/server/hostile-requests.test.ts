import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromReader, inMemory, type Served, serve } from './edge.fixture.ts';

const GOOD = 'rsc.io/quote/@v/v1.5.2.info';
let s: Served;
beforeAll(async () => {
  s = await serve({ limits: { headersTimeoutMs: 300, requestTimeoutMs: 400, checkEveryMs: 100 } });
  s.resolver.artifacts.set(GOOD, inMemory('{"Version":"v1.5.2"}'));
});
afterAll(() => s.stop());

const statusOf = (reply: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(reply)?.[1] ?? 0);
const get = (target: string): Promise<string> =>
  s.raw(`GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`, 2000);

describe('the positive control', () => {
  test('a good request over the same raw socket is answered', async () => {
    expect(statusOf(await get(`/${GOOD}`))).toBe(200);
  });
});

describe('targets that name nothing', () => {
  const targets = [
    '/../../etc/passwd',
    '/rsc.io/../../../etc/passwd/@v/list',
    '/rsc.io/quote/@v/../../../../etc/passwd',
    '/rsc.io/quote/@v/..%2f..%2f..%2fetc%2fpasswd.info',
    '/rsc.io/%2e%2e/quote/@v/list',
    '/%2e%2e/%2e%2e/etc/passwd/@v/list',
    '/rsc.io%2fquote/@v/list',
    '/rsc.io%2Fquote/@v/list',
    '/rsc.io/quote/%40v%2Flist',
    '/rsc.io\\quote/@v/list',
    '/rsc.io/%5cquote/@v/list',
    '/rsc.io/quote%00/@v/list',
    '/rsc.io/quote/@v/v1.5.2%00.info',
    '/rsc.io/quote/@v/v1.5.2.info%00',
    '/rsc.io/%c0%ae%c0%ae/@v/list',
    '/rsc.io/%252e%252e/@v/list',
    '/rsc.io/%/@v/list',
    '/rsc.io/%zz/@v/list',
    '/rsc.io/%2/@v/list',
    '/rsc.io/Quote/@v/list',
    '/rsc.io/!Quote/@v/list',
    '/rsc.io/!!quote/@v/list',
    '/rsc.io/quote!/@v/list',
    '/rsc.io/CON/@v/list',
    '/rsc.io/con/@v/list',
    '/rsc.io/aux.txt/@v/list',
    '/rsc.io/quote./@v/list',
    '/rsc.io/.git/@v/list',
    '/rsc.io//quote/@v/list',
    '//rsc.io/quote/@v/list',
    '/-rsc.io/quote/@v/list',
    '/rsc.io/quote/@v/',
    '/rsc.io/quote/@v/list/',
    '/rsc.io/quote/@v/v1.5.2.exe',
    '/rsc.io/quote/@v/v1.5.2',
    '/rsc.io/quote/@V/list',
    '/rsc.io/quote/@latest/',
    '/cached-only/../etc/passwd',
    '/cached-only/cached-only/rsc.io/quote/@v/list',
    '/cached-only/livez',
    '/sumdb/../../x/supported',
    '/sumdb/sum.golang.org/other/../../x',
    '/favicon.ico',
    '/livez/',
    '/%6civez',
    `/rsc.io/${'a/'.repeat(3000)}/@v/list`,
  ];
  test.each(targets)('%s is 404 and reaches nobody', async (target) => {
    const before = s.resolver.asked.length;
    const reply = await get(target);
    expect(statusOf(reply)).toBe(404);
    expect(reply).toContain('Content-Type: text/plain; charset=utf-8');
    expect(s.resolver.asked.length).toBe(before);
  });
});

describe('requests that are refused for their form, with the connection closed', () => {
  const h = 'Host: h\r\n';
  const requests: [string, string, number][] = [
    ['absolute form', `GET http://h/${GOOD} HTTP/1.1\r\n${h}\r\n`, 400],
    ['absolute form to elsewhere', `GET http://evil.example/ HTTP/1.1\r\n${h}\r\n`, 400],
    ['two Host headers', `GET /${GOOD} HTTP/1.1\r\n${h}host: evil\r\n\r\n`, 400],
    ['no Host header', `GET /${GOOD} HTTP/1.1\r\n\r\n`, 400],
    ['a body by length', `GET /${GOOD} HTTP/1.1\r\n${h}Content-Length: 5\r\n\r\nhello`, 400],
    ['a chunked body', `GET /${GOOD} HTTP/1.1\r\n${h}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['a body with HEAD', `HEAD /${GOOD} HTTP/1.1\r\n${h}Content-Length: 1\r\n\r\nx`, 400],
    ['a body to come', `GET /${GOOD} HTTP/1.1\r\n${h}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`, 400],
    [
      'length and chunks',
      `GET /${GOOD} HTTP/1.1\r\n${h}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['two lengths', `GET /${GOOD} HTTP/1.1\r\n${h}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, 400],
    ['space before the colon', `GET /${GOOD} HTTP/1.1\r\n${h}X-A : b\r\n\r\n`, 400],
    ['a folded header', `GET /${GOOD} HTTP/1.1\r\n${h}X-A: b\r\n c\r\n\r\n`, 400],
    ['bare line feeds', `GET /${GOOD} HTTP/1.1\nHost: h\n\n`, 400],
    ['NUL in a header', `GET /${GOOD} HTTP/1.1\r\n${h}X-A: \0\r\n\r\n`, 400],
    ['too large headers', `GET /${GOOD} HTTP/1.1\r\n${h}X-A: ${'a'.repeat(17_000)}\r\n\r\n`, 431],
    ['too many headers', `GET /${GOOD} HTTP/1.1\r\n${h}${'X-A: b\r\n'.repeat(150)}\r\n`, 431],
    ['POST', `POST /${GOOD} HTTP/1.1\r\n${h}Content-Length: 0\r\n\r\n`, 405],
    ['PUT with a body', `PUT /${GOOD} HTTP/1.1\r\n${h}Content-Length: 3\r\n\r\nabc`, 405],
    ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${h}\r\n`, 405],
    ['no HTTP at all', 'hello\r\n\r\n', 400],
  ];
  test.each(requests)('%s', async (_, request, status) => {
    const before = s.resolver.asked.length;
    const at = Date.now();
    const reply = await s.raw(request, 3000);
    expect(statusOf(reply)).toBe(status);
    expect(reply.toLowerCase()).toContain('connection: close');
    expect(Date.now() - at).toBeLessThan(2500);
    expect(s.resolver.asked.length).toBe(before);
  });

  test('405 says what is allowed', async () => {
    expect(await s.raw(`DELETE /${GOOD} HTTP/1.1\r\nHost: h\r\n\r\n`)).toContain('Allow: GET, HEAD');
  });

  test('CONNECT gets no tunnel', async () => {
    expect(statusOf(await s.raw('CONNECT evil.example:443 HTTP/1.1\r\nHost: h\r\n\r\n', 2000))).not.toBe(200);
  });

  test('a second request hidden in a refused body is not answered', async () => {
    const hidden = `GET /${GOOD} HTTP/1.1\r\nHost: h\r\n\r\n`;
    const reply = await s.raw(
      `GET /${GOOD} HTTP/1.1\r\nHost: h\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
      2000,
    );
    expect(reply.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(statusOf(reply)).toBe(400);
  });

  test('an endless body is cut within a second', async () => {
    const at = Date.now();
    const { connect } = await import('node:net');
    await new Promise<void>((resolve) => {
      const socket = connect(s.port, '127.0.0.1', () => {
        socket.write(`GET /${GOOD} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n`);
        const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
        const pour = (): void => void (socket.writable && socket.write(chunk, () => setImmediate(pour)));
        pour();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
    });
    expect(Date.now() - at).toBeLessThan(1000);
  });
});

describe('slow senders', () => {
  test('that never finish their headers are cut off', async () => {
    const at = Date.now();
    const reply = await s.raw(`GET /${GOOD} HTTP/1.1\r\nHost: h\r\nX-Slow: `, 5000);
    expect(statusOf(reply)).toBe(408);
    expect(Date.now() - at).toBeLessThan(2000);
  });
});

describe('pipelined requests', () => {
  test('are answered in order, each with its own id', async () => {
    const one = (id: string, close: string): string =>
      `GET /${GOOD} HTTP/1.1\r\nHost: h\r\nX-Request-Id: ${id}\r\n${close}\r\n`;
    const reply = await s.raw(one('a', '') + one('b', '') + one('c', 'Connection: close\r\n'));
    expect([...reply.matchAll(/X-Request-Id: (\w)/g)].map((m) => m[1])).toEqual(['a', 'b', 'c']);
  });
});

describe('many requests at once on one connection', () => {
  const ZIP = 'rsc.io/quote/@v/v1.0.0.zip';
  const many = (n: number): string => `GET /${ZIP} HTTP/1.1\r\nHost: h\r\n\r\n`.repeat(n);
  const endless = fromReader(1e12, () => ({
    pull: (into) => Promise.resolve(into.byteLength),
    close: () => Promise.resolve(),
  }));

  test('are all given up, and reported, when their client leaves during the first', async () => {
    s.resolver.artifacts.set(ZIP, endless);
    const n = s.outcomes.length;
    await s.raw(many(20), 200);
    await s.outcome(n + 20);
    expect(s.outcomes.slice(n).every((o) => !o.complete)).toBe(true);
    await expect.poll(() => s.edge.inFlight).toBe(0);
  });

  test('are too many when they are hundreds: the connection ends', async () => {
    s.resolver.artifacts.set(ZIP, endless);
    const n = s.outcomes.length;
    const at = Date.now();
    await s.raw(many(300), 5000);
    expect(Date.now() - at).toBeLessThan(3000);
    expect(s.outcomes.length - n).toBeLessThan(80);
  });
});

describe('what is logged', () => {
  test('has no query, no control characters, and an end', async () => {
    const n = s.outcomes.length;
    await s.raw(
      `GET /x${'y'.repeat(900)}?token=secret HTTP/1.1\r\nHost: h\r\nUser-Agent: a\x9b31m\xff\r\nConnection: close\r\n\r\n`,
    );
    const outcome = await s.outcome(n + 1);
    expect(outcome.target).toHaveLength(512);
    expect(JSON.stringify(outcome)).not.toContain('secret');
    expect(outcome.userAgent).toBe('a?31m?');
  });
});
