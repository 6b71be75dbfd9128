/** Several clients over one store and one register: processes that start again, and processes beside each other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ClientRig, isFollowable, o, verifyOffline } from '../../tests/fakes/sumdb-rig.ts';
import { TestLog, testModule, TestRemote } from '../../tests/fakes/test-log.ts';
import { parseRecord } from '../gomod/sumdb/text.ts';
import { checkedRegister } from '../coordination/checked.ts';
import { DiskRegister } from '../coordination/disk/disk-register.ts';
import { openTempDirectory } from '../io/temp-directory.ts';
import { AppError } from '../std/errors.ts';
import { checkedStore } from '../storage/checked.ts';
import { DiskStore } from '../storage/disk/disk-store.ts';
import type { BlobStore } from '../storage/store.ts';
import { placeOf } from './database-place.ts';
import { openHead } from './signed-head.ts';
import { SumdbClient } from './sumdb-client.ts';
import { encodeTimeline } from './timeline.ts';

describe('two clients that share a register', () => {
  test('follow one history, whoever is quicker', async () => {
    const rig = await ClientRig.of(50);
    const clients = [rig.client(), rig.client()];
    rig.remote.lie = async (_path, body) => {
      await rig.log.growTo(rig.log.size + 3);
      return body;
    };
    const asked = Array.from({ length: 40 }, (_, n) => n);
    await Promise.all(asked.map(async (n) => await clients[n % 2]?.prove(testModule(n), o)));
    const sizes = (await rig.heads()).map((note) => Number(note.split('\n')[1]));
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(new Set(sizes).size).toBe(sizes.length);
    rig.remote.isDead = true;
    const later = rig.client();
    for (const n of asked) expect(await verifyOffline(later, rig.log, testModule(n))).toBe(rig.log.text(n));
    for (const note of await rig.heads()) expect(await isFollowable(later, rig.log, Buffer.from(note))).toBe(true);
  });

  test.each([1, 1024 * 1024])(
    'a client that is behind goes on with what the other stored, with %d bytes of memory',
    async (memory) => {
      const rig = await ClientRig.of(300);
      rig.tileMemoryBytes = memory;
      const [behind, ahead] = [rig.client(), rig.client()];
      await behind.prove(testModule(1), o);
      await behind.prove(testModule(290), o);
      await rig.log.growTo(400);
      await ahead.prove(testModule(390), o);
      // The tiles of 300 records that have grown are gone.
      expect(await rig.keys('tile/8/0/001.p/')).toEqual(['sumdb/sum.example.org/tile/8/0/001.p/144']);
      rig.remote.isDead = true;
      expect(behind.head()?.size).toBe(300);
      expect(await verifyOffline(behind, rig.log, testModule(1))).toBe(rig.log.text(1));
      expect((await behind.proveStored(testModule(290), o))?.treeSize).toBe(300);
      expect((await behind.proveStored(testModule(390), o))?.treeSize).toBe(400);
      expect(behind.head()?.size).toBe(400);
      rig.remote.isDead = false;
      await rig.log.growTo(500);
      expect((await behind.prove(testModule(450), o)).treeSize).toBe(500);
      expect(behind.head()?.size).toBe(500);
      expect(await rig.heads()).toHaveLength(3);
    },
  );

  test('a tile that only the other one knows is served', async () => {
    const rig = await ClientRig.of(300);
    const [behind, ahead] = [rig.client(), rig.client()];
    await behind.latest(o);
    await rig.log.growTo(400);
    await ahead.latest(o);
    rig.remote.isDead = true;
    const tile = { height: 8, level: 0, index: 1, width: 144 };
    expect(Buffer.from(await behind.tile(tile, o))).toEqual(Buffer.from(await rig.log.tile(tile)));
  });

  test('find a fork between each other', async () => {
    const rig = await ClientRig.of(300);
    const fork = new TestRemote(new TestLog());
    await fork.log.growTo(299);
    await fork.log.add(testModule(299), 'example.com/other v1.0.0 h1:other\n');
    await fork.log.growTo(310);
    const [one, other] = [rig.client(), rig.client([fork])];
    const outcomes = await Promise.allSettled([one.prove(testModule(1), o), other.prove(testModule(1), o)]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(rig.events).toMatchObject([{ kind: 'log-fork' }]);
    expect(await rig.heads()).toHaveLength(1);
  });
});

test('processes that share a folder on disk follow one history too', async () => {
  const root = await mkdtemp(join(tmpdir(), 'larder-sumdb-'));
  const temp = await openTempDirectory(root);
  try {
    const places = {
      store: checkedStore(new DiskStore({ root, temp })),
      register: checkedRegister(new DiskRegister({ root, temp })),
    };
    const rig = await ClientRig.of(240, places);
    const clients = [rig.client(), rig.client()];
    for (let n = 0; n < 30; n += 2) {
      await rig.log.growTo(240 + n);
      await Promise.all(clients.map(async (client, i) => await client.prove(testModule(239 + n - i), o)));
    }
    rig.remote.isDead = true;
    const later = rig.client();
    for (let n = 238; n < 268; n++) expect(await verifyOffline(later, rig.log, testModule(n))).toBe(rig.log.text(n));
    for (const note of await rig.heads()) expect(await isFollowable(later, rig.log, Buffer.from(note))).toBe(true);
    await rig.expectOnlyTruth();
  } finally {
    await temp.close();
    await rm(root, { recursive: true });
  }
});

describe('a stored head', () => {
  const setHead = async (rig: ClientRig, value: Uint8Array) =>
    await rig.register.create(placeOf(rig.log.name).head, value, o);

  test('that is damaged is STORE_CORRUPT: without it a rolled back log looks like any other', async () => {
    for (const value of [Buffer.from('{}'), encodeTimeline([{ seenAt: 0, note: 'go.sum database tree\n' }])]) {
      const rig = await ClientRig.of(300);
      await setHead(rig, value);
      for (const ask of [rig.client().prove(testModule(1), o), rig.client().latest(o)])
        await expect(ask).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
      expect(rig.remote.asked).toEqual([]);
    }
  });

  test('without its tiles is made followable again', async () => {
    const rig = await ClientRig.of(300);
    const note = Buffer.from(await rig.log.head(260)).toString();
    await setHead(rig, encodeTimeline([{ seenAt: 0, note }]));
    await rig.client().prove(testModule(290), o);
    rig.remote.isDead = true;
    expect(await isFollowable(rig.client(), rig.log, Buffer.from(note))).toBe(true);
  });

  test('that the log has forgotten is a fork', async () => {
    const rig = await ClientRig.of(300);
    await rig.client().prove(testModule(1), o);
    // A database that was set up anew, with the same key.
    const anew = new TestRemote(new TestLog());
    await anew.log.add(testModule(1000));
    await anew.log.growTo(20);
    await expect(rig.client([anew]).prove(testModule(1), o)).resolves.toMatchObject({ text: rig.log.text(1) });
    await expect(rig.client([anew]).prove(testModule(5), o)).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
    expect(rig.events).toMatchObject([{ kind: 'log-fork' }]);
  });

  test('belongs to one database: names that look alike share nothing', () => {
    const folders = ['a/b', 'a=2fb', 'A', 'a', 'a:80', '.a', 'a/lookup/x', 'ä'].map((name) => placeOf(name).head);
    expect(new Set(folders).size).toBe(folders.length);
    for (const folder of folders) expect(folder).toMatch(/^sumdb\/[a-z0-9=~_-][a-z0-9=.~_-]*\/latest$/);
  });
});

describe('a store that takes nothing', () => {
  /** The store of `rig`, without room for keys that `isRefused` names. */
  function fullStore(rig: ClientRig, isRefused: (key: string) => boolean): BlobStore {
    const putIfAbsent: BlobStore['putIfAbsent'] = async (key, body, asked) => {
      if (isRefused(key)) throw new AppError('STORE_UNAVAILABLE', `store ${key}: no room`);
      return await rig.store.putIfAbsent(key, body, asked);
    };
    return new Proxy(rig.store, {
      get: (target, name: keyof BlobStore) => {
        const member: unknown = name === 'putIfAbsent' ? putIfAbsent : target[name];
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  }

  const FULL = (): boolean => true;
  const sizeOf = (body: Uint8Array, rig: ClientRig): number => openHead(parseRecord(body).rest, rig.log.key).size;

  test('does not make a proof less true: lookups go on from memory, under heads that grow, and all is stored within 10 s of room', async () => {
    const rig = await ClientRig.of(300);
    await rig.client().prove(testModule(1), o);
    let isFull = true;
    const client = rig.client(
      [rig.remote],
      fullStore(rig, () => isFull),
    );
    for (const n of [5, 290, 310, 600]) {
      await rig.log.growTo(Math.max(rig.log.size, n + 1) + 3);
      expect(sizeOf(await client.lookup(testModule(n), o), rig)).toBe(rig.log.size);
    }
    expect(await rig.heads()).toHaveLength(1);
    expect(await rig.keys('lookup/')).toHaveLength(1);
    rig.remote.isDead = true;
    for (const n of [5, 290, 310, 600])
      expect(await verifyOffline(client, rig.log, testModule(n))).toBe(rig.log.text(n));
    await rig.clock.advance(10_000); // control: it is tried, and nothing is taken
    expect(await rig.heads()).toHaveLength(1);
    isFull = false;
    await rig.clock.advance(10_000);
    await expect.poll(() => rig.keys('lookup/')).toHaveLength(5);
    const later = rig.client();
    for (const n of [1, 5, 290, 310, 600])
      expect(await verifyOffline(later, rig.log, testModule(n))).toBe(rig.log.text(n));
    for (const note of await rig.heads()) expect(await isFollowable(later, rig.log, Buffer.from(note))).toBe(true);
    await rig.expectOnlyTruth();
  });

  test('and a register that takes nothing: the head is stored later too', async () => {
    const rig = await ClientRig.of(300);
    let isFull = true;
    const replace = rig.register.create.bind(rig.register);
    rig.register.create = async (name, value, asked) => {
      if (isFull) throw new AppError('STORE_UNAVAILABLE', 'no room');
      return await replace(name, value, asked);
    };
    const client = rig.client();
    expect(sizeOf(await client.lookup(testModule(7), o), rig)).toBe(300);
    expect([await rig.heads(), await rig.keys('lookup/')]).toEqual([[], []]);
    isFull = false;
    await rig.clock.advance(10_000);
    await expect.poll(() => rig.keys('lookup/')).toHaveLength(1);
    rig.remote.isDead = true;
    expect(await verifyOffline(rig.client(), rig.log, testModule(7))).toBe(rig.log.text(7));
  });

  test('lets no fork in: of two trees that contradict each other the second is refused, as ever', async () => {
    const rig = await ClientRig.of(300);
    const client = rig.client([rig.remote], fullStore(rig, FULL));
    await client.lookup(testModule(7), o);
    const other = new TestRemote(new TestLog());
    await other.log.add(testModule(1000));
    await other.log.growTo(400);
    rig.remote.lie = async (path) => await other.read(path);
    await expect(client.lookup(testModule(350), o)).rejects.toMatchObject({ code: 'SUMDB_INCONSISTENT' });
    expect(rig.events).toMatchObject([{ kind: 'log-fork' }]);
    expect(client.head()?.size).toBe(300);
  });

  test('is the same for two processes: each follows what the other gives out, and one history is stored', async () => {
    const rig = await ClientRig.of(300);
    await rig.client().prove(testModule(1), o);
    let isFull = true;
    const disk = fullStore(rig, () => isFull);
    const [one, two] = [rig.client([rig.remote], disk), rig.client([rig.remote], disk)];
    const asked = Array.from({ length: 12 }, (_, i) => 10 + 55 * i);
    for (const [i, n] of asked.entries()) {
      await rig.log.growTo(Math.max(rig.log.size, n + 1) + 1);
      const [asks, reads] = i % 2 === 0 ? [one, two] : [two, one];
      const body = await asks.lookup(testModule(n), o);
      const size = sizeOf(body, rig);
      const width = size % 256;
      const tile = { height: 8, level: 0, index: Math.floor(size / 256), width } as const;
      const reading = reads.tile(tile, o);
      await rig.clock.advance(1000);
      expect(Buffer.from(await reading).equals(await rig.log.tile(tile))).toBe(true);
    }
    expect(await rig.heads()).toHaveLength(1);
    isFull = false;
    await rig.clock.advance(10_000);
    await expect.poll(() => rig.keys('lookup/')).toHaveLength(1 + asked.length);
    rig.remote.isDead = true;
    const later = rig.client();
    for (const n of asked) expect(await verifyOffline(later, rig.log, testModule(n))).toBe(rig.log.text(n));
    await rig.expectOnlyTruth();
  });

  test('holds no more than it may: what leads to the head stays, and what was dropped is fetched again', async () => {
    const rig = await ClientRig.of(256 * 40);
    rig.tileMemoryBytes = 1;
    let isFull = true;
    const client = rig.client(
      [rig.remote],
      fullStore(rig, () => isFull),
    );
    for (let tile = 0; tile < 40; tile++) {
      await rig.log.growTo(rig.log.size + 1);
      const body = await client.lookup(testModule(tile * 256), o);
      expect(sizeOf(body, rig)).toBe(rig.log.size);
    }
    isFull = false;
    await rig.clock.advance(10_000);
    await expect.poll(() => rig.heads()).toHaveLength(1);
    await expect.poll(async () => (await rig.keys('lookup/')).length).toBeGreaterThan(0);
    const kept = await rig.keys('lookup/');
    expect(kept.length).toBeLessThan(40);
    rig.remote.isDead = true;
    const later = rig.client();
    for (const key of kept) {
      const n = Number(/m(\d+)@/.exec(key)?.[1]);
      expect(await verifyOffline(later, rig.log, testModule(n))).toBe(rig.log.text(n));
    }
    await rig.expectOnlyTruth();
  });

  test('does not leave a record behind whose proof is not stored: both are stored once there is room', async () => {
    const rig = await ClientRig.of(600);
    await rig.client().prove(testModule(599), o);
    let isFull = true;
    const client = rig.client(
      [rig.remote],
      fullStore(rig, (key) => isFull && key.includes('/tile/')),
    );
    await client.prove(testModule(5), o);
    expect(await rig.keys('lookup/example.com/m5@')).toEqual([]);
    isFull = false;
    await rig.clock.advance(10_000);
    await expect.poll(() => rig.keys('lookup/example.com/m5@')).toHaveLength(1);
    rig.remote.isDead = true;
    expect(await verifyOffline(rig.client(), rig.log, testModule(5))).toBe(rig.log.text(5));
  });
});

test('a question that nobody waits for any more is dropped', async () => {
  const rig = await ClientRig.of(300);
  const stopped: boolean[] = [];
  const client = new SumdbClient({
    setting: { name: rig.log.name, key: rig.log.key },
    remotes: [
      {
        host: 'slow',
        isUsable: async () => true,
        read: async (_path, { signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          stopped.push(signal.aborted);
          throw new AppError('ABORTED', 'stopped');
        },
      },
    ],
    store: rig.store,
    registers: rig.register,
    clock: rig.clock,
    observer: { onSecurityEvent: () => undefined },
    limits: { tileMemoryBytes: 1000 },
  });
  const [one, two] = [new AbortController(), new AbortController()];
  const waiting = [one, two].map(async ({ signal }) => await client.prove(testModule(1), { signal }));
  const settled = Promise.allSettled(waiting);
  await new Promise((resolve) => setTimeout(resolve, 20));
  one.abort();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(stopped).toEqual([]);
  two.abort();
  await settled;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(stopped).toEqual([true]);
  for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'ABORTED' });
});
