import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppError } from '../std/errors.ts';
import { type Command, converse, run, type RunLimits, stream } from './subprocess.ts';

const signal = new AbortController().signal;
const LIMITS: RunLimits = { wallMs: 10_000, idleMs: 10_000, outputBytes: 1 << 20 };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-subprocess-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function sh(script: string, more: Partial<Command> = {}): Command {
  const environment = { PATH: '/usr/bin:/bin' };
  return { program: 'sh', args: ['-c', script], folder, environment, limits: LIMITS, ...more };
}

/** A tree of three processes that ignores SIGTERM at its leaf and holds the pipes; the pids go to `file`. */
function family(file: string): string {
  return `echo $$ > ${file}; sh -c 'echo $$ >> ${file}; (trap "" TERM; sh -c "echo \\$\\$ >> ${file}; trap \\"\\" TERM; while :; do sleep 0.1; done") & wait'; sleep 60`;
}

function isAlive(pid: number): boolean {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^\d+ \(.*\) [ZX]/su.test(state);
  } catch {
    return false;
  }
}

async function membersOf(file: string): Promise<number[]> {
  for (let i = 0; i < 200; i++) {
    const pids = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
    if (pids.length === 3) return pids;
    await sleep(10);
  }
  throw new Error('the family did not start');
}

describe('running a command', () => {
  test('gives its exit code, its output and what it said', async () => {
    const ended = await run(sh('cat; echo told >&2; exit 3', { input: Buffer.from('asked') }), { signal });
    expect({ ...ended, stdout: String(ended.stdout) }).toEqual({ exitCode: 3, stdout: 'asked', stderr: 'told' });
  });

  test('lets it read nothing where nothing is given, and know only the environment that is given', async () => {
    const ended = await run(
      sh('cat; env | grep -v -E "^(PWD|SHLVL|_|OLDPWD)="', { environment: { PATH: '/usr/bin:/bin', ONLY: 'this' } }),
      { signal },
    );
    expect(String(ended.stdout).trim().split('\n').sort()).toEqual(['ONLY=this', 'PATH=/usr/bin:/bin']);
  });

  test('tells a command that a signal ended as shells do', async () => {
    expect((await run(sh('kill -9 $$'), { signal })).exitCode).toBe(137);
  });

  test('keeps the last 16 KiB of what it said, without what terminals obey', async () => {
    const script = `for i in $(seq 5000); do echo "line $i of many" >&2; done; printf 'a\\033[31mb\\033]0;title\\007c\\rd\\000e\\342\\200\\256f\\302\\233g\\n' >&2`;
    const { stderr } = await run(sh(script), { signal });
    expect(stderr.endsWith('line 5000 of many\nabc\ndefg')).toBe(true);
    expect(stderr.length).toBeLessThanOrEqual(16 * 1024);
  });

  test('cannot start what is not there, and says what', async () => {
    await expect(run(sh('', { program: 'larder-no-such-program' }), { signal })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'run larder-no-such-program: no such program, or its folder is gone',
    });
    await expect(run(sh('', { folder: join(folder, 'gone') }), { signal })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(run(sh('', { args: ['a\0b'] }), { signal })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('does not start for those who have left', async () => {
    const file = join(folder, 'never');
    await expect(run(sh(`touch ${file}`), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(existsSync(file)).toBe(false);
  });
});

describe('a limit kills the whole group before the promise rejects', () => {
  test.each([
    ['time', 'UPSTREAM_TIMEOUT', { wallMs: 300 }, ''],
    ['silence', 'UPSTREAM_TIMEOUT', { idleMs: 300 }, ''],
    [
      'output',
      'TOO_LARGE',
      { outputBytes: 100_000 },
      '(while :; do sleep 0.3; cat /dev/zero | head -c 200000; done) & ',
    ],
  ])('of %s', async (what, code, limits, before) => {
    const file = join(folder, `limit-${what}`);
    const running = run(sh(before + family(file), { limits: { ...LIMITS, ...limits } }), { signal });
    const refused = expect(running).rejects.toMatchObject({ code });
    const pids = await membersOf(file);
    expect(pids.every(isAlive)).toBe(true);
    await refused;
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('so does the signal, whose own reason is told', async () => {
    const stop = new AbortController();
    const file = join(folder, 'abort');
    const running = run(sh(family(file)), stop);
    const pids = await membersOf(file);
    stop.abort(new AppError('UPSTREAM_TIMEOUT', 'too late'));
    await expect(running).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT', message: 'too late' });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('what a command leaves behind when it ends is ended too', async () => {
    const file = join(folder, 'left-behind');
    const ended = await run(
      sh(`sh -c 'echo $$ > ${file}; exec sleep 60' & while ! [ -s ${file} ]; do sleep 0.01; done; exit 0`),
      { signal },
    );
    expect(ended.exitCode).toBe(0);
    await sleep(50);
    expect(isAlive(Number(readFileSync(file, 'utf8')))).toBe(false);
  });

  test('a process that makes a sound now and then is not silent', async () => {
    const limits = { ...LIMITS, idleMs: 400 };
    const ended = await run(sh('for i in 1 2 3 4 5 6; do sleep 0.15; echo . >&2; done', { limits }), { signal });
    expect(ended.exitCode).toBe(0);
  });
});

describe('reading as it writes', () => {
  const refuse = ({ exitCode, stderr }: { exitCode: number; stderr: string }): AppError =>
    new AppError('UPSTREAM_BAD_RESPONSE', `${exitCode} ${stderr}`);

  test('goes only as fast as the reader, whose pauses are no silence', async () => {
    const file = join(folder, 'pace');
    const limits = { ...LIMITS, idleMs: 200, outputBytes: Number.POSITIVE_INFINITY };
    const script = `for i in $(seq 64); do head -c 65536 /dev/zero; echo $i >> ${file}; done`;
    let bytes = 0;
    for await (const part of stream(sh(script, { limits }), { signal, refuse })) {
      if (bytes === 0) {
        await sleep(600);
        expect(readFileSync(file, 'utf8').trim().split('\n').length).toBeLessThan(8);
      }
      bytes += part.length;
    }
    expect(bytes).toBe(64 * 65536);
  });

  test('throws at its end when the command failed', async () => {
    const read: string[] = [];
    const reading = (async () => {
      for await (const part of stream(sh('echo half; echo why >&2; exit 7'), { signal, refuse }))
        read.push(String(part));
    })();
    await expect(reading).rejects.toMatchObject({ message: '7 why' });
    expect(read).toEqual(['half\n']);
  });

  test('kills the group when the reader leaves', async () => {
    const file = join(folder, 'reader-left');
    for await (const _ of stream(sh(`echo first; ${family(file)}`), { signal, refuse })) break;
    await sleep(50);
    const pids = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('tells why it was cut short', async () => {
    const limits = { ...LIMITS, wallMs: 200 };
    const reading = (async () => {
      for await (const part of stream(sh('echo first; sleep 60', { limits }), { signal, refuse })) void part;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
  });
});

describe('talking with a command', () => {
  test('asks and hears until it is told to go', async () => {
    const talk = converse(sh('while read word; do echo "you said $word"; done'), { signal });
    const heard = talk.chunks();
    for (const word of ['one', 'two']) {
      talk.stdin?.write(`${word}\n`);
      expect(String((await heard.next()).value)).toBe(`you said ${word}\n`);
    }
    talk.kill(new AppError('ABORTED', 'enough'));
    await expect(talk.ended).rejects.toMatchObject({ message: 'enough' });
  });

  test('writing to one that has gone ends nothing', async () => {
    const talk = converse(sh('exit 0'), { signal });
    expect(await talk.ended).toMatchObject({ exitCode: 0 });
    talk.stdin?.write('anybody?\n');
    await sleep(20);
  });
});
