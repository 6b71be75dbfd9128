import { describe, expect, test } from 'vitest';
import { plainKeys } from '../../tests/fakes/plain-log.ts';
import { databaseSettings } from './databases.ts';

const OTHER = plainKeys('sum.other.test').verifier;

function named(database: string, ...relay: readonly string[]) {
  const sumdb = { database, relay, onOutage: 'refuse', newVersion: 0, tileMemory: 1 } as const;
  const { proving, relayed } = databaseSettings({ sumdb: { ...sumdb, relay: [...relay] } });
  const shown = ({ name, url = '' }: typeof proving): string => `${name} ${url}`.trim();
  return { proving: shown(proving), relayed: relayed.map(shown) };
}

describe('the database that proves', () => {
  test('is the one that is named, and it is given out with those that are named to be', () => {
    expect(named('sum.golang.org', OTHER)).toEqual({
      proving: 'sum.golang.org',
      relayed: ['sum.golang.org', 'sum.other.test'],
    });
  });

  test('is Go’s own while none is named, for toolchains, and is not given out', () => {
    expect(named('off')).toEqual({ proving: 'sum.golang.org', relayed: [] });
    expect(named('off', OTHER)).toEqual({ proving: 'sum.golang.org', relayed: ['sum.other.test'] });
  });

  test('is reached then as it is where it is named to be given out', () => {
    const place = 'sum.golang.org https://sum.golang.google.cn';
    expect(named('off', 'sum.golang.google.cn')).toEqual({ proving: place, relayed: [place] });
  });

  test('is one, however often and by whatever alias it is named: the first counts', () => {
    expect(named('sum.golang.org', 'sum.golang.google.cn').relayed).toEqual(['sum.golang.org']);
  });

  test('has one key', () => {
    expect(() => named(OTHER, plainKeys('sum.other.test', 2).verifier)).toThrow('two different keys');
  });
});
