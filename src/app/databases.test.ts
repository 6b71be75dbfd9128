import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { plainKeys } from '../../tests/fakes/plain-log.ts';
import { loadConfig } from '../config/load.ts';
import { NO_CREDENTIALS } from '../credentials/credentials.ts';
import { HttpClient } from '../io/http-client.ts';
import { databaseSettings, databaseWays } from './databases.ts';

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

test('the ways to a database are the upstreams of the chain, of a pool each member as it is asked itself, and the database last', async () => {
  const around = { environment: { GOENV: 'off' }, folder: tmpdir(), home: tmpdir(), localNames: [] };
  const sets = [
    'upstreams=a=https://a.test/go;name=b,url=https://b.test;name=c,url=https://c.test,pool=other',
    'upstream=https://first.test|main,direct',
    'routes=name=r,modules=x.test,upstream=other',
  ];
  const loaded = loadConfig({ values: new Map(), sets }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const asked: string[] = [];
  const clientNamed = (name: string): HttpClient => {
    const client = new HttpClient({ userAgent: 'larder/test' });
    client.getBytes = (url) => {
      asked.push(`${name} ${url.href}`);
      return Promise.resolve({ kind: 'refused', status: 404 });
    };
    return client;
  };
  const access = new Map([['b', { client: clientNamed('own'), credentials: NO_CREDENTIALS }]]);
  const shared = { client: clientNamed('shared'), credentials: NO_CREDENTIALS };
  const { proving } = databaseWays(loaded.config, { ...shared, access });
  const { signal } = new AbortController();
  for (const remote of proving.remotes) await remote.isUsable({ signal });
  expect(proving.remotes.map(({ host }) => host)).toEqual(['first.test', 'a.test', 'b.test', 'sum.golang.org']);
  expect(asked).toEqual([
    'shared https://first.test/sumdb/sum.golang.org/supported',
    'shared https://a.test/go/sumdb/sum.golang.org/supported',
    'own https://b.test/sumdb/sum.golang.org/supported',
  ]);
});
