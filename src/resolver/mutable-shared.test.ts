/** Two resolvers on one store, as two processes have them: what one has answered the other does not take back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { createRig, idOf, infoOf, type Rig, type RigOptions } from '../../tests/fakes/resolver-rig.ts';
import type { Changes } from '../coordination/changes.ts';
import { DiskChanges } from '../coordination/disk/disk-changes.ts';
import type { ModulePath } from '../gomod/module.ts';
import type { AppError } from '../std/errors.ts';
import type { MutableAnswer } from './resolver.ts';

const M = 'rsc.io/quote' as ModulePath;
const MINUTE = 60_000;

let folder: string;
let opened: Changes[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-two-'));
  opened = [];
});
afterEach(() => {
  for (const one of opened) one.close();
  rmSync(folder, { recursive: true, force: true });
});

function twoResolvers(isShared: 'shared' | 'apart', options: RigOptions = {}): readonly [Rig, Rig] {
  const changes = (): Changes => {
    const one = new DiskChanges({ root: folder });
    opened.push(one);
    return one;
  };
  const one = createRig(isShared === 'shared' ? { ...options, changes } : options);
  one.source('A').lists.set(M, ['v1.0.0']);
  return [one, one.restarted()];
}

const textOf = ({ bytes }: MutableAnswer): string => Buffer.from(bytes).toString().trim().replaceAll('\n', ' ');

const versions = async (rig: Rig, module = M): Promise<string> => {
  const fresh = rig.resolver.mutableInMemory({ kind: 'list', module }, rig.question());
  return textOf(fresh ?? (await rig.resolver.list(module, rig.question())));
};

const latest = async (rig: Rig, module = M): Promise<string> =>
  rig.resolver.latest(module, rig.question()).then(textOf, (error: AppError) => error.code);

/** From now on what is read of the register is there when the function returned is called, as it was when it was asked for. */
function slowRegister({ registers }: Rig): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const read = registers.read.bind(registers);
  registers.read = async (name) => {
    const held = await read(name);
    await promise;
    return held;
  };
  return () => {
    registers.read = read;
    resolve();
  };
}

/** Both know the list; then there is a new version, and the first hears of it. */
async function refreshedByFirst([one, other]: readonly [Rig, Rig]): Promise<void> {
  expect([await versions(one), await versions(other)]).toEqual(['v1.0.0', 'v1.0.0']);
  one.source('A').lists.set(M, ['v1.0.0', 'v1.1.0']);
  await one.clock.advance(MINUTE + 1);
  await versions(one);
  await one.resolver.idle();
  expect(await versions(one)).toBe('v1.0.0 v1.1.0');
}

describe('two processes on one store', () => {
  test('give no list that is shorter than one that the other gave before', async () => {
    const both = twoResolvers('shared');
    await refreshedByFirst(both);
    expect(await versions(both[1])).toBe('v1.0.0 v1.1.0');
    // One has asked for both.
    expect(both[0].source('A').count()).toBe(2);
  });

  test('do so when they hear nothing of each other: what is tried here can fail', async () => {
    const both = twoResolvers('apart');
    await refreshedByFirst(both);
    expect(await versions(both[1])).toBe('v1.0.0');
  });

  test('list a version that the other has fetched', async () => {
    const [one, other] = twoResolvers('shared');
    one.source('A').has('rsc.io/quote', 'v1.3.0');
    expect(await versions(other)).toContain('v1.0.0');
    expect(await versions(one)).not.toContain('v1.4.0');
    one.source('A').has('rsc.io/quote', 'v1.4.0');
    await one.resolver.artifact(idOf('rsc.io/quote@v1.4.0', 'mod'), one.question());
    expect(await versions(one)).toContain('v1.4.0');
    expect(await versions(other)).toContain('v1.4.0');
  });

  test('go by the newer latest version, however much older the other one is', async () => {
    const [one, other] = twoResolvers('shared');
    one.source('A').latests.set(M, infoOf('v1.0.0'));
    expect([await latest(one), await latest(other)]).toEqual(Array(2).fill(expect.stringContaining('v1.0.0')));
    one.source('A').latests.set(M, infoOf('v1.1.0'));
    await one.clock.advance(6 * MINUTE);
    await latest(one);
    await one.resolver.idle();
    expect(await latest(one)).toContain('v1.1.0');
    expect(await latest(other)).toContain('v1.1.0');
  });

  test('give nobody what is out of date while one of them reads what the other has told', async () => {
    const both = twoResolvers('shared');
    await refreshedByFirst(both);
    const end = slowRegister(both[1]);
    const first = versions(both[1]);
    await settle();
    const second = versions(both[1]);
    await settle();
    end();
    expect([await first, await second]).toEqual(['v1.0.0 v1.1.0', 'v1.0.0 v1.1.0']);
  });

  test('give nobody what was read before the newest news', async () => {
    const both = twoResolvers('shared');
    const [one, other] = both;
    await refreshedByFirst(both);
    one.source('A').lists.set(M, ['v1.0.0', 'v1.1.0', 'v1.2.0']);
    await one.clock.advance(MINUTE + 1);
    const end = slowRegister(other);
    const early = versions(other);
    await settle();
    one.registers.read = Object.getPrototypeOf(one.registers).read;
    await versions(one);
    await one.resolver.idle();
    expect(await versions(one)).toContain('v1.2.0');
    const late = versions(other);
    await settle();
    end();
    expect([await early, await late, await versions(other)]).toEqual([
      expect.stringContaining('v1.1.0'),
      'v1.0.0 v1.1.0 v1.2.0',
      'v1.0.0 v1.1.0 v1.2.0',
    ]);
  });

  test('answer from memory when too many wait to read what others have told', async () => {
    const both = twoResolvers('shared', { limits: { concurrentLoads: 1, queuedLoads: 0 } });
    const [one, other] = both;
    const N = 'rsc.io/sampler' as ModulePath;
    one.source('A').lists.set(N, ['v1.0.0']);
    expect([await versions(one, N), await versions(other, N)]).toEqual(['v1.0.0', 'v1.0.0']);
    await refreshedByFirst(both);
    one.source('A').lists.set(N, ['v1.0.0', 'v1.1.0']);
    await versions(one, N);
    await one.resolver.idle();
    const end = slowRegister(other);
    const reading = versions(other);
    await settle();
    expect(await versions(other, N)).toBe('v1.0.0');
    end();
    expect(await reading).toBe('v1.0.0 v1.1.0');
    expect(await versions(other, N)).toBe('v1.0.0 v1.1.0');
  });

  test.each(['v1.0.0', 'v0.0.0-20260101000000-abcdefabcdef'])(
    'forget that a module was not there once the other has fetched %s of it',
    async (version) => {
      const [one, other] = twoResolvers('shared');
      const N = 'rsc.io/new' as ModulePath;
      expect(await latest(other, N)).toBe('NOT_FOUND');
      await expect(versions(other, N)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      one.source('A').has(N, version).lists.set(N, []);
      one.source('A').latests.set(N, infoOf(version));
      await one.resolver.artifact(idOf(`${N}@${version}`, 'mod'), one.question());
      expect(await latest(other, N)).toContain(version);
      expect(await versions(other, N)).toBe(version === 'v1.0.0' ? version : '');
    },
  );

  test('forget what was not there when anything may have changed', async () => {
    let heard: readonly string[] | 'everything' = [];
    const changes = (): Changes => ({ heard: () => heard, tell: () => undefined, close: () => undefined });
    const rig = createRig({ changes });
    expect(await latest(rig)).toBe('NOT_FOUND');
    rig.source('A').latests.set(M, infoOf('v1.0.0'));
    expect(await latest(rig)).toBe('NOT_FOUND');
    heard = 'everything';
    expect(await latest(rig)).toContain('v1.0.0');
  });

  test('keep what they have in memory when the register cannot be read', async () => {
    const both = twoResolvers('shared');
    await refreshedByFirst(both);
    both[1].registers.fails = 'STORE_UNAVAILABLE';
    expect(await versions(both[1])).toBe('v1.0.0');
    both[1].registers.fails = undefined;
  });
});
