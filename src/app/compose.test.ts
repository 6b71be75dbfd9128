import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';

const QUOTE = 'example.com/quote';
const NAME = `${QUOTE}/@v/v1.2.3`;

let folder = '';
let upstream: FakeUpstream;
const running: Larder[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-app-'));
  upstream = await startFakeUpstream({ content: [madeUpModule(QUOTE, 'v1.2.3', { zipBytes: 600_000 })] });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stopNow()));
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

function configured(keys: Readonly<Record<string, string>>): Config {
  const sets = Object.entries({
    listen: '127.0.0.1:0',
    data: join(folder, 'data'),
    upstream: upstream.base,
    // What the modules of these tests are, no database says.
    'sumdb.database': 'off',
    'drain.accept': '0',
    ...keys,
  });
  const flags = { values: new Map(), sets: sets.map(([key, value]) => `${key}=${value}`) };
  const loaded = loadConfig(flags, { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

async function compose(keys: Readonly<Record<string, string>> = {}): Promise<Larder> {
  const logTo = join(folder, 'log.jsonl');
  const larder = await composeLarder(configured(keys), { version: '0.0.0', environment: {}, home: folder, logTo });
  running.push(larder);
  return larder;
}

/** A whole server, and how to ask it. */
async function serve(keys: Readonly<Record<string, string>> = {}) {
  const larder = await compose(keys);
  const { host, port } = await larder.start();
  const get = async (path: string) => {
    const response = await fetch(`http://${host}:${port}/${path}`);
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
  };
  const text = async (path: string): Promise<string> => (await get(path)).body.toString();
  return { larder, port, get, text };
}

describe('a whole Larder', () => {
  test('answers every question a go command asks, and stores what it answered', async () => {
    const { get, text } = await serve();
    expect(await text(`${QUOTE}/@v/list`)).toBe('v1.2.3\n');
    expect(JSON.parse(await text(`${QUOTE}/@latest`))).toMatchObject({ Version: 'v1.2.3' });
    expect(JSON.parse(await text(`${NAME}.info`))).toMatchObject({ Version: 'v1.2.3' });
    expect(await text(`${NAME}.mod`)).toBe(`module ${QUOTE}\n`);
    expect((await get(`${NAME}.zip`)).body.length).toBeGreaterThan(600_000);
    expect((await get('example.com/none/@v/list')).status).toBe(404);
    for (const kind of ['info', 'mod', 'zip'])
      expect(existsSync(join(folder, 'data/download', `${NAME}.${kind}`))).toBe(true);
  });

  test('needs the upstream once: not when warm, not when it is dead, not after a restart', async () => {
    const first = await serve();
    const paths = [`${QUOTE}/@v/list`, `${QUOTE}/@latest`, `${NAME}.info`, `${NAME}.mod`, `${NAME}.zip`];
    const cold = await Promise.all(paths.map(first.get));
    expect(cold.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    upstream.clearLog();
    expect(await Promise.all(paths.map(first.get))).toEqual(cold);
    expect(upstream.requests).toEqual([]);
    await first.larder.drain({ lingers: true });
    await upstream.close();
    const second = await serve();
    expect(await Promise.all(paths.map(second.get))).toEqual(cold);
  });

  test('a question about a go.mod fetches no zip', async () => {
    const { get } = await serve();
    expect((await get(`${NAME}.mod`)).status).toBe(200);
    expect(upstream.count(/\.zip$/)).toBe(0);
  });

  test('reads a module cache before the upstream, and lists what both have', async () => {
    const held = join(folder, 'gomodcache/cache/download', QUOTE, '@v');
    mkdirSync(held, { recursive: true });
    writeFileSync(join(held, 'list'), 'v1.0.0\n');
    writeFileSync(join(held, 'v1.0.0.mod'), `module ${QUOTE}\n`);
    const { text, get } = await serve({ modcache: join(folder, 'gomodcache') });
    expect(await text(`${QUOTE}/@v/list`)).toBe('v1.0.0\nv1.2.3\n');
    upstream.clearLog();
    expect((await get(`${QUOTE}/@v/v1.0.0.mod`)).status).toBe(200);
    expect(upstream.requests).toEqual([]);
  });

  test('tells no upstream the name of a module that noProxy matches', async () => {
    const { get } = await serve({ noProxy: 'unknown.invalid' });
    expect((await get('unknown.invalid/quote/@v/v1.2.3.mod')).status).not.toBe(200);
    expect(upstream.requests).toEqual([]);
  });

  test('says how it is: /livez, /readyz, /metrics, and a JSON line for each request', async () => {
    const { larder, get, text } = await serve();
    expect((await get('livez')).status).toBe(200);
    expect((await get('readyz')).status).toBe(200);
    await get(`${NAME}.mod`);
    expect(await text('metrics')).toMatch(
      /larder_requests_total\{kind="mod",result="miss",source="[^"]+",status="2xx"\} 1/,
    );
    await larder.drain({ lingers: true });
    const lines = readFileSync(join(folder, 'log.jsonl'), 'utf8').trimEnd().split('\n');
    const messages = lines.map((line) => JSON.parse(line) as { msg: string; target?: string; result?: string });
    expect(messages.find((one) => one.target === `/${NAME}.mod`)).toMatchObject({ msg: 'request', result: 'miss' });
    expect(messages.at(-1)).toMatchObject({ msg: 'stopped' });
  });

  test('metrics and the access log can be switched off', async () => {
    const { larder, get } = await serve({ 'metrics.enabled': 'false', 'log.access': 'false' });
    expect((await get('metrics')).status).toBe(404);
    await larder.drain({ lingers: true });
    expect(readFileSync(join(folder, 'log.jsonl'), 'utf8')).not.toContain('"msg":"request"');
  });

  test('is not ready while it drains, finishes what is in progress, and then is gone', async () => {
    const { larder, get } = await serve({ 'drain.accept': '400ms' });
    upstream.fault(({ target }) => (target.endsWith('.zip') ? { delayMs: 600 } : undefined));
    const zip = get(`${NAME}.zip`);
    await expect.poll(() => upstream.count(/\.zip$/)).toBe(1);
    const drained = larder.drain({ lingers: true });
    expect((await get('readyz')).status).toBe(503);
    expect((await get('livez')).status).toBe(200);
    expect((await zip).status).toBe(200);
    await drained;
    await expect(get('livez')).rejects.toThrow();
    expect(existsSync(join(folder, 'data/.tmp')) && readdirOf('data/.tmp')).toEqual([]);
  });

  test('is not ready when the store cannot be read, and still live', async () => {
    const { get } = await serve();
    // What a server writes beside its start may make folders anew.
    const withoutData = async (): Promise<number> => {
      rmSync(join(folder, 'data'), { recursive: true, force: true, maxRetries: 5 });
      return (await get('readyz')).status;
    };
    await expect.poll(withoutData).toBe(503);
    expect((await get('livez')).status).toBe(200);
  });
});

describe('what keeps a Larder from starting is said in one line', () => {
  test('a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const larder = await compose({ listen: `127.0.0.1:${port}` });
    await expect(larder.start()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: { reason: 'port-in-use', address: `127.0.0.1:${port}` },
    });
    other.close();
  });

  test('a data folder that cannot be made', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(compose({ data: join(folder, 'file/data') })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      detail: { reason: 'data-not-a-folder' },
    });
  });

  test('a folder with something else in it', async () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data/thesis.doc'), '');
    await expect(compose()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(readdirOf('data')).toEqual(['thesis.doc']);
  });

  test('a module cache that is not there', async () => {
    await expect(compose({ modcache: join(folder, 'nowhere') })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: { reason: 'no-modcache' },
    });
  });

  test('a certificate that cannot be used', async () => {
    writeFileSync(join(folder, 'x.pem'), 'no certificate');
    const larder = await compose({ 'tls.cert': join(folder, 'x.pem'), 'tls.key': join(folder, 'x.pem') });
    await expect(larder.start()).rejects.toMatchObject({ code: 'CONFIG_INVALID', detail: { reason: 'tls-unusable' } });
  });
});

function readdirOf(name: string): string[] {
  return readdirSync(join(folder, name));
}
