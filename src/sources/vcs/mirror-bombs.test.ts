/** What a repository can make git do with its memory and our disk. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  growRepository,
  makeRepository,
  PLAIN_GIT_ENVIRONMENT,
  plainGit,
} from '../../../tests/fakes/git-repositories.ts';
import { type GitServer, startGitServer } from '../../../tests/fakes/git-server.ts';
import { deltaBomb, withPack } from '../../../tests/fakes/pack-bombs.ts';
import { systemClock } from '../../std/clock.ts';
import { Git } from './git.ts';
import { mirrorKey } from './mirror-folder.ts';
import { Mirrors } from './mirrors.ts';

const now = { signal: new AbortController().signal, maxAgeMs: 0 };
const LIMITS = { spaceBytes: 1 << 30, repositoryBytes: 1 << 28, fetchMs: 60_000, idleMs: 60_000, perHost: 2 };

let repositories: string;
let room: string;
let server: GitServer;
let mirrors: Mirrors;
const opened: Mirrors[] = [];
let undoFault = (): void => undefined;

beforeAll(async () => {
  repositories = mkdtempSync(join(tmpdir(), 'larder-bombs-'));
  server = await startGitServer({ repositories });
  await makeRepository(join(repositories, 'r.git'), { commits: [{ files: { 'go.mod': 'module x\n' } }] });
});
afterAll(async () => {
  await server.close();
  rmSync(repositories, { recursive: true, force: true });
});
beforeEach(() => {
  room = mkdtempSync(join(tmpdir(), 'larder-bombed-'));
  mirrors = openMirrors();
});
afterEach(async () => {
  undoFault();
  await Promise.all(opened.splice(0).map((one) => one.close()));
  rmSync(room, { recursive: true, force: true });
});

function openMirrors(): Mirrors {
  const made = new Mirrors({
    folder: room,
    git: new Git({ program: 'git', path: process.env['PATH'] ?? '' }),
    network: {
      open: async (url) => ({
        url: `${server.origin}${url.pathname}`,
        environment: {},
        failure: () => undefined,
        close: () => undefined,
      }),
    },
    rewrite: (url) => new URL(url),
    clock: systemClock,
    limits: LIMITS,
  });
  opened.push(made);
  return made;
}

function sendPack(packed: Buffer): void {
  undoFault = server.fault(({ kind }) =>
    kind === 'fetch' ? { rewrite: (body) => withPack(body, packed) } : undefined,
  );
}

test('some kilobytes that unpack to gigabytes are refused before git has the memory for them', async () => {
  const bomb = deltaBomb(64);
  expect(bomb.length).toBeLessThan(40_000);
  sendPack(bomb);
  const before = performance.now();
  await expect(mirrors.open('https://git.corp.example/r.git').snapshot(now)).rejects.toMatchObject({
    code: 'TOO_LARGE',
    message: expect.stringContaining('fetch https://git.corp.example/r.git'),
  });
  expect(performance.now() - before).toBeLessThan(5000);
  expect(readdirSync(room)).toEqual([]);
});

test('control: the same with less in it is a proper pack, and git unpacks it', () => {
  const place = join(room, 'control.git');
  plainGit(room, ['init', '-q', '--bare', place], { GIT_DIR: place });
  const how = { cwd: place, input: deltaBomb(4), env: { ...PLAIN_GIT_ENVIRONMENT, GIT_DIR: place } };
  expect(execFileSync('git', ['index-pack', '--stdin'], how).toString()).toMatch(/^pack\t[0-9a-f]{40}/);
});

test('a mirror that somebody else could write is not used: git would do what its configuration says', async () => {
  const url = 'https://git.corp.example/r.git';
  await mirrors.open(url).snapshot(now);
  await mirrors.settled();
  const mirror = join(room, mirrorKey(url));
  const mark = join(room, 'executed');
  plainGit(mirror, ['config', 'core.alternateRefsCommand', `touch ${mark}; true`]);
  mkdirSync(join(mirror, 'objects/info'), { recursive: true });
  writeFileSync(join(mirror, 'objects/info/alternates'), join(repositories, 'r.git/objects'));
  await growRepository(join(repositories, 'r.git'), [{ files: { 'a.go': 'package a\n' } }]);
  chmodSync(mirror, 0o777);
  for (const maxAgeMs of [0, 60_000])
    await expect(
      openMirrors()
        .open(url)
        .snapshot({ ...now, maxAgeMs }),
    ).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.not.stringContaining(room),
    });
  expect(existsSync(mark)).toBe(false);
  // Positive control: whoever can write it has git execute what he likes.
  chmodSync(mirror, 0o700);
  await openMirrors().open(url).snapshot(now);
  expect(existsSync(mark)).toBe(true);
});
