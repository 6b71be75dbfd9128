/** What happens when the machine, for want of memory, kills git, or git hangs: nothing is wrong with the mirror then. */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { growRepository, makeRepository } from '../../../tests/fakes/git-repositories.ts';
import { systemClock } from '../../std/clock.ts';
import { Git } from './git.ts';
import { Mirrors } from './mirrors.ts';

const now = { signal: new AbortController().signal, maxAgeMs: 0 };
const LIMITS = { spaceBytes: 1 << 30, repositoryBytes: 1 << 28, fetchMs: 20_000, idleMs: 10_000, perHost: 2 };
const PATH = process.env['PATH'] ?? '';

let room: string;
let mirrors: Mirrors;
let damages: number;
let head: string;
let kill: (command: string) => void;
let hang: (command: string) => void;
let mirrorsWithin: (fetchMs: number) => Mirrors;

beforeEach(async () => {
  room = mkdtempSync(join(tmpdir(), 'larder-killed-'));
  const { commits } = await makeRepository(join(room, 'x.git'), {
    commits: [{ name: 'one', files: { 'a.go': 'package a\n' } }, { name: 'two' }, { name: 'three' }],
  });
  head = commits.get('two') ?? '';
  const order = join(room, 'order');
  kill = (command) => writeFileSync(order, `${command} kill -9 $$\n`);
  hang = (command) => writeFileSync(order, `${command} exec sleep 30\n`);
  const program = join(room, 'git');
  writeFileSync(
    program,
    `#!/bin/sh\nif read -r command act < ${order}; then for word; do [ "$word" = "$command" ] && rm ${order} && eval "$act"; done; fi 2>/dev/null\nexec git "$@"\n`,
  );
  chmodSync(program, 0o755);
  damages = 0;
  const url = pathToFileURL(join(room, 'x.git')).href;
  mirrorsWithin = (fetchMs) => {
    mirrors = new Mirrors({
      folder: join(room, 'mirrors'),
      git: new Git({ program, path: PATH, protocols: ['file'] }),
      network: { open: async () => ({ url, environment: {}, failure: () => undefined, close: () => undefined }) },
      rewrite: (text) => new URL(text),
      clock: systemClock,
      limits: { ...LIMITS, fetchMs },
      observer: { refreshed: () => undefined, damaged: () => void damages++, evicted: () => undefined },
    });
    return mirrors;
  };
  mirrorsWithin(LIMITS.fetchMs);
});
afterEach(async () => {
  await mirrors.close();
  rmSync(room, { recursive: true, force: true });
});

describe('a git that hangs on a mirror', () => {
  test.each([
    ['rev-list', 'read'],
    ['archive', 'archive'],
  ])('(%s) is a timeout that names the repository', async (command, attempted) => {
    const mirror = mirrorsWithin(1500).open('https://git.corp.example/x');
    const snapshot = await mirror.snapshot(now);
    hang(command);
    const asked = command === 'archive' ? Array.fromAsync(snapshot.archive(head, '', now)) : snapshot.commit(head, now);
    await expect(asked).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      message: expect.stringMatching(
        new RegExp(`^${attempted} https://git.corp.example/x: (?:silent for|not done within) 1500 ms$`),
      ),
    });
  });
});

describe('a git that was killed', () => {
  test('while it fetched, is no damage of the mirror', async () => {
    const mirror = mirrors.open('https://git.corp.example/x');
    await mirror.snapshot(now);
    await growRepository(join(room, 'x.git'), [{ files: { 'b.go': 'package a\n' } }]);
    kill('fetch');
    await expect(mirror.snapshot(now)).rejects.toMatchObject({
      code: 'OVERLOADED',
      message: 'fetch https://git.corp.example/x: git was killed, perhaps for want of memory',
    });
    await expect(mirror.snapshot(now)).resolves.toBeDefined();
    expect(damages).toBe(0);
  });

  test('while it listed what had come, is none either', async () => {
    const mirror = mirrors.open('https://git.corp.example/x');
    kill('for-each-ref');
    await expect(mirror.snapshot(now)).rejects.toMatchObject({ code: 'OVERLOADED' });
    await expect(mirror.snapshot(now)).resolves.toBeDefined();
    expect(damages).toBe(0);
  });

  test.each([
    ['rev-list', 'a walk'],
    ['cat-file', 'a look'],
  ])('in %s, is asked once more', async (command) => {
    const snapshot = await mirrors.open('https://git.corp.example/x').snapshot(now);
    kill(command);
    expect(await snapshot.commit(head, now)).toMatchObject({ hash: head });
    expect(existsSync(join(room, 'order'))).toBe(false);
    expect(damages).toBe(0);
  });

  test('in archive, is asked once more', async () => {
    const snapshot = await mirrors.open('https://git.corp.example/x').snapshot(now);
    kill('archive');
    const parts = await Array.fromAsync(snapshot.archive(head, '', now));
    expect(Buffer.concat(parts).includes('package a')).toBe(true);
    expect(damages).toBe(0);
  });
});
