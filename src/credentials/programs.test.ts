import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CredentialGround } from '../../tests/fakes/credential-ground.ts';
import type { ConfiguredCredentials } from './configured.ts';

const o = { signal: new AbortController().signal };
const MINUTE_MS = 60_000;
let ground: CredentialGround;
beforeEach(() => void (ground = new CredentialGround()));
afterEach(() => ground.remove());

async function sentTo(url: string, credentials: ConfiguredCredentials): Promise<unknown> {
  const credential = await credentials.http(new URL(url), o);
  const { authorization = '' } = credential?.headers ?? {};
  return credential && authorization.startsWith('Basic ')
    ? Buffer.from(authorization.slice('Basic '.length), 'base64').toString()
    : credential && { ...credential.headers };
}

describe('a git credential helper', () => {
  const url = 'https://git.test/team/repo';
  const opened = (helper: readonly string[], username?: string): ConfiguredCredentials =>
    ground.open({ rows: [{ url: 'https://git.test', helper, ...(username !== undefined && { username }) }] });

  test('that git has is asked, and forgets what was answered by 401', async () => {
    const file = ground.file('store', 'https://u:p%40ss@git.test\nhttps://x:y@other.test\n');
    const credentials = opened(['git', 'credential-store', `--file=${file}`]);
    expect(await sentTo(url, credentials)).toBe('u:p@ss');
    credentials.refused(new URL(url), 403);
    expect(await sentTo(url, credentials)).toBe('u:p@ss');
    expect(ground.read('store')).toContain('git.test');
    await ground.clock.advance(10_001);
    credentials.refused(new URL(url), 401);
    expect(await sentTo(url, credentials)).toBeUndefined();
    expect(ground.read('store')).toBe('https://x:y@other.test\n');
  });

  test('is told place and user name on its stdin, and nothing in its arguments', async () => {
    const helper = ground.program('helper', 'cat > "$0.in"; echo password=pass-ä; echo path=other; echo');
    const credentials = ground.open({
      rows: [{ url: 'https://git.test:8443/team%20a', helper: [helper, '--quiet'], username: 'me' }],
    });
    expect(await sentTo('https://git.test:8443/team%20a/x', credentials)).toBe('me:pass-ä');
    expect(ground.read('helper.in')).toBe('protocol=https\nhost=git.test:8443\npath=team a\nusername=me\n\n');
    expect(ground.starts('helper')).toEqual(['--quiet get']);
  });

  test('is asked once by many, and again after five minutes or a refusal', async () => {
    const credentials = opened([ground.program('helper', 'sleep 0.1; echo username=u; echo password=p')]);
    expect(await Promise.all(Array.from({ length: 20 }, () => sentTo(url, credentials)))).toEqual(
      Array(20).fill('u:p'),
    );
    expect(ground.starts('helper')).toEqual(['get']);
    await ground.clock.advance(5 * MINUTE_MS - 1);
    await sentTo(url, credentials);
    expect(ground.starts('helper')).toEqual(['get']);
    await ground.clock.advance(1);
    await sentTo(url, credentials);
    expect(ground.starts('helper')).toEqual(['get', 'get']);
    for (let i = 0; i < 3; i++) {
      credentials.refused(new URL(url), 401);
      await sentTo(url, credentials);
    }
    expect(ground.starts('helper')).toEqual(['get', 'get', 'erase', 'get']);
  });

  test('is told of a refusal once, not again when its next answer gets old', async () => {
    const credentials = opened([ground.program('helper', 'echo username=u; echo password=p')]);
    await sentTo(url, credentials);
    credentials.refused(new URL(url), 401);
    await sentTo(url, credentials);
    expect(ground.starts('helper')).toEqual(['get', 'erase', 'get']);
    // Another one within ten seconds does not count, nor is it kept for later.
    credentials.refused(new URL(url), 401);
    for (let i = 0; i < 2; i++) {
      await ground.clock.advance(5 * MINUTE_MS);
      await sentTo(url, credentials);
    }
    expect(ground.starts('helper').slice(3)).toEqual(['get', 'get']);
    credentials.refused(new URL(url), 401);
    await sentTo(url, credentials);
    expect(ground.starts('helper').slice(5)).toEqual(['erase', 'get']);
  });

  test('without an answer leaves it to a wider row', async () => {
    const credentials = ground.open({
      rows: [
        { url: 'https://git.test', token: 'wide' },
        { url: 'https://git.test/team', helper: [ground.program('helper', 'echo quit=1; echo password=p')] },
      ],
    });
    expect(await sentTo(url, credentials)).toBe('git:wide');
  });

  test.each([
    ['fails', 'echo password=canary; echo canary >&2; exit 3', 'exit code 3'],
    ['prints without end', 'while :; do echo password=canary; done', 'it prints more than 65536 bytes'],
  ])(
    'that %s is CONFIG_INVALID, without a word of what it said, and not started for every request',
    async (_, script, why) => {
      const helper = ground.program('helper', script);
      const credentials = opened([helper]);
      for (let i = 0; i < 3; i++)
        await expect(sentTo(url, credentials)).rejects.toMatchObject({
          code: 'CONFIG_INVALID',
          message: `use the credentials for https://git.test: ask the helper ${helper}: ${why}`,
        });
      expect(ground.starts('helper')).toEqual(['get']);
      await ground.clock.advance(5001);
      await sentTo(url, credentials).catch(() => undefined);
      expect(ground.starts('helper')).toEqual(['get', 'get']);
    },
  );

  test('that is not there is CONFIG_INVALID', async () => {
    await expect(sentTo(url, opened(['/not/there']))).rejects.toMatchObject({
      message: 'use the credentials for https://git.test: ask the helper /not/there: it cannot be started',
    });
  });

  test('that hangs holds up nobody who leaves, and ends when we do', async () => {
    const credentials = opened([ground.program('helper', 'echo $$ > "$0.pid"; sleep 600')]);
    const leaving = new AbortController();
    const asked = credentials.http(new URL(url), { signal: leaving.signal });
    const staying = sentTo(url, credentials);
    await expect.poll(() => ground.starts('helper')).toEqual(['get']);
    await expect
      .poll(() => existsSync(join(ground.folder, 'helper.pid')) && ground.read('helper.pid'))
      .toMatch(/^\d+\n$/);
    leaving.abort();
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
    credentials.close();
    await expect(staying).rejects.toMatchObject({ code: 'ABORTED' });
    await expect.poll(() => existsSync(`/proc/${ground.read('helper.pid').trim()}`)).toBe(false);
  });

  test('inherits the environment without the secrets of rows, and can ask nobody', async () => {
    const helper = ground.program('helper', 'env > "$0.env"; echo username=u; echo password=p');
    const credentials = ground.open({
      rows: [
        { url: 'https://git.test', helper: [helper] },
        { url: 'https://other.test', token: 'env:TOKEN' },
      ],
      environment: { TOKEN: 'canary-1', LARDER_LEDGER_SECRET: 'canary-2', AWS_PROFILE: 'corp', SSH_ASKPASS: '/ask' },
    });
    await sentTo(url, credentials);
    const lines = ground.read('helper.env').split('\n');
    expect(lines).toEqual(expect.arrayContaining(['AWS_PROFILE=corp', 'GIT_TERMINAL_PROMPT=0', 'SSH_ASKPASS=']));
    expect(lines.join('\n')).not.toContain('canary');
  });
});

describe('a command in the manner of GOAUTH', () => {
  const block = (url: string, value: string): string => `printf '${url}\\n\\nAuthorization: Bearer ${value}\\n\\n'`;

  test('is asked once without a URL, for its row alone', async () => {
    const script = [
      block('https://git.test/team', 'wide'),
      block('https://git.test', 'all'),
      block('https://x.test', 'x'),
    ];
    const command = [ground.program('command', script.join('\n')), 'word'];
    const credentials = ground.open({ rows: [{ url: 'https://git.test/team', command }] });
    expect(await sentTo('https://git.test/team/a', credentials)).toEqual({ authorization: 'Bearer wide' });
    expect(await sentTo('https://git.test/other', credentials)).toBeUndefined();
    expect(await sentTo('https://x.test/', credentials)).toBeUndefined();
    expect(ground.starts('command')).toEqual(['word']);
  });

  test('is asked again with the URL and the answer of what was refused', async () => {
    const program = ground.program('command', `cat > "$0.in"; [ -z "$1" ] || ${block('https://git.test/a', 'for-a')}`);
    const credentials = ground.open({ environment: { GOAUTH: program } });
    const url = new URL('https://u:hunter2@git.test/a/repo?token=hunter3#x');
    expect(await credentials.http(url, o)).toBeUndefined();
    credentials.refused(url, 403);
    expect(await credentials.http(url, o)).toMatchObject({ origin: 'https://git.test', pathPrefix: '/a' });
    expect(ground.starts('command')).toEqual(['', 'https://git.test/a/repo']);
    expect(ground.read('command.in')).toBe('HTTP/1.1 403 Forbidden\n\n');
    expect(await sentTo('https://git.test/a/other', credentials)).toEqual({ authorization: 'Bearer for-a' });
    expect(await sentTo('https://git.test/b', credentials)).toBeUndefined();
    expect(ground.starts('command')).toHaveLength(2);
    await ground.clock.advance(5 * MINUTE_MS);
    expect(await sentTo('https://git.test/a/third', credentials)).toEqual({ authorization: 'Bearer for-a' });
    expect(ground.starts('command').slice(2)).toEqual(['', 'https://git.test/a/repo']);
    expect(ground.read('command.in')).toBe('HTTP/1.1 403 Forbidden\n\n');
  });

  test('is started for no more than some of the names that anybody may invent, and answers for those that it knows', async () => {
    const program = ground.program('command', `${block('https://git.test', 'known')}; sleep 0.02`);
    const credentials = ground.open({ environment: { GOAUTH: program } });
    expect(await sentTo('https://git.test/x', credentials)).toEqual({ authorization: 'Bearer known' });
    const invented = Array.from({ length: 200 }, (_, i) => `https://elsewhere.test/${i}`);
    for (const url of invented) credentials.refused(new URL(url), 404);
    const asked = invented.map((url) => sentTo(url, credentials));
    expect(await sentTo('https://git.test/y', credentials)).toEqual({ authorization: 'Bearer known' });
    expect(new Set(await Promise.all(asked))).toEqual(new Set([undefined]));
    expect(ground.starts('command').length).toBeLessThan(40);
  });

  test('that fails in the environment is told, and keeps no request from going on', async () => {
    const bad = ground.program('bad', 'echo canary; exit 1');
    const good = ground.program('good', block('https://git.test', 'good'));
    const credentials = ground.open({ environment: { GOAUTH: `${bad}; "${good}" word` } });
    expect(await sentTo('https://git.test/', credentials)).toEqual({ authorization: 'Bearer good' });
    expect(await sentTo('https://x.test/', credentials)).toBeUndefined();
    expect(ground.troubles).toEqual([`ask the command ${bad} of GOAUTH: exit code 1`]);
  });

  test.each([
    ['https://git.test\n\nHost: evil.test\n\n', 'a credential cannot set the header host'],
    ['canary\n\nX: a\n\n', 'could not parse a URL of it'],
    ['https://git.test\n\nX: a', 'invalid format: missing empty line after headers'],
  ])('that prints %j is CONFIG_INVALID', async (output, why) => {
    ground.file('output', output);
    const command = ground.program('command', 'cat "${0%/*}/output"');
    const credentials = ground.open({ rows: [{ url: 'https://git.test', command: [command] }] });
    await expect(sentTo('https://git.test/', credentials)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `use the credentials for https://git.test: read the output of the command ${command}: ${why}`,
    });
  });
});

describe('GOAUTH', () => {
  test('names commands in their order, with quoted words, and git with a folder', async () => {
    const folder = join(ground.folder, 'repository');
    mkdirSync(folder);
    execFileSync('git', ['init', '-q', folder]);
    const store = ground.file('store', 'https://u:p@git.test\n');
    execFileSync('git', ['-C', folder, 'config', 'credential.helper', `store --file=${store}`]);
    const credentials = ground.open({ environment: { GOAUTH: `netrc;git ${folder}` } });
    const url = new URL('https://git.test/team/repo');
    expect(await sentTo(url.href, credentials)).toBeUndefined();
    credentials.refused(url, 401);
    expect(await sentTo(url.href, credentials)).toBe('u:p');
    expect(await sentTo('https://git.test/other', credentials)).toBe('u:p');
    await ground.clock.advance(10_001);
    credentials.refused(url, 401);
    expect(await sentTo(url.href, credentials)).toBeUndefined();
    expect(ground.read('store')).toBe('');
  });

  test('has git reject what was refused once, not again when the next answer gets old', async () => {
    const folder = join(ground.folder, 'repository');
    mkdirSync(folder);
    execFileSync('git', ['init', '-q', folder]);
    const helper = ground.program('helper', '[ "$1" != get ] || { echo username=u; echo password=p; }');
    execFileSync('git', ['-C', folder, 'config', 'credential.helper', helper]);
    const credentials = ground.open({ environment: { GOAUTH: `git ${folder}` } });
    const url = new URL('https://git.test/team/repo');
    const expire = async (): Promise<void> => {
      await ground.clock.advance(5 * MINUTE_MS);
      expect(await sentTo(url.href, credentials)).toBe('u:p');
    };
    credentials.refused(url, 401);
    expect(await sentTo(url.href, credentials)).toBe('u:p');
    await expire();
    expect(ground.starts('helper')).toEqual(['get', 'get']);
    credentials.refused(url, 401);
    expect(await sentTo(url.href, credentials)).toBe('u:p');
    expect(ground.starts('helper').slice(2)).toEqual(['erase', 'get']);
    await expire();
    // So many others that this one is no longer known.
    for (let i = 0; i < 256; i++) credentials.refused(new URL(`https://elsewhere.test/${i}`), 404);
    await expire();
    expect(ground.starts('helper').slice(4)).toEqual(['get', 'get']);
  });

  test('has git ask its helpers about no URL that hides a line break (CVE-2024-52006)', async () => {
    const folder = join(ground.folder, 'repository');
    mkdirSync(folder);
    execFileSync('git', ['init', '-q', folder]);
    const helper = ground.program('helper', '[ "$1" != get ] || { echo username=u; echo password=p; }');
    // Newer gits look for it themselves unless they are told not to.
    const settings = { helper, useHttpPath: 'true', protectProtocol: 'false' };
    for (const [name, value] of Object.entries(settings))
      execFileSync('git', ['-C', folder, 'config', `credential.${name}`, value]);
    const credentials = ground.open({ environment: { GOAUTH: `git ${folder}` } });
    const url = new URL('https://git.test/team%0Dhost=other.test');
    credentials.refused(url, 401);
    expect(await sentTo(url.href, credentials)).toBeUndefined();
    expect(ground.starts('helper')).toEqual([]);
    const plain = new URL('https://git.test/team');
    credentials.refused(plain, 401);
    expect(await sentTo(plain.href, credentials)).toBe('u:p');
  });

  test.each([
    ['off; netrc', 'off cannot be combined'],
    ['netrc;;netrc', 'an empty command'],
    ['git', 'the absolute path of one folder'],
    ['git relative/folder', 'the absolute path of one folder'],
    ['command "word', 'a quotation mark has no end'],
  ])('of %j is refused', (GOAUTH, why) => {
    expect(() => ground.open({ environment: { GOAUTH } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(why) }),
    );
  });
});
