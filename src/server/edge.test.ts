import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { AppError } from '../std/errors.ts';
import type { DependencyState } from './operations.ts';
import {
  fromFile,
  fromReader,
  inMemory,
  mutable,
  type Served,
  type ServeOptions,
  serve,
  sha256,
} from './edge.fixture.ts';

let open: Served[] = [];
afterEach(async () => {
  await Promise.all(open.map((s) => s.stop()));
  open = [];
});
async function start(o: ServeOptions = {}): Promise<Served> {
  const s = await serve(o);
  open.push(s);
  return s;
}
const INFO = 'rsc.io/quote/@v/v1.5.2.info';
const ZIP = 'rsc.io/quote/@v/v1.5.2.zip';
const MOD = 'rsc.io/quote/@v/v1.5.2.mod';

describe('an artifact in memory', () => {
  test('is sent whole, typed, sized, tagged and cacheable for ever', async () => {
    const s = await start();
    const body = '{"Version":"v1.5.2"}';
    s.resolver.artifacts.set(INFO, inMemory(body));
    const reply = await fetch(`${s.url}/${INFO}`);
    expect(reply.status).toBe(200);
    expect(await reply.text()).toBe(body);
    expect(reply.headers.get('content-type')).toBe('application/json');
    expect(reply.headers.get('content-length')).toBe(String(body.length));
    expect(reply.headers.get('etag')).toBe(`"${sha256(Buffer.from(body))}"`);
    expect(reply.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
    expect(reply.headers.get('x-cache')).toBe('hit');
  });

  test.each([
    [INFO, 'application/json'],
    [MOD, 'text/plain; charset=utf-8'],
    [ZIP, 'application/zip'],
  ])('%s is %s', async (path, type) => {
    const s = await start();
    s.resolver.artifacts.set(path, inMemory('x'));
    expect((await fetch(`${s.url}/${path}`)).headers.get('content-type')).toBe(type);
  });

  test('is found by the percent-encoded name that the go command sends, and query strings are ignored', async () => {
    const s = await start();
    s.resolver.artifacts.set('rsc.io/!q!u!o!t!e/@v/v1.5.3-!p!r!e.info', inMemory('{}'));
    expect((await fetch(`${s.url}/rsc.io/%21q%21u%21o%21t%21e/@v/v1.5.3-%21p%21r%21e.info?a=/@v/list`)).status).toBe(
      200,
    );
    s.resolver.artifacts.set('a.example/m/@v/v2.0.0+incompatible.mod', inMemory('module a.example/m\n'));
    expect((await fetch(`${s.url}/a.example/m/@v/v2.0.0+incompatible.mod`)).status).toBe(200);
  });

  test('replies to HEAD with the same head and no body', async () => {
    const s = await start();
    s.resolver.artifacts.set(ZIP, inMemory('0123456789'));
    const raw = await s.raw(`HEAD /${ZIP} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    expect(raw).toContain('Content-Length: 10');
    expect(raw.endsWith('\r\n\r\n')).toBe(true);
    expect(await s.outcome(1)).toMatchObject({ status: 200, sentBytes: 0, complete: true });
  });

  test('is not sent again to who has it', async () => {
    const s = await start();
    s.resolver.artifacts.set(ZIP, inMemory('0123456789'));
    const etag = `"${sha256(Buffer.from('0123456789'))}"`;
    const reply = await fetch(`${s.url}/${ZIP}`, { headers: { 'if-none-match': `W/${etag}` } });
    expect(reply.status).toBe(304);
    expect(reply.headers.get('etag')).toBe(etag);
    expect(reply.headers.get('cache-control')).toContain('immutable');
    expect(reply.headers.get('content-length')).toBeNull();
  });

  test('comes in ranges when it is a zip, and whole when it is not', async () => {
    const s = await start();
    s.resolver.artifacts.set(ZIP, inMemory('0123456789'));
    s.resolver.artifacts.set(MOD, inMemory('0123456789'));
    const part = await fetch(`${s.url}/${ZIP}`, { headers: { range: 'bytes=2-4' } });
    expect([part.status, await part.text()]).toEqual([206, '234']);
    expect(part.headers.get('content-range')).toBe('bytes 2-4/10');
    expect(part.headers.get('content-length')).toBe('3');
    const none = await fetch(`${s.url}/${ZIP}`, { headers: { range: 'bytes=10-' } });
    expect([none.status, none.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    await none.text();
    const mod = await fetch(`${s.url}/${MOD}`, { headers: { range: 'bytes=2-4' } });
    expect([mod.status, await mod.text()]).toEqual([200, '0123456789']);
  });

  test('carries the request id of its own request, also when many come at once', async () => {
    const s = await start();
    s.resolver.artifacts.set(INFO, inMemory('{}'));
    const ids = Array.from({ length: 50 }, (_, i) => `ci-job-${i}`);
    const got = await Promise.all(
      ids.map(async (id) =>
        (await fetch(`${s.url}/${INFO}`, { headers: { 'x-request-id': id } })).headers.get('x-request-id'),
      ),
    );
    expect(got).toEqual(ids);
  });
});

describe('request ids', () => {
  test('that are not sane are replaced', async () => {
    const s = await start();
    for (const bad of ['a b', 'x'.repeat(65), '"', '<script>']) {
      const id = (await fetch(`${s.url}/livez`, { headers: { 'x-request-id': bad } })).headers.get('x-request-id');
      expect(id).toMatch(/^test-[a-z0-9]+$/);
    }
  });
});

describe('a mutable answer', () => {
  test('says how old it is and how long it keeps, so that a shared cache comes to the same end', async () => {
    const s = await start();
    s.resolver.mutables.set('rsc.io/quote list', mutable('v1.0.0\nv1.5.2\n', { ageMs: 20_500, freshForMs: 39_500 }));
    const reply = await fetch(`${s.url}/rsc.io/quote/@v/list`);
    expect(await reply.text()).toBe('v1.0.0\nv1.5.2\n');
    expect(reply.headers.get('age')).toBe('20');
    expect(reply.headers.get('cache-control')).toBe('public, max-age=59, must-revalidate');
    expect(reply.headers.get('etag')).toMatch(/^"[0-9a-f]{64}"$/);
  });

  test('that is stale may be used once and not kept', async () => {
    const s = await start();
    const stale = mutable('{"Version":"v1.0.0"}', { result: 'stale', ageMs: 3_600_000, freshForMs: 0 });
    s.resolver.mutables.set('rsc.io/quote latest', stale);
    const reply = await fetch(`${s.url}/rsc.io/quote/@latest`);
    expect(reply.headers.get('cache-control')).toBe('public, max-age=0, must-revalidate');
    expect(reply.headers.get('age')).toBe('3600');
    expect(reply.headers.get('x-cache')).toBe('stale');
  });

  test('of a module without tags is 200 with an empty body', async () => {
    const s = await start();
    s.resolver.mutables.set('rsc.io/quote list', mutable(''));
    const reply = await fetch(`${s.url}/rsc.io/quote/@v/list`);
    expect([reply.status, await reply.text(), reply.headers.get('content-length')]).toEqual([200, '', '0']);
  });

  test('is what a branch name gets, and is never called immutable', async () => {
    const s = await start();
    s.resolver.mutables.set('rsc.io/quote main', mutable('{"Version":"v0.0.0-20180101000000-abcdefabcdef"}'));
    const reply = await fetch(`${s.url}/rsc.io/quote/@v/main.info`);
    expect(reply.headers.get('content-type')).toBe('application/json');
    expect(reply.headers.get('cache-control')).not.toContain('immutable');
  });
});

describe('errors', () => {
  test('are one line of text that names what was asked', async () => {
    const s = await start();
    const reply = await fetch(`${s.url}/${INFO}`);
    expect(reply.status).toBe(404);
    expect(reply.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await reply.text()).toBe(
      'not found: rsc.io/quote@v1.5.2: find rsc.io/quote/@v/v1.5.2.info: no source has it\n',
    );
    expect(reply.headers.get('cache-control')).toBe('public, max-age=5');
  });

  test.each([
    ['UPSTREAM_UNAVAILABLE', 502],
    ['UPSTREAM_TIMEOUT', 504],
    ['CHECKSUM_MISMATCH', 502],
    ['STORE_UNAVAILABLE', 503],
    ['OVERLOADED', 503],
    ['GONE', 410],
  ] as const)('%s becomes %i and is named', async (code, status) => {
    const s = await start();
    s.resolver.before = () => Promise.reject(new AppError(code, 'fetch rsc.io/quote@v1.5.2 from up: no luck'));
    const reply = await fetch(`${s.url}/${INFO}`);
    expect(reply.status).toBe(status);
    const text = await reply.text();
    if (status !== 410) expect(text).toContain(`[${code}]`);
    if (status !== 410) expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(await s.outcome(1)).toMatchObject({ code, status, complete: true });
  });

  test('that were remembered are counted and shown as such', async () => {
    const s = await start();
    const detail = { result: 'negative' };
    s.resolver.before = () =>
      Promise.reject(new AppError('NOT_FOUND', 'find rsc.io/quote@v1.5.2: not there', { detail }));
    expect((await fetch(`${s.url}/${INFO}`)).headers.get('x-cache')).toBe('negative');
    expect(await s.outcome(1)).toMatchObject({ result: 'negative', code: 'NOT_FOUND' });
  });

  test('never carry control characters, colours or more than a go command shows', async () => {
    const s = await start();
    const hostile = `\u001b[31mred\r\nSet-Cookie: a=b\r\n\r\n<html>${'é'.repeat(2000)}`;
    s.resolver.before = () => Promise.reject(new AppError('UPSTREAM_BAD_RESPONSE', hostile));
    const reply = await fetch(`${s.url}/${INFO}`);
    expect(reply.headers.get('set-cookie')).toBeNull();
    const text = await reply.text();
    expect(text).toMatch(/^[\x20-\x7e]+\n$/);
    expect(text.length).toBeLessThanOrEqual(648);
  });

  test('that are bugs tell the client nothing but where to look', async () => {
    const s = await start();
    s.resolver.before = () => Promise.reject(new TypeError('secret path /var/lib/x'));
    const reply = await fetch(`${s.url}/${INFO}`);
    expect(reply.status).toBe(500);
    expect(await reply.text()).not.toContain('/var/lib');
    expect((await s.outcome(1)).message).toContain('/var/lib/x');
  });

  test('a denied module is 403 before the resolver hears of it', async () => {
    const s = await start();
    const reply = await fetch(`${s.url}/denied.example/m/@v/list`);
    expect([reply.status, await reply.text()]).toEqual([
      403,
      'denied by policy: denied.example/m is on the list of denied modules [POLICY_DENIED]\n',
    ]);
    expect(s.resolver.asked).toEqual([]);
  });

  test('a request that this very process sent is refused, and not with "not here"', async () => {
    const s = await start({ edge: { instanceId: 'me-1' } });
    const reply = await fetch(`${s.url}/${INFO}`, { headers: { 'larder-via': 'other-2, me-1' } });
    expect(reply.status).toBe(503);
    expect(await reply.text()).toContain('remove its own address from its upstream list');
    expect((await fetch(`${s.url}/${INFO}`, { headers: { 'larder-via': 'other-2' } })).status).toBe(404);
  });
});

describe('questions that may not fetch', () => {
  test.each([
    ['the header', `/${INFO}`, { 'disable-module-fetch': 'true' }],
    ['the prefix', `/cached-only/${INFO}`, {}],
  ])('by %s: a miss is 404 that no cache keeps', async (_, path, headers) => {
    const s = await start();
    const reply = await fetch(s.url + path, { headers: headers as Record<string, string> });
    expect(reply.status).toBe(404);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(reply.headers.get('vary')).toBe('Disable-Module-Fetch');
    expect(s.resolver.asked).toEqual([{ what: INFO, mayFetch: 'no' }]);
  });

  test('an ordinary question after it may fetch again', async () => {
    const s = await start();
    await fetch(`${s.url}/${INFO}`, { headers: { 'disable-module-fetch': 'true' } });
    await fetch(`${s.url}/${INFO}`);
    expect(s.resolver.asked.map((a) => a.mayFetch)).toEqual(['no', 'yes']);
  });
});

describe('pages for people and probes', () => {
  test('/ says how to use it without repeating the Host header', async () => {
    const s = await start();
    const raw = await s.raw('GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    expect(raw).toContain('export GOPROXY=');
    expect(raw).not.toContain('evil.example');
  });

  test('/livez is ok whatever the store says; /readyz and /healthz follow it', async () => {
    const s = await start({ readiness: () => Promise.reject(new AppError('STORE_UNAVAILABLE', 'read DATA: EIO')) });
    expect((await fetch(`${s.url}/livez`)).status).toBe(200);
    for (const path of ['/readyz', '/healthz']) {
      const reply = await fetch(s.url + path);
      expect([reply.status, await reply.text()]).toEqual([503, 'not ready: read DATA: EIO\n']);
    }
  });

  test('/startupz is 200 whatever the store says', async () => {
    const s = await start({ readiness: () => Promise.resolve({ ready: false, detail: 'no store' }) });
    const reply = await fetch(`${s.url}/startupz`);
    expect([reply.status, await reply.text()]).toEqual([200, 'started\n']);
  });

  test('/healthz/deep says how everything is, and is 503 only when not ready', async () => {
    let ready = true;
    const states: DependencyState[] = [
      { state: 'ok', name: 'offline', says: 'no' },
      { state: 'fail', name: 'pool x', says: 'all\nout', advice: 'look' },
    ];
    const s = await start({
      readiness: () => Promise.resolve({ ready, detail: 'the store' }),
      deepHealth: { read: () => Promise.resolve(states) },
    });
    const reply = await fetch(`${s.url}/healthz/deep`);
    expect([reply.status, await reply.text()]).toEqual([
      200,
      'ready: the store\nok   offline: no\nfail pool x: all?out - what to do: look\n',
    ]);
    ready = false;
    expect((await fetch(`${s.url}/healthz/deep`)).status).toBe(503);
  });

  test('/healthz/deep is not found when the page of the state is off', async () => {
    expect((await fetch(`${(await start()).url}/healthz/deep`)).status).toBe(404);
  });

  test('/readyz is 200 while something is wrong that people should mend, and says what', async () => {
    const readiness = { ready: true, degraded: true, detail: 'the store fails: free some space' };
    const s = await start({ readiness: () => Promise.resolve(readiness) });
    const reply = await fetch(`${s.url}/readyz`);
    expect([reply.status, await reply.text()]).toEqual([200, 'degraded: the store fails: free some space\n']);
  });

  test('/metrics is not found when it is off', async () => {
    const s = await start();
    expect((await fetch(`${s.url}/metrics`)).status).toBe(404);
  });

  test('a checksum database is not promised before it is relayed', async () => {
    const s = await start();
    expect((await fetch(`${s.url}/sumdb/sum.golang.org/supported`)).status).toBe(404);
  });
});

describe('a long body', () => {
  const pattern = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => i % 251));
  const reading = (body: Buffer, step: number, closed: { count: number }) => (start: number, end: number) => {
    let at = start;
    return {
      pull: (into: Uint8Array) => {
        const length = Math.min(step, into.byteLength, end - at);
        into.set(body.subarray(at, at + length));
        at += length;
        return Promise.resolve(length);
      },
      close: () => {
        closed.count++;
        return Promise.resolve();
      },
    };
  };

  test.each([1, 1000, 65_536, 10_000_000])(
    'arrives whole when the reader gives up to %i bytes at a time',
    async (step) => {
      const s = await start({ edge: { bufferPool: { lanes: 2, bufferBytes: 4096, overflowBytes: 512 } } });
      const body = pattern(step === 1 ? 300 : 100_000);
      const closed = { count: 0 };
      s.resolver.artifacts.set(ZIP, fromReader(body.length, reading(body, step, closed)));
      // More at a time than there are lanes, so that the small buffers serve too.
      const got = await Promise.all(
        Array.from({ length: 8 }, async () => Buffer.from(await (await fetch(`${s.url}/${ZIP}`)).arrayBuffer())),
      );
      for (const each of got) expect(each.equals(body)).toBe(true);
      expect(closed.count).toBe(8);
      const part = await fetch(`${s.url}/${ZIP}`, { headers: { range: 'bytes=100-199' } });
      expect(Buffer.from(await part.arrayBuffer()).equals(body.subarray(100, 200))).toBe(true);
    },
  );

  test('in a file arrives whole, by several clients at once, and in ranges', async () => {
    const s = await start();
    const dir = mkdtempSync(join(tmpdir(), 'larder-body-'));
    const body = randomBytes(3_000_017);
    writeFileSync(join(dir, 'body'), body);
    s.resolver.artifacts.set(ZIP, fromFile(join(dir, 'body'), body.length));
    const got = await Promise.all(
      Array.from({ length: 6 }, async () => Buffer.from(await (await fetch(`${s.url}/${ZIP}`)).arrayBuffer())),
    );
    for (const each of got) expect(each.equals(body)).toBe(true);
    const tail = await fetch(`${s.url}/${ZIP}`, { headers: { range: 'bytes=-70000' } });
    expect(Buffer.from(await tail.arrayBuffer()).equals(body.subarray(-70_000))).toBe(true);
    rmSync(dir, { recursive: true });
    expect(await s.outcome(1)).toMatchObject({ sentBytes: body.length, complete: true });
  });

  test('that fails at once is an error reply, and that fails midway is a cut body', async () => {
    const s = await start({ edge: { bufferPool: { lanes: 2, bufferBytes: 4096, overflowBytes: 512 } } });
    const closed = { count: 0 };
    s.resolver.artifacts.set(
      ZIP,
      fromReader(10_000, () => reading(pattern(0), 0, closed)(0, 0)),
    );
    expect((await fetch(`${s.url}/${ZIP}`)).status).toBe(503);
    s.resolver.artifacts.set(
      ZIP,
      fromReader(100_000, () => ({ ...cutAfter(3), close: () => new Promise((later) => setTimeout(later, 20)) })),
    );
    const reply = await fetch(`${s.url}/${ZIP}`);
    expect(reply.status).toBe(200);
    await expect(reply.arrayBuffer()).rejects.toThrow();
    expect(await s.outcome(2)).toMatchObject({ complete: false, code: 'STORE_CORRUPT', status: 200 });
    expect(closed.count).toBe(1);
  });

  function cutAfter(pulls: number): { pull(into: Uint8Array): Promise<number> } {
    let n = 0;
    return {
      pull: (into) =>
        ++n > pulls
          ? Promise.reject(new AppError('STORE_CORRUPT', 'read: too short'))
          : Promise.resolve(into.byteLength),
    };
  }

  test('is given up, its reader closed and its question aborted, when the client leaves', async () => {
    const s = await start();
    let signal: AbortSignal | undefined;
    s.resolver.before = (q) => {
      signal = q.signal;
      return Promise.resolve();
    };
    const closed = { count: 0 };
    const endless = {
      pull: (into: Uint8Array) => Promise.resolve(into.byteLength),
      close: () => Promise.resolve(void closed.count++),
    };
    s.resolver.artifacts.set(
      ZIP,
      fromReader(1e12, () => endless),
    );
    const leave = new AbortController();
    const reply = await fetch(`${s.url}/${ZIP}`, { signal: leave.signal });
    await reply.body?.getReader().read();
    leave.abort();
    const outcome = await s.outcome(1);
    expect(outcome).toMatchObject({ complete: false, code: 'ABORTED' });
    expect(outcome.sentBytes).toBeGreaterThan(0);
    await expect.poll(() => closed.count).toBe(1);
    expect(signal?.aborted).toBe(true);
  });

  test('is cut off when the client takes nothing for the stall time', async () => {
    const s = await start({ edge: { writeStallMs: 300 } });
    const endless = { pull: (into: Uint8Array) => Promise.resolve(into.byteLength), close: () => Promise.resolve() };
    s.resolver.artifacts.set(
      ZIP,
      fromReader(1e12, () => endless),
    );
    const { connect } = await import('node:net');
    const socket = connect(s.port, '127.0.0.1', () => socket.write(`GET /${ZIP} HTTP/1.1\r\nHost: h\r\n\r\n`));
    socket.on('error', () => undefined);
    socket.pause();
    expect(await s.outcome(1)).toMatchObject({ complete: false });
    socket.destroy();
  });

  test('in memory is cut off in the same way', async () => {
    const s = await start({ edge: { writeStallMs: 300 } });
    s.resolver.artifacts.set(ZIP, inMemory(Buffer.alloc(32 << 20)));
    const { connect } = await import('node:net');
    const socket = connect(s.port, '127.0.0.1', () => socket.write(`GET /${ZIP} HTTP/1.1\r\nHost: h\r\n\r\n`));
    socket.on('error', () => undefined);
    socket.pause();
    expect(await s.outcome(1)).toMatchObject({ complete: false, code: 'ABORTED' });
    socket.destroy();
  });
});

describe('a question that takes too long', () => {
  const never = (q: { signal: AbortSignal }): Promise<void> =>
    new Promise((_, reject) =>
      q.signal.addEventListener('abort', () => reject(q.signal.reason as Error), { once: true }),
    );

  test('is answered with 504 in time, so that no build hangs', async () => {
    const s = await start({ edge: { answerMs: 50 } });
    s.resolver.before = never;
    const reply = await fetch(`${s.url}/rsc.io/quote/@v/list`);
    expect(reply.status).toBe(504);
    expect(reply.headers.get('retry-after')).toBe('5');
  });

  test('is aborted when its client leaves first, and logged as such', async () => {
    const s = await start();
    s.resolver.before = never;
    const leave = new AbortController();
    const asked = fetch(`${s.url}/rsc.io/quote/@v/list`, { signal: leave.signal });
    await expect.poll(() => s.resolver.asked.length).toBe(1);
    leave.abort();
    await expect(asked).rejects.toThrow();
    expect(await s.outcome(1)).toMatchObject({ status: 499, complete: false, code: 'ABORTED' });
    expect(s.edge.inFlight).toBe(0);
  });
});
