import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CredentialGround } from '../../tests/fakes/credential-ground.ts';
import { skipUnless } from '../../tests/skip.ts';
import { createLogger } from '../observe/logger.ts';
import { defaultLogSink, openLogSink } from '../observe/log-sink.ts';
import { redactingSink } from '../observe/redacting-sink.ts';
import type { ConfiguredCredentials } from './configured.ts';
import { askAdmitted } from './credentials.ts';
import { type CredentialRow, TOKEN_FORMS } from './rows.ts';

const o = { signal: new AbortController().signal };
const COUNT = 50;

/** Where a secret is, and the environment there. */
interface Planting {
  readonly row?: Omit<CredentialRow, 'url'>;
  readonly environment?: Readonly<Record<string, string>>;
}

interface Planted {
  readonly secret: string;
  readonly url: URL;
  readonly credentials: ConfiguredCredentials;
}

let ground: CredentialGround;
let planted: readonly Planted[];
beforeAll(() => {
  ground = new CredentialGround();
  planted = Array.from({ length: COUNT }, (_, n) => plant(n));
});
afterAll(() => ground.remove());

/** Every place where a secret can be. Programs write down with which arguments they, and those who started them, run. */
const PLACES: readonly ((n: number, secret: string) => Planting)[] = [
  (_, password) => ({ row: { username: 'u', password } }),
  (n, token) => ({ row: { token, form: TOKEN_FORMS[Math.floor(n / PLACES.length) % TOKEN_FORMS.length] } }),
  (_, TOKEN) => ({ row: { token: 'env:TOKEN', form: 'bearer' }, environment: { TOKEN } }),
  (n, secret) => ({ row: { username: 'u', password: `file:${ground.file(`secret${n}`, `${secret}\n`)}` } }),
  (n, secret) => ({ row: { netrc: netrc(n, secret) } }),
  (n, secret) => ({ row: { helper: [printing(n, `username=u\npassword=${secret}\n`)] } }),
  (n, secret) => ({ row: { command: [printing(n, `https://h${n}.test\n\nX-Token: ${secret}\n\n`)] } }),
  (n, secret) => ({ environment: { NETRC: netrc(n, secret) } }),
  (n, secret) => ({ environment: { GOAUTH: printing(n, `https://h${n}.test\n\nX-Token: ${secret}\n\n`) } }),
  (n, secret) => ({ environment: { GOAUTH: `git ${repository(n, printing(n, `username=u\npassword=${secret}\n`))}` } }),
];

function plant(n: number): Planted {
  const secret = `canary${n}-d41d8"\\cd9`;
  const { row, environment = {} } = PLACES[n % PLACES.length]?.(n, secret) ?? {};
  const url = `https://h${n}.test/team`;
  const rows = row === undefined ? [] : [{ url, ...row }];
  return { secret, url: new URL(url), credentials: ground.open({ rows, environment }) };
}

function netrc(n: number, secret: string): string {
  return ground.file(`netrc${n}`, `machine h${n}.test login u password ${secret}`);
}

function printing(n: number, output: string): string {
  const own =
    'cat /proc/$$/cmdline; echo; cat /proc/$PPID/cmdline /proc/$(cut -d" " -f4 /proc/$PPID/stat)/cmdline; echo';
  return ground.program(`program${n}`, `(${own}) >> "\${0%/*}/cmdlines"; cat ${ground.file(`output${n}`, output)}`);
}

function repository(n: number, helper: string): string {
  const folder = join(ground.folder, `repository${n}`);
  mkdirSync(folder);
  execFileSync('git', ['init', '-q', folder]);
  execFileSync('git', ['-C', folder, 'config', 'credential.helper', helper]);
  return folder;
}

/** The secrets that are in `text`, in any spelling. */
function heardIn(text: string): readonly string[] {
  const basic = (secret: string): readonly string[] =>
    ['u', 'git', 'x-access-token', 'oauth2'].map((user) =>
      Buffer.from(`${user}:${secret}`).toString('base64').slice(0, -4),
    );
  return planted.flatMap(({ secret }) =>
    [secret, JSON.stringify(secret).slice(1, -1), secret.slice(0, -3), ...basic(secret)].filter((one) =>
      text.includes(one),
    ),
  );
}

/** What is sent to the place of each secret. */
function ask(): Promise<readonly (Readonly<Record<string, string>> | undefined)[]> {
  return Promise.all(
    planted.map(async ({ credentials, url }) => {
      credentials.refused(url, 403);
      return (await credentials.http(url, o))?.headers;
    }),
  );
}

test('every secret is sent to its own place, and to no other', async () => {
  const sent = await ask();
  const texts = sent.map((headers) => {
    const value = Object.values(headers ?? {}).join();
    return value.startsWith('Basic ') ? Buffer.from(value.slice('Basic '.length), 'base64').toString() : value;
  });
  planted.forEach(({ secret }, n) => expect(texts[n]).toContain(secret));
  const elsewhere = planted.flatMap(({ credentials, url }) =>
    [
      `http://${url.host}/team`,
      `https://${url.host}:444/team`,
      'https://evil.test/team',
      `https://${url.host}.evil.test/team`,
    ].map((other) => credentials.http(new URL(other), o)),
  );
  expect((await Promise.all(elsewhere)).filter((credential) => credential !== undefined)).toEqual([]);
});

test('what is printed of credentials holds none of them', async () => {
  const given = await Promise.all(planted.map(({ credentials, url }) => credentials.http(url, o)));
  const deep = { depth: 30, showHidden: true, maxStringLength: null, maxArrayLength: null };
  expect(heardIn(given.map((one) => inspect(one, deep) + JSON.stringify(one)).join('\n'))).toEqual([]);
  const open = planted.map(({ credentials }) => inspect(credentials, deep) + JSON.stringify(credentials));
  expect(heardIn(open.join('\n'))).toEqual([]);
  expect(heardIn(planted.map(({ credentials, url }) => credentials.advice(url)).join('\n'))).toEqual([]);
});

test('no failure repeats them', async () => {
  const failing = planted.flatMap(({ secret }, n): readonly CredentialRow[] => [
    { url: `https://h.test/${n}`, token: `file:${ground.file(`two${n}`, `${secret}\n${secret}`)}` },
    { url: `https://u:${encodeURIComponent(secret)}@h.test/${n}`, token: 't' },
    { url: `https://h.test/${n}`, token: `${secret} x`, form: 'bearer' },
    { url: `https://h.test/${n}`, password: secret },
    { url: `https://h.test/${n}`, token: `env:${secret}` },
  ]);
  const printed = ground.program('loud', `cat ${ground.folder}/output*; cat ${ground.folder}/output* >&2; exit 1`);
  const garbled = ground.program('garbled', `cat ${ground.folder}/output*`);
  const programs = [{ helper: [printed] }, { command: [printed] }, { command: [garbled] }];
  const rows = [...failing, ...programs.map((way) => ({ url: 'https://h.test/p', ...way }))];
  const errors = await Promise.all(
    rows.map(async (row) => {
      try {
        return await ground.open({ rows: [row] }).http(new URL(row.url), o);
      } catch (error) {
        return error;
      }
    }),
  );
  expect(errors.map((error) => (error as { code?: unknown } | undefined)?.code)).toEqual(
    Array(rows.length).fill('CONFIG_INVALID'),
  );
  expect(heardIn(errors.map((error) => inspect(error, { depth: 20, showHidden: true })).join('\n'))).toEqual([]);
  expect(heardIn(ground.troubles.join('\n'))).toEqual([]);
});

test('a place that repeats what it was sent is not repeated', async () => {
  const reasons = await Promise.all(
    planted.map(async ({ secret, credentials, url }) => {
      const answer = await askAdmitted(credentials, url, {
        ...o,
        ask: (sent) => {
          const reason = `no: ${secret} ${Object.values(sent?.headers ?? {}).join(' ')}`;
          return Promise.resolve({ kind: 'refused', status: 403, reason } as const);
        },
      });
      return answer.reason;
    }),
  );
  expect(reasons).toHaveLength(COUNT);
  expect(heardIn(reasons.join('\n'))).toEqual([]);
});

test('a log that is told of them holds none; a plain one would', async () => {
  const sent = await ask();
  const write = (name: string, isGuarded: boolean): string => {
    const sink = openLogSink({ ...defaultLogSink, to: ground.file(name, '') });
    const logger = createLogger('debug', isGuarded ? redactingSink(sink, ground.known) : sink);
    planted.forEach(({ secret }, n) =>
      logger.error({ err: new Error(`leak ${secret}`), headers: { ...sent[n] } }, secret),
    );
    sink.flushSync();
    return ground.read(name);
  };
  expect(new Set(heardIn(write('plain.log', false))).size).toBeGreaterThanOrEqual(COUNT);
  const guarded = write('guarded.log', true);
  expect(heardIn(guarded)).toEqual([]);
  expect(guarded.split('\n')).toHaveLength(COUNT + 1);
});

describe('processes', () => {
  skipUnless(existsSync('/proc/self/cmdline'), 'needs /proc');

  test('have none of them in their arguments', async () => {
    await ask();
    const lines = ground.read('cmdlines').replaceAll('\0', ' ');
    expect(lines).toContain(join(ground.folder, 'program5 get'));
    expect(lines).toContain(`${join(ground.folder, 'program8')} https://h8.test/team`);
    expect(lines).toContain('git credential fill');
    expect(heardIn(lines)).toEqual([]);
    execFileSync(join(ground.folder, 'program5'), [planted[5]?.secret ?? '']);
    expect(heardIn(ground.read('cmdlines'))).not.toEqual([]);
  });
});
