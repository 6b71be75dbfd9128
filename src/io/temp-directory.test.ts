import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openTempDirectory } from './temp-directory.ts';

let root: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-temp-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(root, { recursive: true, force: true });
});

const folders = async (): Promise<string[]> => await readdir(join(root, '.tmp'));

/** A process of its own that opens the folder and leaves a file in it. */
async function otherProcess() {
  const script = `
    import { openTempDirectory } from ${JSON.stringify(join(import.meta.dirname, 'temp-directory.ts'))};
    import { writeFileSync } from 'node:fs';
    const temp = await openTempDirectory(${JSON.stringify(root)});
    await temp.swept;
    writeFileSync(temp.newPath(), 'half a body');
    console.log('ready');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

describe('a temporary folder', () => {
  test('gives paths that nobody has used, and goes with its content', async () => {
    const temp = await openTempDirectory(root);
    const paths = Array.from({ length: 100 }, () => temp.newPath());
    expect(new Set(paths).size).toBe(100);
    await writeFile(paths[0] ?? '', 'x');
    await temp.close();
    expect(await folders()).toEqual([]);
  });

  test('of a killed process is removed at the next start; of a living one it is not', async () => {
    const [killed, living] = [await otherProcess(), await otherProcess()];
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(await folders()).toHaveLength(2);
    const temp = await openTempDirectory(root);
    expect(await temp.swept).toBe(1);
    expect(await folders()).toHaveLength(2);
    living.kill('SIGKILL');
    await once(living, 'exit');
    await temp.close();
  });

  test('of a killed process is removed also when it was half removed before', async () => {
    const killed = await otherProcess();
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const [name = ''] = await folders();
    for (const file of await readdir(join(root, '.tmp', name))) await rm(join(root, '.tmp', name, file));
    const temp = await openTempDirectory(root);
    expect(await temp.swept).toBe(1);
    await temp.close();
  });

  test('of a process whose pid now belongs to another one is removed', async () => {
    const temp = await openTempDirectory(root);
    await temp.swept;
    const [world, pid, startedAt] = basename(temp.path).split('-');
    await mkdir(join(root, '.tmp', `${world}-${pid}-${Number(startedAt) - 1}-00000000`));
    await mkdir(join(root, '.tmp', `${world}-${pid}-${startedAt}-00000000`));
    const second = await openTempDirectory(root);
    expect(await second.swept).toBe(1);
    expect(await folders()).toContain(`${world}-${pid}-${startedAt}-00000000`);
    await second.close();
    await temp.close();
  });

  test('of another machine, or with a name that is not ours, is removed after an hour in which it did not change, whatever the clocks say', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const [dead, living, strange] = [`${'0'.repeat(16)}-1-5-00000000`, `${'0'.repeat(16)}-2-5-00000000`, 'something'];
    const long = new Date(Date.now() - 48 * 3_600_000);
    for (const name of [dead, living, strange]) {
      await mkdir(join(root, '.tmp', name), { recursive: true });
      await utimes(join(root, '.tmp', name), long, long);
    }
    const temp = await openTempDirectory(root);
    expect(await temp.swept).toBe(0);
    const others = async (): Promise<string[]> => (await folders()).filter((name) => name !== basename(temp.path));
    let beats = 0;
    while ((await others()).length > 1 && beats < 50) {
      await utimes(join(root, '.tmp', living), ++beats, beats);
      vi.advanceTimersByTime(10 * 60_000);
      // What a beat does goes through the file system, which no clock of ours moves.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await others()).toEqual([living]);
    expect(beats).toBeGreaterThanOrEqual(6);
    await temp.close();
  });

  test('says what to do when it cannot be made', async () => {
    await writeFile(join(root, '.tmp'), 'a file in the way');
    await expect(openTempDirectory(root)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
