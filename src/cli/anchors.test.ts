/** `larder anchors` on what a server has stored from a repository. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { growRepository, makeRepository, plainGit } from '../../tests/fakes/git-repositories.ts';
import { type GitServer, startGitServer } from '../../tests/fakes/git-server.ts';
import { composeLarder } from '../app/compose.ts';
import type { Larder } from '../app/larder.ts';
import { loadConfig } from '../config/load.ts';
import { run } from './run.ts';

const LIB = 'git.corp.test/lib.git';
let folder = '';
let host: GitServer;
let larder: Larder;
let base = '';

/** Two versions and a commit without a tag, taken by a server that runs on. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-anchors-'));
  host = await startGitServer({ repositories: join(folder, 'repositories') });
  await makeRepository(join(folder, 'repositories/lib.git'), {
    commits: [
      { files: { 'go.mod': `module ${LIB}\n` }, tags: ['v1.0.0'] },
      { files: { 'a.go': 'package lib\n' }, tags: ['v1.1.0'] },
      { files: { 'b.go': 'package lib\n' } },
    ],
  });
  writeFileSync(
    join(folder, 'larder.yaml'),
    [
      'data: data',
      'listen: 127.0.0.1:0',
      'upstream: off',
      'private: git.corp.test',
      'log: { level: silent }',
      'git:',
      '  insecure: git.corp.test',
      `  rewrites: [{ from: "https://git.corp.test/", to: "${host.origin}/" }]`,
    ].join('\n'),
  );
  const around = { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] };
  const loaded = loadConfig({ values: new Map(), sets: [] }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  larder = await composeLarder(loaded.config, { version: '0', environment: process.env, home: folder, logTo: 2 });
  base = `http://127.0.0.1:${(await larder.start()).port}/${LIB}`;
});
afterEach(async () => {
  await larder.stopNow();
  await host.close();
  rmSync(folder, { recursive: true, force: true });
});

async function get(path: string): Promise<string> {
  const response = await fetch(`${base}/@v/${path}`);
  const text = await response.text();
  expect([path, response.status, response.status === 200 ? '' : text]).toEqual([path, 200, '']);
  return text;
}

async function anchors(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const stdout = { write: (text: string) => void (texts.out += text) };
  const stderr = { write: (text: string) => void (texts.err += text) };
  const env = { GOENV: 'off', HOME: folder, PATH: process.env['PATH'] ?? '' };
  const code = await run(['anchors', ...args], { stdout, stderr, env, cwd: () => folder });
  return { code, ...texts };
}

const repository = (): string => join(folder, 'repositories/lib.git');

describe('larder anchors', () => {
  test('exports commit, tree and tag of what is stored, and finds all as it was', async () => {
    await get('v1.0.0.mod');
    await get('v1.1.0.zip');
    const pseudo = (JSON.parse(await get('main.info')) as { Version: string }).Version;
    await get(`${pseudo}.mod`);
    const { code, out } = await anchors('export');
    const hash = (revision: string): string => plainGit(repository(), ['rev-parse', revision]);
    const line = (version: string, revision: string, tag: string): string =>
      `${LIB} ${version} ${hash(revision)} ${hash(`${revision}^{tree}`)} ${tag} https://git.corp.test/lib\n`;
    const lines = line('v1.0.0', 'v1.0.0', 'v1.0.0') + line('v1.1.0', 'v1.1.0', 'v1.1.0') + line(pseudo, 'main', '-');
    expect([code, out]).toEqual([0, `larder anchors v1\n${lines}`]);
    writeFileSync(join(folder, 'anchors.txt'), out);
    for (const args of [['verify'], ['verify', 'anchors.txt']]) {
      const verified = await anchors(...args, '--json');
      expect(JSON.parse(verified.out)).toMatchObject({ checked: 3, counts: { held: 3 }, findings: [] });
      expect(verified.code).toBe(0);
    }
  });

  test('reports tags that moved or are gone, while the bytes that are served stay', async () => {
    const before = [await get('v1.0.0.mod'), await get('v1.1.0.mod'), await get('v1.1.0.zip')];
    const old = plainGit(repository(), ['rev-parse', 'v1.0.0']);
    const { commits } = await growRepository(repository(), [
      { name: 'evil', files: { 'go.mod': `module ${LIB}\n\nrequire evil.test v1.0.0\n` }, tags: ['v1.0.0'] },
    ]);
    plainGit(repository(), ['tag', '-d', 'v1.1.0']);
    const { code, out, err } = await anchors('verify');
    expect(code).toBe(3);
    expect(out).toContain(
      `tag moved: ${LIB}@v1.0.0: tag v1.0.0 of https://git.corp.test/lib was ${old}, is ${commits.get('evil')}\n`,
    );
    expect(out).toContain(`tag deleted: ${LIB}@v1.1.0: tag v1.1.0 of https://git.corp.test/lib is gone`);
    expect(err).toContain('what is stored stays as it is');
    expect([await get('v1.0.0.mod'), await get('v1.1.0.mod'), await get('v1.1.0.zip')]).toEqual(before);
  });

  test('says of a file that the store has another commit', async () => {
    await get('v1.0.0.mod');
    const { out } = await anchors('export');
    const other = plainGit(repository(), ['rev-parse', 'v1.1.0']);
    writeFileSync(join(folder, 'other.txt'), out.replace(/(?<=v1\.0\.0 )\w+/, other));
    const { code, out: report } = await anchors('verify', 'other.txt');
    expect(code).toBe(3);
    expect(report).toContain(`file and store differ: ${LIB}@v1.0.0: the file says ${other}, the store`);
  });

  test('does not take a repository that cannot be asked for one that is as it was', async () => {
    await get('v1.0.0.mod');
    await host.down();
    const { code, out } = await anchors('verify', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ checked: 1, counts: { held: 0, unknown: 1 } });
  });

  test('refuses a file that is none, and says where one comes from', async () => {
    const { code, err } = await anchors('verify', 'larder.yaml');
    expect(code).toBe(4);
    expect(err).toContain('its first line is not "larder anchors v1"');
    expect(err).toContain('larder anchors export > anchors.txt');
    expect(readFileSync(join(folder, 'larder.yaml'), 'utf8')).toContain('data: data');
  });
});
