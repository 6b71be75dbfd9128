import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../../tests/fakes/manual-clock.ts';
import { PlainPages, type WrittenPage } from '../../../tests/fakes/plain-pages.ts';
import { type Credentials, NO_CREDENTIALS } from '../../credentials/credentials.ts';
import { matchPrefixPatterns } from '../../gomod/goenv.ts';
import { parseGovcs } from '../../gomod/govcs.ts';
import { parseModulePath } from '../../gomod/module.ts';
import { AppError } from '../../std/errors.ts';
import type { ChecksClaims } from './claimed-repositories.ts';
import { Discovery, type DiscoveryRules } from './discovery.ts';
import { rewriteBy } from './rewrites.ts';

const o = { signal: new AbortController().signal };

interface Ground {
  readonly pages?: Readonly<Record<string, string | WrittenPage>>;
  readonly speaksTls?: boolean;
  readonly rules?: Partial<DiscoveryRules>;
  readonly credentials?: Partial<Credentials>;
  readonly clock?: ManualClock;
  /** What is at a URL: a repository, none, or a failure. */
  readonly ping?: (url: string) => boolean | AppError;
  readonly claims?: ChecksClaims;
  readonly rewrites?: readonly { readonly from: string; readonly to: string }[];
}

function ground({ pages = {}, speaksTls = true, rules, credentials, ping = () => false, ...more }: Ground = {}) {
  const written = Object.entries(pages).map(
    ([place, page]) => [place, typeof page === 'string' ? ([200, page] as const) : page] as const,
  );
  const web = new PlainPages(new Map(written), { speaksTls });
  const pinged: string[] = [];
  const discovery = new Discovery({
    pages: web,
    credentials: { ...NO_CREDENTIALS, ...credentials },
    rules: { govcs: [], aliases: [], isInsecure: () => false, isPrivate: () => false, ...rules },
    rewrite: rewriteBy(more.rewrites ?? []),
    clock: more.clock ?? new ManualClock(),
    ...(more.claims && { claims: more.claims }),
    async ping(url) {
      pinged.push(url);
      const answer = ping(url);
      if (answer instanceof AppError) throw answer;
      return answer;
    },
  });
  const find = (module: string) => discovery.find(parseModulePath(module), o);
  const plan = (module: string) => discovery.planOf(parseModulePath(module));
  return { find, plan, discovery, web, pinged };
}

function tag(content: string): string {
  return `<html><head><meta name="go-import" content="${content}"></head>`;
}

describe('without asking anyone', () => {
  test('a known host says where the repository is', async () => {
    const { find, web } = ground();
    expect(await find('github.com/u/r/sub/v2')).toEqual({
      kind: 'git',
      root: 'github.com/u/r',
      url: 'https://github.com/u/r',
      subdirectory: '',
      by: 'known-host',
    });
    expect(web.asked).toEqual([]);
  });

  test('a path that cannot be one on its host is refused', async () => {
    const { find, web } = ground();
    await expect(find('github.com/u')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(find('github.com/u/r.git')).rejects.toMatchObject({ message: expect.stringContaining('suffix') });
    expect(web.asked).toEqual([]);
  });

  test('the longest alias decides, before all else', async () => {
    const aliases = [
      { module: 'github.com/u', repository: 'https://a.test/u' },
      { module: 'github.com/u/r', repository: 'ssh://git@b.test/r.git', subdirectory: 'go/r' },
    ];
    const { find, plan, web } = ground({ rules: { aliases } });
    const root = { root: 'github.com/u/r', url: 'ssh://git@b.test/r.git', subdirectory: 'go/r', by: 'alias' };
    expect(await find('github.com/u/r/v2')).toEqual({ kind: 'git', ...root });
    expect(await find('github.com/u/rr')).toMatchObject({ root: 'github.com/u', by: 'alias' });
    expect(plan('github.com/u/r')).toMatchObject(root);
    expect(web.asked).toEqual([]);
  });

  test('GOVCS is decided for the repository, not for the module', async () => {
    const govcs = parseGovcs('github.com/u/r/sub:off,github.com/u:off');
    const { find } = ground({ rules: { govcs } });
    await expect(find('github.com/u/r/sub')).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      message: 'github.com/u/r/sub: GOVCS disallows using git for public github.com/u/r, by "github.com/u:off"',
    });
  });

  test('repositories of other systems are refused with what to do, where GOVCS allows them', async () => {
    const path = 'chiselapp.com/user/u/repository/r';
    await expect(ground().find(path)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    const { find } = ground({ rules: { isPrivate: () => true } });
    await expect(find(path)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('kept in fossil, and this server takes modules from git only'),
    });
  });
});

describe('a qualifier', () => {
  const knownHostsFile = '/etc/known';

  test('names a repository that the first protocol gives', async () => {
    const { find, pinged } = ground({
      ping: (url) => url.startsWith('ssh:'),
      credentials: { ssh: () => ({ knownHostsFile }) },
    });
    expect(await find('a.test/x.git/sub')).toEqual({
      kind: 'git',
      root: 'a.test/x.git',
      url: 'git+ssh://a.test/x',
      subdirectory: '',
      by: 'qualifier',
    });
    expect(pinged).toEqual(['https://a.test/x', 'ssh://a.test/x']);
  });

  test('is looked for over ssh only where that is set up, and over http only where that is allowed', async () => {
    const secure = ground();
    await expect(secure.find('a.test/x.git')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'a.test/x.git: no secure protocol found for repository',
    });
    expect(secure.pinged).toEqual(['https://a.test/x']);
    const open = ground({ rules: { isInsecure: () => true } });
    await expect(open.find('a.test/x.git')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(open.pinged).toEqual(['https://a.test/x', 'http://a.test/x']);
  });

  test('is not said to be missing while somebody does not let us in, or does not answer', async () => {
    const denied = new AppError('AUTH_REQUIRED', 'https://a.test: not let in');
    const down = new AppError('UPSTREAM_UNAVAILABLE', 'not reachable');
    const ssh = { credentials: { ssh: () => ({ knownHostsFile }) } };
    const one = ground({ ...ssh, ping: (url) => (url.startsWith('https') ? denied : down) });
    await expect(one.find('a.test/x.git')).rejects.toMatchObject({ code: 'AUTH_REQUIRED' });
    const other = ground({ ...ssh, ping: (url) => (url.startsWith('https') ? false : down) });
    await expect(other.find('a.test/x.git')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  test('is asked about once for all that is below it', async () => {
    const { find, pinged } = ground({ ping: () => true });
    await Promise.all([find('a.test/x.git'), find('a.test/x.git/y'), find('a.test/x.git/v2')]);
    expect(pinged).toEqual(['https://a.test/x']);
  });

  test('of what is not allowed, or is no git, is not asked about', async () => {
    const { find, pinged } = ground({ rules: { govcs: parseGovcs('a.test:off,b.test:all') } });
    await expect(find('a.test/x.git')).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    await expect(find('b.test/x.hg')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(find('b.test/x~y/c.test/z.git')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(pinged).toEqual([]);
  });

  test('follows GIT_ALLOW_PROTOCOL', async () => {
    const { find, pinged } = ground({ rules: { gitAllowProtocol: 'ssh' } });
    await expect(find('a.test/x.git')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(pinged).toEqual([]);
  });
});

describe('a go-import tag', () => {
  test('on the page of the module says where it is', async () => {
    const { find, web } = ground({ pages: { 'a.test/m': tag('a.test/m git https://git.test/m sub/../dir/') } });
    expect(await find('a.test/m')).toEqual({
      kind: 'git',
      root: 'a.test/m',
      url: 'https://git.test/m',
      subdirectory: 'dir',
      by: 'go-import',
    });
    expect(web.asked).toEqual(['https://a.test/m?go-get=1']);
  });

  test('for a prefix counts when the page of the prefix agrees', async () => {
    const claim = tag('a.test git https://git.test/m');
    const { find, web } = ground({ pages: { 'a.test/m': claim, 'a.test': claim } });
    expect(await find('a.test/m')).toMatchObject({ root: 'a.test' });
    expect(web.asked).toEqual(['https://a.test/m?go-get=1', 'https://a.test/?go-get=1']);
  });

  test.each([
    ['says another repository', tag('a.test git https://git.test/other')],
    ['says another subdirectory', tag('a.test git https://evil.test/m sub')],
    ['speaks of something else', tag('a.test/other git https://evil.test/m')],
    ['says nothing', '<html>'],
    ['is not there', [404, 'not here'] as const],
  ])('for a prefix does not count when the page of the prefix %s', async (_, page) => {
    const { find } = ground({ pages: { 'a.test/bob': tag('a.test git https://evil.test/m'), 'a.test': page } });
    await expect(find('a.test/bob')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('may end its prefix with a slash', async () => {
    const claim = tag('a.test/ git https://git.test/m');
    const { find } = ground({ pages: { 'a.test/m': claim, 'a.test': claim } });
    expect(await find('a.test/m')).toMatchObject({ root: 'a.test' });
  });

  test('of kind mod names a module proxy, whatever GOVCS says', async () => {
    const pages = { 'a.test/m': tag('a.test/m git https://git.test/m') + tag('a.test/m mod https://proxy.test/p') };
    const both = { 'a.test/m': pages['a.test/m'].replace('</head>', '') };
    const { find } = ground({ pages: both, rules: { govcs: parseGovcs('*:off') } });
    const proxy = { kind: 'proxy', root: 'a.test/m', url: 'https://proxy.test/p', by: 'go-import', isAnonymous: true };
    expect(await find('a.test/m')).toEqual(proxy);
  });

  test('in an error page counts', async () => {
    const { find } = ground({ pages: { 'a.test/m': [404, tag('a.test/m git https://git.test/m')] } });
    expect(await find('a.test/m')).toMatchObject({ url: 'https://git.test/m' });
  });

  test.each([
    ['hg https://git.test/m', 'NOT_FOUND'],
    ['svn https://git.test/m', 'POLICY_DENIED'],
    ['darcs https://git.test/m', 'NOT_FOUND'],
    ['git file:///srv/m', 'NOT_FOUND'],
    ['git git@git.test:m', 'NOT_FOUND'],
    ['git ext::sh', 'NOT_FOUND'],
    ['git ssh://-oProxyCommand=x/m', 'NOT_FOUND'],
    ['git ssh://-x@git.test/m', 'NOT_FOUND'],
    ['git ssh://git.test$(id)/m', 'NOT_FOUND'],
    ['git https://git.test\\@evil.test/m', 'NOT_FOUND'],
    ['git https://git.test/m?x', 'NOT_FOUND'],
    ['git https:///m', 'NOT_FOUND'],
    ['git ftp://git.test/m', 'NOT_FOUND'],
    ['mod ssh://git.test/m', 'NOT_FOUND'],
    ['git https://git.test/m ../up', 'NOT_FOUND'],
    ['git https://git.test/m /abs', 'NOT_FOUND'],
    ['git https://git.test/m -x', 'NOT_FOUND'],
    ['git http://git.test/m', 'POLICY_DENIED'],
    ['git git://git.test/m', 'POLICY_DENIED'],
    ['mod http://git.test/m', 'POLICY_DENIED'],
  ])('that says %s is refused: %s', async (claim, code) => {
    const { find } = ground({ pages: { 'a.test/m': tag(`a.test/m ${claim}`) } });
    await expect(find('a.test/m')).rejects.toMatchObject({ code });
  });

  test.each(['http://git.test/m', 'git://git.test/m', 'git+ssh://git@git.test:2222/m', 'https://[::1]/m'])(
    'may name %s where unprotected protocols are allowed',
    async (url) => {
      const pages = { 'a.test/m': tag(`a.test/m git ${url}`) };
      expect(await ground({ pages, rules: { isInsecure: () => true } }).find('a.test/m')).toMatchObject({ url });
    },
  );

  test('leaves no secret of its URL behind', async () => {
    const pages = {
      'a.test/m': tag('a.test/m git https://user:hunter2@git.test/m'),
      'a.test/s': tag('a.test/s git ssh://git:hunter2@git.test/s'),
      'a.test/f': tag('a.test/f git ftp://git:hunter2@git.test/s'),
    };
    const { find } = ground({ pages });
    expect(await find('a.test/m')).toMatchObject({ url: 'https://git.test/m' });
    expect(await find('a.test/s')).toMatchObject({ url: 'ssh://git@git.test/s' });
    await expect(find('a.test/f')).rejects.toMatchObject({ message: expect.not.stringContaining('hunter2') });
  });

  test('is quoted in messages', async () => {
    const pages = { 'a.test/m': tag('a.test/\u202eevil\u0085 git https://git.test/m') };
    await expect(ground({ pages }).find('a.test/m')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/^[\x20-\x7e]+did not match import path[\x20-\x7e]*$/),
    });
  });
});

describe('a host without an address', () => {
  const noSuchHost = (host: string) =>
    new AppError('UPSTREAM_UNAVAILABLE', `connect to ${host}:443: no such host`, { detail: { noSuchHost: host } });

  test('has no public module; of a private one that is not certain', async () => {
    const isPrivate = (path: string): boolean => path.startsWith('corp.test');
    const { find, web } = ground({ rules: { isPrivate } });
    web.page = ({ hostname }) => Promise.reject(noSuchHost(hostname));
    await expect(find('gone.test/m')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'gone.test/m: unrecognized import path: connect to gone.test:443: no such host',
    });
    await expect(find('corp.test/m')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  test('says nothing about a module of another host, which sent us there or stands before it', async () => {
    const { find, web } = ground();
    web.page = () => Promise.reject(noSuchHost('elsewhere.test'));
    await expect(find('a.test/m')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });
});

describe('a private repository', () => {
  const isPrivate = (path: string): boolean => matchPrefixPatterns('git.corp.test/team,corp.test', path);
  const claims = [
    'https://git.corp.test/team/secret',
    'https://git.corp.test/team/secret.git',
    'https://GIT.corp.test./team/secret',
    'https://git.corp.test/TEAM/secret',
    'https://git.corp.test//team/secret',
    'https://git.corp.test/%74eam/secret',
    'https://git.corp.test/x/%2e%2e/team/secret',
    'https://git.corp.test:8443/team/secret',
    'ssh://git@git.corp.test/team/secret',
    'git+ssh://git@GIT.corp.test/team.git',
  ];

  test.each(claims)('is not given away by a page of anybody that names %s', async (url) => {
    const pages = { 'evil.test/m': tag(`evil.test/m git ${url}`), 'corp.test/m': tag(`corp.test/m git ${url}`) };
    const denied = { code: 'POLICY_DENIED', message: expect.stringContaining('is private and the module is not') };
    await expect(ground({ pages, rules: { isPrivate } }).find('evil.test/m')).rejects.toMatchObject(denied);
    // The page of a private module may, and without the rule the attack works.
    expect(await ground({ pages, rules: { isPrivate } }).find('corp.test/m')).toMatchObject({ url });
    expect(await ground({ pages }).find('evil.test/m')).toMatchObject({ url });
  });

  test('is not given away as a module proxy, nor by another spelling of its path', async () => {
    const pages = { 'evil.test/m': tag('evil.test/m mod https://git.corp.test/team/proxy') };
    const { find } = ground({ pages, rules: { isPrivate }, ping: () => true });
    await expect(find('evil.test/m')).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    await expect(find('git.corp.test/team.git')).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(await find('git.corp.test/other.git')).toMatchObject({ by: 'qualifier' });
  });

  test('is given under the name that an alias says', async () => {
    const aliases = [{ module: 'open.test/m', repository: 'https://git.corp.test/team/m' }];
    const { find } = ground({ rules: { isPrivate, aliases } });
    expect(await find('open.test/m')).toMatchObject({ by: 'alias' });
  });
});

describe('what find() goes by', () => {
  test('is said without asking anyone', () => {
    const { plan, web, pinged } = ground({ rewrites: [{ from: 'https://github.com/u/', to: 'ssh://git@b.test/u' }] });
    expect(plan('github.com/u/r/x')).toMatchObject({
      by: 'known-host',
      url: 'https://github.com/u/r',
      rewrittenTo: 'ssh://git@b.test/u/r',
    });
    expect(plan('github.com/v/r')).not.toHaveProperty('rewrittenTo');
    expect(plan('a.test/x.git/y')).toEqual({ by: 'qualifier', root: 'a.test/x.git', url: 'https://a.test/x' });
    expect(plan('a.test/x')).toEqual({ by: 'go-import', pageUrl: 'https://a.test/x?go-get=1' });
    expect(() => plan('github.com/u')).toThrow(AppError);
    expect([...web.asked, ...pinged]).toEqual([]);
  });
});

describe('a claim of a page', () => {
  const pages = {
    'a.test/own': tag('a.test/own git https://A.test:8443/r'),
    'a.test/other': tag('a.test/other git https://b.test/r'),
    'a.test/mod': tag('a.test/mod mod https://b.test/p'),
  };
  const refusing = (checked: string[]) => ({
    check: async ({ url }: { url: string }) => {
      checked.push(url);
      if (url.endsWith('/r')) throw new AppError('POLICY_DENIED', 'no');
    },
  });

  test('about another host is checked for public modules, and nothing secret goes to the module proxy that it names', async () => {
    const checked: string[] = [];
    const { find } = ground({ pages, claims: refusing(checked) });
    expect(await find('a.test/own')).toMatchObject({ url: 'https://A.test:8443/r' });
    await expect(find('a.test/other')).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(await find('a.test/mod')).toMatchObject({ kind: 'proxy', isAnonymous: true });
    expect(checked).toEqual(['https://b.test/r', 'https://b.test/p']);
  });

  test('is the word of their own host for private ones', async () => {
    const checked: string[] = [];
    const { find } = ground({ pages, claims: refusing(checked), rules: { isPrivate: () => true } });
    expect(await find('a.test/other')).toMatchObject({ url: 'https://b.test/r' });
    expect(await find('a.test/mod')).not.toHaveProperty('isAnonymous');
    expect(checked).toEqual([]);
  });
});
