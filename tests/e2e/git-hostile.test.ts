/**
 * Repositories, git hosts and names that want something executed or written. The shipped server fetches and archives them all, in an environment whose settings of git run
 * programs wherever they can: nothing but git and ssh is executed, nothing is written outside the data and the temporary files. Each kind of attack works on plain git.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { memorySource } from '../../src/gomod/zip/byte-source.ts';
import { openZip } from '../../src/gomod/zip/reader.ts';
import { CertificateAuthority, hasOpenssl } from '../fakes/certificates.ts';
import { makeRepository } from '../fakes/git-repositories.ts';
import { type GitServer, startGitServer } from '../fakes/git-server.ts';
import { type HostileHome, makeHostileHome } from '../fakes/hostile-home.ts';
import { asksForPassword, hostileHosts, withoutGit } from '../fakes/hostile-hosts.ts';
import { escapedName, hostileTargets } from '../fakes/hostile-names.ts';
import {
  type HostileRepository,
  makeHostileRepositories,
  optionsAsNames,
  SUBSTITUTION,
} from '../fakes/hostile-repositories.ts';
import { readTrace, traced } from '../fakes/program-trace.ts';
import { seenByYauzl } from '../fixtures/zip-readers.ts';
import { skipUnless } from '../skip.ts';
import type { LarderProcess } from './larder-process.ts';
import { lardersIn } from './proof-rig.ts';

/** What git is started for. */
const SUBCOMMANDS = new Set([
  'archive',
  'cat-file',
  'fetch',
  'for-each-ref',
  'index-pack',
  'ls-remote',
  'ls-tree',
  'merge-base',
  'pack-objects',
  'pack-refs',
  'repack',
  'rev-list',
  'rev-parse',
  'unpack-objects',
  'update-ref',
  'version',
]);
const isReady = hasOpenssl();
const hasStrace = spawnSync('strace', ['--seccomp-bpf', '-f', '-qq', '-o', '/dev/null', 'true']).status === 0;

const scratch = mkdtempSync(join(tmpdir(), 'larder-hostile-'));
const repositories = join(scratch, 'repositories');
/** What payloads of repositories make. */
const pwned = join(scratch, 'pwned');
const trace = join(scratch, 'programs.trace');
const startLarder = lardersIn(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('against what is hostile', () => {
  skipUnless(isReady, 'openssl is not installed');
  let home: HostileHome;
  let corpus: readonly HostileRepository[];
  let server: GitServer;
  let larder: LarderProcess;
  const data = join(scratch, 'data');
  const temporary = join(scratch, 'tmp');

  beforeAll(async () => {
    if (!isReady) return;
    mkdirSync(join(scratch, 'home'));
    mkdirSync(temporary);
    home = makeHostileHome(join(scratch, 'home'));
    corpus = await makeHostileRepositories(repositories, pwned);
    await makeRepository(join(repositories, 'evil/good.git'), {
      commits: [{ files: { 'go.mod': 'module github.com/evil/good\n', 'x.go': 'package x\n' }, tags: ['v1.0.0'] }],
    });
    const authority = new CertificateAuthority(mkdtempSync(join(scratch, 'ca-')));
    writeFileSync(join(scratch, 'ca.pem'), authority.certificate.cert);
    server = await startGitServer({ repositories, tls: authority.issue({ names: 'IP:127.0.0.1' }) });
    larder = await startLarder({
      upstream: 'off',
      data,
      within: hasStrace ? traced(trace) : [],
      flags: [
        ['private', 'github.com/evil'],
        ['git.rewrites', `https://github.com/=${server.origin}/`],
        ['git.fetchTime', '10s'],
        ['git.idle', '2s'],
        ['git.repositorySize', '8MiB'],
        ['git.fresh', '0'],
      ].flatMap(([key, value]) => ['--set', `${key}=${value}`]),
      env: { ...home.environment, TMPDIR: temporary, SSL_CERT_FILE: join(scratch, 'ca.pem') },
    });
  }, 120_000);

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    await server?.close();
  });

  async function get(target: string): Promise<{ status: number; body: Buffer }> {
    const answer = await fetch(`${larder.base}/${target}`);
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
  }

  /**
   * The attacks work. Without a control are bundle URIs that a server offers, which git has a client for since 2.40 (Debian 12 has 2.39); `update` and URLs with options in
   * .gitmodules, which git refuses since 2.17; and paths that lead out, which its checkout refuses.
   */
  describe('plain git', () => {
    const plain = { PATH: process.env['PATH'] ?? '' };
    const git = (args: readonly string[], env: Readonly<Record<string, string>>): string =>
      spawnSync('git', args, { cwd: scratch, env, encoding: 'utf8' }).stdout;
    const at = (name: string): string => `--git-dir=${join(repositories, 'evil', `${name}.git`)}`;
    const folder = (): string => mkdtempSync(join(scratch, 'clone-'));
    const attacked = (): boolean => existsSync(home.canary) || existsSync(pwned);

    beforeEach(() => clear());
    afterAll(() => clear());
    function clear(): void {
      for (const file of [home?.canary, pwned]) if (file !== undefined) rmSync(file, { force: true });
    }

    test.each<[string, () => void]>([
      ['filters', () => git([at('filters'), 'archive', 'v1.0.0'], { ...plain, HOME: join(scratch, 'home') })],
      [
        'hooks of a template',
        () =>
          git(['clone', '-q', '--bare', join(repositories, 'evil/hooks.git'), folder()], {
            ...plain,
            GIT_TEMPLATE_DIR: join(scratch, 'home/templates'),
          }),
      ],
      ['the transport ext', () => git(['ls-remote', `ext::touch ${pwned}`], { ...plain, GIT_ALLOW_PROTOCOL: 'ext' })],
      ['a transport of its own', () => git(['ls-remote', 'evil::x'], { ...plain, ...home.environment })],
      ['an ssh command', () => git(['ls-remote', 'ssh://x.invalid/y'], { ...plain, ...home.environment })],
      [
        'the filter of LFS',
        () => git(['-c', `filter.lfs.smudge=touch ${pwned}`, at('filters'), 'archive', 'v1.0.0', 'b.lfs'], plain),
      ],
      [
        'the URL of a submodule',
        () =>
          git(['clone', '-q', '--recurse-submodules', join(repositories, 'evil/a-submodule-that-runs.git'), folder()], {
            ...plain,
            GIT_ALLOW_PROTOCOL: 'ext:file',
          }),
      ],
      [
        'a revision that is an option',
        () =>
          git(
            ['ls-remote', `--upload-pack=touch ${pwned};git-upload-pack`, join(repositories, 'evil/good.git')],
            plain,
          ),
      ],
    ])('executes %s', (_, attack) => {
      attack();
      expect(attacked()).toBe(true);
    });

    test('writes the file that a revision names', () => {
      git([at('good'), 'log', `--output=${pwned}`], plain);
      expect(attacked()).toBe(true);
    });

    test('makes links that lead out, for whoever reads what it checked out', () => {
      const clone = folder();
      git(['clone', '-q', '--branch', 'v1.0.0', join(repositories, 'evil/links.git'), clone], plain);
      expect(realpathSync(join(clone, 'up'))).toBe(realpathSync('/tmp'));
      expect(readFileSync(join(clone, '.gitattributes'), 'utf8')).toBe(readFileSync('/etc/passwd', 'utf8'));
      writeFileSync(join(clone, 'away'), '');
      expect(attacked()).toBe(true);
    });

    test('puts what it knows where a file asks for it', () => {
      expect(git([at('substitution'), 'archive', '--format=tar', 'v1.0.0', 'b.txt'], plain)).toContain(
        'asked: commit 1',
      );
    });

    /** Not synchronously: the server is in this process. Newer gits clean what hosts say unless they are told not to. */
    function fetchGood(env: Readonly<Record<string, string>> = plain): Promise<unknown> {
      const args = [
        '-c',
        'http.sslVerify=false',
        '-c',
        'sideband.allowControlCharacters=true',
        'fetch',
        `${server.origin}/evil/good.git`,
      ];
      const cwd = folder();
      git(['init', '-q', cwd], plain);
      return promisify(execFile)('git', args, { cwd, env, timeout: 10_000 });
    }

    test('says what a host says, with what moves the cursor', async () => {
      const [, rule] = hostileHosts(pwned).find(([what]) => what === 'says what moves the cursor') ?? [];
      onTestFinished(server.fault((request) => rule?.(request)));
      await expect(fetchGood()).rejects.toMatchObject({ stderr: expect.stringContaining('\u001b]0;owned') as string });
    });

    test('runs the program that asks for a password', async () => {
      onTestFinished(server.fault(asksForPassword));
      await expect(fetchGood({ ...plain, GIT_ASKPASS: home.environment['GIT_ASKPASS'] ?? '' })).rejects.toThrow();
      expect(attacked()).toBe(true);
    });

    test('asks a host without git for alternates', async () => {
      const asked = server.requests.length;
      onTestFinished(server.fault(withoutGit));
      await expect(fetchGood()).rejects.toThrow();
      expect(server.requests.slice(asked).map(({ target }) => target)).toContain(
        '/evil/good.git/objects/info/http-alternates',
      );
    });
  });

  test('every repository is served without what is hostile in it, or refused', { timeout: 300_000 }, async () => {
    const wrong: unknown[] = [];
    for (const { name, fate } of corpus) {
      const module = `github.com/evil/${name}`;
      await Promise.all(
        ['@v/list', '@latest', '@v/main.info', '@v/v1.0.0.info'].map((rest) => get(`${module}/${rest}`)),
      );
      const mod = await get(`${module}/@v/v1.0.0.mod`);
      const zip = await get(`${module}/@v/v1.0.0.zip`);
      const isServed = mod.status === 200 && zip.status === 200;
      if (fate !== 'either' && isServed !== (fate === 'served'))
        wrong.push({
          name,
          fate,
          mod: `${mod.status} ${mod.body.toString()}`,
          zip: `${zip.status} ${zip.body.toString('latin1').slice(0, 300)}`,
        });
      if (zip.status === 200)
        expect(namesIn(zip.body).filter((one) => !isHarmless(one, `${module}@v1.0.0/`))).toEqual([]);
      if (zip.status === 500 || mod.status === 500) wrong.push({ name, status: 500, zip: zip.body.toString() });
    }
    expect(wrong).toEqual([]);
  });

  test('nothing is put where a file asks for it', async () => {
    const { body } = await get('github.com/evil/substitution/@v/v1.0.0.zip');
    const seen = await seenByYauzl(body);
    const asked = createHash('sha256').update(SUBSTITUTION).digest('hex');
    expect(seen).toContainEqual(['github.com/evil/substitution@v1.0.0/b.txt', asked]);
  });

  test('tags and branches that are options are only names', { timeout: 120_000 }, async () => {
    for (const name of optionsAsNames(`touch\${IFS}${pwned}`, pwned)) {
      const { status } = await get(`github.com/evil/options-as-refs/@v/${escapedName(name)}.info`);
      expect([200, 400, 404], name).toContain(status);
    }
  });

  test.each(hostileHosts(pwned))(
    'a host that %s is given up, in words that can be printed',
    { timeout: 60_000 },
    async (name, rule) => {
      const module = `github.com/evil/host-${name.replace(/\W/g, '')}`;
      await makeRepository(join(repositories, 'evil', `${module.slice(16)}.git`), {
        commits: [{ files: { 'go.mod': `module ${module}\n`, 'x.go': 'package x\n' }, tags: ['v1.0.0'] }],
      });
      onTestFinished(
        server.fault((request) => (request.target.includes(module.slice(11)) ? rule(request) : undefined)),
      );
      const started = performance.now();
      const asked = get(`${module}/@v/v1.0.0.info`);
      if (name.startsWith('never')) await expect.poll(() => fetchesFor(data), { interval: 20 }).not.toEqual([]);
      const { status, body } = await asked;
      expect(performance.now() - started).toBeLessThan(30_000);
      // The process group has been killed: the rest is for the kernel.
      await expect.poll(() => fetchesFor(data), { timeout: 5000 }).toEqual([]);
      expect(isPrintable(body)).toBe(true);
      if (status !== 200) expect([403, 404, 502, 503, 504], body.toString()).toContain(status);
      // Somebody else is served as before, and nothing of that is left behind either.
      expect((await get('github.com/evil/good/@v/v1.0.0.info')).status).toBe(200);
      await expect.poll(() => fetchesFor(data), { timeout: 5000 }).toEqual([]);
    },
  );

  test('500 names and versions are names, or bad requests', { timeout: 120_000 }, async () => {
    const payloads = hostileTargets(pwned);
    expect(payloads.length).toBeGreaterThanOrEqual(500);
    const statuses = new Map<number, number>();
    for (const target of payloads) {
      const status = await rawGet(larder.port, target);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(new Set(statuses.keys())).toEqual(new Set([400, 404]));
  });

  describe('afterwards', () => {
    test('no payload has been executed', () => {
      expect(existsSync(pwned)).toBe(false);
      expect(existsSync(home.canary), existsSync(home.canary) ? readFileSync(home.canary, 'utf8') : '').toBe(false);
      expect(existsSync('/tmp/larder-escape')).toBe(false);
    });

    test('the log has no control characters', () => {
      expect(isPrintable(Buffer.from(larder.log().replaceAll('\n', '')))).toBe(true);
    });

    describe('the trace of all programs', () => {
      skipUnless(hasStrace, 'strace is not installed');

      test('has git and what belongs to it alone', () => {
        const { commands } = readTrace(trace);
        const [first, ...rest] = commands;
        expect(first?.[0]).toBe(process.execPath);
        expect(rest.length).toBeGreaterThan(100);
        expect(rest.filter((command) => !isAllowed(command))).toEqual([]);
      });

      test('has no file that was written, but of ours', () => {
        const { written, links } = readTrace(trace);
        expect(written.size).toBeGreaterThan(100);
        const own = [data, temporary, '/dev/null', '/proc/', 'pipe:', 'socket:', 'anon_inode:'];
        expect([...written].filter((path) => !own.some((prefix) => path.startsWith(prefix)))).toEqual([]);
        expect(links).toEqual([]);
      });
    });
  });

  /** Of what the server runs, where the words of one are what a hostile repository chose. */
  function isAllowed([program = '', ...args]: readonly string[]): boolean {
    const name = program.slice(program.lastIndexOf('/') + 1);
    if (name === 'git-remote-http' || name === 'git-remote-https' || name === 'node') return true;
    if (name !== 'git') return false;
    const at = args.findIndex((arg, i) => !arg.startsWith('-') && args[i - 1] !== '-c');
    const word = args[at] ?? '';
    return SUBCOMMANDS.has(word) || word === 'remote-http' || word === 'remote-https';
  }
});

function namesIn(zip: Buffer): readonly string[] {
  return openZip(memorySource(zip)).entries.map(({ name }) => name);
}

function isHarmless(name: string, prefix: string): boolean {
  const rest = name.slice(prefix.length);
  return (
    name.startsWith(prefix) &&
    rest
      .split('/')
      .every(
        (element) => isPrintable(Buffer.from(element)) && !/[\\:]/.test(element) && !/^\.\.?$|^\.git$/i.test(element),
      )
  );
}

function isPrintable(text: Buffer): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(text.toString('utf8'));
}

/** Command lines of running processes that fetch for a server with `data`. */
function fetchesFor(data: string): readonly string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && textOf(`/proc/${pid}/environ`).includes(`GIT_DIR=${data}`))
    .map((pid) => textOf(`/proc/${pid}/cmdline`))
    .filter((line) => /(?:^|\0)(?:fetch|ls-remote|remote-https?|index-pack)\0/.test(line));
}

/** Processes end while they are looked at. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** The status of the answer to `GET TARGET`, written on a socket; 0 when the server closes without one. */
async function rawGet(port: number, target: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = connect(port, '127.0.0.1', () => {
    socket.write(`GET ${target} HTTP/1.1\r\nHost: larder.test\r\nConnection: close\r\n\r\n`);
  });
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += answer.length > 100 ? '' : chunk.toString('latin1')));
  socket.on('error', () => resolve(0));
  socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0)));
  return await promise;
}
