import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  addsSignedLines,
  addsUnsignedLines,
  answersFrom,
  answersLookup,
  answersWithOther,
  answersWithRecord,
  claimsRecord,
  forgesTiles,
  type Lie,
  LyingDatabase,
  logOf,
} from './checksum-database.ts';
import { plainKeys } from './plain-log.ts';

const A = 'x.test/a v1.0.0 h1:a=\n';
const B = 'x.test/b v1.0.0 h1:b=\n';
const EVIL = 'x.test/a v1.0.0 h1:evil=\n';
const keys = plainKeys('sum.x.test');
const logWith = (others: number): ReturnType<typeof logOf> =>
  logOf(
    keys.signer,
    new Map([
      ['x.test/a@v1.0.0', A],
      ['x.test/b@v1.0.0', B],
    ]),
    others,
  );
const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** What a database of `log` says to `path` after it was told to lie. */
function told(log: ReturnType<typeof logOf>, lie: Lie, path = 'lookup/x.test/a@v1.0.0'): string {
  const database = new LyingDatabase(log);
  database.tell(lie);
  return Buffer.from(database.get(path) ?? '').toString();
}

describe('a lying database', () => {
  test('says the truth until it is told to lie, and again when the lie is taken back', () => {
    const database = new LyingDatabase(logWith(0));
    const truth = database.get('lookup/x.test/a@v1.0.0')?.toString();
    expect(truth).toMatch(/^0\nx\.test\/a v1\.0\.0 h1:a=\n\ngo\.sum database tree\n2\n/);
    const undo = database.tell(answersLookup('x.test/a@v1.0.0', 'no'));
    expect(database.get('lookup/x.test/a@v1.0.0')?.toString()).toBe('no');
    expect(database.get('lookup/x.test/b@v1.0.0')?.toString()).toContain(B);
    undo();
    expect(database.get('lookup/x.test/a@v1.0.0')?.toString()).toBe(truth);
  });

  test('answers with records that are in the log and not those asked for', () => {
    const log = logWith(0);
    expect(told(log, answersWithOther(log, 'x.test/a@v1.0.0', 'x.test/b@v1.0.0'))).toContain(`1\n${B}\n`);
    expect(told(log, answersWithRecord(log, 'x.test/a@v1.0.0', '-\n'))).toMatch(/^2\n-\n\ngo\.sum database tree\n3\n/);
  });

  test('adds lines behind the tree head, or before it', () => {
    const log = logWith(0);
    const args = [log, 'x.test/a@v1.0.0', 'x.test/b@v1.0.0', EVIL] as const;
    expect(told(log, addsSignedLines(...args))).toMatch(
      /^1\n.+\n\ngo\.sum database tree\n2\n.{44}\nx\.test\/a .*evil=\n\n— /,
    );
    expect(told(log, addsUnsignedLines(...args))).toMatch(
      /^1\n.+\n\nx\.test\/a .*evil=\n\ngo\.sum database tree\n2\n.{44}\n\n— /,
    );
  });

  test('plays another log of the same key', () => {
    const rolledBack = logOf(keys.signer, new Map([['x.test/a@v1.0.0', EVIL]]));
    const lie = answersFrom(rolledBack);
    expect(told(logWith(0), lie)).toMatch(/^0\nx\.test\/a .*evil=\n\ngo\.sum database tree\n1\n/);
    expect(told(logWith(0), lie, 'lookup/x.test/b@v1.0.0')).toBe('');
  });

  test('claims a record that is not in the log', () => {
    const log = logWith(0);
    const truth = log.get('latest')?.toString();
    expect(told(log, claimsRecord(log, 'x.test/a@v1.0.0', 1, EVIL))).toBe(`1\n${EVIL}\n${truth}`);
  });

  test('forges the full tiles above a record, each to fit the one below, and no tile at the right edge', () => {
    const log = logWith(65_536);
    const lie = forgesTiles(log, 'x.test/a@v1.0.0', 1, EVIL);
    const below = Buffer.from(lie('tile/8/0/000') ?? '');
    const above = Buffer.from(lie('tile/8/1/000') ?? '');
    expect(below.subarray(32, 64)).toEqual(sha256(Buffer.from([0]), Buffer.from(EVIL)));
    let hashes: Uint8Array[] = Array.from({ length: 256 }, (_, i) => below.subarray(32 * i, 32 * i + 32));
    while (hashes.length > 1)
      hashes = hashes.flatMap((left, i) => (i % 2 === 0 ? [sha256(Buffer.from([1]), left, hashes[i + 1]!)] : [])); // even
    expect(above.subarray(0, 32)).toEqual(Buffer.from(hashes[0]!));
    expect(above.subarray(32)).toEqual(log.get('tile/8/1/000')?.subarray(32));
    expect(lie('tile/8/2/000.p/1')).toBeUndefined();
    expect(lie('tile/8/0/001')).toBeUndefined();
  });
});
