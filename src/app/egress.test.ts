import { describe, expect, test } from 'vitest';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { namedTargets, openGuard } from './egress.ts';

function configured(...sets: readonly string[]): Config {
  const around = { environment: { GOENV: 'off' }, folder: '/', home: '/h', localNames: [] };
  // Without a chain the pools of the rows are one.
  const off = sets.some((set) => set.startsWith('upstreams=')) ? [] : ['upstream=off'];
  const loaded = loadConfig({ values: new Map(), sets: [...off, 'sumdb.database=off', ...sets] }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

const named = (...sets: readonly string[]): readonly string[] =>
  namedTargets(configured(...sets))
    .map(({ host, port }) => `${host}:${port}`)
    .filter((one) => one !== 'sum.golang.org:443');

describe('who is named in the configuration may be connected to', () => {
  test.each<[string, readonly string[]]>([
    ['upstream=https://a.test,http://b.test:8080/x|file:///srv,direct', ['a.test:443', 'b.test:8080']],
    ['sumdb.database=sum.golang.org http://sum.test:8000/x', ['sum.test:8000']],
    ['sumdb.relay=sum.golang.google.cn', ['sum.golang.google.cn:443']],
    ['credentials=url=https://git.test:8443/team,token=env:T', ['git.test:8443']],
    ['git.aliases=x.test/m=ssh://git@git.test/m', ['git.test:22']],
    ['git.rewrites=https://github.com/=git+ssh://git@git.test:2222/', ['git.test:2222']],
    [
      'private=git.corp.test/*,github.com/acme',
      ['git.corp.test:443', 'git.corp.test:22', 'github.com:443', 'github.com:22'],
    ],
    ['private=*.corp.test,corp*.test/x,[a].test,plain', []],
    ['upstreams=a=https://a.test;name=b,url=http://b.test:8080/x', ['a.test:443', 'b.test:8080']],
    ['peers=p=https://p.test:8443', ['p.test:8443']],
    ['routes=name=r,modules=x.test,upstream=https://r.test|direct', ['r.test:443']],
    ['git.insecure=lab.test/x', ['lab.test:443', 'lab.test:22', 'lab.test:80']],
  ])('%s', (set, expected) => expect(named(set)).toEqual(expected));

  test('by noProxy and noSumdb only where both name it', () => {
    expect(named('noProxy=a.test,b.test', 'noSumdb=b.test', 'egress.ports=443')).toEqual(['b.test:443']);
  });
});

describe('the guard', () => {
  const o = { signal: new AbortController().signal };

  test('lets nobody reach this machine who was not named, and says which key would', async () => {
    const guard = openGuard(configured('upstream=http://127.0.0.1:8081'));
    expect(await guard.resolve({ host: '127.0.0.1', port: 8081 }, o)).toEqual(['127.0.0.1']);
    for (const target of [
      { host: '127.0.0.1', port: 8082 },
      { host: '127.0.0.2', port: 8081 },
      { host: '169.254.169.254', port: 80 },
    ])
      await expect(guard.resolve(target, o)).rejects.toMatchObject({
        code: 'POLICY_DENIED',
        message: expect.stringContaining('egress.'),
      });
    const open = openGuard(configured('egress.allow=127.0.0.2:8081'));
    expect(await open.resolve({ host: '127.0.0.2', port: 8081 }, o)).toEqual(['127.0.0.2']);
  });

  test('is not made with an entry that is none', () => {
    expect(() => openGuard(configured('egress.allow=10.0.0.0/99'))).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        detail: expect.objectContaining({ key: 'egress.allow', reason: 'egress-unusable' }),
      }),
    );
  });
});
