/** How often an origin is asked while many clients are busy. */
import { describe, expect, test } from 'vitest';
import { parseModulePath } from '../../src/gomod/module.ts';
import { createRig, idOf, type Rig } from '../fakes/resolver-rig.ts';

const MODULES = ['x.test/a', 'x.test/b', 'x.test/c'];
const MINUTES = 60;

/** Twenty clients that ask for everything of every module, every ten seconds. */
async function anHourOf(rig: Rig): Promise<void> {
  for (let second = 0; second < MINUTES * 60; second += 10) {
    for (let client = 0; client < 20; client++) await Promise.all(MODULES.flatMap((module) => askAll(rig, module)));
    await rig.clock.advance(10_000);
  }
  await rig.resolver.idle();
}

function askAll(rig: Rig, module: string): readonly Promise<unknown>[] {
  const { resolver } = rig;
  const path = parseModulePath(module);
  return [
    ...(['info', 'mod', 'zip'] as const).map((kind) =>
      resolver.artifact(idOf(`${module}@v1.0.0`, kind), rig.question()),
    ),
    resolver.list(path, rig.question()),
    resolver.latest(path, rig.question()),
    resolver.query(path, 'main', rig.question()),
    resolver.artifact(idOf(`${module}@v9.0.0`, 'info'), rig.question()).catch(() => undefined),
  ];
}

describe('an hour of busy clients', () => {
  test('costs the origin one question for each artifact and one a minute for what can change (golang/go#44577)', {
    timeout: 60_000,
  }, async () => {
    const rig = createRig();
    const source = rig.source('A');
    for (const module of MODULES) {
      source.has(module, 'v1.0.0').lists.set(module, ['v1.0.0']);
      source.latests.set(module, { version: 'v1.0.0', time: '2026-01-01T00:00:00Z' } as never);
      source.infos.set(`${module}@main`, { version: 'v1.0.0', time: '2026-01-01T00:00:00Z' } as never);
    }
    await anHourOf(rig);
    const asked = new Map<string, number>();
    for (const question of source.asked) asked.set(question, (asked.get(question) ?? 0) + 1);
    const most = (start: RegExp): number => Math.max(...[...asked].flatMap(([one, n]) => (start.test(one) ? [n] : [])));
    expect(most(/^(mod|zip|query .*@v1)/)).toBe(1);
    expect(most(/^(list|latest|query .*@main)/)).toBeLessThanOrEqual(MINUTES + 1);
    // A version above all known ones may be a tag of this moment: every five seconds at most.
    expect(most(/^query .*@v9/)).toBeLessThanOrEqual((MINUTES * 60) / 5);
  });
});
