import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { get as httpsGet } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ConnectionLimit } from './connection-limit.ts';
import { proxiesAt } from './proxies.ts';
import { fromReader, inMemory, type Served, type ServeOptions, serve } from './edge.fixture.ts';

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

/** A reader that gives its next piece when told to. */
function gated(pieces: number): { open: () => void; answer: ReturnType<typeof fromReader> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let n = 0;
  const pull = async (into: Uint8Array): Promise<number> => {
    if (n++ > 0) await promise;
    return Math.min(into.byteLength, 1000);
  };
  return { open: resolve, answer: fromReader(pieces * 1000, () => ({ pull, close: () => Promise.resolve() })) };
}

describe('draining', () => {
  test('says not ready at once, still answers, finishes what runs, then is closed', async () => {
    const s = await start();
    const slow = gated(5);
    s.resolver.artifacts.set(ZIP, slow.answer);
    s.resolver.artifacts.set(INFO, inMemory('{}'));
    const running = await fetch(`${s.url}/${ZIP}`);
    const drained = s.listener.drain({ acceptMs: 300, finishMs: 5000 });
    expect((await fetch(`${s.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${s.url}/livez`)).status).toBe(200);
    const late = await fetch(`${s.url}/${INFO}`);
    expect([late.status, late.headers.get('connection')]).toEqual([200, 'close']);
    await new Promise((resolve) => setTimeout(resolve, 400));
    await expect(fetch(`${s.url}/livez`)).rejects.toThrow();
    slow.open();
    expect((await running.arrayBuffer()).byteLength).toBe(5000);
    expect(await drained).toBe('finished');
  });

  test('stays ready where others serve in its place, and closes connections all the same', async () => {
    const s = await start();
    const drained = s.listener.drain({ acceptMs: 300, finishMs: 5000, othersServe: true });
    const ready = await fetch(`${s.url}/readyz`);
    expect([ready.status, ready.headers.get('connection')]).toEqual([200, 'close']);
    expect(await drained).toBe('finished');
  });

  test('cuts what is not done in time, and says so', async () => {
    const s = await start();
    s.resolver.artifacts.set(ZIP, gated(5).answer);
    const running = await fetch(`${s.url}/${ZIP}`);
    expect(await s.listener.drain({ acceptMs: 0, finishMs: 200 })).toBe('cut');
    await expect(running.arrayBuffer()).rejects.toThrow();
  });

  test('is over at once on a second signal', async () => {
    const s = await start();
    s.resolver.artifacts.set(ZIP, gated(5).answer);
    const running = await fetch(`${s.url}/${ZIP}`);
    const drained = s.listener.drain({ acceptMs: 60_000, finishMs: 60_000 });
    const at = Date.now();
    s.listener.hurry();
    expect(await drained).toBe('cut');
    expect(Date.now() - at).toBeLessThan(1000);
    await expect(running.arrayBuffer()).rejects.toThrow();
  });

  test('does not cut a reply that was handed over whole and is still on its way to a slow reader', async () => {
    const s = await start();
    // More than the buffers of a connection hold.
    s.resolver.artifacts.set(ZIP, inMemory(new Uint8Array(40_000_000)));
    const socket = connect(s.port, '127.0.0.1');
    socket.pause();
    socket.write(`GET /${ZIP} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await expect.poll(() => s.edge.inFlight).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const drained = s.listener.drain({ acceptMs: 0, finishMs: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    let bytes = 0;
    socket.on('data', (chunk) => (bytes += chunk.length)).resume();
    expect(await drained).toBe('finished');
    await expect.poll(() => bytes).toBeGreaterThanOrEqual(40_000_000);
  });

  test('does not wait for connections that ask nothing', async () => {
    const s = await start();
    const idle = connect(s.port, '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    const at = Date.now();
    expect(await s.listener.drain({ acceptMs: 0, finishMs: 30_000 })).toBe('finished');
    expect(Date.now() - at).toBeLessThan(2000);
    idle.destroy();
  });
});

describe('a port that cannot be opened', () => {
  test('is one line that says what to do', async () => {
    const s = await start();
    const { listen, defaultListenerLimits } = await import('./listener.ts');
    const { systemClock } = await import('../std/clock.ts');
    const observer = {
      onTlsReloaded: () => {},
      onTlsRefused: () => {},
      onTlsEnding: () => {},
      onConnectionRefused: () => {},
    };
    const again = listen(
      s.edge,
      { host: '127.0.0.1', port: s.port, limits: defaultListenerLimits },
      { clock: systemClock, observer },
    );
    await expect(again).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `listen on 127.0.0.1:${s.port}: the port is in use: stop the program that has it, or choose another with --listen HOST:PORT`,
    });
  });
});

describe('connections of one address', () => {
  test('are limited, and freed when they end', async () => {
    const refused: string[] = [];
    const s = await start({
      limits: { perLoopback: 2 },
      listenerObserver: { onConnectionRefused: (a) => refused.push(a) },
    });
    const held = [connect(s.port, '127.0.0.1'), connect(s.port, '127.0.0.1')];
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    await expect(fetch(`${s.url}/livez`)).rejects.toThrow();
    expect(refused).toContain('127.0.0.1');
    for (const socket of held) socket.destroy();
    await expect.poll(async () => (await fetch(`${s.url}/livez`).catch(() => undefined))?.status).toBe(200);
  });

  test('count the same in both notations, by network in IPv6, and proxies apart', () => {
    const proxies = proxiesAt(['10.9.0.0/16']);
    const limit = new ConnectionLimit({ perAddress: 1, perLoopback: 2 }, (address) => proxies.isProxy(address));
    expect(limit.enter('10.0.0.1')).toBe(true);
    expect(limit.enter('::ffff:10.0.0.1')).toBe(false);
    limit.leave('::ffff:10.0.0.1');
    expect(limit.enter('10.0.0.1')).toBe(true);
    const enter = (address: string): boolean => limit.enter(address);
    expect(['::1', '::1', '::1'].map(enter)).toEqual([true, true, false]);
    expect(['10.9.0.1', '::ffff:10.9.0.1', '10.9.0.1'].map(enter)).toEqual([true, true, false]);
    expect(['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'].map(enter)).toEqual([true, false, true]);
  });
});

describe('TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'larder-tls-'));
  const files = { cert: join(dir, 'live.crt'), key: join(dir, 'live.key') };
  beforeAll(() => {
    for (const name of ['one', 'two', 'three']) {
      const out = ['-keyout', join(dir, `${name}.key`), '-out', join(dir, `${name}.crt`)];
      const args = [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '30',
      ];
      execFileSync('openssl', [...args, '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', ...out], {
        stdio: 'ignore',
      });
    }
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  function use(cert: string, key: string): void {
    for (const [from, to] of [
      [`${cert}.crt`, files.cert],
      [`${key}.key`, files.key],
    ] as const) {
      copyFileSync(join(dir, from), `${to}.new`);
      renameSync(`${to}.new`, to);
    }
  }

  function nameOf(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = httpsGet(
        { port, host: '127.0.0.1', path: '/livez', rejectUnauthorized: false, agent: false },
        (reply) => {
          const cert: PeerCertificate = (reply.socket as TLSSocket).getPeerCertificate();
          reply.resume().on('end', () => resolve(String(cert.subject.CN)));
        },
      );
      request.on('error', reject);
    });
  }

  test('serves over it, and takes a new certificate without a restart', async () => {
    use('one', 'one');
    const reloaded: number[] = [];
    const s = await start({
      tls: files,
      limits: { tlsCheckEveryMs: 30 },
      listenerObserver: { onTlsReloaded: (t) => reloaded.push(t) },
    });
    expect(s.url).toMatch(/^https:/);
    expect(await nameOf(s.port)).toBe('one');
    use('two', 'two');
    await expect.poll(() => nameOf(s.port)).toBe('two');
    expect(reloaded.at(-1)).toBeGreaterThan(Date.now());
  });

  test('tells that the certificate ends within thirty days, at the start and of each new one', async () => {
    use('one', 'one');
    const ending: number[] = [];
    const listenerObserver = { onTlsEnding: (t: number) => ending.push(t) };
    const s = await start({ tls: files, limits: { tlsCheckEveryMs: 30 }, listenerObserver });
    const { validToDate } = new X509Certificate(readFileSync(files.cert));
    expect(ending).toEqual([validToDate.getTime()]);
    expect(s.listener.certificateNotAfter).toBe(ending[0]);
    use('two', 'two');
    await expect.poll(() => ending.length).toBe(2);
  });

  test('follows a link that is swapped', async () => {
    use('one', 'one');
    const cert = join(dir, 'link.crt');
    const key = join(dir, 'link.key');
    symlinkSync('one.crt', cert);
    symlinkSync('one.key', key);
    const s = await start({ tls: { cert, key }, limits: { tlsCheckEveryMs: 30 } });
    for (const [to, at] of [
      ['two.crt', cert],
      ['two.key', key],
    ] as const) {
      symlinkSync(to, `${at}.new`);
      renameSync(`${at}.new`, at);
    }
    await expect.poll(() => nameOf(s.port)).toBe('two');
  });

  test('keeps the old certificate when the new one is no good, says so once, and takes the next good one', async () => {
    use('one', 'one');
    const refused: string[] = [];
    const s = await start({
      tls: files,
      limits: { tlsCheckEveryMs: 30 },
      listenerObserver: { onTlsRefused: (e) => refused.push(e.message) },
    });
    use('two', 'three');
    await expect.poll(() => refused.length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const told = refused.length;
    expect(told).toBeLessThanOrEqual(2);
    expect(await nameOf(s.port)).toBe('one');
    writeFileSync(files.cert, 'not a certificate');
    await expect.poll(() => refused.length).toBeGreaterThan(told);
    expect(await nameOf(s.port)).toBe('one');
    use('three', 'three');
    await expect.poll(() => nameOf(s.port)).toBe('three');
  });

  test('refuses to start with files that do not fit, naming them', async () => {
    use('one', 'two');
    await expect(serve({ tls: files })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(files.key),
    });
    await expect(serve({ tls: { ...files, cert: join(dir, 'none.crt') } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  test('does not speak TLS 1.1', async () => {
    use('one', 'one');
    const s = await start({ tls: files });
    const tryWith = (version: 'TLSv1.1' | 'TLSv1.2'): Promise<string> =>
      new Promise((resolve) => {
        const socket = tlsConnect({
          port: s.port,
          host: '127.0.0.1',
          rejectUnauthorized: false,
          minVersion: version,
          maxVersion: version,
          ciphers: 'DEFAULT@SECLEVEL=0',
        });
        socket.on('secureConnect', () => {
          socket.destroy();
          resolve('connected');
        });
        socket.on('error', () => resolve('refused'));
      });
    expect(await tryWith('TLSv1.1')).toBe('refused');
    expect(await tryWith('TLSv1.2')).toBe('connected');
  });
});
