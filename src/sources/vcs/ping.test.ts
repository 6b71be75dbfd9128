import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeRepository } from '../../../tests/fakes/git-repositories.ts';
import { type GitServer, startGitServer } from '../../../tests/fakes/git-server.ts';
import type { GitNetwork } from './git-network.ts';
import { Git } from './git.ts';
import { createPing } from './ping.ts';

const o = { signal: new AbortController().signal };
let folder: string;
let server: GitServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-ping-'));
  await makeRepository(join(folder, 'here.git'), { commits: [{ files: { a: '1' } }] });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await (server as GitServer | undefined)?.close();
  server = await startGitServer({ repositories: folder });
});

const network: GitNetwork = {
  open: async ({ pathname }) => ({
    url: `${server.origin}${pathname}`,
    environment: {},
    failure: () => undefined,
    close: () => undefined,
  }),
};

async function ping(name: string, { program = 'git', idleMs = 10_000 } = {}): Promise<boolean> {
  const git = new Git({ program, path: process.env['PATH'] ?? '' });
  const pings = createPing({ git, network, rewrite: (url) => new URL(url), wallMs: 20_000, idleMs });
  return await pings.ping(`https://git.test/${name}`, o);
}

test('a place is a repository or is none', async () => {
  expect([await ping('here.git'), await ping('none.git')]).toEqual([true, false]);
});

test('a place that says nothing is a timeout that names it', async () => {
  server.fault(() => ({ hang: 'before-head' }));
  await expect(ping('here.git', { idleMs: 400 })).rejects.toMatchObject({
    code: 'UPSTREAM_TIMEOUT',
    message: 'ask https://git.test/here.git whether it is a repository: silent for 400 ms',
  });
});

test('without a git program the failure names the place and the program', async () => {
  await expect(ping('here.git', { program: 'no-such-git' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^ask https:\/\/git\.test\/here\.git whether .*: run no-such-git: no such program/),
  });
});
