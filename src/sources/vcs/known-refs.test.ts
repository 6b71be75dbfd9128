/** Refs read from files as git itself lists them, on the repositories that git makes. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { makeRepository, plainGit } from '../../../tests/fakes/git-repositories.ts';
import { systemClock } from '../../std/clock.ts';
import { DamagedMirror } from './git-failure.ts';
import { Git } from './git.ts';
import { listRefsAgain } from './known-refs.ts';
import { HEAD_REF, listRefs } from './mirror-refs.ts';
import { ObjectReader } from './object-reader.ts';

const scratch = mkdtempSync(join(tmpdir(), 'larder-refs-'));
const signal = new AbortController().signal;
const wallMs = 20_000;
const limits = { wallMs, idleMs: wallMs, outputBytes: 1 << 20 };
const readers: ObjectReader[] = [];
afterEach(() => {
  for (const reader of readers.splice(0)) reader.close();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Git that notes what it is asked. */
class HeardGit extends Git {
  readonly heard: string[] = [];

  constructor() {
    super({ program: 'git', path: process.env['PATH'] ?? '' });
  }

  override async run(...[args, ask]: Parameters<Git['run']>): ReturnType<Git['run']> {
    this.heard.push(args[0] ?? '');
    return await super.run(args, ask);
  }
}

/** A repository with a commit of each kind of ref on it, and how its refs are listed. */
async function repository() {
  const path = join(scratch, `r${readers.length}-${Math.random()}.git`);
  const { commits } = await makeRepository(path, {
    commits: [{ name: 'one', files: { 'go.mod': 'module x\n' }, tags: ['v1.0.0', 'sub/v1.0.0'] }],
  });
  const one = commits.get('one') ?? '';
  const run = (...args: readonly string[]): string =>
    plainGit(path, ['-c', 'user.name=n', '-c', 'user.email=e@x', ...args]);
  run('update-ref', HEAD_REF, one);
  const git = new HeardGit();
  const reader = new ObjectReader(
    () => git.converse(['cat-file', '--batch'], { repository: path, limits, signal }),
    systemClock,
  );
  readers.push(reader);
  const known = String(await listRefs(git, { repository: path, wallMs, signal }));
  git.heard.length = 0;
  const again = async (): Promise<Buffer> =>
    await listRefsAgain({ repository: path, git, reader, known, wallMs }, { signal });
  /** What came of it, and whether git had to be asked; it always is what git says. */
  const compared = async (): Promise<string[]> => {
    const listing = await again();
    const asked = git.heard.splice(0);
    expect(listing.toString('latin1')).toBe(
      Buffer.from(await listRefs(git, { repository: path, wallMs, signal })).toString('latin1'),
    );
    git.heard.length = 0;
    return asked;
  };
  return { path, one, run, again, compared };
}

test('what did not change is read without a process', async () => {
  const { compared } = await repository();
  expect(await compared()).toEqual([]);
});

test('so are new and moved branches, tags of both kinds, and what they are on', async () => {
  const { run, one, compared } = await repository();
  run('branch', 'feature/deep/er', one);
  run('tag', '-a', '-m', 'annotated', 'v1.1.0', one);
  run('tag', 'tree', `${one}^{tree}`);
  run('tag', 'file', `${one}:go.mod`);
  run('update-ref', HEAD_REF, run('commit-tree', '-m', 'two', '-p', one, `${one}^{tree}`));
  expect(await compared()).toEqual([]);
});

test('a tag of a tag is peeled once or to its end, as git does', async () => {
  const { run, one, again } = await repository();
  run('tag', '-a', '-m', 'inner', 'inner', one);
  run('tag', '-a', '-m', 'outer', 'outer', 'inner');
  const inner = run('rev-parse', 'inner');
  expect(String(await again())).toContain(` tag ${inner} tag refs/tags/outer\n`);
});

test('packed refs count, and those beside them more', async () => {
  const { run, one, compared } = await repository();
  run('tag', '-a', '-m', 'annotated', 'v1.1.0', one);
  run('pack-refs', '--all');
  expect(await compared()).toEqual([]);
  run('tag', '-f', 'v1.0.0', `${one}^{tree}`);
  run('tag', '-d', 'sub/v1.0.0');
  run('update-ref', '-d', HEAD_REF);
  expect(await compared()).toEqual([]);
});

test('names that are no UTF-8 are the bytes that they are', async () => {
  const { path, one, compared } = await repository();
  writeFileSync(Buffer.concat([Buffer.from(`${path}/refs/tags/`), Buffer.from([0x76, 0xff, 0xe9])]), `${one}\n`);
  expect(await compared()).toEqual([]);
});

test('what somebody is writing just now is not there yet, and an empty folder is nothing', async () => {
  const { path, one, compared } = await repository();
  writeFileSync(join(path, 'refs/tags/v9.lock'), `${one}\n`);
  mkdirSync(join(path, 'refs/heads/empty'));
  expect(await compared()).toEqual([]);
});

test('git is asked where there is much to read', async () => {
  const { path, one, compared } = await repository();
  for (let i = 0; i < 64; i++) writeFileSync(join(path, `refs/tags/t${i}`), `${one}\n`);
  expect(await compared()).toEqual(['for-each-ref']);
});

test('git is asked where there is much to look at', async () => {
  const { run, one, compared } = await repository();
  for (let i = 0; i < 33; i++) run('update-ref', `refs/tags/t${i}`, run('commit-tree', '-m', `${i}`, `${one}^{tree}`));
  expect(await compared()).toEqual(['for-each-ref']);
});

test('a ref that is a name for another is left to git', async () => {
  const { run, compared } = await repository();
  run('symbolic-ref', 'refs/heads/other', 'refs/heads/main');
  expect(await compared()).toEqual(['for-each-ref']);
});

test.each<[string, (path: string, one: string) => void]>([
  ['full of zeros', (path) => writeFileSync(join(path, 'refs/tags/v1.0.0'), Buffer.alloc(41))],
  ['empty', (path) => writeFileSync(join(path, 'refs/tags/v1.0.0'), '')],
  ['on what is not there', (path) => writeFileSync(join(path, 'refs/tags/v1.0.0'), `${'1'.repeat(40)}\n`)],
  ['of a name that git does not allow', (path, one) => writeFileSync(join(path, 'refs/tags/a b'), `${one}\n`)],
  ['packed, and cut', (path) => appendFileSync(join(path, 'packed-refs'), '1234 refs/tags/x\n')],
])('a ref that is %s is damage', async (_, harm) => {
  const { path, one, again } = await repository();
  harm(path, one);
  await expect(again()).rejects.toThrow(DamagedMirror);
});
