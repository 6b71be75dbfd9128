import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

  test('of a process whose pid now belongs to another one is removed', async () => {
    const first = await openTempDirectory(root);
    const owner = join(first.path, 'OWNER');
    const reused = {
      ...JSON.parse(await import('node:fs').then((fs) => fs.readFileSync(owner, 'utf8'))),
      startedAt: '1',
    };
    await writeFile(owner, JSON.stringify(reused));
    const second = await openTempDirectory(root);
    expect(await second.swept).toBe(1);
    await second.close();
    await first.close();
  });

  test('of another machine, or without an owner, is removed only after an hour of silence', async () => {
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const [name, owner] of [
      ['far', '{"pid":1,"startedAt":"5","world":"elsewhere"}'],
      ['torn', '{"pi'],
    ] as const) {
      for (const age of ['new', 'old']) {
        const folder = join(root, '.tmp', `${name}-${age}`);
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, 'OWNER'), owner);
        if (age === 'old') await utimes(join(folder, 'OWNER'), old, old);
      }
    }
    const temp = await openTempDirectory(root);
    expect(await temp.swept).toBe(2);
    expect((await folders()).filter((name) => name.includes('-'))).toEqual(['far-new', 'torn-new']);
    await temp.close();
  });

  test('says what to do when it cannot be made', async () => {
    await writeFile(join(root, '.tmp'), 'a file in the way');
    await expect(openTempDirectory(root)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
