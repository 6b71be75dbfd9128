import { describe, expect, test } from 'vitest';
import { parseProxyList } from '../gomod/goenv.ts';
import { parseModulePath } from '../gomod/module.ts';
import { createGate } from './gate.ts';
import { createPlanner, type RoutePlan, type Rung } from './plan.ts';
import { createPrivacy, type PrivacyRules } from './private.ts';

const privacyOf = (rules: Partial<PrivacyRules>) => createPrivacy({ private: '', noProxy: '', noSumdb: '', ...rules });

const RUNGS: readonly Rung[] = [
  { level: 2, source: 'peers' },
  { level: 3, source: 'bundle' },
  { level: 4, source: 'git' },
];

const plannerOf = (goproxy: string, rules: Partial<PrivacyRules>, alias?: string) =>
  createPlanner({
    entries: parseProxyList(goproxy),
    privacy: privacyOf(rules),
    repositories: 'git',
    isAliased: (path) => path === alias,
    nameOf: (entry) => (entry.kind === 'proxy' ? new URL(entry.url).hostname : 'git'),
    rungs: RUNGS,
  });

function planOf(goproxy: string, module: string, rules: Partial<PrivacyRules> = {}, alias?: string): string {
  const { scope, steps } = plannerOf(goproxy, rules, alias)(parseModulePath(module));
  return `${scope}: ${steps.map((step) => step.source + step.separator).join(' ')}`;
}

const CORP = 'corp.example/m';

describe('the plan of a module', () => {
  test.each<[string, string, Partial<PrivacyRules>, string]>([
    ['https://a.example|https://b.example,direct', 'x.example/m', {}, 'public: a.example| b.example, git,'],
    ['a.example,off,b.example', 'x.example/m', {}, 'public: a.example, off,'],
    ['off', 'x.example/m', {}, 'public: off,'],
    ['a.example,b.example', CORP, { noProxy: 'corp.example' }, 'public: git,'],
    ['a.example,b.example', 'corp.example/deep/m/v2', { noProxy: '*.example/deep' }, 'public: git,'],
    ['off', CORP, { noProxy: 'corp.example' }, 'public: git,'],
    ['a.example,direct', 'x.example/m', { noProxy: 'corp.example' }, 'public: a.example, git,'],
    ['direct', CORP, { noProxy: 'corp.example' }, 'public: git,'],
    ['a.example|direct', CORP, { noSumdb: 'corp.example' }, 'public: a.example| git,'],
    ['a.example|direct', CORP, { private: 'corp.example' }, 'private: git,'],
    ['off', CORP, { private: 'corp.example' }, 'private: git,'],
    ['a.example', CORP, { noProxy: 'corp.example', noSumdb: '*.example/m' }, 'private: git,'],
    ['a.example', 'other.example/m', { private: 'corp.example' }, 'public: a.example,'],
  ])('GOPROXY=%s for %s with %j is %s', (goproxy, module, rules, expected) => {
    expect(planOf(goproxy, module, rules)).toBe(expected);
  });

  test('an alias leads to the repository alone, and changes nothing about who is private', () => {
    expect(planOf('a.example', CORP, {}, CORP)).toBe('public: git,');
    expect(planOf('off', CORP, {}, CORP)).toBe('public: git,');
    expect(planOf('a.example', CORP, { private: 'corp.example' }, CORP)).toBe('private: git,');
    expect(planOf('a.example', 'x.example/m', {}, CORP)).toBe('public: a.example,');
  });

  test('of a private module has no step that a public answer could come from, whatever the list is', () => {
    const lists = ['a.example', 'a.example|b.example', 'a.example,direct', 'direct', 'off', 'file:///srv/x|a.example'];
    for (const list of lists)
      for (const module of ['corp.example/m', 'corp.example/m/v2', 'corp.example/a/b/c', 'corp.example'])
        expect(planOf(list, module, { private: 'corp.example' })).toBe('private: git,');
  });
});

describe('after its list a module', () => {
  test.each<[string, Partial<PrivacyRules>, string | undefined, readonly string[]]>([
    ['that is ordinary has all rungs', {}, undefined, ['peers', 'bundle', 'git']],
    ['that is private has bundles alone', { private: 'corp.example' }, undefined, ['bundle']],
    ['that no proxy may hear of has bundles alone', { noProxy: 'corp.example' }, undefined, ['bundle']],
    ['that has an alias has bundles alone', {}, CORP, ['bundle']],
  ])('%s', (_, rules, alias, expected) => {
    const { rungs } = plannerOf('a.example,direct', rules, alias)(parseModulePath(CORP));
    expect(rungs.map(({ source }) => source)).toEqual(expected);
  });
});

describe('privacy', () => {
  const privacy = privacyOf({
    private: 'git.corp.example/*',
    noProxy: 'p.example,b.example',
    noSumdb: 's.example,*.example/both',
  });

  test.each<[string, boolean, boolean, boolean]>([
    ['git.corp.example/x/y', true, false, false],
    ['git.corp.example', true, false, false],
    ['p.example/m', false, false, true],
    ['s.example/m', false, true, false],
    ['b.example/both/m', true, false, false],
    ['b.example/m', false, false, true],
    ['x.example/m', false, true, true],
    ['git.corp.example.evil.example/x', false, true, true],
    ['corp.example', false, true, true],
  ])('%s: private %s, proxies may hear it %s, databases %s', (path, isPrivate, proxy, database) => {
    const module = path as ReturnType<typeof parseModulePath>;
    expect([privacy.isPrivate(module), privacy.mayTellProxy(module), privacy.mayTellDatabase(module)]).toEqual([
      isPrivate,
      proxy,
      database,
    ]);
  });

  test.each([
    ['github.com/acme/*', 'github.com/ACME/secret'],
    ['github.com/Acme/*', 'github.com/acme/secret/v2'],
    ['git.corp.example/Team/*', 'git.corp.example/TEAM/x'],
  ])('%s is about %s too: hosts that ignore case give the same repository', (globs, path) => {
    for (const rules of [{ private: globs }, { noProxy: globs, noSumdb: globs }]) {
      const { isPrivate, mayTellProxy, mayTellDatabase } = privacyOf(rules);
      const module = parseModulePath(path);
      expect([isPrivate(module), mayTellProxy(module), mayTellDatabase(module)]).toEqual([true, false, false]);
    }
  });

  test.each([
    ['git.corp.example/team/*', 'git.corp.example', true],
    ['git.corp.example/team/*', 'git.corp.example/team', true],
    ['git.corp.example/team/*', 'git.corp.example/other', false],
    ['github.com/acme/mono/secret', 'github.com/acme/mono', true],
    ['github.com/acme/mono/secret', 'github.com/acme/mono/open', false],
    ['github.com/*/secret', 'github.com/anybody', true],
    ['github.com/*/secret', 'github.com/anybody/open', false],
    ['*/secret', 'go4.example', false],
    ['*.example/secret', 'go4.example', false],
    ['git.corp.example/[', 'git.corp.example', false],
  ])('%s makes %s, which the go command asks about on its way, private: %s', (globs, path, expected) => {
    expect(privacyOf({ private: globs }).isPrivate(parseModulePath(path))).toBe(expected);
  });

  test('says which globs make a module private', () => {
    const by = (path: string) => privacy.privateBy(parseModulePath(path));
    expect(by('git.corp.example/x')).toEqual({ key: 'private', pattern: 'git.corp.example/*' });
    expect(by('b.example/both')).toEqual({ key: 'noProxy, noSumdb', pattern: 'b.example, *.example/both' });
    expect(by('x.example/m')).toBeUndefined();
  });

  test('golang.org/toolchain is never private and always proven: no repository has it, and it is run', () => {
    const all = privacyOf({ private: '*,golang.org/toolchain', noSumdb: '*' });
    const toolchain = parseModulePath('golang.org/toolchain');
    expect([all.isPrivate(toolchain), all.mayTellProxy(toolchain), all.mayTellDatabase(toolchain)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('as lists: what is private is in both', () => {
    expect([privacy.noProxy, privacy.noSumdb]).toEqual([
      'git.corp.example/*,p.example,b.example',
      'git.corp.example/*,s.example,*.example/both',
    ]);
    expect(privacyOf({}).noProxy).toBe('');
  });
});

describe('the gate', () => {
  const plan: RoutePlan = { scope: 'public', route: 'default', steps: [], rungs: [] };
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
