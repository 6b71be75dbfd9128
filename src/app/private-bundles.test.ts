/** Modules that their own repository alone may be asked for, while it is out: a bundle on this machine has them, and nobody outside hears of them. */
import { channel } from 'node:diagnostics_channel';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bundler, sumsOf, writeBundle } from '../../tests/fakes/bundles.ts';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { startGitServer } from '../../tests/fakes/git-server.ts';
import { loadConfig } from '../config/load.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';

const LIB = 'git.test/lib.git';
const made = madeUpModule(LIB, 'v1.0.0', { zipBytes: 2000 });
const [MOD, ZIP, INFO] = ['mod', 'zip', 'info'].map((kind) => `${LIB}/@v/v1.0.0.${kind}`) as [string, string, string];
const LIST = `${LIB}/@v/list`;

let folder = '';
let [upstream, peer, database]: FakeUpstream[] = [];
let deadOrigin = '';
const places = new Set<string>();
const closers: (() => unknown)[] = [];

const note = (message: unknown): void => {
  const { socket } = message as { readonly socket: Socket };
  socket.on('lookup', (_error, _address, _family, host) => places.add(host));
  socket.on('connectionAttempt', (ip, port) => places.add(`${ip}:${port}`));
};

/** An upstream, a peer and a checksum database that would answer, and a git host that is gone. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-private-bundles-'));
  [upstream, peer, database] = await Promise.all([1, 2, 3].map(() => startFakeUpstream({ content: [made] })));
  for (const fake of [upstream, peer, database]) closers.push(() => fake?.close());
  const host = await startGitServer({ repositories: folder });
  deadOrigin = host.origin;
  await host.close();
  places.clear();
  channel('net.client.socket').subscribe(note);
});
afterEach(async () => {
  channel('net.client.socket').unsubscribe(note);
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** A store with a bundle of the module. */
function bundled(module = made): string {
  const store = join(folder, 'bundles');
  const [, zip = '', mod = ''] = /(h1:\S+)\n.*(h1:\S+)/.exec(module.sums) ?? [];
  const modules = [{ path: LIB, version: 'v1.0.0', zip, mod }] as never;
  const held = [INFO, MOD, ZIP].map((target) => [target, module.get(target) ?? '']);
  const files = { ...Object.fromEntries(held), [LIST]: 'v1.0.0\n' };
  writeBundle(join(store, 'b1'), files, { id: 'b1', modules });
  symlinkSync('b1', join(store, 'current'));
  return `ladder: {bundles: ["${store}"], bundleKeys: ["${bundler.verifier.text}"], git: always}\n`;
}

/** `git` = members of that section besides. */
async function serve(rows: string, git = ''): Promise<(target: string) => Promise<string>> {
  const file = join(folder, 'larder.yaml');
  writeFileSync(
    file,
    `listen: 127.0.0.1:0
data: ${join(folder, 'data')}
upstream: "${upstream?.base},direct"
peers: [{name: peer, url: "${peer?.base}"}]
resolver: {errorMemo: 0, metadataDeadline: 5s}
git: {insecure: git.test, rewrites: [{from: "https://git.test/", to: "${deadOrigin}/"}]${git}}
${rows}`,
  );
  const around = { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] };
  const loaded = loadConfig({ values: new Map(), sets: ['ladder.patience=0s'] }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const environment = { PATH: process.env['PATH'] ?? '' };
  const larder: Larder = await composeLarder(loaded.config, {
    version: '0',
    environment,
    home: folder,
    logTo: join(folder, 'log'),
  });
  closers.push(() => larder.stopNow());
  const { port } = await larder.start();
  return async (target) => {
    const answer = await fetch(`http://127.0.0.1:${port}/${target}`);
    await answer.arrayBuffer();
    return `${answer.status} at ${answer.headers.get('Larder-Level')}`;
  };
}

const OFF = 'sumdb: {database: off}\n';
const stored = (place: string): boolean => existsSync(join(folder, 'data', place, LIB, '@v/v1.0.0.zip'));

describe('a private module whose git host is dead', () => {
  test('is served from a bundle, lies in the private scope, and nobody outside has heard of it', async () => {
    const get = await serve(`private: git.test\n${OFF}${bundled()}`);
    for (const target of [INFO, MOD, ZIP, LIST]) expect([target, await get(target)]).toEqual([target, '200 at 3']);
    expect([stored('scopes/private/download'), stored('download')]).toEqual([true, false]);
    const record = readFileSync(join(folder, 'data/scopes/private/meta', LIB, '@v/v1.0.0.zip.json'), 'utf8');
    expect(JSON.parse(record)).toMatchObject({ source: `bundle:${join(folder, 'bundles')}` });
    for (const fake of [upstream, peer, database]) expect(fake?.requests).toEqual([]);
    const own = new URL(deadOrigin).host;
    // Our own question to the server is the other one.
    expect([...places].filter((place) => place !== own && !place.startsWith('127.0.0.1:'))).toEqual([]);
    for (const fake of [upstream, peer, database]) expect(places).not.toContain(new URL(fake?.base ?? '').host);
  });

  test('is told to the upstream by a server that does not know that it is private: the recorder sees it', async () => {
    const get = await serve(`${OFF}${bundled()}`);
    expect(await get(MOD)).toBe('200 at 0');
    expect(places).toContain(new URL(upstream?.base ?? '').host);
  });

  test('is a failure and no 404 where the bundle has none of it, and no rung but the bundle is asked', async () => {
    const get = await serve(`private: git.test\n${OFF}${bundled()}`);
    expect(await get(`${LIB}/@v/v1.1.0.mod`)).toMatch(/^50[24] /);
    for (const fake of [upstream, peer]) expect(fake?.requests).toEqual([]);
  });

  test('is refused from a bundle when a trusted go.sum file has other sums of it', async () => {
    const sums = join(folder, 'go.sum');
    writeFileSync(sums, sumsOf([`${LIB}@v1.0.0`]));
    const other = madeUpModule(LIB, 'v1.0.0', { zipBytes: 3000 });
    const get = await serve(`private: git.test\n${OFF}verify: {goSum: [${sums}]}\n${bundled(other)}`);
    expect(await get(MOD)).toBe('200 at 3');
    expect(await get(ZIP)).toMatch(/^502 /);
    expect(stored('scopes/private/download')).toBe(false);
  });
});

describe('a public module that its repository alone is asked for, while that is dead', () => {
  test.each([
    ['noProxy', 'noProxy: git.test\n', ''],
    ['an alias', '', `, aliases: [{module: ${LIB}, repository: "https://git.test/lib.git"}]`],
  ])('by %s is served from a bundle, into the public store', async (_, rows, git) => {
    const get = await serve(`${rows}${OFF}${bundled()}`, git);
    for (const target of [INFO, MOD, ZIP]) expect([target, await get(target)]).toEqual([target, '200 at 3']);
    expect([stored('scopes/private/download'), stored('download')]).toEqual([false, true]);
    for (const fake of [upstream, peer]) expect(fake?.requests).toEqual([]);
  });
});
