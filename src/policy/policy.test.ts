import { describe, expect, test } from 'vitest';
import { parseProxyList } from '../gomod/goenv.ts';
import { parseModulePath } from '../gomod/module.ts';
import { createGate } from './gate.ts';
import { createPlanner, type RoutePlan } from './plan.ts';

function planOf(goproxy: string, module: string, noProxy?: string): string {
  const entries = parseProxyList(goproxy, noProxy);
  const planFor = createPlanner({
    entries,
    noProxy,
    nameOf: (entry) => (entry.kind === 'proxy' ? new URL(entry.url).hostname : 'direct'),
  });
  return planFor(parseModulePath(module))
    .steps.map((step) => step.source + step.separator)
    .join(' ');
}

describe('the plan of a module', () => {
  test.each([
    ['https://a.example|https://b.example,direct', 'x.example/m', undefined, 'a.example| b.example, direct,'],
    ['a.example,off,b.example', 'x.example/m', undefined, 'a.example, off,'],
    ['off', 'x.example/m', undefined, 'off,'],
    ['a.example,b.example', 'corp.example/m', 'corp.example', 'direct,'],
    ['a.example,b.example', 'corp.example/deep/m/v2', '*.example/deep', 'direct,'],
    ['off', 'corp.example/m', 'corp.example', 'direct,'],
    ['a.example,direct', 'x.example/m', 'corp.example', 'a.example, direct,'],
    ['direct', 'corp.example/m', 'corp.example', 'direct,'],
  ])('GOPROXY=%s for %s with GONOPROXY=%s asks %s', (goproxy, module, noProxy, expected) => {
    expect(planOf(goproxy, module, noProxy)).toBe(expected);
  });
});

describe('the gate', () => {
  const plan: RoutePlan = { scope: 'public', steps: [] };
  const gate = createGate(() => plan);

  test.each(['github.com', 'github.com/user', 'hub.jazz.net/git/user'])(
    '%s can be no module: not found, at once',
    (path) => {
      const decision = gate.decide(path as ReturnType<typeof parseModulePath>);
      expect(decision).toMatchObject({ allowed: false, error: { code: 'NOT_FOUND' } });
      expect(decision.allowed ? '' : decision.error.message).toContain(path);
    },
  );

  test('what may be a module gets its plan', () => {
    expect(gate.decide(parseModulePath('github.com/user/repo'))).toEqual({ allowed: true, plan });
  });
});
