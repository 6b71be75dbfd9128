import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeRepository, plainGit, type RepositoryFile } from '../../../tests/fakes/git-repositories.ts';
import { plainTreeArchive } from '../../../tests/fakes/plain-tree-archive.ts';
import { tarHeader } from '../../../tests/fakes/tar-header.ts';
import { textOfBytes } from '../../gomod/go-text.ts';
import { tarEntries } from './tar-reader.ts';

const scratch = mkdtempSync(join(tmpdir(), 'larder-tar-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const ask = { signal: new AbortController().signal };

let repositories = 0;

async function archived(files: Readonly<Record<string, RepositoryFile>>): Promise<Buffer> {
  const folder = join(scratch, `${repositories++}.git`);
  await makeRepository(folder, { commits: [{ files }] });
  return Buffer.concat(await Array.fromAsync(plainTreeArchive(folder).archive('main', '', ask)));
}

async function* chunked(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

type Seen = readonly [name: string, kind: string, content: string];

async function seenIn(archive: AsyncIterable<Uint8Array>): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const entry of tarEntries(archive)) {
    seen.push([entry.name, entry.kind, Buffer.from(await entry.whole()).toString('latin1')]);
  }
  return seen;
}

const DEEP = `${'folder/'.repeat(20)}file.go`;
const DEEPEST = `${'d'.repeat(200)}/${'f'.repeat(250)}.go`;

describe('an archive as git writes it', () => {
  test('gives names, kinds and contents, whatever their lengths', async () => {
    const files = {
      'a.go': 'package a\n',
      'block.bin': 'x'.repeat(512),
      empty: '',
      'run.sh': { mode: '100755', content: '#!/bin/sh\n' },
      link: { mode: '120000', content: 'a.go' },
      'far.link': { mode: '120000', content: 'l'.repeat(3000) },
      module: { mode: '160000', commit: '17'.repeat(20) },
      'line\nend = 7': 'odd',
      ['n'.repeat(101)]: 'one too long for its field',
      [DEEP]: 'fits in two fields',
      [DEEPEST]: 'fits in none',
    } as const;
    const seen = await seenIn(chunked(await archived(files)));
    const folders = seen.filter(([, kind]) => kind === 'directory').map(([name]) => name);
    expect(folders).toContain('module/');
    expect(folders.every((name) => name.endsWith('/'))).toBe(true);
    const rest = seen.filter(([, kind]) => kind !== 'directory');
    expect(new Map(rest.map(([name, kind, content]) => [name, `${kind} ${content}`]))).toEqual(
      new Map([
        ['a.go', 'regular package a\n'],
        ['block.bin', `regular ${'x'.repeat(512)}`],
        ['empty', 'regular '],
        ['run.sh', 'regular #!/bin/sh\n'],
        ['link', 'symlink '],
        ['far.link', 'symlink '],
        ['line\nend = 7', 'regular odd'],
        ['n'.repeat(101), 'regular one too long for its field'],
        [DEEP, 'regular fits in two fields'],
        [DEEPEST, 'regular fits in none'],
      ]),
    );
  });

  test('keeps names that are not UTF-8, short and long', async () => {
    const folder = join(scratch, 'latin1.git');
    await makeRepository(folder, { commits: [{ files: { a: 'x' } }] });
    const blob = plainGit(folder, ['rev-parse', 'main:a']);
    const names = [Buffer.from('caf\xe9', 'latin1'), Buffer.from('\xe9'.repeat(300), 'latin1')];
    const listing = names.flatMap((name) => [Buffer.from(`100644 blob ${blob}\t`), name, Buffer.of(0)]);
    const tree = plainGit(folder, ['mktree', '-z'], {}, Buffer.concat(listing));
    const seen = await seenIn(plainTreeArchive(folder).archive(tree, '', ask));
    expect(seen.map(([name]) => name)).toEqual(names.map(textOfBytes));
  });

  test('is read alike in pieces of any size', async () => {
    const tar = await archived({ 'a.go': 'package a\n', [DEEPEST]: 'y'.repeat(1500), z: '' });
    const whole = await seenIn(chunked(tar, tar.length));
    for (const size of [1, 7, 511, 512, 513, 4096]) expect(await seenIn(chunked(tar, size))).toEqual(whole);
    expect(whole).toHaveLength(4);
  });

  test('of nothing has no entries', async () => {
    const folder = join(scratch, 'nothing.git');
    await makeRepository(folder, { commits: [{ files: {} }] });
    expect(await seenIn(plainTreeArchive(folder).archive('main', '', ask))).toEqual([]);
  });

  test('may be read without its contents, or with half of one', async () => {
    const tar = await archived({ a: 'x'.repeat(70_000), b: 'y'.repeat(700), c: 'z' });
    const names: string[] = [];
    for await (const entry of tarEntries(chunked(tar, 1000))) {
      names.push(`${entry.name} ${entry.sizeBytes}`);
      if (entry.name === 'a') for await (const piece of entry.pieces()) if (piece.length > 0) break;
    }
    expect(names).toEqual(['a 70000', 'b 700', 'c 1']);
  });

  test('is closed when it is left before its end', async () => {
    const tar = await archived({ a: 'x', b: 'y' });
    let isClosed = false;
    const source = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        yield* chunked(tar, 512);
      } finally {
        isClosed = true;
      }
    };
    for await (const entry of tarEntries(source())) if (entry.name === 'a') break;
    expect(isClosed).toBe(true);
  });
});

describe('an archive is refused as no answer of git', () => {
  const refused = { code: 'UPSTREAM_BAD_RESPONSE' };

  test('when it ends early, wherever that is', async () => {
    const tar = await archived({ 'a.go': 'package a\n', [DEEPEST]: 'y' });
    const end = tar.findLastIndex((byte) => byte !== 0);
    for (let cut = 0; cut <= end; cut += 97) {
      await expect(seenIn(chunked(tar.subarray(0, cut))), `cut at ${cut}`).rejects.toMatchObject(refused);
    }
  });

  test('when a header is damaged', async () => {
    const tar = await archived({ 'a.go': 'package a\n' });
    const header = tar.indexOf('a.go');
    for (const at of [0, 100, 124, 130, 148, 156, 157, 257, 300, 345]) {
      const damaged = Buffer.from(tar);
      damaged[header + at] = (damaged[header + at] ?? 0) ^ 1;
      await expect(seenIn(chunked(damaged)), `byte ${at}`).rejects.toMatchObject(refused);
    }
  });

  test('when something follows its end', async () => {
    const tar = await archived({ a: 'x' });
    await expect(seenIn(chunked(Buffer.concat([tar, Buffer.of(1)])))).rejects.toThrow('bytes after its end');
  });

  test.each([
    ['a hard link', tarHeader({ type: '1' })],
    ['a device', tarHeader({ type: '3' })],
    ['a name in the way of GNU', tarHeader({ type: 'L', size: 4 })],
    ['a link with content', tarHeader({ type: '2', size: 4 })],
    ['a size in base 256', tarHeader({ size: '\x80\0\0\0\0\0\0\0\0\0\x01' })],
    ['an extended header without end', tarHeader({ type: 'x', size: 0o77777777777 })],
    ['a record that is longer than its header', extended('99 path=a\n')],
    ['a record of no length', extended('0 path=a\n')],
    ['a record that begins before itself', extended('-9 path=a\n')],
    ['a record without end of line', extended('10 path=aaa')],
    ['a record that git does not write', extended('12 uname=me\n')],
    ['a size that is no number', extended('12 size=1e3\n')],
    ['nothing where a header should be', Buffer.alloc(0)],
  ])('when it holds %s', async (_what, bytes) => {
    const tar = Buffer.concat([bytes, tarHeader({}), Buffer.alloc(1024)]);
    await expect(seenIn(chunked(bytes.length === 0 ? bytes : tar))).rejects.toMatchObject(refused);
  });

  test('(and is not, when the same headers say what git says)', async () => {
    const tar = Buffer.concat([extended('10 path=b\n'), tarHeader({}), Buffer.alloc(1024)]);
    expect(await seenIn(chunked(tar))).toEqual([['b', 'regular', '']]);
  });
});

function extended(records: string): Buffer {
  const content = Buffer.alloc(512);
  content.write(records);
  return Buffer.concat([tarHeader({ type: 'x', size: records.length }), content]);
}
