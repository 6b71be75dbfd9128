/** Writes that fail, with and without having had their effect: what was acknowledged stays, what was published is a beginning of all that follows. */
import { expect, test } from 'vitest';
import { parseTreeHead } from '../gomod/sumdb/text.ts';
import type { TreeHead } from '../gomod/sumdb/tree.ts';
import { spooledBytes } from '../io/spool.ts';
import { isAppError } from '../std/errors.ts';
import { PlainLog } from '../../tests/fakes/plain-log.ts';
import { appendMany, type Fault, Ground, KEYS, moduleNumber, o, textOf } from '../../tests/fakes/ledger-ground.ts';
import type { Ledger } from './ledger.ts';

async function headOf(ledger: Ledger): Promise<TreeHead> {
  return parseTreeHead(Buffer.from(await ledger.latest(o)).toString());
}

/** The root hashes of the log of `texts`, by size. */
function rootsOf(texts: readonly string[]): string[] {
  const log = new PlainLog({ signerKey: KEYS.signer, textOf: () => undefined });
  const root = (): string => String(log.get('latest')).split('\n')[2] ?? '';
  return [root(), ...texts.map((text) => (log.append(text), root()))];
}

test.each([
  ['register', 'kept'],
  ['register', 'lost'],
  ['second place', 'kept'],
  ['second place', 'lost'],
] as const)(
  'a write to the %s that fails and is %s loses nothing that was acknowledged',
  async (place, fault: Fault) => {
    const ground = new Ground();
    let ledger = await ground.open();
    const acknowledged = new Map<number, number>();
    const heads: TreeHead[] = [];
    for (let n = 0; n < 60; n++) {
      const isFaulty = n % 3 !== 0;
      (place === 'register' ? ground : ground.copy).fault = isFaulty ? fault : undefined;
      try {
        const { record } = await ledger.append(moduleNumber(n), textOf(n), o);
        expect(isFaulty).toBe(false);
        acknowledged.set(n, record);
      } catch (error) {
        if (!isAppError(error, 'STORE_UNAVAILABLE')) throw error;
        expect(isFaulty).toBe(true);
      }
      heads.push(await headOf(ledger));
      ground.fault = ground.copy.fault = undefined;
      // Sometimes the process ends as well.
      if (n % 7 === 0) ledger = await ground.reopen();
    }
    const last = await ground.reopen();
    for (const [n, record] of acknowledged) expect((await last.find(moduleNumber(n), o))?.record).toBe(record);
    for (let n = 0; n < 60; n++) await last.append(moduleNumber(n), textOf(n), o);
    const { size } = await headOf(last);
    expect(size).toBe(60);
    const found = await Promise.all(Array.from({ length: 60 }, async (_, n) => (await last.find(moduleNumber(n), o))!));
    const roots = rootsOf(found.toSorted((a, b) => a.record - b.record).map(({ text }) => text));
    for (const head of heads) expect(Buffer.from(head.hash).toString('base64')).toBe(roots[head.size]);
  },
);

test('a head that is not in the second place is not given out, and its records are not acknowledged', async () => {
  const ground = new Ground();
  const ledger = await ground.open();
  ground.copy.fault = 'lost';
  await expect(ledger.append(moduleNumber(1), textOf(1), o)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect((await headOf(ledger)).size).toBe(0);
  await expect(ledger.lookup(moduleNumber(1), o)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  ground.copy.fault = undefined;
  expect((await ledger.find(moduleNumber(1), o))?.treeSize).toBe(1);
});

test.each(['kept', 'lost'] as const)(
  'tiles whose write fails and is %s are written before more is taken',
  async (fault) => {
    const ground = new Ground();
    const ledger = await ground.open();
    await appendMany(ledger, 0, 600);
    ground.tileFault = fault;
    // The records are durable in the head; it is the next batch that has to make room.
    await expect(ledger.append(moduleNumber(600), textOf(600), o)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect((await ledger.find(moduleNumber(10), o))?.text).toBe(textOf(10));
    ground.tileFault = undefined;
    const again = await ground.reopen();
    await appendMany(again, 0, 601);
    expect((await headOf(again)).size).toBe(601);
    expect((await again.find(moduleNumber(10), o))?.text).toBe(textOf(10));
    expect(await ground.store.head('ledger/tile/8/data/001', o)).toBeDefined();
  },
);

test('two logs in one folder are told apart before one overwrites the other', async () => {
  const ground = new Ground();
  const ledger = await ground.open();
  await ground.store.putIfAbsent('ledger/tile/8/data/000', spooledBytes(Buffer.from('other records')), o);
  await appendMany(ledger, 0, 256);
  await expect(ledger.append(moduleNumber(256), textOf(256), o)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
});
