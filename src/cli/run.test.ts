import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CertificateAuthority } from '../../tests/fakes/certificates.ts';
import { keySpecs } from '../config/key-specs.ts';
import { KEY_FLAGS } from './configuration.ts';
import { EXIT_CODES } from './exit-code.ts';
import { languageOf, messagesFor } from './messages.ts';
import { run } from './run.ts';
import { createTerminal, printable } from './terminal.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function larder(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const stdout = { write: (text: string) => void (texts.out += text) };
  const stderr = { write: (text: string) => void (texts.err += text) };
  const code = await run(args, { stdout, stderr, env: { GOENV: 'off', HOME: folder, ...env }, cwd: () => folder });
  return { code, ...texts };
}

describe('larder version', () => {
  test('says what runs here, also as JSON', async () => {
    expect((await larder(['version'])).out).toMatch(/^larder \d+\.\d+\.\d+ \(node \d+/);
    const { code, out } = await larder(['version', '--json']);
    expect([code, Object.keys(JSON.parse(out) as object)]).toEqual([0, ['version', 'node', 'platform']]);
    expect((await larder(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('larder config', () => {
  test('check says that all is right, and exits 0', async () => {
    expect(await larder(['config', 'check'])).toEqual({ code: 0, out: 'the configuration is right\n', err: '' });
  });

  test('check names file, line, key and what to write, for every problem, and exits 4', async () => {
    writeFileSync(join(folder, 'larder.yaml'), 'listne: 127.0.0.1:1\ndrain:\n  finish: 60\n');
    const { code, out, err } = await larder(['config', 'check']);
    expect([code, out]).toEqual([4, '']);
    expect(err.split('\n')).toEqual([
      'larder: file larder.yaml:1: there is no key listne',
      'what to do: write listen',
      'larder: file larder.yaml:3: drain.finish: 60 is not a duration with its unit from 0 to 1h',
      'what to do: write for example 55s',
      'larder: the configuration is wrong in 2 places; nothing was started',
      '',
    ]);
  });

  describe('finds what serve would stop at, with the key, where it was written and what to write', () => {
    const authority = mkdtempSync(join(tmpdir(), 'larder-ca-'));
    const cert = new CertificateAuthority(authority);
    afterAll(() => rmSync(authority, { recursive: true, force: true }));
    test.each<[string, string, Record<string, string>, RegExp]>([
      [
        'a password over plain http',
        'upstream: http://me:hunter2@p.test',
        {},
        /file larder.yaml:1: upstream: .*plain http.*\n.*https:/,
      ],
      [
        'no such module cache',
        'modcache: [., nowhere, gone]',
        {},
        /(file larder.yaml:1: modcache: .*no such folder\n.*\n.*){2}2 places/,
      ],
      [
        'a go.sum that is none',
        'verify:\n  goSum: larder.yaml',
        {},
        /file larder.yaml:2: verify.goSum: .*larder.yaml:1.*\n.*go\.sum/,
      ],
      [
        'no such go.sum',
        '',
        { LARDER_VERIFY_GO_SUM: '/nope' },
        /environment LARDER_VERIFY_GO_SUM: verify.goSum: .*\/nope/,
      ],
      ['an unreadable netrc', '', { NETRC: '/' }, /environment NETRC: read \/: not a plain file/],
      ['a GOAUTH that is none', '', { GOAUTH: 'off;netrc' }, /environment GOAUTH: .*off cannot be combined/],
      [
        'a variable of a row that is not set',
        'credentials: [{url: https://git.test/a, token: env:NOT_SET}]',
        {},
        /file larder.yaml:1: .*credentials: .*https:\/\/git.test\/a.*env:NOT_SET.*\n.*token: env:NAME/,
      ],
      [
        'a row with two ways in',
        'credentials: [{url: https://git.test/a, token: canary-x, netrc: /n}]',
        {},
        /file larder.yaml:1: .*credentials: .*netrc cannot stand beside token/,
      ],
      ['a proxy that is none', '', { HTTPS_PROXY: 'gopher://u:hunter2@h' }, /HTTPS_PROXY is not the URL/],
      [
        'TLS files that are none',
        'tls: {cert: larder.yaml, key: larder.yaml}',
        {},
        /file larder.yaml:1: tls.cert: .*\n.*belong together/,
      ],
      [
        'TLS files that do not match',
        'tls: {cert: a.crt, key: b.key}',
        {},
        /file larder.yaml:1: tls.cert: .*a\.crt.*b\.key/,
      ],
    ])('%s', async (_, file, env, words) => {
      writeFileSync(join(folder, 'larder.yaml'), file);
      writeFileSync(join(folder, 'a.crt'), cert.issue({ names: 'DNS:localhost' }).cert);
      writeFileSync(join(folder, 'b.key'), cert.issue({ names: 'DNS:localhost' }).key);
      const checked = await larder(['config', 'check'], env);
      expect(checked).toMatchObject({ code: 4, out: '', err: expect.stringMatching(words) as string });
      expect(await larder(['serve', '--data', 'data', '--listen', '127.0.0.1:0'], env)).toEqual(checked);
      expect(checked.err).not.toContain('hunter2');
      expect(existsSync(join(folder, 'data'))).toBe(false);
      const { ok, problems } = JSON.parse((await larder(['config', 'check', '--json'], env)).out) as {
        ok: boolean;
        problems: unknown[];
      };
      expect([ok, problems[0]]).toEqual([false, expect.objectContaining({ kind: 'unusable' })]);
    });
  });

  test('check --json gives the same as data', async () => {
    const { code, out } = await larder(['config', 'check', '--json', '--set', 'log.level=loud']);
    expect(code).toBe(4);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      problems: [{ kind: 'bad-value', origin: 'flag --set log.level', key: 'log.level' }],
    });
  });

  test('print --effective shows every key with its origin, without passwords, as a file that can be used again', async () => {
    const { code, out } = await larder(
      ['config', 'print', '--effective', '--upstream', 'https://me:hunter2@p.test|direct'],
      { LARDER_LISTEN: ':0' },
    );
    expect(code).toBe(0);
    expect(out).toContain('# environment LARDER_LISTEN');
    expect(out).toMatch(/^# upstream: "https:\/\/\*\*\*@p\.test\|direct" {2}# flag --upstream$/m);
    expect(out).not.toContain('hunter2');
    for (const { key } of keySpecs()) expect(out).toContain(key.split('.').at(-1));
    writeFileSync(join(folder, 'again.yaml'), out);
    expect((await larder(['config', 'check', '--config', 'again.yaml'])).err).toBe('');
    expect((await larder(['config', 'print', '--config', 'again.yaml'])).out).not.toContain('***');
  });

  test('print shows what is set', async () => {
    expect((await larder(['config', 'print'])).out).toMatch(/^# nothing is set/);
    expect((await larder(['config', 'print', '--listen', '127.0.0.1:1'])).out).toBe(
      'listen: 127.0.0.1:1  # flag --listen\n',
    );
    expect(JSON.parse((await larder(['config', 'print', '--json', '--listen', '127.0.0.1:1'])).out)).toEqual([
      { key: 'listen', value: '127.0.0.1:1', origin: 'flag --listen' },
    ]);
  });
});

describe('larder serve', () => {
  test('does not start when it would ask itself, and says what to do', async () => {
    const { code, err } = await larder(['serve'], { GOPROXY: 'http://localhost:8080' });
    expect(code).toBe(4);
    expect(err).toContain(
      'larder: environment GOPROXY: upstream http://localhost:8080 is this larder itself (127.0.0.1:8080)',
    );
    expect(err).toContain(
      'what to do: GOPROXY already points here, so say where larder itself shall ask: larder serve --upstream',
    );
  });
});

describe('what is misspelt', () => {
  test.each([
    [['serv'], 'unknown command serv: did you mean serve?', ''],
    [['config', 'chek'], 'unknown command chek: did you mean check?', 'config '],
    [['frobnicate'], 'unknown command frobnicate\n', ''],
    [[''], "unknown command ''\n", ''],
    [['start'], 'unknown command start: did you mean serve?', ''],
    [['check'], 'unknown command check: did you mean config check?', ''],
    [['serve', '--lisetn', 'x'], 'unknown flag --lisetn: did you mean --listen?', 'serve '],
    [['serve', '--port', '8080'], 'unknown flag --port: did you mean --listen?', 'serve '],
    [['serve', '--listen'], '--listen <host:port> needs a value\n', 'serve '],
    [['serve', '8080'], 'larder serve takes no argument: 8080\n', 'serve '],
    [['version', 'x'], 'larder version takes no argument: x\n', 'version '],
    [['--lang', 'fr', 'version'], '--lang fr: there are messages in en and zh\n', ''],
  ])('%j', async (args, what, command) => {
    const { code, out, err } = await larder(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(`larder: ${what}`);
    expect(err).toContain(`what to do: see: larder ${command}--help\n`);
  });

  test('help and -v are what one would expect', async () => {
    expect(await larder(['help'])).toEqual(await larder(['--help']));
    expect(await larder(['help', 'config', 'check'])).toEqual(await larder(['config', 'check', '--help']));
    expect(await larder(['-v'])).toEqual(await larder(['--version']));
  });

  test.each(['data', 'upstream', 'listen', 'modcache', 'log-level'])(
    '--%s with an empty value (of a variable that is not set, say) is refused and not passed over',
    async (flag) => {
      const { code, err } = await larder(['config', 'check', `--${flag}=`]);
      expect([code, err]).toEqual([4, expect.stringContaining(`flag --${flag}: `)]);
    },
  );

  test('nothing at all shows the help, on stderr', async () => {
    const { code, out, err } = await larder([]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('Usage: larder');
    expect((await larder(['config'])).err).toContain('check');
  });

  test('control characters come out visible', async () => {
    expect((await larder(['\u001b[31mx\u202e'])).err).toContain('\\u{1b}[31mx\\u{202e}');
    expect(printable('a\nb\u0007')).toBe('a\nb\\u{7}');
  });
});

describe('language', () => {
  test.each<[string[], Record<string, string>, string]>([
    [[], {}, 'en'],
    [[], { LANG: 'zh_CN.UTF-8' }, 'zh'],
    [[], { LANG: 'zh_CN.UTF-8', LC_ALL: 'C' }, 'en'],
    [['serve', '--lang', 'zh'], { LANG: 'en_US' }, 'zh'],
    [['--lang=en'], { LANG: 'zh_TW' }, 'en'],
  ])('%j %j: %s', (args, env, language) => expect(languageOf(args, env)).toBe(language));

  test('the same failure in Chinese', async () => {
    const { code, err } = await larder(['config', 'check', '--set', 'listne=x'], { LANG: 'zh_CN.UTF-8' });
    expect(code).toBe(4);
    expect(err).toContain('解决办法: 应写 listen');
    const help = (await larder(['--lang', 'zh', '--help'])).out;
    expect(help).toContain('提供 Go 模块服务');
    expect(help).not.toMatch(/Usage|Options|Commands/);
    expect((await larder(['serve', 'x'], { LANG: 'zh_CN.UTF-8' })).err).toContain('larder serve 不带参数：x');
  });

  test('every reason not to start is told in Chinese, though what the system says of it is not', () => {
    const facts = { why: 'ENOENT', folder: '/d', address: '[::]:1', file: '/f', origin: 'x' };
    for (const [name, words] of Object.entries(messagesFor('zh').reasons))
      expect([name, words?.(facts).what]).toEqual([name, expect.stringMatching(/\p{Script=Han}/u)]);
  });

  test('both languages say the same things', () => {
    const shape = (value: unknown): unknown =>
      typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shape(inner)]))
        : typeof value;
    expect(shape(messagesFor('zh'))).toEqual(shape(messagesFor('en')));
  });
});

describe('the terminal', () => {
  const written: string[] = [];
  const stream = (isTTY: boolean) => ({ isTTY, columns: 40, write: (text: string) => void written.push(text) });
  beforeEach(() => void (written.length = 0));

  test('has colour on a terminal only, and never with NO_COLOR', () => {
    const note = (isTTY: boolean, environment: Record<string, string>): string => {
      written.length = 0;
      createTerminal({ stdout: stream(isTTY), stderr: stream(isTTY), environment, messages: messagesFor('en') }).note(
        'x',
        'bold',
      );
      return written.join('');
    };
    expect(note(true, { TERM: 'xterm' })).toBe('\u001b[1mx\u001b[22m\n');
    expect(note(true, { TERM: 'xterm', NO_COLOR: '1' })).toBe('x\n');
    expect(note(false, { TERM: 'xterm' })).toBe('x\n');
  });

  test('shows progress on a terminal only, in one line', () => {
    const progress = (isTTY: boolean): void =>
      createTerminal({
        stdout: stream(isTTY),
        stderr: stream(isTTY),
        environment: {},
        messages: messagesFor('en'),
      }).progress('p'.repeat(100));
    progress(false);
    expect(written).toEqual([]);
    progress(true);
    expect(written.join('')).toBe(`\r\u001b[K${'p'.repeat(39)}`);
  });
});

describe('what the command line says of itself', () => {
  test('the keys with a flag of their own are those of the schema', () => {
    const ofSchema = keySpecs().flatMap(({ key, flag }) => (flag === undefined ? [] : [{ key, flag }]));
    expect(KEY_FLAGS.map(({ key, flag }) => ({ key, flag }))).toEqual(ofSchema);
  });

  test('exit codes are distinct', () =>
    expect(new Set(EXIT_CODES.map(({ code }) => code)).size).toBe(EXIT_CODES.length));
});
