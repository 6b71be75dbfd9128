import { beforeEach, describe, expect, test } from 'vitest';
import { createRig, idOf, infoOf, planOf, type Rig } from '../../tests/fakes/resolver-rig.ts';
import type { Version } from '../gomod/module.ts';
import type { Scope } from '../policy/plan.ts';
import { readWhole } from './read-whole.ts';
import type { Question, RunningResolver } from './resolver.ts';

const PATH = 'corp.example/lib';
const M = `${PATH}@v1.0.0`;
const { path } = idOf(M, 'info').module;
const signal = new AbortController().signal;

let rig: Rig;
beforeEach(() => {
  rig = createRig();
  // A public upstream that has something under a name of ours, and more of it.
  fill('A', 'public', ['v1.0.0', 'v1.9.0']);
  fill('B', 'private', ['v1.0.0']);
});

function fill(name: string, word: string, versions: readonly string[]): void {
  const source = rig.source(name);
  for (const version of versions) source.has(PATH, version, `the ${word} zip`);
  source.mods.set(M, `module ${PATH}\n// ${word}\n`);
  source.lists.set(PATH, versions);
  source.latests.set(PATH, infoOf(versions.at(-1) ?? ''));
  source.infos.set(`${PATH}@main`, infoOf(versions.at(-1) ?? ''));
}

const asked = (scope: Scope): Question => ({
  plan: planOf(scope === 'private' ? 'B' : 'A', scope),
  mayFetch: 'yes',
  signal,
});

/** Everything that can be asked about the module. */
async function everything(scope: Scope, resolver: RunningResolver = rig.resolver): Promise<readonly string[]> {
  const q = asked(scope);
  const mutable = [await resolver.list(path, q), await resolver.latest(path, q), await resolver.query(path, 'main', q)];
  const fixed = await Promise.all(
    (['info', 'mod', 'zip'] as const).map(async (kind) => await resolver.artifact(idOf(M, kind), q)),
  );
  const bodies = await Promise.all(fixed.map((one) => readWhole(one, q)));
  return [...mutable.map(({ bytes }) => bytes), ...bodies].map((bytes) => Buffer.from(bytes).toString());
}

const PRIVATE = [
  'v1.0.0\n',
  expect.stringContaining('"v1.0.0"'),
  expect.stringContaining('"v1.0.0"'),
  expect.stringContaining('"v1.0.0"'),
  expect.stringContaining('// private'),
  'the private zip',
];

describe('what is public never answers for what is private', () => {
  test('neither from memory nor from the store, whichever was asked first', async () => {
    await everything('public');
    expect(await everything('private')).toEqual(PRIVATE);
    expect(await everything('public')).not.toEqual(PRIVATE);
    expect(await everything('private')).toEqual(PRIVATE);
    expect(rig.source('B').count('zip')).toBe(1);
  });

  test('nor after a restart, from what was remembered', async () => {
    await everything('public');
    await rig.resolver.idle();
    const restarted = rig.restarted();
    for (const kind of ['list', 'latest', 'query'] as const) {
      const of = { kind, module: path, ...(kind === 'query' ? { query: 'main' } : {}) };
      expect(restarted.resolver.mutableInMemory(of, asked('private'))).toBeUndefined();
    }
    expect(await everything('private', restarted.resolver)).toEqual(PRIVATE);
  });

  test('nor when the repository is down: that is a failure', async () => {
    await everything('public');
    rig.source('B').fails = 'UPSTREAM_UNAVAILABLE';
    const q = asked('private');
    const questions = [
      rig.resolver.list(path, q),
      rig.resolver.latest(path, q),
      rig.resolver.query(path, 'main', q),
      ...(['info', 'mod', 'zip'] as const).map((kind) => rig.resolver.artifact(idOf(M, kind), q)),
    ];
    for (const question of questions) await expect(question).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  test('and a public absence is none here', async () => {
    rig.source('A').fails = 'NOT_FOUND';
    await expect(everything('public')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await everything('private')).toEqual(PRIVATE);
  });

  test('what is remembered of a private module lies with its scope', async () => {
    await everything('private');
    await rig.resolver.idle();
    const names = [...rig.registers.values.keys()];
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) expect(name).toMatch(/^scopes\/private\/mutable\/corp\.example\/lib\/@v\//);
    expect([...rig.artifacts.held.keys()].filter((key) => !key.startsWith('private '))).toEqual([]);
  });

  test('a version fetched in one scope is listed in that scope alone', async () => {
    const version = 'v1.9.0' as Version;
    await rig.resolver.artifact({ module: { path, version }, kind: 'zip' }, asked('public'));
    expect(Buffer.from((await rig.resolver.list(path, asked('private'))).bytes).toString()).toBe('v1.0.0\n');
  });
});
