import { expect, test } from 'vitest';
import { checkedRegister } from '../checked.ts';
import { describeRegister } from '../contract.ts';
import { MemoryRegister } from './memory-register.ts';

describeRegister('memory', async () => {
  const register = checkedRegister(new MemoryRegister({ capacityBytes: 64 * 1024 * 1024 }));
  return { registers: [register, register], close: async () => undefined };
});

test('the memory register takes no more than its capacity', async () => {
  const register = new MemoryRegister({ capacityBytes: 10 });
  const o = { signal: new AbortController().signal };
  const held = await register.create('a', Buffer.alloc(8), o);
  await expect(register.create('b', Buffer.alloc(3), o)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await register.replace(held, Buffer.alloc(10), o);
});
