/** Pages whose go-import tags name what no repository is, or a place that this server must not go to. Nothing is executed, and nobody but the page's host is connected to. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CertificateAuthority, hasOpenssl } from '../fakes/certificates.ts';
import { addressForHosts } from '../fakes/company.ts';
import { canRecordEgress, type EgressRecorder, startEgressRecorder } from '../fakes/egress-recorder.ts';
import { makeRepository } from '../fakes/git-repositories.ts';
import { type GitServer, importPage, startGitServer } from '../fakes/git-server.ts';
import { type HostileHome, makeHostileHome } from '../fakes/hostile-home.ts';
import { skipUnless } from '../skip.ts';
import type { LarderProcess } from './larder-process.ts';
import { lardersIn } from './proof-rig.ts';

const address = hasOpenssl() && canRecordEgress() ? await addressForHosts() : undefined;
const scratch = mkdtempSync(join(tmpdir(), 'larder-pages-'));
const pwned = join(scratch, 'pwned');
const startLarder = lardersIn(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Of the tag: version control system, URL, and the subdirectory where there is one. */
const TAGS: readonly (readonly [vcs: string, url: string, subdirectory?: string])[] = [
  ['git', `ext::touch%20${pwned}`],
  ['git', `ext::touch\u00a0${pwned}`],
  ['git', 'evil::x'],
  ['git', 'evil://host.example/x'],
  ['git', 'fd::17/x'],
  ['git', 'file:///etc'],
  ['git', '/etc'],
  ['git', `--upload-pack=touch\${IFS}${pwned}`],
  ['git', `-oProxyCommand=touch\${IFS}${pwned}`],
  ['git', `ssh://-oProxyCommand=touch\${IFS}${pwned}/x`],
  ['git', `ssh://x@-oProxyCommand=touch\${IFS}${pwned}/x`],
  ['git', `ssh://evil.example/-oProxyCommand=touch`],
  ['git', `ssh://evil.example:22/--upload-pack=touch\${IFS}${pwned}`],
  ['git', 'git@evil.example:good'],
  ['git', 'git://evil.example/good'],
  ['git', 'http://evil.example/good'],
  ['git', 'https://user:password@127.0.0.1/good'],
  ['git', 'https://127.0.0.1/good'],
  ['git', 'https://127.1/good'],
  ['git', 'https://2130706433/good'],
  ['git', 'https://0x7f000001/good'],
  ['git', 'https://①②⑦.0.0.1/good'],
  ['git', 'https://[::1]/good'],
  ['git', 'https://[::ffff:169.254.169.254]/latest'],
  ['git', 'https://169.254.169.254/latest/meta-data'],
  ['git', 'https://metadata.google.internal/x'],
  ['git', 'https://localhost/good'],
  ['git', 'https://10.0.0.1/good'],
  ['git', 'https://evil.example:6379/good'],
  ['git', `https://evil.example/$(touch\${IFS}${pwned})`],
  ['git', 'https://evil.example/%0d%0aHost:%20x/good'],
  ['git', 'https://evil.example/good', '../../etc'],
  ['git', 'https://evil.example/good', '/etc'],
  ['git', 'https://evil.example/good', '--output=x'],
  ['mod', 'file:///etc'],
  ['mod', 'http://169.254.169.254/'],
  ['mod', 'https://127.0.0.1/'],
  ['hg', `ssh://-oProxyCommand=touch\${IFS}${pwned}/x`],
  ['hg', 'https://evil.example/good'],
  ['svn', 'svn+ssh://evil.example/x'],
  ['bzr', 'bzr+ssh://evil.example/x'],
  ['fossil', 'https://evil.example/x'],
  ['p4', 'x://y'],
];

describe('a page that leads astray', () => {
  skipUnless(address !== undefined, 'needs openssl, strace, unshare and root: it has the real name and port of a host');
  let server: GitServer;
  let recorder: EgressRecorder;
  let larder: LarderProcess;
  let home: HostileHome;

  beforeAll(async () => {
    if (address === undefined) return;
    for (const folder of ['ca', 'home', 'egress']) mkdirSync(join(scratch, folder));
    home = makeHostileHome(join(scratch, 'home'));
    const repositories = join(scratch, 'repositories');
    await makeRepository(join(repositories, 'good.git'), {
      commits: [{ files: { 'go.mod': 'module evil.example/good\n', 'x.go': 'package x\n' }, tags: ['v1.0.0'] }],
    });
    const authority = new CertificateAuthority(join(scratch, 'ca'));
    writeFileSync(join(scratch, 'ca.pem'), authority.certificate.cert);
    writeFileSync(join(scratch, 'hosts'), `127.0.0.1 localhost\n${address} evil.example\n`);
    const tls = authority.issue({ names: 'DNS:evil.example' });
    server = await startGitServer({ repositories, tls, address, port: 443 });
    server.page('/good', importPage('evil.example/good', 'git', 'https://evil.example/good'));
    for (const [i, [vcs, url, subdirectory]] of TAGS.entries())
      server.page(`/x${i}`, importPage(`evil.example/x${i}`, vcs, url, subdirectory));
    recorder = await startEgressRecorder(join(scratch, 'egress'), address, join(scratch, 'hosts'));
    larder = await startLarder({
      upstream: 'direct',
      within: recorder.within,
      flags: ['--set', 'egress.allow=evil.example:443', '--set', 'git.fetchTime=10s'],
      env: { ...home.environment, SSL_CERT_FILE: join(scratch, 'ca.pem') },
    });
  });

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    await Promise.all([server?.close(), recorder?.close()]);
  });

  test('is one among honest ones', async () => {
    const answer = await fetch(`${larder.base}/evil.example/good/@v/v1.0.0.zip`);
    expect(answer.status, await answer.text()).toBe(200);
  });

  test.each(TAGS.map((tag, i) => [i, tag.join(' ')] as const))('%i: %s', async (i) => {
    for (const rest of ['@v/v1.0.0.info', '@v/v1.0.0.zip', '@v/list']) {
      const answer = await fetch(`${larder.base}/evil.example/x${i}/${rest}`);
      const text = await answer.text();
      expect([403, 404, 502, 503, 504], text).toContain(answer.status);
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]|password@/);
    }
  });

  test('has nothing executed, and no other place connected to', () => {
    expect(existsSync(pwned) || existsSync(home.canary)).toBe(false);
    const own = new Set([`${address}:443`, `${address}:53`]);
    const relayed = (one: string): boolean => one.startsWith('127.0.0.1:') && one !== '127.0.0.1:443';
    expect([...recorder.connections()].filter((one) => !own.has(one) && !relayed(one))).toEqual([]);
    expect(recorder.connections()).toContain(`${address}:443`);
  });
});
