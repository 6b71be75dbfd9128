import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TreeArchive } from '../../src/sources/vcs/module-zip.ts';
import type { TreeFile } from '../../src/sources/vcs/snapshot.ts';
import { PLAIN_GIT_ENVIRONMENT } from './git-repositories.ts';

/** The trees of the bare repository at `folder`, by plain git: what a zip is made from, without mirrors, limits and refusals. Writes its `info/attributes`. */
export function plainTreeArchive(folder: string): TreeArchive {
  mkdirSync(join(folder, 'info'), { recursive: true });
  appendFileSync(join(folder, 'info/attributes'), '\n* -export-subst -export-ignore\n');
  return {
    files: async (commit, directory) => {
      const tree = `${commit}:${directory}`;
      const listed = await whole(git(folder, ['ls-tree', '-r', '-t', '-z', '--end-of-options', tree]));
      return filesOf(listed, directory === '' ? '' : `${directory}/`);
    },
    archive: (commit, path) =>
      git(folder, ['archive', '--format=tar', '--end-of-options', commit, ...(path === '' ? [] : [path])]),
    file: async (commit, path) => {
      try {
        return await whole(git(folder, ['cat-file', '--end-of-options', 'blob', `${commit}:${path}`]));
      } catch {
        return undefined;
      }
    },
  };
}

async function* git(folder: string, args: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  const child = spawn('git', ['-c', 'core.autocrlf=input', '-c', 'core.eol=lf', ...args], {
    env: { ...PLAIN_GIT_ENVIRONMENT, GIT_DIR: folder, GIT_LITERAL_PATHSPECS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  try {
    for await (const chunk of child.stdout) yield chunk as Uint8Array;
    if ((await ended) !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  } finally {
    child.kill('SIGKILL');
  }
}

async function whole(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(parts));
}

/** `MODE TYPE HASH\tNAME\0` for each. */
function filesOf(listed: Buffer, prefix: string): TreeFile[] {
  const lines = listed.toString('latin1').split('\0').slice(0, -1);
  return lines.map((line) => {
    const [, mode = '', type = '', name = ''] = /^(\d+) (\w+) \w+\t(.*)$/s.exec(line) ?? [];
    return {
      name: Buffer.concat([Buffer.from(prefix), Buffer.from(name, 'latin1')]),
      mode,
      type: type as TreeFile['type'],
    };
  });
}
