import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { get as httpsGet } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ConnectionLimit } from './connection-limit.ts';
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
    const observer = { onTlsReloaded: () => {}, onTlsRefused: () => {}, onConnectionRefused: () => {} };
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

  test('count the same in both notations, and loopback apart', () => {
    const limit = new ConnectionLimit({ perAddress: 1, perLoopback: 2 });
    expect(limit.enter('10.0.0.1')).toBe(true);
    expect(limit.enter('::ffff:10.0.0.1')).toBe(false);
    limit.leave('::ffff:10.0.0.1');
    expect(limit.enter('10.0.0.1')).toBe(true);
    expect([limit.enter('::1'), limit.enter('::1'), limit.enter('::1')]).toEqual([true, true, false]);
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
