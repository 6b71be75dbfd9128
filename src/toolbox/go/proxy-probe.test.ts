import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { madeUpModule } from '../../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../../tests/fakes/fake-upstream.ts';
import { parseGoSum } from '../../gomod/gosum.ts';
import { authorizationIn, chainOfSound, type ProbedChain, probeChain } from './proxy-probe.ts';

const module = madeUpModule('x.test/a', 'v1.0.0');
const pins = parseGoSum(module.sums, 'go.sum');
const patient = { gonoproxy: '', environment: {}, probeMs: 15_000 };

let proxy: FakeUpstream;
beforeAll(async () => {
  proxy = await startFakeUpstream({ content: [module] });
});
beforeEach(() => proxy.clearLog());
afterAll(() => proxy.close());

async function troubleWith(fault: Parameters<FakeUpstream['fault']>[0]): Promise<string | undefined> {
  const undo = proxy.fault(fault);
  try {
    return (await probeChain(proxy.base, { ...patient, pins })).proxies[0]?.trouble;
  } finally {
    undo();
  }
}

describe('a proxy', () => {
  test('is sound when it has the go.mod that go.sum pins, or says that it has not', async () => {
    expect(await troubleWith(() => undefined)).toBeUndefined();
    expect(proxy.requests.map(({ target }) => target)).toEqual(['x.test/a/@v/v1.0.0.mod']);
    for (const status of [404, 410, 401, 403])
      expect(await troubleWith(() => ({ answer: { status } }))).toBeUndefined();
  });

  test.each([
    ['a page', { answer: { body: Buffer.from('<html>') } }, 'wrong-content'],
    ['a flipped byte', { corruptAt: 3 }, 'wrong-content'],
    ['a cut body', { cutAfter: 3 }, ''],
    ['500', { answer: { status: 500 } }, '500'],
    ['a reset', { reset: true }, ''],
    [
      'redirects without an end',
      { answer: { status: 302 }, headers: { location: '/mod/x.test/a/@v/v1.0.0.mod' } },
      'redirects',
    ],
    ['no HTTP', { raw: 'SSH-2.0-x\r\n' }, ''],
  ] as const)('is in trouble that answers with %s', async (_, fault, trouble) => {
    const said = await troubleWith(() => fault);
    if (trouble === '') expect(said).toEqual(expect.any(String));
    else expect(said).toBe(trouble);
  });

  test('hears no name that GONOPROXY matches', async () => {
    const { proxies } = await probeChain(proxy.base, { ...patient, pins, gonoproxy: 'x.test' });
    expect(proxies).toMatchObject([{ name: new URL(proxy.base).host }]);
    expect(proxy.requests).toHaveLength(1);
    expect(proxy.requests[0]?.target).not.toContain('x.test');
  });

  test('is asked for a list where nothing is pinned, and a page is no list', async () => {
    const ask = async (): Promise<string | undefined> =>
      (await probeChain(proxy.base, { ...patient, pins: [] })).proxies[0]?.trouble;
    expect(await ask()).toBeUndefined();
    const undo = proxy.fault(() => ({ answer: { status: 200, body: Buffer.from('<html>log in</html>') } }));
    expect(await ask()).toBe('wrong-content');
    undo();
  });

  test('gets the password of its own URL over https, and is not asked when it would travel in the open', async () => {
    const header = `Basic ${Buffer.from('u:p@').toString('base64')}`;
    expect(authorizationIn(new URL('https://u:p%40@x.test'))).toEqual({ authorization: header });
    const { proxies } = await probeChain(proxy.base.replace('http://', 'http://u:p%40@'), { ...patient, pins });
    expect(proxies.map(({ trouble }) => trouble)).toEqual(['open-password']);
    expect(proxy.requests).toEqual([]);
    await probeChain(proxy.base, { ...patient, pins });
    expect(proxy.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  test('that says nothing in time is in trouble', async () => {
    const undo = proxy.fault(() => ({ hang: 'before-head' }));
    const { proxies } = await probeChain(proxy.base, { ...patient, pins, probeMs: 50 });
    expect(proxies.map(({ trouble }) => trouble)).toEqual(['silent']);
    undo();
  });

  test('may be a folder', async () => {
    const chain = `${pathToFileURL(tmpdir()).href},file:///nonexistent/larder`;
    const { proxies } = await probeChain(chain, { ...patient, pins });
    expect(proxies.map(({ trouble }) => trouble)).toEqual([undefined, 'ENOENT']);
  });
});

describe('the chain of those that are sound', () => {
  const chain = (text: string, ms: Readonly<Record<string, number>>): ProbedChain => {
    const [, end] = /[,|](direct|off)$/.exec(text) ?? [];
    const entries = [...text.matchAll(/(https:\/\/(\w)\.test)([,|]?)/g)];
    const proxies = entries.map(([, url = '', name = '', separator]) => {
      const took = ms[name];
      const entry = { kind: 'proxy' as const, url, separator: separator === '|' ? ('|' as const) : (',' as const) };
      return { entry, name, ms: took ?? 0, ...(took === undefined ? { trouble: 'dead' } : {}) };
    });
    return { proxies, ...(end === undefined ? {} : { end: end as 'direct' | 'off' }) };
  };

  test.each([
    ['https://a.test,https://b.test,direct', { a: 9, b: 1 }, 'https://a.test,https://b.test,direct'],
    ['https://a.test|https://b.test|direct', { a: 9, b: 1 }, 'https://b.test|https://a.test|direct'],
    [
      'https://a.test|https://b.test,https://c.test',
      { a: 9, b: 1, c: 0 },
      'https://b.test|https://a.test,https://c.test',
    ],
    ['https://a.test,https://b.test,off', { b: 1 }, 'https://b.test,off'],
    ['https://a.test,https://b.test', { a: 1 }, 'https://a.test'],
    ['https://a.test,direct', {}, undefined],
  ])('of %s keeps the order after a comma, and prefers the quick one after |', (text, ms, sound) => {
    expect(chainOfSound(chain(text, ms))).toBe(sound);
  });
});
