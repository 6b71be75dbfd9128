import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { NO_CREDENTIALS } from '../../credentials/credentials.ts';
import { bodies } from '../../../tests/fakes/content.ts';
import { type FakeUpstream, type Fault, startFakeUpstream } from '../../../tests/fakes/fake-upstream.ts';
import { parseProxyList } from '../../gomod/goenv.ts';
import { type HttpAsk, HttpClient } from '../../io/http-client.ts';
import { createSumdbRemotes, type HttpSumdbRemote, type ProxyPlace } from './sumdb-remote.ts';

const { signal } = new AbortController();
const NAME = 'sum.example.org';
const MAX = { signal, maxBytes: 1000 };

let fake: FakeUpstream;
let client: HttpClient;
beforeAll(async () => {
  const content = { 'sumdb/sum.example.org/supported': '', 'sumdb/sum.example.org/latest': 'a tree head', latest: 'x' };
  fake = await startFakeUpstream({ content: [bodies(content)] });
  client = new HttpClient({ userAgent: 'larder/test', firstByteTimeoutMs: 400, idleTimeoutMs: 300 });
});
afterEach(() => fake.clearLog());
afterAll(async () => {
  await client.close();
  await fake.close();
});

function placesIn(goproxy: string): readonly ProxyPlace[] {
  return parseProxyList(goproxy).flatMap((entry) => (entry.kind === 'proxy' ? [{ url: entry.url }] : []));
}

function remotes(goproxy: string, url?: string): readonly HttpSumdbRemote[] {
  const setting = { name: NAME, ...(url === undefined ? {} : { url }) };
  return createSumdbRemotes(
    setting,
    { places: placesIn(goproxy), noProxy: 'corp.example/*,golang.org' },
    { client, credentials: NO_CREDENTIALS },
  );
}

function throughFake(): HttpSumdbRemote {
  const [first] = remotes(fake.base);
  if (first === undefined) throw new Error('no way at all');
  return first;
}

async function withFault<T>(fault: Fault, work: () => Promise<T>): Promise<T> {
  const heal = fake.fault(() => fault);
  try {
    return await work();
  } finally {
    heal();
  }
}

describe('the ways to a database', () => {
  test('are the upstreams of the chain, in their order, and the database itself at last', () => {
    const list = 'https://u:secret@a.test/go,file:///tmp|http://b.test:81|c.test,direct';
    expect(remotes(list).map(({ host }) => host)).toEqual(['a.test', 'b.test:81', 'c.test', NAME]);
    expect(remotes('off').map(({ host }) => host)).toEqual([NAME]);
  });

  test('are one where its URL is given', () => {
    const list = 'https://a.test,direct';
    expect(remotes(list, 'https://mirror.test/sumdb/x').map(({ host }) => host)).toEqual(['mirror.test']);
  });

  test('need a URL that can be used, and the message shows no password', () => {
    const wrong = () => remotes('direct', 'ftp://u:hunter2@x.test');
    expect(wrong).toThrow('not an https or http URL');
    expect(() => remotes('direct', 'http://u:hunter2@x.test')).toThrow(/^(?!.*hunter2).*plain http/);
  });
});

describe('a proxy', () => {
  test('is a way when it says that it relays the database', async () => {
    expect(await throughFake().isUsable({ signal })).toBe(true);
    expect(fake.requests.map(({ path }) => path)).toEqual([`/sumdb/${NAME}/supported`]);
  });

  test.each([404, 410])('is none when it answers %d', async (status) => {
    const usable = withFault({ answer: { status } }, () => throughFake().isUsable({ signal }));
    expect(await usable).toBe(false);
  });

  test.each([
    [500, 'UPSTREAM_UNAVAILABLE'],
    [403, 'UPSTREAM_BAD_RESPONSE'],
    [401, 'UPSTREAM_BAD_RESPONSE'],
  ])('that answers %d has not said whether it is one: %s', async (status, code) => {
    const asked = withFault({ answer: { status } }, () => throughFake().isUsable({ signal }));
    await expect(asked).rejects.toMatchObject({ code });
  });

  test('is asked below its base', async () => {
    expect(Buffer.from(await throughFake().read('/latest', MAX)).toString()).toBe('a tree head');
  });
});

test('a proxy does not hear the name of a module that noProxy matches, unless it is a toolchain; the database itself does', async () => {
  const path = '/lookup/corp.example/!m/v2@v2.0.0';
  await expect(throughFake().read(path, MAX)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  expect(fake.requests).toEqual([]);
  const toolchain = throughFake().read('/lookup/golang.org/toolchain@v0.0.1-go1.26.0.linux-amd64', MAX);
  await expect(toolchain).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(fake.requests).toHaveLength(1);
  await expect(remotes('off', fake.base)[0]?.read(path, MAX)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(fake.count('/lookup/corp.example/%21m/v2@v2.0.0')).toBe(1);
});

describe('the database itself', () => {
  test('is asked for nothing but what is wanted, below its URL', async () => {
    const [direct] = remotes('off', fake.base);
    expect(await direct?.isUsable({ signal })).toBe(true);
    expect(fake.requests).toEqual([]);
    expect(Buffer.from((await direct?.read('/latest', MAX)) ?? []).toString()).toBe('x');
  });
});

describe('a question', () => {
  test('goes out as the go command writes it', async () => {
    const asked = throughFake().read('/lookup/github.com/!azure/x@v1.0.0+incompatible', MAX);
    await expect(asked).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(fake.requests.map(({ path }) => path)).toEqual([
      `/sumdb/${NAME}/lookup/github.com/%21azure/x@v1.0.0+incompatible`,
    ]);
  });

  test('carries nothing but the headers of every question of ours', async () => {
    await throughFake().read('/latest', MAX);
    expect(Object.keys(fake.requests[0]?.headers ?? {}).toSorted()).toEqual([
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ]);
  });

  test.each<[string, Fault, string]>([
    ['404', { answer: { status: 404 } }, 'NOT_FOUND'],
    ['410', { answer: { status: 410 } }, 'GONE'],
    ['401', { answer: { status: 401 } }, 'UPSTREAM_BAD_RESPONSE'],
    ['503', { answer: { status: 503 } }, 'UPSTREAM_UNAVAILABLE'],
    ['more than is wanted', { answer: { body: Buffer.alloc(1001) } }, 'UPSTREAM_BAD_RESPONSE'],
    ['a body that anything may have cut', { contentLength: 'none' }, 'UPSTREAM_BAD_RESPONSE'],
    ['a cut body', { cutAfter: 3 }, 'UPSTREAM_UNAVAILABLE'],
    ['nothing', { hang: 'before-head' }, 'UPSTREAM_TIMEOUT'],
  ])('answered by %s fails with its code', async (_, fault, code) => {
    await expect(withFault(fault, () => throughFake().read('/latest', MAX))).rejects.toMatchObject({ code });
  });

  test('carries the credentials of the way it goes, and of no other', async () => {
    const asked: HttpAsk[] = [];
    const getBytes = (_: URL, ask: HttpAsk) => {
      asked.push(ask);
      return Promise.resolve({ kind: 'refused', status: 404 } as const);
    };
    const places = placesIn('https://u:p@a.test/go,https://b.test,https://c.test,direct');
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    const http = ({ host, origin }: URL) =>
      Promise.resolve(host === 'b.test' ? { origin, pathPrefix: '/', headers: basic('l:m') } : undefined);
    const credentials = { ...NO_CREDENTIALS, http };
    for (const way of createSumdbRemotes({ name: NAME }, { places }, { client: { getBytes }, credentials }))
      await way.read('/latest', MAX).catch(() => undefined);
    expect(asked.map(({ credential }) => credential)).toEqual([
      { origin: 'https://a.test', pathPrefix: '/go', headers: basic('u:p') },
      { origin: 'https://b.test', pathPrefix: '/', headers: basic('l:m') },
      undefined,
      undefined,
    ]);
  });
});
