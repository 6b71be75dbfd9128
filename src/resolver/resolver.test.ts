/** The resolver over real sources, spools, checks and a real store on disk, against proxies on loopback that misbehave. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_CREDENTIALS } from '../credentials/credentials.ts';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { noDatabase } from '../../tests/fakes/no-database.ts';
import { idOf, planOf } from '../../tests/fakes/resolver-rig.ts';
import { ArtifactStore } from '../artifacts/artifact-store.ts';
import { MemoryRegister } from '../coordination/memory/memory-register.ts';
import { parseModulePath } from '../gomod/module.ts';
import { HttpClient } from '../io/http-client.ts';
import { createSpoolDirectory } from '../io/spool.ts';
import { openSpooled } from '../io/spooled-reader.ts';
import { openTempDirectory, type TempDirectory } from '../io/temp-directory.ts';
import { GoproxySource } from '../sources/goproxy/goproxy.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { openStore } from '../storage/registry.ts';
import { goSumPins } from '../verify/pins.ts';
import { createVerifier } from '../verify/verifier.ts';
import { createZipInspector } from '../verify/zip-inspector.ts';
import type { ResolverLimits } from './limits.ts';
import type { FetchOutcome } from './observer.ts';
import { readWhole } from './read-whole.ts';
import { type ArtifactAnswer, createResolver, type Question, type RunningResolver } from './resolver.ts';
import { unpooled } from '../upstream/unpooled.ts';

const never = new AbortController().signal;
const M = 'x.test/big@v1.0.0';
const ZIP_BYTES = 3_000_000;
const content = madeUpModule('x.test/big', 'v1.0.0', { zipBytes: ZIP_BYTES });
const zip = content.get('x.test/big/@v/v1.0.0.zip') as Buffer;

let a: FakeUpstream;
let b: FakeUpstream;
let folder: string;
let temp: TempDirectory;
let resolver: RunningResolver;
let fetches: FetchOutcome[];
const client = new HttpClient({
  userAgent: 'larder/test',
  firstByteTimeoutMs: 500,
  idleTimeoutMs: 500,
  instanceId: 'test',
});
const inspector = createZipInspector();

afterAll(async () => {
  await inspector.close();
  await client.close();
});

beforeEach(async () => {
  [a, b] = [await startFakeUpstream({ content: [content] }), await startFakeUpstream({ content: [content] })];
  folder = await mkdtemp(join(tmpdir(), 'larder-resolver-'));
  temp = await openTempDirectory(folder);
  fetches = [];
  resolver = resolverWith();
});
afterEach(async () => {
  await resolver.close();
  await temp.close();
  await rm(folder, { recursive: true, force: true });
  await Promise.all([a.close(), b.close()]);
});

function resolverWith(limits?: Partial<ResolverLimits>): RunningResolver {
  const sourceOf = (name: string, fake: FakeUpstream): [string, GoproxySource] => [
    name,
    new GoproxySource({ name, base: new URL(fake.base), client, credentials: NO_CREDENTIALS }),
  ];
  const spools = createSpoolDirectory({ temp });
  const store = openStore('disk', { root: folder, temp, now: Date.now });
  if (store === undefined) throw new Error('no disk store');
  const artifacts = new ArtifactStore({
    store,
    spool: spools.spool(ZIP_BYTES * 2),
    clock: systemClock,
    observer: { onDamage: () => undefined },
  });
  return createResolver({
    artifacts,
    registers: new MemoryRegister({ capacityBytes: 1_000_000 }),
    sources: new Map([sourceOf('A', a), sourceOf('B', b)].map(([name, source]) => [name, unpooled(source)])),
    verifier: createVerifier({
      ...noDatabase,
      inspectZip: (body, module, o) => inspector.inspect(body, module, o),
      pins: goSumPins([]),
    }),
    spools,
    openSpooled,
    clock: systemClock,
    random: Math.random,
    observer: { onFetch: (one) => fetches.push(one) },
    limits,
  });
}

const question = (list: string): Question => ({ plan: planOf(list), mayFetch: 'yes', signal: never });
const ask = (kind: 'info' | 'mod' | 'zip', list = 'A,B'): Promise<ArtifactAnswer> =>
  resolver.artifact(idOf(M, kind), question(list));
const bytesOf = (answer: ArtifactAnswer): Promise<Uint8Array> => readWhole(answer, { signal: never });
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
const isZip = { path: /\.zip$/ };

test('50 clients, one cold zip: one request, all bytes to all', async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask('zip')));
  expect(a.count(isZip.path)).toBe(1);
  expect(b.requests).toHaveLength(0);
  for (const bytes of await Promise.all(answers.map(bytesOf))) expect(zip.equals(bytes)).toBe(true);
});

describe('a zip that arrives damaged is never served', () => {
  test('another byte in it: the next source is asked, even after a comma', async () => {
    a.fault((request) => (request.path.endsWith('.zip') ? { corruptAt: ZIP_BYTES / 2 } : undefined));
    expect(zip.equals(await bytesOf(await ask('zip', 'A,B')))).toBe(true);
    expect(fetches.map((one) => [one.source, one.code])).toEqual([
      ['A', 'ZIP_INVALID'],
      ['B', undefined],
    ]);
  });

  test('cut short: after a bar the next source is asked', async () => {
    a.fault((request) => (request.path.endsWith('.zip') ? { cutAfter: 1_000_000 } : undefined));
    expect(zip.equals(await bytesOf(await ask('zip', 'A|B')))).toBe(true);
    expect(fetches[0]).toMatchObject({ source: 'A', code: expect.stringMatching(/^UPSTREAM_/) });
  });

  test('cut short: after a comma that is the end', async () => {
    a.fault((request) => (request.path.endsWith('.zip') ? { cutAfter: 1_000_000 } : undefined));
    expect(await codeOf(ask('zip', 'A,B'))).toMatch(/^UPSTREAM_/);
  });

  test('a page of HTML instead of it', async () => {
    a.fault(() => ({ answer: { body: Buffer.from('<html>sign in</html>'), status: 200 } }));
    expect(zip.equals(await bytesOf(await ask('zip', 'A|B')))).toBe(true);
    expect(fetches[0]).toMatchObject({ source: 'A', code: 'UPSTREAM_BAD_RESPONSE' });
  });
});

test('a client that leaves past half leaves the download going; the next one finds it stored', async () => {
  a.fault((request) => (request.path.endsWith('.zip') ? { trickle: { bytes: 600_000, everyMs: 100 } } : undefined));
  const hurried = new AbortController();
  const leaving = codeOf(resolver.artifact(idOf(M, 'zip'), { ...question('A'), signal: hurried.signal }));
  await new Promise((resolve) => setTimeout(resolve, 380));
  hurried.abort();
  expect(await leaving).toBe('ABORTED');
  expect((await ask('zip', 'A')).sizeBytes).toBe(zip.length);
  expect(a.count(isZip.path)).toBe(1);
});

test('a warm list with a hung upstream comes within 5 ms', async () => {
  const module = parseModulePath('x.test/big');
  resolver = resolverWith({ freshMs: 0 });
  await resolver.list(module, question('A'));
  a.fault(() => ({ hang: 'before-head' }));
  const started = performance.now();
  const list = await resolver.list(module, question('A'));
  expect(performance.now() - started).toBeLessThan(5);
  expect(list.result).toBe('stale');
  expect(Buffer.from(list.bytes).toString()).toBe('v1.0.0\n');
});

test('a question about a go.mod never moves a zip', async () => {
  await ask('mod');
  await ask('info');
  expect(a.requests.map((one) => one.path)).toEqual(['/x.test/big/@v/v1.0.0.mod', '/x.test/big/@v/v1.0.0.info']);
});
