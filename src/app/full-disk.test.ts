import { describe, expect, test } from 'vitest';
import { openRegister } from '../coordination/registry.ts';
import { isWithoutRoom } from '../io/disk-failure.ts';
import { isAppError } from '../std/errors.ts';
import { describeBlobStore } from '../storage/contract.ts';
import { checkedStore } from '../storage/checked.ts';
import { MemoryStore } from '../storage/memory/memory-store.ts';
import { FullDisk } from './full-disk.ts';

const o = { signal: new AbortController().signal };
const memory = (): MemoryStore => new MemoryStore({ capacityBytes: 1 << 30, now: Date.now });

describeBlobStore('a disk that can be full', () =>
  Promise.resolve({ store: checkedStore(new FullDisk().store(memory())), close: () => Promise.resolve() }),
);

describe('a disk that is full', () => {
  test('is read as ever, takes nothing, says so as ENOSPC, and takes again when there is room', async () => {
    const disk = new FullDisk();
    const store = disk.store(memory());
    const told: string[] = [];
    const write = (key: string): Promise<unknown> => store.publish(key, Buffer.from('x'), o);
    await write('a');
    expect(told).toEqual([]);
    const empty = disk.beFull({ onRefused: () => told.push('refused'), onWritten: () => told.push('written') });
    const failure = await write('b').catch((error: unknown) => error);
    expect(isAppError(failure, 'STORE_UNAVAILABLE') && isWithoutRoom(failure)).toBe(true);
    expect(await store.head('a', o)).toMatchObject({ sizeBytes: 1 });
    expect(await store.head('b', o)).toBeUndefined();
    expect(told).toEqual(['refused']);
    empty();
    await write('b');
    expect(await store.head('b', o)).toMatchObject({ sizeBytes: 1 });
    expect(told).toEqual(['refused', 'written']);
  });

  test('takes no register either, and keeps those it has', async () => {
    const disk = new FullDisk();
    const inner = openRegister('memory', { root: '', temp: undefined as never });
    if (inner === undefined) throw new Error('no registers');
    const registers = disk.registers(inner);
    const held = await registers.create('one', Buffer.from('1'), o);
    const empty = disk.beFull({ onRefused: () => {}, onWritten: () => {} });
    await expect(registers.create('two', Buffer.from('2'), o)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(registers.replace(held, Buffer.from('2'), o)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(Buffer.from((await registers.read('one', o))?.value ?? []).toString()).toBe('1');
    empty();
    await registers.replace(held, Buffer.from('2'), o);
    expect(Buffer.from((await registers.read('one', o))?.value ?? []).toString()).toBe('2');
  });
});
