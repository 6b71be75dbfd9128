import { renameSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CredentialGround } from '../../tests/fakes/credential-ground.ts';
import type { ConfiguredCredentials } from './configured.ts';
import type { CredentialRow } from './rows.ts';

const o = { signal: new AbortController().signal };
let ground: CredentialGround;
beforeAll(() => void (ground = new CredentialGround()));
afterAll(() => ground.remove());

/** What is sent to `url`: the user and password of Basic, or the header. */
async function sentTo(url: string, credentials: ConfiguredCredentials): Promise<string | undefined> {
  const credential = await credentials.http(new URL(url), o);
  const { authorization = '' } = credential?.headers ?? {};
  if (credential === undefined) return undefined;
  return authorization.startsWith('Basic ') ? atob(authorization.slice('Basic '.length)) : authorization;
}

describe('a row is for its own origin, at its path and below', () => {
  const row = (url: string, token: string): CredentialRow => ({ url, token, form: 'bearer' });
  const rows = [
    row('https://git.test', 'origin'),
    row('https://git.test/team', 'team'),
    row('https://git.test/team', 'later'),
    row('https://git.test/team/inner', 'inner'),
    row('https://other.test:8443/a', 'port'),
    row('http://plain.test', 'plain'),
    row('ssh://key.test', 'x'),
  ].map(
    ({ url, token, form }): CredentialRow =>
      url.startsWith('ssh:') ? { url, knownHosts: '/k' } : { url, token, form },
  );

  test.each([
    ['https://git.test/', 'origin'],
    ['https://GIT.test:443/x?y', 'origin'],
    ['https://u:p@git.test/x', 'origin'],
    ['https://git.test/team', 'team'],
    ['https://git.test/team/', 'team'],
    ['https://git.test/team.git/info/refs', 'team'],
    ['https://git.test/team/repo.git', 'team'],
    ['https://git.test/team/inner/x', 'inner'],
    ['https://git.test/team/inner/../x', 'team'],
    ['https://git.test/teams', 'origin'],
    ['https://git.test/Team/x', 'origin'],
    ['https://git.test/team/x%2f..%2f..%2fother', 'origin'],
    ['https://git.test/team/x%5C..%5Cother', 'origin'],
    ['https://other.test:8443/a/b', 'port'],
    ['https://other.test:8443/b', undefined],
    ['https://other.test/a/b', undefined],
    ['https://git.test:444/team', undefined],
    ['https://sub.git.test/team', undefined],
    ['https://git.test.evil.test/team', undefined],
    ['http://git.test/team', undefined],
    ['http://plain.test/x', 'plain'],
    ['https://plain.test/x', undefined],
    ['ssh://git.test/team', undefined],
    ['https://key.test/', undefined],
  ])('%s: %s', async (url, token) => {
    expect(await sentTo(url, ground.open({ rows }))).toBe(token && `Bearer ${token}`);
  });

  test('and says where it may be sent', async () => {
    const credentials = ground.open({ rows });
    expect(await credentials.http(new URL('https://git.test/team.git/info/refs'), o)).toMatchObject({
      origin: 'https://git.test',
      pathPrefix: '/team.git',
    });
  });

  test('until other rows take its place; bad ones do not', async () => {
    const credentials = ground.open({ rows });
    await expect(credentials.replaceRows([{ url: 'https://git.test', token: '' }])).rejects.toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: 'use row 1 of credentials: token must be one line and not empty',
      }),
    );
    await expect(credentials.replaceRows([row('https://git.test', 'file:/not/there')])).rejects.toThrow(
      'use the credentials for https://git.test: read /not/there',
    );
    expect(await sentTo('https://git.test/', credentials)).toBe('Bearer origin');
    await credentials.replaceRows([row('https://git.test', 'new')]);
    expect(await sentTo('https://git.test/team', credentials)).toBe('Bearer new');
  });
});

describe('a token goes in the form of its host', () => {
  test.each<readonly [string, CredentialRow]>([
    ['x-access-token:t0', { url: 'https://github.com/acme', token: 't0' }],
    ['oauth2:t0', { url: 'https://gitlab.com', token: 't0' }],
    ['x-access-token:t0', { url: 'https://gitea.com', token: 't0' }],
    ['git:t0', { url: 'https://git.test', token: 't0' }],
    ['oauth2:t0', { url: 'https://git.test', token: 't0', form: 'gitlab' }],
    ['deploy:t0', { url: 'https://gitlab.com', token: 't0', username: 'deploy' }],
    ['Bearer t0', { url: 'https://github.com', token: 't0', form: 'bearer' }],
    ['u:p:q ä', { url: 'https://git.test', username: 'u', password: 'p:q ä' }],
  ])('%s for %j', async (sent, row) => {
    const got = await sentTo(row.url, ground.open({ rows: [row] }));
    expect(got && Buffer.from(got, 'latin1').toString()).toBe(sent);
  });
});

describe('a secret', () => {
  const url = 'https://git.test';

  test('is taken from a variable', async () => {
    const rows = [{ url, token: 'env:TOKEN' }];
    expect(await sentTo(url, ground.open({ rows, environment: { TOKEN: 'secret' } }))).toBe('git:secret');
    await expect(sentTo(url, ground.open({ rows }))).rejects.toThrow(
      'use the credentials for https://git.test: read the secret of env:TOKEN: it is empty or not set',
    );
  });

  test('is read again when its file changes, also for one of the same size or by another file', async () => {
    const path = ground.file('token', 'first1\n');
    const credentials = ground.open({ rows: [{ url, token: `file:${path}` }] });
    expect(await sentTo(url, credentials)).toBe('git:first1');
    ground.file('token', 'second');
    expect(await sentTo(url, credentials)).toBe('git:second');
    renameSync(ground.file('token.new', 'third3\r\n'), path);
    expect(await sentTo(url, credentials)).toBe('git:third3');
    rmSync(path);
    await expect(sentTo(url, credentials)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(path),
    });
  });

  test.each([['two\nlines'], ['a\r\nX-Evil: 1'], ['nul\0'], [''], ['x'.repeat(2 << 20)]])(
    'that no header can hold is refused unseen: %#',
    async (text) => {
      const path = ground.file('bad', text);
      const failure = await sentTo(url, ground.open({ rows: [{ url, token: `file:${path}` }] })).catch(
        (e: unknown) => e,
      );
      expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(path) });
      expect((failure as Error).message).not.toMatch(/lines|Evil|nul|xxx/);
    },
  );

  test('is looked for before the start, and nothing is run', async () => {
    const path = ground.program('never', 'exit 1');
    const key = ground.file('key', 'k');
    const rows: readonly CredentialRow[] = [
      { url, token: 'env:NOT_SET' },
      { url, token: 'file:/not/there' },
      { url, netrc: ground.folder },
      { url, helper: [path] },
      { url, command: [path] },
      { url: 'ssh://git.test', sshKey: key, knownHosts: '/not/known' },
      { url: 'ssh://git.test', sshKey: key },
      { url, token: 'good' },
    ];
    const environment = { NETRC: ground.folder, GOAUTH: `netrc;${path}` };
    const found = await ground.open({ rows, environment }).check();
    expect(found.map(({ message }) => message)).toEqual([
      expect.stringContaining('env:NOT_SET'),
      expect.stringContaining('read /not/there: '),
      expect.stringContaining(`read ${ground.folder}: not a plain file`),
      expect.stringContaining('read /not/known: '),
      expect.stringContaining('chmod 600'),
      `read ${ground.folder}: not a plain file`,
    ]);
    expect(ground.starts('never')).toEqual([]);
  });
});

describe('netrc', () => {
  const text = 'machine git.test login u password p\nmachine git.test:8443 login v password q\n';

  test('of a row is for the place of the row', async () => {
    const credentials = ground.open({ rows: [{ url: 'https://git.test/a', netrc: ground.file('netrc', text) }] });
    expect(await sentTo('https://git.test/a/b', credentials)).toBe('u:p');
    expect(await sentTo('https://git.test/b', credentials)).toBeUndefined();
    expect(await sentTo('https://git.test:8443/a', credentials)).toBeUndefined();
  });

  test('of the environment is for its hosts over https, after the rows, unless GOAUTH says otherwise', async () => {
    const NETRC = ground.file('netrc', text);
    const rows = [{ url: 'https://git.test/a', token: 't' }];
    const credentials = ground.open({ rows, environment: { NETRC } });
    expect(await sentTo('https://git.test/a', credentials)).toBe('git:t');
    expect(await sentTo('https://git.test/b', credentials)).toBe('u:p');
    expect(await sentTo('https://git.test:8443/b', credentials)).toBe('v:q');
    expect(await sentTo('http://git.test/b', credentials)).toBeUndefined();
    expect(await sentTo('https://x.git.test/b', credentials)).toBeUndefined();
    expect(await sentTo('https://git.test/b', ground.open({ environment: { NETRC, GOAUTH: 'off' } }))).toBeUndefined();
  });

  test('may appear in the home folder while we run', async () => {
    const credentials = ground.open();
    expect(await sentTo('https://git.test/b', credentials)).toBeUndefined();
    ground.file('.netrc', text);
    expect(await sentTo('https://git.test/b', credentials)).toBe('u:p');
    rmSync(ground.file('.netrc', ''));
  });

  test('that cannot be read is told once, and requests go on without it', async () => {
    const credentials = ground.open({ environment: { NETRC: ground.folder } });
    for (let i = 0; i < 3; i++) expect(await sentTo('https://git.test/b', credentials)).toBeUndefined();
    expect(ground.troubles.splice(0)).toEqual([`read ${ground.folder}: not a plain file`]);
  });
});

describe('ssh', () => {
  const rows: readonly CredentialRow[] = [
    { url: 'ssh://git.test', knownHosts: '/known' },
    { url: 'ssh://git.test/team', sshKey: '/key', username: 'deploy' },
    { url: 'ssh://git.test:2222', sshKey: '/other', knownHosts: '/others' },
    { url: 'https://git.test', token: 'canary-token' },
  ];
  test.each([
    ['ssh://git@git.test/team/repo', { user: 'deploy', keyFile: '/key', knownHostsFile: '/known' }],
    ['ssh://GIT.test:22/team/repo', { user: 'deploy', keyFile: '/key', knownHostsFile: '/known' }],
    ['ssh://git.test/other', { knownHostsFile: '/known' }],
    ['ssh://git.test:2222/team', { keyFile: '/other', knownHostsFile: '/others' }],
    ['ssh://else.test/team', {}],
    ['https://git.test/team', {}],
  ])('%s', (url, identity) => expect(ground.open({ rows }).ssh(new URL(url))).toEqual(identity));
});

describe('advice', () => {
  const rows: readonly CredentialRow[] = [
    { url: 'https://git.test/team', token: 'env:CORP_TOKEN' },
    { url: 'https://h.test', helper: ['git', 'credential-store'] },
    { url: 'ssh://git.test/team', sshKey: '/key', knownHosts: '/known' },
    { url: 'ssh://key.test', sshKey: '/key' },
    { url: 'ssh://known.test', knownHosts: '/known' },
  ];
  test.each([
    [
      'https://none.test:8443/a/b?go-get=1',
      'set credentials: [{url: https://none.test:8443, token: env:NAME}] in the configuration, or put "machine none.test:8443 login ... password ..." into the netrc file',
    ],
    [
      'https://git.test/team/x',
      'the credentials for https://git.test/team (the token of env:CORP_TOKEN) are not accepted: make them valid, or set others in credentials',
    ],
    [
      'https://h.test/x',
      'the credentials for https://h.test (the helper git) are not accepted: make them valid, or set others in credentials',
    ],
    ['http://git.test/team', 'nothing secret is sent to http://git.test, which does not encrypt: use https'],
    [
      'ssh://none.test/x',
      'set credentials: [{url: ssh://none.test, sshKey: /path/to/key, knownHosts: /path/to/known_hosts}] in the configuration',
    ],
    ['ssh://git@git.test/team/x', 'let its key in, or set another sshKey in the credentials for ssh://git.test'],
    ['ssh://key.test/x', 'add knownHosts: /path/to/known_hosts to the credentials for ssh://key.test'],
    ['ssh://known.test/x', 'add sshKey: /path/to/key to the credentials for ssh://known.test'],
  ])('for %s', (url, advice) => expect(ground.open({ rows }).advice(new URL(url))).toBe(advice));

  test('names the netrc file when that was tried', async () => {
    const NETRC = ground.file('netrc', 'machine git.test login u password p');
    const credentials = ground.open({ environment: { NETRC } });
    await sentTo('https://git.test/a', credentials);
    expect(credentials.advice(new URL('https://git.test/a'))).toMatch(
      /^what the netrc file has for https:\/\/git.test is not/,
    );
  });
});
