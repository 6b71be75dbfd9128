/** What upstreams and the way to them make of zips, and that nothing of it is served or stored. */
import { afterEach, describe, expect, test } from 'vitest';
import { type MadeUpModule, madeUpModule } from '../fakes/content.ts';
import { type Fault, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { plainZip } from '../fakes/plain-zip.ts';
import { type Behaviour, startRangeServer } from '../fakes/range-server.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { type ProvingLarder, startProvingLarder } from './proving-larder.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function modulesOf(count: number, zipBytes: number): readonly MadeUpModule[] {
  return Array.from({ length: count }, (_, i) => madeUpModule(`x.test/m${i}`, 'v1.0.0', { zipBytes }));
}

const zipOf = (module: MadeUpModule): Buffer => Buffer.from(module.get(targetOf(module.name)) ?? []);
const targetOf = (name: string): string => `${name.replace('@', '/@v/')}.zip`;
const sumsOf = (modules: readonly MadeUpModule[]): string => modules.map(({ sums }) => sums).join('');

async function larderBefore(base: string, sums: string): Promise<ProvingLarder> {
  const larder = await startProvingLarder({ base, sums });
  closers.push(() => larder.close());
  return larder;
}

async function serverOf(modules: readonly MadeUpModule[], behave: Behaviour): Promise<string> {
  const bodies = new Map(modules.map((one) => [`/${targetOf(one.name)}`, zipOf(one)]));
  const server = await startRangeServer((path) => bodies.get(path), behave);
  closers.push(() => server.close());
  return server.origin;
}

describe('what is no zip', () => {
  const page = Buffer.from('<!DOCTYPE html><html><body>Please sign in</body></html>');
  const html = { 'content-type': 'text/html' };
  const zip = { 'content-type': 'application/zip' };
  test.each<[string, Fault]>([
    [
      'a redirect to a page',
      { answer: { status: 302, body: page, headers: { ...html, location: '/mod/sign-in/@v/list' } } },
    ],
    ['the page of a redirect without a place', { answer: { status: 302, body: page, headers: html } }],
    ['a page with 200', { answer: { body: page, headers: html } }],
    ['a page with 200 that calls itself a zip', { answer: { body: page, headers: zip } }],
    [
      'JSON with 200',
      { answer: { body: Buffer.from('{"error":"forbidden"}'), headers: { 'content-type': 'application/json' } } },
    ],
    ['nothing with 200', { answer: { body: Buffer.alloc(0), headers: zip } }],
  ])('%s is neither served nor stored (goproxyio#155)', async (_name, fault) => {
    const [module = madeUpModule('x.test/m0', 'v1.0.0')] = modulesOf(1, 2000);
    const upstream = await startFakeUpstream({
      content: [module, { get: (target) => (target.startsWith('sign-in') ? page : undefined) }],
    });
    closers.push(() => upstream.close());
    const larder = await larderBefore(upstream.base, '');
    const heal = upstream.fault(({ path }) => (path.endsWith('.zip') ? fault : undefined));
    expect(await larder.zip(module.name)).toMatch(/^(UPSTREAM_|ZIP_INVALID)/);
    expect(await larder.stored()).toEqual([]);
    heal();
    expect(zipOf(module).equals((await larder.zip(module.name)) as Uint8Array)).toBe(true);
  });
});

describe('1,000 zips that were damaged on the way', () => {
  const modules = modulesOf(1000, 300);

  /** Every other one has another byte somewhere; the rest are whole zips of something else. */
  async function startDamaging(seed: number) {
    const random = seededRandom(seed);
    const upstream = await startFakeUpstream({ content: modules });
    closers.push(() => upstream.close());
    const heal = upstream.fault(({ target }) => {
      const at = Number(/^x\.test\/m(\d+)\//.exec(target)?.[1]);
      if (at % 2 === 0) return { corruptAt: Math.floor(random() * zipOf(modules[at] as MadeUpModule).length) };
      const name = `x.test/m${at}@v1.0.0`;
      return { answer: { body: plainZip([{ name: `${name}/go.mod`, content: `module x.test/m${at}\n// evil\n` }]) } };
    });
    return { upstream, heal };
  }

  test('none is stored, but with the contents that are proven (goproxyio#107)', { timeout: 60_000 }, async () => {
    const { upstream, heal } = await startDamaging(107);
    const larder = await larderBefore(upstream.base, sumsOf(modules));
    const served = await Promise.all(modules.map(({ name }) => larder.zip(name)));
    const stored = new Set(await larder.stored());
    // A byte of a time or of a version says nothing about the contents: such a zip has the proven h1.
    const harmless = served.filter((one) => typeof one !== 'string');
    expect(stored.size).toBe(harmless.length);
    expect(harmless.length).toBeLessThan(200);
    expect(modules.filter((_, i) => i % 2 === 1).filter(({ name }) => stored.has(name))).toEqual([]);
    expect(new Set(served.filter((one) => typeof one === 'string'))).not.toContain('NOT_FOUND');
    heal();
    const healed = await Promise.all(modules.map(({ name }) => larder.zip(name)));
    expect(healed.filter((one) => typeof one === 'string')).toEqual([]);
  });

  test('control: where nobody says what they must be, the whole zips of something else are stored', async () => {
    const { upstream } = await startDamaging(107);
    const larder = await larderBefore(upstream.base, '');
    for (const { name } of modules.slice(0, 40)) await larder.zip(name);
    const others = (await larder.stored()).filter((name) => Number(/m(\d+)@/.exec(name)?.[1]) % 2 === 1);
    expect(others).toHaveLength(20);
  });
});

describe('200 zips, each cut at a random byte', () => {
  const modules = modulesOf(200, 20_000);

  /** Cuts the first answer for every path; what comes after it is left to `later`. */
  function cutting(seed: number, later: Behaviour): Behaviour {
    const random = seededRandom(seed);
    const asked = new Set<string>();
    return (proper, nth, request) => {
      const path = request.url ?? '';
      if (asked.has(path)) return later(proper, nth, request);
      asked.add(path);
      return { cutAfter: Math.floor(random() * proper.body.length) };
    };
  }

  test('are given whole where the upstream can go on (goproxy.cn#214)', { timeout: 60_000 }, async () => {
    const base = await serverOf(
      modules,
      cutting(214, () => ({})),
    );
    const larder = await larderBefore(base, sumsOf(modules));
    const served = await Promise.all(modules.map(({ name }) => larder.zip(name)));
    expect(
      served.filter((one, i) => !zipOf(modules[i] as MadeUpModule).equals(Buffer.from(one as Uint8Array))),
    ).toEqual([]);
  });

  test('are a failure where it cannot, and whole the next time (goproxy.cn#220)', { timeout: 60_000 }, async () => {
    let isBad = true;
    const base = await serverOf(
      modules,
      cutting(220, ({ body }) =>
        isBad ? { status: 200, headers: { 'content-length': String(body.length) }, cutAfter: 0 } : {},
      ),
    );
    const larder = await larderBefore(base, sumsOf(modules));
    const failures = await Promise.all(modules.map(({ name }) => larder.zip(name)));
    expect(failures.filter((one) => typeof one !== 'string' || !one.startsWith('UPSTREAM_'))).toEqual([]);
    expect(await larder.stored()).toEqual([]);
    isBad = false;
    const served = await Promise.all(modules.map(({ name }) => larder.zip(name)));
    expect(served.filter((one) => typeof one === 'string')).toEqual([]);
  });
});
