import { afterEach, describe, expect, test } from 'vitest';
import type { Level } from '../ladder/level.ts';
import { AppError } from '../std/errors.ts';
import { inMemory, mutable, type Served, serve } from './edge.fixture.ts';

let served: Served | undefined;
afterEach(() => served?.stop());

/** A server whose route stands at a level. */
async function standing(at: Level): Promise<Served> {
  return (served = await serve({ standing: { levelOf: () => at } }));
}

async function levelOf(path: string): Promise<string | null> {
  return (await fetch(`${served?.url}/${path}`)).headers.get('Larder-Level');
}

const MOD = 'example.com/m/@v/v1.0.0.mod';
const ZIP = 'example.com/m/@v/v1.0.0.zip';
const LIST = 'example.com/m/@v/list';

describe('Larder-Level', () => {
  test.each<[Level, string]>([
    [0, '0'],
    [1, '1'],
    [2, '1'],
    [3, '1'],
    [4, '1'],
    [5, '5'],
  ])('of what is here, while the route stands at %i, is %s', async (at, level) => {
    const { resolver } = await standing(at);
    resolver.artifacts.set(MOD, inMemory('module example.com/m\n'));
    resolver.mutables.set('example.com/m list', mutable('v1.0.0\n'));
    expect([await levelOf(MOD), await levelOf(LIST)]).toEqual([level, level]);
  });

  test.each<[Level, Level, string]>([
    [0, 0, '0'],
    [2, 0, '0'],
    [2, 2, '2'],
    [1, 3, '3'],
    [0, 4, '4'],
    [5, 3, '5'],
  ])('while the route stands at %i, of what was fetched at %i is %s', async (at, fetched, level) => {
    const { resolver } = await standing(at);
    resolver.artifacts.set(ZIP, { ...inMemory('zip'), result: 'miss', level: fetched });
    resolver.mutables.set('example.com/m list', mutable('v1.0.0\n', { result: 'miss', level: fetched }));
    expect([await levelOf(ZIP), await levelOf(LIST)]).toEqual([level, level]);
  });

  test('of a failure is that of the route, and so is the log', async () => {
    const s = await standing(2);
    s.resolver.before = () => Promise.reject(new AppError('UPSTREAM_UNAVAILABLE', 'all are out'));
    expect(await levelOf(MOD)).toBe('2');
    expect(await s.outcome(1)).toMatchObject({ level: 2, route: 'default', code: 'UPSTREAM_UNAVAILABLE' });
  });

  test('is told with every answer anew, though heads are remembered', async () => {
    let at: Level = 0;
    const s = (served = await serve({ standing: { levelOf: () => at } }));
    s.resolver.artifacts.set(MOD, inMemory('module example.com/m\n'));
    expect(await levelOf(MOD)).toBe('0');
    at = 3;
    expect(await levelOf(MOD)).toBe('1');
    expect((await s.outcome(2)).level).toBe(1);
  });

  test('is none of what is no answer about a module', async () => {
    await standing(2);
    expect([await levelOf('livez'), await levelOf('sumdb/x.example/latest'), await levelOf('')]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

describe('where requests take routes by headers', () => {
  const byHeader = () =>
    serve({
      gate: {
        varyBy: 'x-env',
        decide: (_, request) => ({
          allowed: true,
          plan: { scope: 'public', route: request?.header('x-env') ?? 'default', steps: [], rungs: [] },
        }),
      },
    });

  test('lists and failures vary by them, and what never changes does not', async () => {
    const s = (served = await byHeader());
    s.resolver.artifacts.set(MOD, inMemory('module example.com/m\n'));
    s.resolver.mutables.set('example.com/m list', mutable('v1.0.0\n'));
    const varies = async (path: string, headers = {}): Promise<string | null> =>
      (await fetch(`${s.url}/${path}`, { headers })).headers.get('Vary');
    expect([await varies(LIST), await varies(ZIP), await varies(MOD)]).toEqual(['x-env', 'x-env', null]);
    expect(await varies(ZIP, { 'Disable-Module-Fetch': 'true' })).toBe('Disable-Module-Fetch, x-env');
  });

  test('the route is in the log, and a header that is there twice chooses none', async () => {
    const s = (served = await byHeader());
    await fetch(`${s.url}/${LIST}`, { headers: { 'X-Env': 'prod' } });
    expect((await s.outcome(1)).route).toBe('prod');
    await s.raw(`GET /${LIST} HTTP/1.1\r\nHost: x\r\nx-env: prod\r\nX-ENV: prod\r\nConnection: close\r\n\r\n`);
    expect((await s.outcome(2)).route).toBe('default');
  });
});

test('without routes by headers nothing varies', async () => {
  const s = (served = await serve());
  s.resolver.mutables.set('example.com/m list', mutable('v1.0.0\n'));
  expect((await fetch(`${s.url}/${LIST}`)).headers.get('Vary')).toBeNull();
});
