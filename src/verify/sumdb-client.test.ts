import { describe, expect, test } from 'vitest';
import { ClientRig, isFollowable, o, stored, verifyOffline } from '../../tests/fakes/sumdb-rig.ts';
import { TestLog, testModule, TestRemote } from '../../tests/fakes/test-log.ts';
import { parseModulePath, type Version } from '../gomod/module.ts';
import { parseTilePath } from '../gomod/sumdb/tile.ts';
import { AppError } from '../std/errors.ts';
import { MAX_HEADS } from './timeline.ts';

const tile = (path: string) => parseTilePath(`tile/8/${path}`);

describe('looking up', () => {
  test('proves the record with one round of tiles after the lookup', async () => {
    const rig = await ClientRig.of(70_000);
    const proven = await rig.client().prove(testModule(12_345), o);
    expect(proven).toEqual({
      database: 'sum.example.org',
      record: 12_345,
      treeSize: 70_000,
      text: rig.log.text(12_345),
    });
    expect(rig.remote.rounds).toBe(2);
  });

  test('needs one round of tiles too when the log has grown', async () => {
    const rig = await ClientRig.of(65_300);
    const client = rig.client();
    await client.prove(testModule(1), o);
    await rig.log.growTo(66_000);
    rig.remote.rounds = 0;
    await client.prove(testModule(40_000), o);
    expect(rig.remote.rounds).toBe(2);
    expect(client.head()?.size).toBe(66_000);
  });

  test('asks nobody for what is stored, also after a restart', async () => {
    const rig = await ClientRig.of(300);
    const first = await rig.client().prove(testModule(7), o);
    rig.remote.asked.length = 0;
    rig.remote.isDead = true;
    const again = rig.client();
    expect(await again.proveStored(testModule(7), o)).toEqual(first);
    expect(await again.prove(testModule(7), o)).toEqual(first);
    expect(await again.proveStored(testModule(8), o)).toBeUndefined();
    expect(rig.remote.asked).toEqual([]);
  });

  test('shares one question among all who ask for a module at the same time', async () => {
    const rig = await ClientRig.of(300);
    const client = rig.client();
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.prove(testModule(7), o)));
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set([rig.log.text(7)]));
    expect(rig.remote.asked.filter((path) => path.startsWith('/lookup/'))).toHaveLength(1);
    expect(new Set(rig.remote.asked).size).toBe(rig.remote.asked.length);
  });

  test('of many modules at once while the log grows is right for each', async () => {
    const rig = await ClientRig.of(200);
    const client = rig.client();
    rig.remote.lie = async (_path, body) => {
      await rig.log.growTo(rig.log.size + 7);
      return body;
    };
    const numbers = Array.from({ length: 100 }, (_, i) => i * 2);
    const proven = await Promise.all(numbers.map((n) => client.prove(testModule(n), o)));
    expect(proven.map(({ text }) => text)).toEqual(numbers.map((n) => rig.log.text(n)));
    rig.remote.isDead = true;
    for (const n of numbers) expect(await verifyOffline(rig.client(), rig.log, testModule(n))).toBe(rig.log.text(n));
  });

  test('for clients, of whatever names they make up, leaves room for what has to be proven', async () => {
    const rig = await ClientRig.of(300);
    const client = rig.client();
    await client.latest(o);
    rig.remote.lie = (path, body) =>
      body === undefined && path.startsWith('/lookup/') ? new Promise<undefined>(() => undefined) : body;
    const leave = new AbortController();
    const flood = Array.from({ length: 1500 }, (_, n) => client.lookup(testModule(1000 + n), { signal: leave.signal }));
    const settled = Promise.allSettled(flood);
    expect((await client.prove(testModule(7), o)).text).toBe(rig.log.text(7));
    leave.abort();
    const codes = (await settled).map((one) => (one.status === 'rejected' ? (one.reason as AppError).code : 'found'));
    expect(new Set(codes)).toEqual(new Set(['OVERLOADED', 'ABORTED']));
  });

  test('of what the database does not know is NOT_FOUND', async () => {
    const rig = await ClientRig.of(10);
    await expect(rig.client().prove(testModule(10), o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('escapes names as databases expect them', async () => {
    const rig = await ClientRig.of(3);
    const module = { path: parseModulePath('github.com/Azure/x'), version: 'v1.0.0-RC1' as Version };
    await rig.log.add(module);
    expect((await rig.client().prove(module, o)).text).toContain('github.com/Azure/x v1.0.0-RC1 h1:');
    expect(rig.remote.asked[0]).toBe('/lookup/github.com/!azure/x@v1.0.0-!r!c1');
  });
});

describe('with the database dead', () => {
  test('every stored record verifies from an empty cache, and every head ever seen can be followed', async () => {
    const rig = await ClientRig.of(3);
    const looked = new Set<number>();
    for (const size of [3, 200, 256, 257, 300, 511, 512, 700, 5000, 65_300, 65_536, 65_537, 66_100]) {
      await rig.log.growTo(size);
      // Each time a new process, to which nothing but the store is left.
      const client = rig.client();
      for (const n of [size - 1, Math.floor(size / 2), size % 2]) looked.add(n);
      for (const n of looked) await client.prove(testModule(n), o);
    }
    rig.remote.isDead = true;
    const client = rig.client();
    for (const n of looked) expect(await verifyOffline(client, rig.log, testModule(n))).toBe(rig.log.text(n));
    const heads = await rig.heads();
    expect(heads).toHaveLength(13);
    for (const note of heads) expect(await isFollowable(client, rig.log, Buffer.from(note))).toBe(true);
  });

  test('partial tiles that have grown are not kept', async () => {
    const rig = await ClientRig.of(20);
    const client = rig.client();
    for (let size = 20; size < 700; size += 20) {
      await rig.log.growTo(size);
      await client.prove(testModule(size - 1), o);
    }
    expect(await rig.keys('tile/')).toEqual(
      ['0/000', '0/001', '0/002.p/168', '1/000.p/2'].map((path) => `sumdb/sum.example.org/tile/8/${path}`),
    );
  });

  test('what is not stored is SUMDB_UNAVAILABLE, and the newest head is the one that is known', async () => {
    const rig = await ClientRig.of(300);
    const client = rig.client();
    await client.prove(testModule(7), o);
    rig.remote.isDead = true;
    await expect(client.prove(testModule(8), o)).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
    expect(await client.latest(o)).toEqual(await rig.log.head(300));
    expect(client.canServe()).toBe(true);
  });

  test('it cannot serve only when nothing is stored', async () => {
    const rig = await ClientRig.of(300);
    rig.remote.isDead = true;
    const client = rig.client();
    expect(client.canServe()).toBe(true);
    await expect(client.latest(o)).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
    expect(client.canServe()).toBe(false);
    await rig.clock.advance(60_000);
    expect(client.canServe()).toBe(true);
  });
});

describe('tiles', () => {
  test('of every width up to our tree are those of the log', async () => {
    const rig = await ClientRig.of(300);
    const client = rig.client();
    await client.latest(o);
    for (const path of [
      '0/000',
      '0/000.p/1',
      '0/000.p/255',
      '0/001.p/44',
      '0/001.p/43',
      '1/000.p/1',
      'data/000',
      'data/000.p/9',
      'data/001.p/44',
    ])
      expect(Buffer.from(await client.tile(tile(path), o)), path).toEqual(Buffer.from(await rig.log.tile(tile(path))));
    const asked = rig.remote.asked.length;
    await client.tile(tile('0/000.p/77'), o);
    await client.tile(tile('data/000.p/77'), o);
    expect(rig.remote.asked).toHaveLength(asked);
    expect(await client.tile(tile('0/000.p/77'), o)).toBe(await client.tile(tile('0/000.p/77'), o));
  });

  test('of records that are not complete are asked for once, whatever widths are wanted', async () => {
    const rig = await ClientRig.of(300);
    const client = rig.client();
    for (const width of [44, 3, 17, 3]) await client.tile(tile(`data/001.p/${width}`), o);
    expect(rig.remote.asked.filter((path) => path.includes('/data/'))).toEqual(['/tile/8/data/001.p/44']);
  });

  test('beyond our tree are asked for with a newer head, and are NOT_FOUND when the log ends before', async () => {
    const rig = await ClientRig.of(300);
    const client = rig.client();
    await client.latest(o);
    await rig.log.growTo(310);
    expect(Buffer.from(await client.tile(tile('0/001.p/54'), o))).toEqual(
      Buffer.from(await rig.log.tile(tile('0/001.p/54'))),
    );
    expect(client.head()?.size).toBe(310);
    await expect(client.tile(tile('0/001.p/55'), o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    rig.remote.isDead = true;
    await rig.clock.advance(2000);
    await expect(client.tile(tile('0/001.p/55'), o)).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
  });

  test('beyond any tree are a reason to ask once in a while, not each time', async () => {
    const rig = await ClientRig.of(300);
    const client = rig.client();
    const asked = async (): Promise<number> => {
      rig.remote.asked.length = 0;
      for (const path of ['0/x999/999', '0/x999/998', '7/000', 'data/x001/000', '63/x001/000'])
        await expect(client.tile(tile(path), o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      return rig.remote.asked.filter((path) => path === '/latest').length;
    };
    expect(await asked()).toBe(1);
    await rig.clock.advance(2000);
    expect(await asked()).toBe(1);
  });

  test('of another height are NOT_FOUND, and ask nobody', async () => {
    const rig = await ClientRig.of(300);
    await expect(rig.client().tile(parseTilePath('tile/9/0/000.p/300'), o)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(rig.remote.asked).toEqual([]);
  });

  test('that are not stored are NOT_FOUND when nobody may be asked', async () => {
    const rig = await ClientRig.of(600);
    const client = rig.client();
    await client.latest(o);
    await expect(client.tile(tile('0/000'), stored)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(client.lookup(testModule(1), stored)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(rig.client().tile(tile('0/002.p/200'), stored)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('that were damaged in the store are fetched again, and replaced', async () => {
    const rig = await ClientRig.of(300);
    await rig.client().prove(testModule(7), o);
    const key = 'sumdb/sum.example.org/tile/8/0/000';
    const bytes = Buffer.from(await rig.blob(key));
    bytes[7 * 32] = (bytes[7 * 32] ?? 0) ^ 1;
    await rig.store.publish(key, bytes, o);
    expect(await rig.client().proveStored(testModule(7), o)).toBeUndefined();
    expect((await rig.client().prove(testModule(7), o)).text).toBe(rig.log.text(7));
    await rig.expectOnlyTruth();
  });

  test('that are gone from the store are fetched again', async () => {
    const rig = await ClientRig.of(300);
    await rig.client().prove(testModule(7), o);
    for (const key of await rig.keys('tile/')) await rig.store.delete(key, o);
    rig.remote.isDead = true;
    await expect(rig.client().prove(testModule(8), o)).rejects.toMatchObject({
      code: 'SUMDB_UNAVAILABLE',
      message: expect.stringContaining('check the stored head of 300 records'),
    });
    rig.remote.isDead = false;
    await rig.client().prove(testModule(8), o);
    rig.remote.isDead = true;
    expect(await verifyOffline(rig.client(), rig.log, testModule(8))).toBe(rig.log.text(8));
  });
});

describe('heads', () => {
  test('in lookups are the newest that is known, whatever came with the record', async () => {
    const rig = await ClientRig.of(300);
    const client = rig.client();
    await client.prove(testModule(7), o);
    await rig.log.growTo(400);
    await client.prove(testModule(350), o);
    const body = Buffer.from(await client.lookup(testModule(7), o)).toString();
    expect(body).toBe(`7\n${rig.log.text(7)}\n${Buffer.from(await rig.log.head(400)).toString()}`);
    expect(await client.lookup(testModule(7), o)).toBe(await client.lookup(testModule(7), o));
  });

  test('what is kept of an answer holds nothing else: not the block that it was read in', async () => {
    const rig = await ClientRig.of(400);
    rig.remote.lie = async (_, body) => body && Buffer.concat([Buffer.alloc(65_536), body]).subarray(65_536);
    const client = rig.client();
    await client.lookup(testModule(7), o);
    const kept = [await client.lookup(testModule(7), o), await client.tile(tile('0/000.p/77'), o), client.head()?.hash];
    expect(kept.map((one) => one?.buffer.byteLength)).toEqual(kept.map((one) => one?.byteLength));
  });

  test('never go back', async () => {
    const rig = await ClientRig.of(300);
    await rig.client().prove(testModule(7), o);
    rig.remote.size = 200;
    const client = rig.client();
    rig.remote.lie = async (path, body) => body ?? (path.startsWith('/tile/') ? await rig.log.body(path) : undefined);
    expect((await client.prove(testModule(8), o)).treeSize).toBe(300);
    await client.latest(o);
    expect(client.head()?.size).toBe(300);
    expect(await rig.heads()).toHaveLength(1);
  });

  test('are given out with the signature of the log alone, and their further lines', async () => {
    const rig = await ClientRig.of(5);
    const note = await rig.log.head(5, 'more\n');
    rig.remote.lie = (path, body) =>
      path === '/latest'
        ? Buffer.concat([note, Buffer.from(`— else.org ${Buffer.alloc(68, 1).toString('base64')}\n`)])
        : body;
    expect(Buffer.from(await rig.client().latest(o)).toString()).toBe(Buffer.from(note).toString());
  });

  test('of an empty log are adopted', async () => {
    const rig = await ClientRig.of(0);
    const client = rig.client();
    expect(await client.latest(o)).toEqual(await rig.log.head(0));
    await rig.log.growTo(3);
    expect((await client.prove(testModule(2), o)).treeSize).toBe(3);
  });

  test('are asked for again after some seconds, and not waited for long when one is known', async () => {
    const rig = await ClientRig.of(5);
    const client = rig.client();
    await client.latest(o);
    await rig.log.growTo(6);
    expect(await client.latest(o)).toEqual(await rig.log.head(5));
    await rig.clock.advance(10_000);
    expect(await client.latest(o)).toEqual(await rig.log.head(6));
    await rig.clock.advance(10_000);
    rig.remote.lie = () => new Promise(() => undefined);
    const waiting = client.latest(o);
    await rig.clock.advance(3000);
    expect(await waiting).toEqual(await rig.log.head(6));
  });

  test('are kept in a timeline that stays bounded', async () => {
    const rig = await ClientRig.of(1);
    const client = rig.client();
    for (let size = 1; size <= MAX_HEADS + 40; size++) {
      await rig.log.growTo(size);
      await client.prove(testModule(size - 1), o);
      await rig.clock.advance(1000);
    }
    const heads = await rig.heads();
    expect(heads).toHaveLength(MAX_HEADS);
    expect(heads[0]).toBe(Buffer.from(await rig.log.head(1)).toString());
  });
});

describe('several ways', () => {
  test('are asked in order, and the last that worked first', async () => {
    const rig = await ClientRig.of(300);
    const [first, second] = [new TestRemote(rig.log, 'first'), new TestRemote(rig.log, 'second')];
    first.isDead = true;
    const client = rig.client([first, second]);
    await client.prove(testModule(1), o);
    expect(first.asked).toHaveLength(1);
    await client.prove(testModule(2), o);
    expect(first.asked).toHaveLength(1);
    second.isDead = true;
    first.isDead = false;
    await client.prove(testModule(3), o);
  });

  test('a way that says nothing does not keep the next one from being asked, and is asked last from then on', async () => {
    const rig = await ClientRig.of(300);
    const silent = new TestRemote(rig.log, 'silent');
    silent.lie = () => new Promise(() => undefined);
    const client = rig.client([silent, rig.remote]);
    const proving = client.prove(testModule(1), o);
    await rig.clock.advance(2900);
    expect(rig.remote.asked).toEqual([]);
    await rig.clock.advance(200);
    expect((await proving).text).toBe(rig.log.text(1));
    await client.prove(testModule(2), o);
    expect(silent.asked).toEqual(['/lookup/example.com/m1@v1.0.0']);
  });

  test('a slow way is still heard when the others have nothing to say', async () => {
    const rig = await ClientRig.of(300);
    const dead = new TestRemote(rig.log, 'dead');
    dead.isDead = true;
    const gate = Promise.withResolvers<void>();
    rig.remote.lie = async (path, body) => {
      if (path.startsWith('/lookup/')) await gate.promise;
      return body;
    };
    const proving = rig.client([rig.remote, dead]).prove(testModule(1), o);
    await rig.clock.advance(10_000);
    await expect.poll(() => dead.asked).toHaveLength(1);
    gate.resolve();
    expect((await proving).text).toBe(rig.log.text(1));
  });

  test('a way that lies is passed by', async () => {
    const rig = await ClientRig.of(300);
    const liar = new TestRemote(new TestLog('sum.example.org', 2));
    await liar.log.growTo(300);
    expect((await rig.client([liar, rig.remote]).prove(testModule(1), o)).text).toBe(rig.log.text(1));
  });

  test('NOT_FOUND takes all usable ways to say so', async () => {
    const rig = await ClientRig.of(300);
    const [without, dead, unusable] = [new TestRemote(rig.log), new TestRemote(rig.log), new TestRemote(rig.log)];
    dead.isDead = true;
    unusable.usable = false;
    unusable.isDead = true;
    const ask = (...remotes: TestRemote[]) => rig.client(remotes).prove(testModule(999), o);
    await expect(ask(without, unusable)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(ask(without, dead)).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE', detail: { unknown: true } });
    await expect(ask(unusable)).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
    await expect(ask()).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
  });

  test('a tile that is gone is no answer to the question whether a record exists', async () => {
    const rig = await ClientRig.of(300);
    rig.remote.lie = (path, body) => (path.startsWith('/tile/') ? undefined : body);
    await expect(rig.client().prove(testModule(1), o)).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
  });

  test('what a way said of itself is remembered', async () => {
    const rig = await ClientRig.of(300);
    let probes = 0;
    const unsure = new TestRemote(rig.log);
    unsure.isUsable = async () => {
      probes++;
      throw new AppError('UPSTREAM_TIMEOUT', 'ask: too late');
    };
    const client = rig.client([unsure]);
    for (let i = 0; i < 3; i++)
      await expect(client.prove(testModule(1), o)).rejects.toMatchObject({ code: 'SUMDB_UNAVAILABLE' });
    expect(probes).toBe(1);
    await rig.clock.advance(20_000);
    unsure.isUsable = async () => {
      probes++;
      return true;
    };
    await client.prove(testModule(1), o);
    await client.prove(testModule(2), o);
    expect(probes).toBe(2);
  });
});
