import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EMPTY_TREE_HASH } from '../gomod/sumdb/hash.ts';
import { appendMany, Ground, moduleNumber, o, textOf } from '../../tests/fakes/ledger-ground.ts';
import { RecordIndex } from './record-index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-index-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const path = (): string => join(folder, 'ledger', 'index.sqlite');

/** What somebody else does to the file. */
function edit(sql: string): void {
  const database = new DatabaseSync(path());
  database.exec(sql);
  database.close();
}

async function findsAll(ground: Ground, size: number): Promise<boolean> {
  const ledger = await ground.reopen({ index: new RecordIndex(path()) });
  const found = await Promise.all(
    Array.from({ length: size }, async (_, n) => (await ledger.find(moduleNumber(n), o))?.text === textOf(n)),
  );
  await ledger.close();
  return found.every(Boolean);
}

describe('the index of the records', () => {
  test('is taken up where it was', async () => {
    const ground = new Ground();
    const ledger = await ground.open({ index: new RecordIndex(path()) });
    await appendMany(ledger, 0, 700);
    await ledger.close();
    const index = new RecordIndex(path());
    expect(index.covered()).toMatchObject({ log: ledger.verifierKey, size: 700 });
    index.close();
    expect(await findsAll(ground, 700)).toBe(true);
  });

  test.each([
    ['it is lost', () => rm(join(folder, 'ledger'), { recursive: true })],
    ['it is damaged', () => writeFile(path(), 'this is no database at all, and it is longer than a header of one')],
    ['it is empty', () => writeFile(path(), '')],
    [
      'pages in it are damaged',
      async () => {
        const bytes = await readFile(path());
        await writeFile(path(), bytes.fill(0xa5, 4096 * 4, 4096 * 7));
      },
    ],
    ['a record is missing in it', async () => edit("DELETE FROM record WHERE module = 'corp.test/m5@v1.0.0'")],
  ])('is made again from the log when %s', async (_what, spoil) => {
    const ground = new Ground();
    const ledger = await ground.open({ index: new RecordIndex(path()) });
    await appendMany(ledger, 0, 700);
    await ledger.close();
    await spoil();
    expect(await findsAll(ground, 700)).toBe(true);
  });

  test.each(['another log', 'a longer past of this log', 'another past of this log'])(
    'is made again when it is that of %s',
    async (which) => {
      const ground = new Ground();
      const ledger = await ground.open();
      await appendMany(ledger, 0, 300);
      const index = new RecordIndex(path());
      const log = which === 'another log' ? 'sum.other.test+00000000+AAAA' : ledger.verifierKey;
      const size = which === 'a longer past of this log' ? 301 : 200;
      index.add([{ module: moduleNumber(0), number: 7 }], { log, from: 0, head: { size, hash: EMPTY_TREE_HASH } });
      index.close();
      expect(await findsAll(ground, 300)).toBe(true);
    },
  );

  test.each([
    ['another module’s', 'UPDATE record SET number = (number + 1) % 700'],
    ['one that the log does not have', 'UPDATE record SET number = number + 1000000000'],
  ])('that names %s record is made again, and misleads nobody', async (_which, sql) => {
    const ground = new Ground();
    const ledger = await ground.open({ index: new RecordIndex(path()) });
    await appendMany(ledger, 0, 700);
    edit(sql);
    const found = await Promise.all([5, 6, 699].map((n) => ledger.find(moduleNumber(n), o)));
    expect(found.map((one) => one?.text)).toEqual([5, 6, 699].map((n) => textOf(n)));
    edit(sql);
    expect((await ledger.append(moduleNumber(7), textOf(7), o)).text).toBe(textOf(7));
    expect([ledger.size, ground.retagged]).toEqual([700, []]);
  });

  test('never has a later record without the ones before', () => {
    const index = new RecordIndex(':memory:');
    index.add([{ module: moduleNumber(9), number: 9 }], {
      log: 'log',
      from: 9,
      head: { size: 10, hash: EMPTY_TREE_HASH },
    });
    expect([index.covered().size, index.find(moduleNumber(9))]).toEqual([0, undefined]);
  });

  test('of two records of one version keeps the first', () => {
    const index = new RecordIndex(':memory:');
    for (const number of [0, 1])
      index.add([{ module: moduleNumber(1), number }], {
        log: 'log',
        from: number,
        head: { size: number + 1, hash: EMPTY_TREE_HASH },
      });
    expect(index.find(moduleNumber(1))).toBe(0);
  });

  test('that cannot be made is STORE_UNAVAILABLE', async () => {
    await writeFile(join(folder, 'ledger'), '');
    expect(() => new RecordIndex(path())).toThrow(expect.objectContaining({ code: 'STORE_UNAVAILABLE' }));
  });
});
