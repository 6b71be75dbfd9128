import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { AppError } from '../std/errors.ts';
import { askServer, askServers, findServers } from './client.ts';
import { type Control, openControl } from './control.ts';
import { type ControlCommand, deskOf } from './desk.ts';

const o = { signal: new AbortController().signal };
let root: string;
const open: Control[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-control-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const control of open.splice(0)) await control.close();
  await rm(root, { recursive: true, force: true });
});

async function started(commands: Record<string, ControlCommand>, folder = root): Promise<Control> {
  const control = await openControl({ folder, desk: deskOf(new Map(Object.entries(commands))) });
  open.push(control);
  return control;
}

const echo: ControlCommand = async (input) => ({ said: input });

/** What the server says to these bytes, until it closes the connection. */
async function sent(control: Control, ...chunks: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(control.path);
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => (said += text));
  socket.on('error', () => undefined);
  for (const chunk of chunks) socket.write(chunk);
  await once(socket, 'close');
  return said;
}

/** A process of its own with a socket in the folder. */
async function otherServer(): Promise<ChildProcess> {
  const script = `
    import { openControl } from ${JSON.stringify(join(import.meta.dirname, 'control.ts'))};
    import { deskOf } from ${JSON.stringify(join(import.meta.dirname, 'desk.ts'))};
    await openControl({ folder: ${JSON.stringify(root)}, desk: deskOf(new Map([['echo', async () => 'other']])) });
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

describe('a control socket', () => {
  test('is asked by name, and answers with what the command says', async () => {
    await started({ echo });
    const [server] = await findServers(root);
    expect(server?.pid).toBe(process.pid);
    expect(await askServer(server!, { command: 'echo', input: { a: [1, 'ü'] } }, o)).toEqual([
      { worker: 0, answer: { said: { a: [1, 'ü'] } } },
    ]);
  });

  test('tells a failure with its code, message and facts', async () => {
    const fails: ControlCommand = () =>
      Promise.reject(new AppError('CONFIG_INVALID', 'start drill: no such upstream', { detail: { upstream: 'x' } }));
    await started({ fails });
    const [server] = await findServers(root);
    expect(await askServer(server!, { command: 'fails', input: 1 }, o)).toEqual([
      {
        worker: 0,
        failure: { code: 'CONFIG_INVALID', message: 'start drill: no such upstream', detail: { upstream: 'x' } },
      },
    ]);
    expect(await askServer(server!, { command: 'none-such', input: 1 }, o)).toMatchObject([
      { failure: { code: 'NOT_FOUND' } },
    ]);
  });

  test('is for its user alone', async () => {
    const control = await started({ echo });
    expect((await stat(control.path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(control.path))).mode & 0o777).toBe(0o700);
  });

  test('makes a folder that others may enter its own, and refuses one that leads elsewhere', async () => {
    await mkdir(join(root, '.control'), { mode: 0o777 });
    await chmod(join(root, '.control'), 0o777);
    const control = await started({ echo });
    expect((await stat(dirname(control.path))).mode & 0o777).toBe(0o700);
    const other = join(root, 'other');
    await mkdir(join(other, 'elsewhere'), { recursive: true });
    await symlink(join(other, 'elsewhere'), join(other, '.control'));
    await expect(started({ echo }, other)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await readdir(join(other, 'elsewhere'))).toEqual([]);
  });

  test('works in a folder whose name is longer than a socket address', async () => {
    const deep = join(root, 'd'.repeat(100), 'e'.repeat(100));
    await mkdir(deep, { recursive: true });
    const control = await started({ echo }, deep);
    expect(await askServers(deep, { command: 'echo', input: 1 }, o)).toMatchObject([
      { replies: [{ answer: { said: 1 } }] },
    ]);
    expect((await stat(control.path)).mode & 0o777).toBe(0o600);
    await control.close();
    expect(await readdir(join(deep, '.control'))).toEqual([]);
  });

  test('goes when the server ends, and is swept when it was killed', async () => {
    const killed = await otherServer();
    expect(await findServers(root)).toHaveLength(1);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(await readdir(join(root, '.control'))).toHaveLength(1);
    expect(await findServers(root)).toEqual([]);
    const control = await started({ echo });
    expect(await readdir(join(root, '.control'))).toEqual([basename(control.path)]);
    await control.close();
    expect(await readdir(join(root, '.control'))).toEqual([]);
  });

  test('of a machine that cannot be seen is swept after an hour in which it did not change, whatever the clocks say, and no other file ever', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    await mkdir(join(root, '.control'));
    const dead = `${'f'.repeat(16)}-7-9-${'0'.repeat(8)}.sock`;
    const living = `${'f'.repeat(16)}-8-9-${'0'.repeat(8)}.sock`;
    const past = new Date(Date.now() - 48 * 3600_000);
    for (const name of [dead, living, 'notes.txt']) {
      await writeFile(join(root, '.control', name), '');
      await utimes(join(root, '.control', name), past, past);
    }
    const control = await started({ echo });
    const others = async (): Promise<string[]> =>
      (await readdir(join(root, '.control'))).filter((name) => name !== basename(control.path)).sort();
    expect(await others()).toEqual([dead, living, 'notes.txt']);
    let beats = 0;
    while ((await others()).length > 2 && beats < 50) {
      await utimes(join(root, '.control', living), ++beats, beats);
      vi.advanceTimersByTime(10 * 60_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await others()).toEqual([living, 'notes.txt']);
    expect(beats).toBeGreaterThanOrEqual(6);
  });

  test('is asked beside those of other servers of the same folder', async () => {
    await otherServer();
    await started({ echo });
    const answered = await askServers(root, { command: 'echo', input: 2 }, o);
    const answers = answered.map((one) => ('replies' in one ? one.replies : one.error));
    expect(answers).toHaveLength(2);
    expect(answers).toContainEqual([{ worker: 0, answer: 'other' }]);
    expect(answers).toContainEqual([{ worker: 0, answer: { said: 2 } }]);
  });

  test('stops a command whose asker goes, and when the server ends', async () => {
    const stopped: string[] = [];
    const waits: ControlCommand = async (input, { signal }) => {
      await once(signal, 'abort');
      stopped.push(String(input));
    };
    const control = await started({ waits, echo });
    const [server] = await findServers(root);
    const leaving = new AbortController();
    const first = askServer(server!, { command: 'waits', input: 'left' }, leaving);
    await askServer(server!, { command: 'echo', input: 0 }, o);
    leaving.abort();
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
    await expect.poll(() => stopped).toEqual(['left']);
    const second = askServer(server!, { command: 'waits', input: 'closed' }, o);
    await askServer(server!, { command: 'echo', input: 0 }, o);
    const [told] = await Promise.allSettled([second, control.close()]);
    expect(told).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
    expect(stopped).toEqual(['left', 'closed']);
  });

  test('has no server where none runs', async () => {
    expect(await findServers(root)).toEqual([]);
    expect(await askServers(join(root, 'none'), { command: 'echo', input: 0 }, o)).toEqual([]);
  });
});

describe('what is sent to a control socket', () => {
  test.each([
    ['no JSON', 'hello\n'],
    ['no object', '[1]\n'],
    ['no command', '{}\n'],
    ['a command that is no name', '{"command":"__proto__"}\n'],
    ['a command of 10,000 letters', `{"command":"${'a'.repeat(10_000)}"}\n`],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x0a])],
    ['an empty line', '\n'],
    ['a nest of 30,000 lists', `{"command":"echo","input":${'['.repeat(30_000)}\n`],
  ])('is refused when it is %s, and the server goes on', async (_what, bytes) => {
    const control = await started({ echo });
    expect(JSON.parse(await sent(control, bytes))).toMatchObject({ failure: { code: 'CONFIG_INVALID' } });
    expect(await sent(control, '{"command":"echo","input":1}\n')).toBe(
      '{"replies":[{"worker":0,"answer":{"said":1}}]}\n',
    );
  });

  test('is refused when the line is longer than 64 KiB', async () => {
    const control = await started({ echo });
    expect(JSON.parse(await sent(control, 'x'.repeat(70_000)))).toMatchObject({ failure: { code: 'TOO_LARGE' } });
    expect(await sent(control, `{"command":"echo","input":"${'x'.repeat(60_000)}"}\n`)).toContain('xxx');
  });

  test('may come in pieces, and what comes after the line is nothing', async () => {
    const control = await started({ echo });
    expect(await sent(control, '{"comm', 'and":"echo","in', 'put":3}\n{"command":"echo","input":4}\n')).toBe(
      '{"replies":[{"worker":0,"answer":{"said":3}}]}\n',
    );
  });

  test('cannot end the server, whatever 200 connections send and when they leave', async () => {
    const control = await started({ echo });
    const random = (n: number): Buffer => Buffer.from(Array.from({ length: n }, (_, i) => (n * 7919 + i * 31) % 256));
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const socket = connect(control.path);
        socket.on('error', () => undefined);
        socket.write(random(i * 97));
        await new Promise((resolve) => setTimeout(resolve, i % 20));
        socket.destroy();
      }),
    );
    await expect
      .poll(() => sent(control, '{"command":"echo","input":5}\n'))
      .toBe('{"replies":[{"worker":0,"answer":{"said":5}}]}\n');
  });

  test('is told when its answer cannot be said', async () => {
    const strange: ControlCommand = async () => ({ n: 1n });
    const control = await started({ strange });
    expect(JSON.parse(await sent(control, '{"command":"strange"}\n'))).toMatchObject({ failure: { code: 'INTERNAL' } });
  });
});
