import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeRepository, PLAIN_GIT_ENVIRONMENT, plainGit } from '../../../tests/fakes/git-repositories.ts';
import { ARCHIVE_SETTINGS } from './git-environment.ts';
import { badRepository, DamagedMirror, remoteFailure } from './git-failure.ts';
import { checkedRemote, Git, isHash, isTreePath } from './git.ts';
import { makeMirror } from './mirror-folder.ts';
import { keepUp } from './mirror-upkeep.ts';

const signal = new AbortController().signal;
const limits = { wallMs: 20_000, idleMs: 20_000, outputBytes: 1 << 24 };
const git = new Git({ program: 'git', path: process.env['PATH'] ?? '' });

let room: string;
let evilHome: string;

beforeAll(() => {
  room = mkdtempSync(join(tmpdir(), 'larder-git-'));
  evilHome = join(room, 'home');
  mkdirSync(evilHome);
  writeFileSync(
    join(evilHome, '.gitconfig'),
    [
      '[protocol "ext"]\n\tallow = always',
      '[protocol "file"]\n\tallow = always',
      `[filter "lfs"]\n\tsmudge = "touch ${room}/smudged && cat"\n\trequired = true`,
      `[core]\n\tattributesFile = ${room}/attributes\n\thooksPath = ${room}/hooks\n\taskPass = ${room}/ask`,
      '[url "https://elsewhere.example/"]\n\tinsteadOf = https://git.corp.example/',
      '[credential]\n\thelper = store',
      '[transfer]\n\tbundleURI = true',
      '[sideband]\n\tallowControlCharacters = true',
      '',
    ].join('\n'),
  );
  writeFileSync(join(room, 'attributes'), '* export-ignore\n');
});
afterAll(() => rmSync(room, { recursive: true, force: true }));

/** Git as it is without this file: the control of each attack. */
function unguarded(repository: string, args: readonly string[]): string {
  const env = {
    ...PLAIN_GIT_ENVIRONMENT,
    HOME: evilHome,
    GIT_CONFIG_GLOBAL: join(evilHome, '.gitconfig'),
    GIT_DIR: repository,
  };
  try {
    return execFileSync('git', args, { env, stdio: ['ignore', 'pipe', 'ignore'] }).toString('latin1');
  } catch {
    return '';
  }
}

async function guarded(
  repository: string,
  args: readonly string[],
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  for (const [name, value] of Object.entries({
    HOME: evilHome,
    XDG_CONFIG_HOME: evilHome,
    GIT_CONFIG_GLOBAL: join(evilHome, '.gitconfig'),
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'protocol.ext.allow',
    GIT_CONFIG_VALUE_0: 'always',
    GIT_OBJECT_DIRECTORY: room,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: room,
    GIT_EXTERNAL_DIFF: 'false',
    GIT_SSH_COMMAND: 'false',
  }))
    vi.stubEnv(name, value);
  try {
    const ended = await git.run(args, { repository, limits, signal, settings: ARCHIVE_SETTINGS });
    return { ...ended, stdout: Buffer.from(ended.stdout).toString('latin1') };
  } finally {
    vi.unstubAllEnvs();
  }
}

async function emptyMirror(): Promise<string> {
  const repository = mkdtempSync(join(room, 'mirror-'));
  rmSync(repository, { recursive: true });
  await makeMirror(repository, 'sha1');
  return repository;
}

describe('git', () => {
  test('knows no configuration and no environment but ours', async () => {
    const repository = await emptyMirror();
    expect(unguarded(repository, ['config', '--list'])).toContain('elsewhere.example');
    const { stdout } = await guarded(repository, ['config', '--list', '--show-scope']);
    expect(stdout.split('\n').filter((line) => !/^(?:command|local)\t|^$/.test(line))).toEqual([]);
    expect(stdout).not.toContain('elsewhere.example');
    expect(stdout).toContain('core.hookspath=/dev/null');
  });

  test.each([
    ['fetches no bundles that a host offers (CVE-2025-48385)', 'transfer.bundleURI', 'false'],
    ['starts no program that asks for a password (CVE-2024-50349)', 'core.askPass', '/bin/false'],
    ['shows no control characters of a host (CVE-2024-52005)', 'sideband.allowControlCharacters', 'false'],
  ])('%s, whatever a user has set', async (_, setting, value) => {
    const repository = await emptyMirror();
    const args = ['config', '--get', setting];
    expect(unguarded(repository, args)).toMatch(new RegExp(`^(?!${value}\\n).`));
    expect((await guarded(repository, args)).stdout).toBe(`${value}\n`);
  });

  test.each([
    ['ext', (file: string) => `ext::sh -c touch% ${file}% >&2`],
    ['file', () => 'file:///'],
    ['a path', () => '/'],
    ['git', () => 'git://127.0.0.1:1/x'],
    ['fd', () => 'fd::0'],
    ['https, which is the relay’s affair', () => 'https://127.0.0.1:1/x'],
  ])('does not speak %s', async (name, url) => {
    const repository = await emptyMirror();
    const file = join(room, `ran-${name}`);
    const { exitCode, stderr } = await guarded(repository, ['ls-remote', '--end-of-options', url(file)]);
    expect(exitCode).toBe(128);
    expect(stderr).toMatch(/transport '\w+' not allowed/);
    expect(existsSync(file)).toBe(false);
    if (name !== 'ext') return;
    unguarded(repository, ['ls-remote', url(file)]);
    expect(existsSync(file)).toBe(true);
  });

  test('runs no filter for files that ask for one, and no attributes of a user hide any', async () => {
    const repository = join(room, 'filtered.git');
    await makeRepository(repository, {
      commits: [{ files: { '.gitattributes': '* filter=lfs\n', big: 'version https://git-lfs\n' } }],
    });
    const args = ['archive', '--format=tar', '--end-of-options', plainGit(repository, ['rev-parse', 'main'])];
    const { stdout } = await guarded(repository, args);
    expect(stdout).toContain('version https://git-lfs');
    expect(existsSync(join(room, 'smudged'))).toBe(false);
    expect(unguarded(repository, args)).not.toContain('version https://git-lfs');
    unguarded(repository, ['-c', 'core.attributesFile=/dev/null', ...args]);
    expect(existsSync(join(room, 'smudged'))).toBe(true);
  });

  test('is given no word of others that it could take for an option or a path', () => {
    for (const url of [
      '--upload-pack=touch x',
      '-x',
      'ext::sh',
      '/etc',
      'git@host:x',
      'http://-oProxyCommand=x/',
      'x',
      '',
    ])
      expect(() => checkedRemote(url), url).toThrow('no URL of a remote');
    expect(checkedRemote('http://127.0.0.1:1/a')).toBe('http://127.0.0.1:1/a');
    for (const text of ['HEAD', '-x', 'a'.repeat(39), 'A'.repeat(40), `${'a'.repeat(40)}\n`, ''])
      expect(isHash(text), text).toBe(false);
    expect([40, 64].map((length) => isHash('0'.repeat(length)))).toEqual([true, true]);
    for (const path of ['', '/x', 'x/', 'a//b', '.', '..', 'a/../b', './a', 'a\nb', 'a\0b'])
      expect(isTreePath(path), path).toBe(false);
    for (const path of ['-x', 'a:b', '*', ':(glob)x', 'a b/.git']) expect(isTreePath(path), path).toBe(true);
  });
});

describe('keeping a mirror up', () => {
  test('puts many packs and many loose refs together and loses nothing, not even what no ref has', async () => {
    const repository = await emptyMirror();
    const blobs: string[] = [];
    for (let i = 0; i < 45; i++) {
      const hash = plainGit(repository, ['hash-object', '-w', '--stdin'], {}, `blob ${i}`);
      plainGit(repository, ['pack-objects', '-q', 'objects/pack/pack'], {}, hash);
      rmSync(join(repository, 'objects', hash.slice(0, 2)), { recursive: true, force: true });
      blobs.push(hash);
    }
    for (const hash of blobs.slice(0, 20)) plainGit(repository, ['tag', `t-${hash}`, hash]);
    const common = { git, path: repository, wallMs: 20_000, signal };
    expect(await keepUp({ ...common, looseRefs: 20 })).toBe(20);
    expect(plainGit(repository, ['count-objects', '-v'])).toContain('packs: 1');
    expect(await keepUp({ ...common, looseRefs: 201 })).toBe(0);
    expect(existsSync(join(repository, 'packed-refs'))).toBe(true);
    expect(plainGit(repository, ['tag', '--list']).split('\n')).toHaveLength(20);
    for (const hash of blobs) expect(plainGit(repository, ['cat-file', '-t', hash])).toBe('blob');
  });
});

test('where a mirror lies is in no message', () => {
  const folder = `/srv/larder/.mirrors/${'a1'.repeat(32)}`;
  for (const place of [folder, '/srv/larder/.mirrors/.passing-0123456789abcdef'])
    for (const stderr of [
      `fatal: not a git repository: '${place}'`,
      `error: ${place}/objects/pack/p.pack: No space left on device`,
    ]) {
      const exit = { exitCode: 128, stderr };
      const said = [new DamagedMirror(exit), remoteFailure('fetch', exit), badRepository('fetch', exit)];
      for (const error of said) expect(error?.message ?? '').not.toContain('/srv');
      expect(said[0]?.message).toContain('the mirror');
    }
});
