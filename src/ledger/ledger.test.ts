import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { moduleVersionOf } from '../gomod/protocol.ts';
import { parseRecord } from '../gomod/sumdb/text.ts';
import { parseTilePath } from '../gomod/sumdb/tile.ts';
import { plainKeys, PlainLog } from '../../tests/fakes/plain-log.ts';
import { parseSignerKey } from '../gomod/sumdb/key.ts';
import type { ModuleVersion } from '../gomod/module.ts';
import { appendMany, Ground, KEYS, moduleNumber, o, textOf } from '../../tests/fakes/ledger-ground.ts';
import type { Ledger } from './ledger.ts';
import { RecordIndex } from './record-index.ts';

/** The same log, as it is written down from the specification alone. */
function plain(size: number): PlainLog {
  const log = new PlainLog({ signerKey: KEYS.signer, textOf: (name) => textOf(Number(/m(\d+)@/.exec(name)?.[1])) });
  for (let n = 0; n < size; n++) log.get(`lookup/corp.test/m${n}@v1.0.0`);
  return log;
}

async function latestOf(ledger: Ledger): Promise<string> {
  return Buffer.from(await ledger.latest(o)).toString();
}

async function sizeOf(ledger: Ledger): Promise<number> {
  return Number((await latestOf(ledger)).split('\n')[1]);
}

function tile(ledger: Ledger, path: string): Promise<Uint8Array> {
  return ledger.tile(parseTilePath(path), o);
}

describe('what a ledger gives out', () => {
  test.each([0, 1, 2, 255, 256, 257, 513, 1000])('is, byte for byte, the log of %i records', async (size) => {
    const ledger = await new Ground().open();
    for (let at = 0; at < size; at += 300) await appendMany(ledger, at, Math.min(size, at + 300));
    const log = plain(size);
    expect(await latestOf(ledger)).toBe(String(log.get('latest')));
    for (const n of [0, 1, 255, 256, 257, 512, size - 1].filter((one) => one >= 0 && one < size)) {
      const body = Buffer.from(await ledger.lookup(moduleNumber(n), o)).toString();
      expect(body).toBe(String(log.get(`lookup/corp.test/m${n}@v1.0.0`)));
    }
  });

  test('is every tile of every width and height, also of the past, and NOT_FOUND beyond the end', async () => {
    const ledger = await new Ground().open();
    await appendMany(ledger, 0, 600);
    const log = plain(600);
    const paths = [
      ...Array.from({ length: 255 }, (_, i) => `tile/8/0/000.p/${i + 1}`),
      'tile/8/0/000',
      'tile/8/0/001',
      'tile/8/0/001.p/7',
      'tile/8/0/002.p/88',
      'tile/8/0/002.p/89',
      'tile/8/0/003.p/1',
      'tile/8/1/000.p/1',
      'tile/8/1/000.p/2',
      'tile/8/1/000.p/3',
      'tile/8/2/000.p/1',
      'tile/8/data/000',
      'tile/8/data/000.p/200',
      'tile/8/data/001',
      'tile/8/data/002.p/88',
      'tile/8/data/002',
      'tile/8/data/003.p/1',
      'tile/1/0/299',
      'tile/1/0/300',
      'tile/2/3/000',
      'tile/3/2/000.p/5',
      'tile/10/0/000.p/600',
      'tile/10/data/000.p/513',
      'tile/2/data/149',
      'tile/2/data/150',
    ];
    for (const path of paths) {
      const wanted = log.get(path);
      if (wanted === undefined) await expect(tile(ledger, path), path).rejects.toMatchObject({ code: 'NOT_FOUND' });
      else expect(Buffer.compare(await tile(ledger, path), wanted), path).toBe(0);
    }
    await expect(tile(ledger, 'tile/11/0/000.p/1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is the same after a restart, from tiles alone', async () => {
    const ground = new Ground();
    await appendMany(await ground.open(), 0, 70_000);
    const log = new PlainLog({ signerKey: KEYS.signer, textOf: () => undefined });
    for (let n = 0; n < 70_000; n++) log.append(textOf(n));
    const again = await ground.reopen();
    expect(await latestOf(again)).toBe(String(log.get('latest')));
    await again.append(moduleNumber(70_000), textOf(70_000), o);
    log.append(textOf(70_000));
    expect(await latestOf(again)).toBe(String(log.get('latest')));
    expect((await again.find(moduleNumber(3), o))?.text).toBe(textOf(3));
  }, 60_000);

  test('stays the same object while it is in memory', async () => {
    const ledger = await new Ground().open();
    await appendMany(ledger, 0, 300);
    for (const path of ['tile/8/0/000', 'tile/8/0/001.p/5', 'tile/8/data/000', 'tile/8/data/001.p/44'])
      expect(await tile(ledger, path)).toBe(await tile(ledger, path));
    expect(await ledger.latest(o)).toBe(await ledger.latest(o));
  });
});

describe('what is logged', () => {
  test('is answered with a head that contains it, once for all who offer it at once', async () => {
    const ledger = await new Ground().open();
    const all = await Promise.all(Array.from({ length: 50 }, () => ledger.append(moduleNumber(1), textOf(1), o)));
    expect(new Set(all.map(({ record }) => record))).toEqual(new Set([0]));
    expect(all[0]).toEqual({ database: 'sum.corp.test', record: 0, treeSize: 1, text: textOf(1) });
    expect(await sizeOf(ledger)).toBe(1);
  });

  test('keeps its first sums for ever: others raise an alarm and change nothing', async () => {
    const ground = new Ground();
    const ledger = await ground.open();
    await ledger.append(moduleNumber(1), textOf(1), o);
    const head = await latestOf(ledger);
    expect((await ledger.append(moduleNumber(1), textOf(1, 'moved tag'), o)).text).toBe(textOf(1));
    expect(ground.retagged).toEqual([
      { subject: 'corp.test/m1@v1.0.0', logged: textOf(1), offered: textOf(1, 'moved tag') },
    ]);
    expect(await latestOf(ledger)).toBe(head);
  });

  test('two sums offered at once: one is logged, the other raises the alarm', async () => {
    const ground = new Ground();
    const ledger = await ground.open();
    const texts = await Promise.all(
      ['a', 'b'].map(async (salt) => (await ledger.append(moduleNumber(1), textOf(1, salt), o)).text),
    );
    expect(texts).toEqual([textOf(1, 'a'), textOf(1, 'a')]);
    expect(ground.retagged).toHaveLength(1);
  });

  test.each([
    ['of another module', textOf(2)],
    ['of another version', textOf(1).replaceAll('v1.0.0', 'v1.0.1')],
    ['with an empty line', `${textOf(1)}\n${textOf(1)}`],
    ['without an end', textOf(1).trimEnd()],
    ['with a control character', textOf(1).replace('h1:', '\u0007h1:')],
    ['that is too long', textOf(1) + textOf(1).repeat(40)],
    ['that is empty', ''],
  ])('is never a text %s', async (_what, text) => {
    const ledger = await new Ground().open();
    await expect(ledger.append(moduleNumber(1), text, o)).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
    expect(await sizeOf(ledger)).toBe(0);
  });

  test('is bounded in what may wait', async () => {
    const ledger = await new Ground().open({ limits: { queued: 10 } });
    const all = await Promise.allSettled(
      Array.from({ length: 40 }, (_, n) => ledger.append(moduleNumber(n), textOf(n), o)),
    );
    const refused = all.filter((one) => one.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'OVERLOADED' });
    expect(await sizeOf(ledger)).toBe(40 - refused.length);
  });

  test('is durable when close() resolves, and nothing is taken after it', async () => {
    const ground = new Ground();
    const ledger = await ground.open();
    const appending = appendMany(ledger, 0, 20);
    await ledger.close();
    await appending;
    await expect(ledger.append(moduleNumber(99), textOf(99), o)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await sizeOf(await ground.reopen())).toBe(20);
  });
});

describe('a lookup of what is not logged', () => {
  test('finds out, logs and answers, once for all who ask at once', async () => {
    let asked = 0;
    const discover = async ({ path }: ModuleVersion) => {
      asked++;
      return textOf(Number(path.slice('corp.test/m'.length)));
    };
    const ledger = await new Ground().open({ discover });
    const bodies = await Promise.all(Array.from({ length: 20 }, () => ledger.lookup(moduleNumber(7), o)));
    expect(asked).toBe(1);
    for (const body of bodies) expect(parseRecord(body).text).toBe(textOf(7));
    expect(Buffer.from(bodies[0]!).toString()).toContain('go.sum database tree\n1\n');
  });

  test('is NOT_FOUND when there is no such module, and when nobody may be asked', async () => {
    const ledger = await new Ground().open({
      discover: async ({ path }) => (path.endsWith('m1') ? textOf(1) : undefined),
    });
    await expect(ledger.lookup(moduleNumber(2), o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(ledger.lookup(moduleNumber(1), { ...o, mayFetch: 'no' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await sizeOf(ledger)).toBe(0);
  });

  test('knows upper case from lower case', async () => {
    const ledger = await new Ground().open();
    const lower = moduleVersionOf('corp.test/quote', 'v1.0.0')!;
    const upper = moduleVersionOf('corp.test/!quote', 'v1.0.0')!;
    await ledger.append(lower, 'corp.test/quote v1.0.0 h1:a=\n', o);
    expect(await ledger.find(upper, o)).toBeUndefined();
    await ledger.append(upper, 'corp.test/Quote v1.0.0 h1:b=\n', o);
    expect((await ledger.find(lower, o))?.text).toBe('corp.test/quote v1.0.0 h1:a=\n');
  });
});

describe('two processes on one log', () => {
  test('append in turns, and every record is there once', async () => {
    const ground = new Ground();
    const [a, b] = [await ground.open(), await ground.open()];
    await Promise.all(
      Array.from({ length: 400 }, (_, n) => (n % 2 === 0 ? a : b).append(moduleNumber(n % 300), textOf(n % 300), o)),
    );
    const merged = await ground.reopen();
    expect(await sizeOf(merged)).toBe(300);
    const numbers = await Promise.all(
      Array.from({ length: 300 }, async (_, n) => (await merged.find(moduleNumber(n), o))?.record),
    );
    expect(new Set(numbers).size).toBe(300);
  });
});

test('two processes behind one address: what one promises, the other keeps', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'larder-two-'));
  const ground = new Ground();
  const index = (): RecordIndex => new RecordIndex(join(folder, 'index.sqlite'));
  const [a, b] = [await ground.open({ index: index() }), await ground.open({ index: index() })];
  await a.append(moduleNumber(1), textOf(1), o);
  expect(await tile(b, 'tile/8/0/000.p/1')).toEqual(await tile(a, 'tile/8/0/000.p/1'));
  await expect(tile(b, 'tile/8/0/000.p/2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await Promise.all([a.close(), b.close()]);
  await rm(folder, { recursive: true });
});

describe('a ledger does not start', () => {
  test('without a log', async () => {
    await expect(new Ground().reopen()).rejects.toMatchObject({ code: 'CONFIG_INVALID', detail: { fault: 'no-log' } });
  });

  test('without the log whose head was published', async () => {
    const ground = new Ground();
    await (await ground.open()).close();
    const emptied = Object.assign(new Ground(), { copy: ground.copy });
    await expect(emptied.reopen()).rejects.toMatchObject({ code: 'CONFIG_INVALID', detail: { fault: 'log-gone' } });
  });

  test('with the key of another name, or another key of the name', async () => {
    for (const keys of [plainKeys('sum.other.test'), plainKeys('sum.corp.test', 2)]) {
      const ground = new Ground();
      await ground.open();
      ground.copy.bytes = undefined;
      const opening = ground.reopen({ signer: parseSignerKey(keys.signer) });
      await expect(opening).rejects.toMatchObject({ code: 'CONFIG_INVALID', detail: { fault: 'other-key' } });
    }
  });

  test('behind the published head, as after an old backup was put back', async () => {
    const ground = new Ground();
    const ledger = await ground.open();
    await appendMany(ledger, 0, 10);
    const backup = new Ground();
    await appendMany(await backup.open(), 0, 9);
    const restored = Object.assign(backup, { copy: ground.copy });
    await expect(restored.reopen()).rejects.toMatchObject({ detail: { fault: 'behind', size: 9, published: 10 } });
    // The control: nothing but the second place tells.
    ground.copy.bytes = undefined;
    const unguarded: unknown[] = [];
    const onUnguarded = (event: unknown): unknown => unguarded.push(event);
    const observer = { onAppended: () => undefined, onRetagged: () => undefined, onUnguarded };
    expect(await sizeOf(await restored.reopen({ observer }))).toBe(9);
    await restored.reopen({ observer });
    expect(unguarded).toEqual([{ size: 9 }]);
  });

  test('on a log that is not the one that was published', async () => {
    const ground = new Ground();
    await appendMany(await ground.open(), 0, 10);
    const other = new Ground();
    await appendMany(await other.open(), 1, 12);
    await expect(Object.assign(other, { copy: ground.copy }).reopen()).rejects.toMatchObject({
      detail: { fault: 'forked' },
    });
  });

  test.each(['', 'rubbish', 'go.sum database tree\n1\nx\n\n\u2014 sum.corp.test AAAA\n'])(
    'with %j as the published head',
    async (text) => {
      const ground = new Ground();
      await ground.open();
      ground.copy.bytes = Buffer.from(text);
      await expect(ground.reopen()).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        detail: { fault: 'copy-unusable' },
      });
    },
  );

  test('on tiles that are damaged at the right edge', async () => {
    const ground = new Ground();
    const ledger = await ground.open();
    await appendMany(ledger, 0, 600);
    await ledger.append(moduleNumber(600), textOf(600), o);
    await ground.store.delete('ledger/tile/8/0/001', o);
    await expect(ground.reopen()).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});

describe('damage in the store', () => {
  test.each(['ledger/tile/8/0/000', 'ledger/tile/8/data/000'])('of %s is an error and never an answer', async (key) => {
    const ground = new Ground();
    const ledger = await ground.open();
    await appendMany(ledger, 0, 600);
    await appendMany(ledger, 600, 601);
    const blob = await ground.store.open(key, o);
    const bytes = new Uint8Array(blob!.info.sizeBytes);
    await blob!.reader.pull(bytes);
    bytes[40]! ^= 1;
    await ground.store.publish(key, bytes, o);
    const path = key.slice('ledger/'.length);
    // Read when the ledger opens, or when it is asked for.
    const asked = ground.reopen().then((again) => tile(again, path));
    await expect(asked).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});
