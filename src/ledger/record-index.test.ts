import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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
      index.add([{ module: moduleNumber(0), number: 7 }], log, { size, hash: EMPTY_TREE_HASH });
      index.close();
      expect(await findsAll(ground, 300)).toBe(true);
    },
  );

  test('of two records of one version keeps the first', () => {
    const index = new RecordIndex(':memory:');
    index.add([{ module: moduleNumber(1), number: 1 }], 'log', { size: 2, hash: EMPTY_TREE_HASH });
    index.add([{ module: moduleNumber(1), number: 2 }], 'log', { size: 3, hash: EMPTY_TREE_HASH });
    expect(index.find(moduleNumber(1))).toBe(1);
  });

  test('that cannot be made is STORE_UNAVAILABLE', async () => {
    await writeFile(join(folder, 'ledger'), '');
    expect(() => new RecordIndex(path())).toThrow(expect.objectContaining({ code: 'STORE_UNAVAILABLE' }));
  });
});
