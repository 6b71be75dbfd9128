import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Loaded, loadConfig } from './load.ts';
import type { ConfigProblem } from './problem.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-rows-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function load(file: string, sets: readonly string[] = [], environment: Record<string, string> = {}): Loaded {
  writeFileSync(join(folder, 'larder.yaml'), file);
  return loadConfig(
    { values: new Map(), sets },
    { environment: { GOENV: 'off', ...environment }, folder, home: '/home/u', localNames: [] },
  );
}

function good(file: string, sets?: readonly string[]): Extract<Loaded, { ok: true }> {
  const loaded = load(file, sets);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
}

function problems(file: string, sets?: readonly string[]): readonly ConfigProblem[] {
  const loaded = load(file, sets);
  return loaded.ok ? [] : loaded.problems;
}

const CREDENTIALS = `credentials:
  - url: https://git.corp.example/team
    token: file:secrets/token
    form: gitlab
  - {url: "https://hub.corp.example", username: larder, password: hunter2}
  - url: ssh://git.corp.example
    sshKey: ~/.ssh/id
    knownHosts: known
  - url: https://helped.example
    helper: [git-credential-corp, --token=hunter3, --secret, hunter4]
`;

describe('rows', () => {
  test('are read from the file, with paths that start where the file is', () => {
    expect(good(CREDENTIALS).config.credentials).toEqual([
      { url: 'https://git.corp.example/team', token: `file:${folder}/secrets/token`, form: 'gitlab' },
      { url: 'https://hub.corp.example', username: 'larder', password: 'hunter2' },
      { url: 'ssh://git.corp.example', sshKey: '/home/u/.ssh/id', knownHosts: `${folder}/known` },
      { url: 'https://helped.example', helper: ['git-credential-corp', '--token=hunter3', '--secret', 'hunter4'] },
    ]);
  });

  test('show no secret when they are printed, only where it is', () => {
    const { effective } = good(CREDENTIALS);
    const shown = effective.find(({ key }) => key === 'credentials');
    expect(shown).toMatchObject({
      isRedacted: true,
      value: [
        { token: `file:${folder}/secrets/token` },
        { username: 'larder', password: '***' },
        {},
        { helper: ['git-credential-corp', '--token=***', '--secret', '***'] },
      ],
    });
    expect(JSON.stringify(effective)).not.toMatch(/hunter/);
    const kept = good('credentials: [{url: "https://a.example", token: "env:T"}]\n').effective;
    expect(kept.find(({ key }) => key === 'credentials')).not.toHaveProperty('isRedacted');
  });

  test('stand in one line in variables and in --set', () => {
    const { config } = good('', [
      'credentials=url=https://a.example,token=env:A; url=https://b.example,command=/bin/t -q',
      'git.aliases=corp.example/lib=https://git.example/lib;module=corp.example/x,repository=ssh://git@git.example/x,subdirectory=go',
      'git.rewrites=https://github.com/=ssh://git@github.com/',
    ]);
    expect(config.credentials).toEqual([
      { url: 'https://a.example', token: 'env:A' },
      { url: 'https://b.example', command: ['/bin/t', '-q'] },
    ]);
    expect(config.git.aliases).toEqual([
      { module: 'corp.example/lib', repository: 'https://git.example/lib' },
      { module: 'corp.example/x', repository: 'ssh://git@git.example/x', subdirectory: 'go' },
    ]);
    expect(config.git.rewrites).toEqual([{ from: 'https://github.com/', to: 'ssh://git@github.com/' }]);
    const one = load('', [], { LARDER_GIT_ALIASES: 'corp.example/lib=https://git.example/lib' });
    expect(one.ok && one.config.git.aliases).toHaveLength(1);
  });

  test('one row is a list of one, none is an empty list', () => {
    expect(
      good('git:\n  rewrites: {from: "https://a.example", to: "https://b.example"}\n').config.git.rewrites,
    ).toEqual([{ from: 'https://a.example', to: 'https://b.example' }]);
    expect(good('credentials: []\n').config.credentials).toEqual([]);
  });

  test('the user that ssh logs in as is shown, a password never', () => {
    const { effective } = good('', ['git.rewrites=https://github.com/=ssh://git@github.com/']);
    expect(effective.find(({ key }) => key === 'git.rewrites')).toMatchObject({
      value: [{ to: 'ssh://git@github.com/' }],
    });
    expect(JSON.stringify(problems('', ['git.rewrites=https://a.example=ssh://git:hunter2@a.example']))).not.toContain(
      'hunter2',
    );
  });
});

describe('a wrong row is told with its line, its number and its member', () => {
  test.each<[string, string, object]>([
    [
      'a misspelt member',
      '  - url: https://a.example\n    tokne: x\n',
      { kind: 'unknown-member', row: 1, member: 'tokne', nearest: 'token' },
    ],
    [
      'an unknown member',
      '  - url: https://a.example\n    frobnicate: x\n',
      { kind: 'unknown-member', member: 'frobnicate' },
    ],
    ['a missing member', '  - token: x\n', { kind: 'missing-member', row: 1, member: 'url' }],
    ['no map', '  - https://a.example\n', { kind: 'not-a-row', row: 1 }],
    [
      'a number',
      '  - url: https://a.example\n    token: 12345\n',
      { kind: 'bad-member', member: 'token', shown: '***' },
    ],
    [
      'an unknown choice',
      '  - url: https://a.example\n    form: cookie\n',
      {
        kind: 'bad-member',
        member: 'form',
        shown: 'cookie',
        choices: ['basic', 'bearer', 'github', 'gitlab', 'gitea'],
      },
    ],
    ['an empty text', '  - url: ""\n', { kind: 'bad-member', member: 'url' }],
    ['a list in a member', '  - url: [https://a.example]\n', { kind: 'bad-member', member: 'url' }],
    ['a map in a member', '  - url: {a: b}\n', { kind: 'bad-member', member: 'url' }],
  ])('%s', (_what, text, expected) => {
    const good = '  - {url: "https://ok.example", token: "env:T"}\n';
    const [first, ...rest] = problems(`credentials:\n${text}`);
    expect([first, rest]).toEqual([
      expect.objectContaining({ key: 'credentials', origin: 'file larder.yaml:2', ...expected }),
      [],
    ]);
    expect(problems(`credentials:\n${good}${text}`)).toMatchObject([{ origin: 'file larder.yaml:3', row: 2 }]);
  });

  test.each([
    ['module=github.com', 'repository=https://a.example/x', 'module'],
    ['module=corp.example/x', 'repository=git@a.example:x', 'repository'],
    ['module=corp.example/x', 'repository=file:///x', 'repository'],
    ['module=corp.example/x', 'repository=https://user:hunter2@a.example/x', 'repository'],
    ['module=corp.example/x', 'repository=https://token@a.example/x', 'repository'],
    ['module=corp.example/x', 'repository=https://a.example/x?token=hunter2', 'repository'],
    ['module=corp.example/x', 'repository=https://a.example/x,subdirectory=../y', 'subdirectory'],
    ['module=corp.example/x', 'repository=https://a.example/x,subdirectory=/y', 'subdirectory'],
    ['module=corp.example/x', 'repository=https://a.example/x,subdirectory=-y', 'subdirectory'],
  ])('%s,%s', (module, rest, member) => {
    const found = problems('', [`git.aliases=${module},${rest}`]);
    expect(JSON.stringify(found)).not.toContain('hunter2');
    if (module === 'module=github.com') return expect(found).toEqual([]);
    expect(found).toMatchObject([{ kind: 'bad-member', key: 'git.aliases', origin: 'flag --set git.aliases', member }]);
  });

  test.each(['x', 'a.example', '=x'])('%s is no row at all', (text) => {
    expect(problems('', [`git.aliases=${text}`])).toMatchObject([
      { kind: 'bad-value', key: 'git.aliases', shown: text },
    ]);
    expect(problems(`git:\n  aliases: ${JSON.stringify(text)}\n`)).toMatchObject([{ kind: 'bad-value', shown: text }]);
  });

  test('no text of credentials is shown, whatever its form', () => {
    for (const text of ['hunter2', 'token=hunter2', 'url=https://a.example,tokne=hunter2', 'url=a,hunter2'])
      expect(JSON.stringify(problems('', [`credentials=${text}`]))).not.toContain('hunter2');
  });

  test.each([
    '  - <<: {url: x}\n',
    '  - &x {url: x}\n',
    '  - *x\n',
    '  - !mine {url: x}\n',
    '  - {url: &x x}\n',
    '  - {__proto__: x}\n',
    '  - {url: !!str x}\n',
    '  - {url: x, url: y}\n',
  ])('form of %j', (text) => {
    expect(problems(`credentials:\n${text}`)).not.toEqual([]);
    expect(({} as Record<string, unknown>)['url']).toBeUndefined();
  });
});

describe('lists of hosts and ports', () => {
  test('are read from the file and from one line', () => {
    expect(good('egress: {allow: git.corp.example, ports: 8443}\n').config.egress).toEqual({
      allow: ['git.corp.example'],
      ports: [8443],
    });
    expect(good('', ['egress.allow=a.example, 10.0.0.0/8', 'egress.ports=443,8443']).config.egress).toEqual({
      allow: ['a.example', '10.0.0.0/8'],
      ports: [443, 8443],
    });
    expect(good('').config.egress).toEqual({ allow: [], ports: [443, 22] });
  });

  test.each(['egress.ports=0', 'egress.ports=65536', 'egress.ports=https', 'egress.ports=', 'egress.allow=a b'])(
    '%s is refused',
    (set) => expect(problems('', [set])).toMatchObject([{ kind: 'bad-value' }]),
  );
});
