/** A volume without room: in a mount namespace of its own, so that nothing outside sees it. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipUnless } from '../skip.ts';

const MAY_MOUNT = spawnSync('unshare', ['-m', 'true']).status === 0;
const WRITER = join(import.meta.dirname, 'full-disk-writer.ts');

interface Outcome {
  readonly code: string;
  readonly message: string;
  readonly told: readonly string[];
  readonly isFirstThere: boolean;
}

describe('a volume without room', () => {
  skipUnless(MAY_MOUNT, 'mount namespaces are not allowed here');
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'larder-full-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  /** Runs the writer on a fresh tmpfs, then lists what is visible there: data files with their sizes, and what the temporary folder holds. */
  const run = (options: string): { outcome: Outcome; temporary: string[] } => {
    const script = `mount -t tmpfs -o ${options} larder-test "$1" && "$2" "$3" "$1" && find "$1/.tmp" -type f`;
    const child = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', folder, process.execPath, WRITER], {
      encoding: 'utf8',
    });
    const [first = '', ...rest] = child.stdout.split('\n');
    expect(child.stderr).toBe('');
    return { outcome: JSON.parse(first) as Outcome, temporary: rest.filter((line) => line !== '') };
  };

  test.each(['size=6m', 'size=64m,nr_inodes=60'])(
    '(%s) fails the commit in one line that says what to do; what was stored stays, nothing half stays',
    (options) => {
      const { outcome, temporary } = run(options);
      expect(outcome).toMatchObject({ code: 'STORE_UNAVAILABLE', isFirstThere: true });
      expect(outcome.message).toMatch(
        /ENOSPC: the volume of the data folder is full: free space or inodes, or enlarge it$/,
      );
      expect(outcome.told.length).toBeGreaterThan(2);
      expect(temporary).toEqual([]);
    },
  );
});
