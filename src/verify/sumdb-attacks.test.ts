import { describe, expect, test } from 'vitest';
import { ClientRig, o, stored, verifyOffline } from '../../tests/fakes/sumdb-rig.ts';
import { TestLog, testH1, testModule, TestRemote } from '../../tests/fakes/test-log.ts';
import { recordHash } from '../gomod/sumdb/hash.ts';
import { formatRecord, parseRecord, sumLines } from '../gomod/sumdb/text.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import { readWhole } from '../std/whole.ts';

const evilLines = (n: number) => sumLines(testModule(n), { zip: testH1(666), mod: testH1(667) });

/** The honest reply with something else for the record's text. */
function withText(reply: Uint8Array, change: (text: string) => string): Uint8Array {
  const { id, text, rest } = parseRecord(reply);
  return Buffer.concat([formatRecord(id, change(text)), rest]);
}

const onLookups = (change: (reply: Uint8Array) => Uint8Array) => (path: string, body: Uint8Array | undefined) =>
  body !== undefined && path.startsWith('/lookup/') ? change(body) : body;

describe('a lookup that lies is refused, and nothing of it is stored', () => {
  test.each<[string, (reply: Uint8Array) => Uint8Array]>([
    ['another text', (reply) => withText(reply, () => evilLines(7))],
    ['one line more', (reply) => withText(reply, (text) => text + evilLines(7))],
    ['another number', (reply) => Buffer.from(Buffer.from(reply).toString().replace(/^7\n/, '8\n'))],
    ['a number beyond the tree', (reply) => Buffer.from(Buffer.from(reply).toString().replace(/^7\n/, '300\n'))],
    ['nothing', () => Buffer.alloc(0)],
    ['no head', (reply) => reply.subarray(0, Buffer.from(reply).indexOf('\n\n') + 2)],
    [
      'a head without a signature',
      (reply) =>
        Buffer.from(
          Buffer.from(reply)
            .toString()
            .replace(/— .*\n/, ''),
        ),
    ],
    ['a page of another server', () => Buffer.from('<html>404\n\n</html>\n')],
    ['far too much', (reply) => Buffer.concat([reply, Buffer.alloc(1 << 20, 10)])],
  ])('%s', async (_name, change) => {
    const rig = await ClientRig.of(300);
    rig.remote.lie = onLookups(change);
    await expect(rig.client().prove(testModule(7), o)).rejects.toMatchObject({
      code: expect.stringMatching(/^SUMDB_(INCONSISTENT|UNAVAILABLE)$/),
    });
    expect(await rig.keys('lookup/')).toEqual([]);
    await rig.expectOnlyTruth();
    // The same client recovers as soon as it is told the truth.
    rig.remote.lie = (_path, body) => body;
    expect((await rig.client().prove(testModule(7), o)).text).toBe(rig.log.text(7));
  });

  test('the first record under a number that no record has', async () => {
    const rig = await ClientRig.of(300);
    rig.remote.lie = onLookups((reply) => Buffer.from(Buffer.from(reply).toString().replace(/^0\n/, '-5\n')));
    await expect(rig.client().prove(testModule(0), o)).rejects.toMatchObject({
      code: expect.stringMatching(/^SUMDB_(INCONSISTENT|UNAVAILABLE)$/),
    });
    expect(await rig.keys('lookup/')).toEqual([]);
  });

  test('a head signed by somebody else', async () => {
    const rig = await ClientRig.of(300);
    const other = new TestLog(rig.log.name, 2);
    await other.growTo(300);
    await expect(rig.client([new TestRemote(other)]).prove(testModule(7), o)).rejects.toMatchObject({
      code: 'SUMDB_INCONSISTENT',
    });
    expect(await rig.keys()).toEqual([]);
  });
});

describe('lines outside the record', () => {
  test('in the signed head count for nothing', async () => {
    const rig = await ClientRig.of(300);
    const head = await rig.log.head(300, evilLines(8));
    const reply = Buffer.concat([formatRecord(7, rig.log.text(7)), head]);
    rig.remote.lie = onLookups(() => reply);
    // A client that looked at the whole reply would find them.
    expect(reply.toString()).toContain(evilLines(8));
    expect((await rig.client().prove(testModule(7), o)).text).toBe(rig.log.text(7));
    await expect(rig.client().lookup(testModule(8), o)).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
  });
});

describe('a record without a line for the module', () => {
  test('of another module is proven, but not stored, and not given out', async () => {
    const rig = await ClientRig.of(300);
    const other = await rig.log.body('/lookup/example.com/m8@v1.0.0');
    rig.remote.lie = onLookups(() => other ?? Buffer.alloc(0));
    const client = rig.client();
    expect(await client.prove(testModule(7), o)).toMatchObject({ record: 8, text: rig.log.text(8) });
    expect(await rig.keys('lookup/')).toEqual([]);
    await expect(client.lookup(testModule(7), o)).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
    expect(rig.events).toMatchObject([{ kind: 'record-missing', subject: 'example.com/m7@v1.0.0' }]);
  });

  test('that the log itself has is not given out either', async () => {
    const rig = await ClientRig.of(3);
    await rig.log.add(testModule(3), 'example.com/m3 v1.0.0 h2:xyzzy\n');
    const client = rig.client();
    expect((await client.prove(testModule(3), o)).text).toBe('example.com/m3 v1.0.0 h2:xyzzy\n');
    await expect(client.lookup(testModule(3), o)).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
  });

  test('that lies where its own should is damage, and is replaced', async () => {
    const rig = await ClientRig.of(300);
    await rig.client().prove(testModule(7), o);
    const key = 'sumdb/sum.example.org/lookup/example.com/m7@v1.0.0';
    await rig.store.publish(key, formatRecord(8, rig.log.text(8)), o);
    await rig.client().prove(testModule(8), o);
    expect(await rig.client().proveStored(testModule(7), o)).toBeUndefined();
    const client = rig.client();
    expect((await client.prove(testModule(7), o)).text).toBe(rig.log.text(7));
    expect(parseRecord(await client.lookup(testModule(7), o)).id).toBe(7);
    expect(parseRecord(await rig.blob(key)).id).toBe(7);
    expect(rig.events).toEqual([]);
  });

  test('is passed by when another way has the right one', async () => {
    const rig = await ClientRig.of(300);
    const other = await rig.log.body('/lookup/example.com/m8@v1.0.0');
    const liar = new TestRemote(rig.log, 'liar');
    liar.lie = onLookups(() => other ?? Buffer.alloc(0));
    expect((await rig.client([liar, rig.remote]).prove(testModule(7), o)).text).toBe(rig.log.text(7));
  });
});

describe('forged tiles', () => {
  /** Puts the hash of `text` where record `n` has its own. */
  function forge(tile: Uint8Array, n: number, text: string): Uint8Array {
    const forged = Buffer.from(tile);
    forged.set(recordHash(encodeUtf8(text)), (n % 256) * 32);
    return forged;
  }

  test.each([
    ['a full tile', 300, 7, '/tile/8/0/000'],
    ['a tile of the right edge', 300, 290, '/tile/8/0/001.p/44'],
    ['a tile below a shared one', 66_000, 7, '/tile/8/0/000'],
  ])('%s with the hash of a forged record is refused', async (_name, size, n, path) => {
    const rig = await ClientRig.of(size);
    let forged: Uint8Array | undefined;
    rig.remote.lie = (asked, body) => {
      if (body === undefined) return undefined;
      if (asked.startsWith('/lookup/')) return withText(body, () => evilLines(n));
      return asked === path ? (forged = forge(body, n, evilLines(n))) : body;
    };
    await expect(rig.client().prove(testModule(n), o)).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
    // To a client that does not hold the tile against the one above it, it proves the record.
    expect(forged?.subarray((n % 256) * 32, ((n % 256) + 1) * 32)).toEqual(recordHash(encodeUtf8(evilLines(n))));
    expect(await rig.keys('lookup/')).toEqual([]);
    await rig.expectOnlyTruth();
  });

  test('a forged data tile is refused', async () => {
    const rig = await ClientRig.of(300);
    const tile = { height: 8, level: 'data', index: 0, width: 256 } as const;
    rig.remote.lie = (path, body) =>
      path.includes('/data/')
        ? Buffer.from(
            Buffer.from(body ?? '')
              .toString()
              .replace('m7 ', 'm6 '),
          )
        : body;
    await expect(rig.client().tile(tile, o)).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
    expect(await rig.keys('tile/8/data/')).toEqual([]);
  });

  test('what stands behind the records of a data tile is not stored', async () => {
    const rig = await ClientRig.of(300);
    const tile = { height: 8, level: 'data', index: 0, width: 256 } as const;
    rig.remote.lie = (path, body = Buffer.alloc(0)) =>
      path.includes('/data/') ? Buffer.concat([body, encodeUtf8(`${evilLines(7)}\n`)]) : body;
    expect(Buffer.from(await rig.client().tile(tile, o))).toEqual(Buffer.from(await rig.log.tile(tile)));
    expect(await rig.keys('tile/8/data/')).toHaveLength(1);
    await rig.expectOnlyTruth();
  });
});

describe('a log that is forked', () => {
  /** A second log with the same key: as the first up to `common`, then otherwise. */
  async function forkOf(rig: ClientRig, common: number, size: number): Promise<TestRemote> {
    const other = new TestLog();
    await other.growTo(common);
    await other.add(testModule(common), evilLines(common));
    await other.growTo(size);
    const remote = new TestRemote(other, 'fork');
    expect(rig.log.key.text).toBe(other.key.text);
    return remote;
  }

  const forked = { code: 'SUMDB_INCONSISTENT', message: expect.stringContaining('sumdb/sum.example.org/fork/') };

  test.each([
    ['larger, differing at the right edge', 300, 299, 310],
    ['larger, differing in an old record', 300, 5, 310],
    ['much larger', 300, 299, 5000],
    ['smaller', 300, 100, 200],
    ['as large', 300, 299, 300],
  ])('%s: is found at once, reported once, and nothing new is believed', async (_name, size, common, forkSize) => {
    const rig = await ClientRig.of(size);
    const client = rig.client();
    await client.prove(testModule(1), o);
    const fork = await forkOf(rig, common, forkSize);
    const attacked = rig.client([fork]);
    await expect(attacked.prove(testModule(2), o)).rejects.toMatchObject(forked);
    await expect(attacked.prove(testModule(common), o)).rejects.toMatchObject(forked);
    expect(rig.events).toMatchObject([{ kind: 'log-fork', subject: rig.log.name }]);
    expect(await rig.keys('fork/')).toHaveLength(1);
    await rig.expectOnlyTruth();
    expect(await rig.heads()).toHaveLength(1);

    // Also the true log, and after a restart; but what is stored stays provable.
    await expect(rig.client().prove(testModule(3), o)).rejects.toMatchObject(forked);
    expect(await verifyOffline(rig.client(), rig.log, testModule(1))).toBe(rig.log.text(1));
    expect(await rig.client().latest(o)).toEqual(await rig.log.head(size));

    // Until somebody has looked at it.
    for (const key of await rig.keys('fork/')) await rig.store.delete(key, o);
    expect((await rig.client().prove(testModule(3), o)).text).toBe(rig.log.text(3));
  });

  test('the report holds both heads as they were signed', async () => {
    const rig = await ClientRig.of(300);
    await rig.client().prove(testModule(1), o);
    const fork = await forkOf(rig, 5, 310);
    await expect(rig.client([fork]).prove(testModule(2), o)).rejects.toMatchObject(forked);
    const [key = ''] = await rig.keys('fork/');
    const report = Buffer.from(await rig.blob(key)).toString();
    for (const note of [await rig.log.head(300), await fork.log.head(310)])
      expect(report.replaceAll('\n\t', '\n')).toContain(Buffer.from(note).toString());
  });

  test('is not looked for in another way', async () => {
    const rig = await ClientRig.of(300);
    await rig.client().prove(testModule(1), o);
    const fork = await forkOf(rig, 5, 310);
    rig.remote.asked.length = 0;
    await expect(rig.client([fork, rig.remote]).prove(testModule(2), o)).rejects.toMatchObject(forked);
    expect(rig.remote.asked).toEqual([]);
  });

  test('without a memory of the log nobody could tell: the first head is believed', async () => {
    const rig = await ClientRig.of(300);
    const fork = await forkOf(rig, 5, 310);
    expect((await rig.client([fork]).prove(testModule(5), o)).text).toBe(evilLines(5));
  });
});

describe('whatever bytes are flipped on the way', () => {
  /** The same numbers in each run. */
  function* numbers(seed: number): Generator<number, never> {
    for (let state = seed; ; ) yield (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  }

  test('no wrong record is proven, and nothing wrong is stored', async () => {
    const rig = await ClientRig.of(700);
    const random = numbers(42);
    const next = (below: number) => Math.floor(random.next().value * below);
    let flipped = false;
    rig.remote.lie = async (path, told) => {
      // Heads come in any order; the tiles are all there.
      const body = path.startsWith('/tile/') ? await rig.log.body(path) : told;
      if (body === undefined || next(3) > 0) return body;
      flipped = true;
      const wrong = Buffer.from(body);
      const at = next(wrong.length);
      wrong[at] = (wrong[at] ?? 0) ^ (1 << next(8));
      return wrong;
    };
    let refused = 0;
    for (let i = 0; i < 1000; i++) {
      if (i % 50 === 0) for (const key of await rig.keys()) await rig.store.delete(key, o);
      rig.remote.size = 300 + next(400);
      const n = next(rig.remote.size);
      flipped = false;
      const text = await rig
        .client()
        .prove(testModule(n), o)
        .then((proven) => proven.text)
        .catch(() => 'refused');
      if (text === 'refused') refused++;
      else expect(text).toBe(rig.log.text(n));
      if (text === 'refused') expect(flipped).toBe(true);
    }
    expect(refused).toBeGreaterThan(200);
    expect(rig.events).toEqual([]);
    await rig.expectOnlyTruth();
    for (const note of await rig.heads()) expect(note).toMatch(/^go\.sum database tree\n/);
  }, 60_000);
});

test('what was stored is stored as the log has it', async () => {
  const rig = await ClientRig.of(300);
  await rig.client().prove(testModule(7), o);
  await rig.expectOnlyTruth();
  const blob = await rig.store.open('sumdb/sum.example.org/lookup/example.com/m7@v1.0.0', o);
  expect(blob && Buffer.from(await readWhole(blob.reader, blob.info.sizeBytes, 1000, o)).toString()).toBe(
    `7\n${rig.log.text(7)}\n`,
  );
  expect(await rig.client().proveStored(testModule(7), stored)).toMatchObject({ record: 7 });
});
