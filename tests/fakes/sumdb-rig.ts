/** A client over a test log, with a store and a register that outlive it. */
import { expect } from 'vitest';
import { checkedRegister } from '../../src/coordination/checked.ts';
import { MemoryRegister } from '../../src/coordination/memory/memory-register.ts';
import type { Register } from '../../src/coordination/register.ts';
import type { ModuleVersion } from '../../src/gomod/module.ts';
import { equalHashes, recordHash } from '../../src/gomod/sumdb/hash.ts';
import { parseRecord } from '../../src/gomod/sumdb/text.ts';
import { parseTilePath } from '../../src/gomod/sumdb/tile.ts';
import { tileHashReader } from '../../src/gomod/sumdb/tile-reader.ts';
import { storedHashIndex, treeHash } from '../../src/gomod/sumdb/tree.ts';
import { encodeUtf8 } from '../../src/std/bytes.ts';
import { readWhole } from '../../src/std/whole.ts';
import { checkedStore } from '../../src/storage/checked.ts';
import { MemoryStore } from '../../src/storage/memory/memory-store.ts';
import type { BlobStore } from '../../src/storage/store.ts';
import { placeOf } from '../../src/verify/database-place.ts';
import type { SecurityEvent } from '../../src/verify/observer.ts';
import { openHead } from '../../src/verify/signed-head.ts';
import { SumdbClient } from '../../src/verify/sumdb-client.ts';
import type { SumdbRemote } from '../../src/verify/sumdb-remote.ts';
import { decodeTimeline } from '../../src/verify/timeline.ts';
import { ManualClock } from './manual-clock.ts';
import { TestLog, TestRemote } from './test-log.ts';

export const o = { signal: new AbortController().signal };
export const stored = { ...o, mayFetch: 'no' } as const;

const CAPACITY = { capacityBytes: 64 * 1024 * 1024 };

function inMemory(): Pick<ClientRig, 'store' | 'register'> {
  return {
    store: checkedStore(new MemoryStore({ ...CAPACITY, now: () => 0 })),
    register: checkedRegister(new MemoryRegister(CAPACITY)),
  };
}

export class ClientRig {
  readonly log: TestLog;
  readonly remote: TestRemote;
  readonly store: BlobStore;
  readonly register: Register;
  readonly clock = new ManualClock();
  readonly events: SecurityEvent[] = [];
  /** Of the clients that are made from now on. */
  tileMemoryBytes = 1024 * 1024;

  private constructor(log: TestLog, { store, register }: Pick<ClientRig, 'store' | 'register'>) {
    this.log = log;
    this.remote = new TestRemote(log);
    this.store = store;
    this.register = register;
  }

  /** Over a log of `size` records; in memory unless other places are given. */
  static async of(size: number, places: Pick<ClientRig, 'store' | 'register'> = inMemory()): Promise<ClientRig> {
    const log = new TestLog();
    await log.growTo(size);
    return new ClientRig(log, places);
  }

  /** A new process, as it were: nothing in memory. */
  client(remotes: readonly SumdbRemote[] = [this.remote], store: BlobStore = this.store): SumdbClient {
    return new SumdbClient({
      setting: { name: this.log.name, key: this.log.key },
      remotes,
      store,
      registers: this.register,
      clock: this.clock,
      observer: { onSecurityEvent: (event) => void this.events.push(event) },
      limits: { tileMemoryBytes: this.tileMemoryBytes },
    });
  }

  /** The notes of all heads in the register, oldest first. */
  async heads(): Promise<readonly string[]> {
    const held = await this.register.read(placeOf(this.log.name).head, o);
    return (held === undefined ? [] : (decodeTimeline(held.value) ?? [])).map(({ note }) => note);
  }

  async keys(prefix = ''): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list(`sumdb/${this.log.name}/${prefix}`, o)) keys.push(key);
    return keys;
  }

  async blob(key: string): Promise<Uint8Array> {
    const found = await this.store.open(key, o);
    if (found === undefined) throw new Error(`no blob ${key}`);
    return await readWhole(found.reader, found.info.sizeBytes, found.info.sizeBytes, o);
  }

  /** Fails unless every stored tile and record is exactly the one in the log. */
  async expectOnlyTruth(): Promise<void> {
    for (const key of await this.keys('tile/')) {
      const tile = parseTilePath(key.slice(`sumdb/${this.log.name}/`.length));
      expect(Buffer.compare(await this.blob(key), await this.log.tile(tile)), key).toBe(0);
    }
    for (const key of await this.keys('lookup/')) {
      const { id, text } = parseRecord(await this.blob(key));
      expect(text, key).toBe(this.log.text(id));
    }
  }
}

/** What a strict client with nothing in its cache does: takes the lookup from `client`, which may ask nobody, and proves it by tiles from there. Returns the proven text. */
export async function verifyOffline(client: SumdbClient, log: TestLog, module: ModuleVersion): Promise<string> {
  const { id, text, rest } = parseRecord(await client.lookup(module, stored));
  const head = openHead(rest, log.key);
  const [leaf] = await offlineReader(client, head)([storedHashIndex(0, id)]);
  if (leaf === undefined || !equalHashes(leaf, recordHash(encodeUtf8(text)))) throw new Error('not in the log');
  return text;
}

/** What a client that remembers `note` does when it is shown the newest head: proves by tiles from `client` that its own is a beginning of it. */
export async function isFollowable(client: SumdbClient, log: TestLog, note: Uint8Array): Promise<boolean> {
  const newest = openHead(await client.latest(stored), log.key);
  const { size, hash } = openHead(note, log.key);
  return equalHashes(await treeHash(size, offlineReader(client, newest)), hash);
}

function offlineReader(
  client: SumdbClient,
  head: Parameters<typeof tileHashReader>[0],
): ReturnType<typeof tileHashReader> {
  return tileHashReader(head, {
    height: 8,
    tiles: async (wanted) => await Promise.all(wanted.map((tile) => client.tile(tile, stored))),
    saved: () => undefined,
  });
}
