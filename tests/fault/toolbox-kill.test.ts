/** The commands that switch a vendor/ or a bundle, killed (SIGKILL) before each of their changes to the disk: nothing unverified is ever switched to, nothing is lost, and the next command clears up. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBundle } from '../../src/toolbox/bundle/create.ts';
import { installBundle } from '../../src/toolbox/bundle/install.ts';
import { rollbackBundle } from '../../src/toolbox/bundle/switch.ts';
import { verifyBundle } from '../../src/toolbox/bundle/verify.ts';
import { restoreVendor, takeSnapshot, verifyVendor } from '../../src/toolbox/vendor/vendor-guard.ts';
import { createZipInspector } from '../../src/verify/zip-inspector.ts';
import { bundler, writeTree } from '../fakes/bundles.ts';
import { versionOf } from '../fakes/stored-modules.ts';

const SCRIPT = join(import.meta.dirname, 'dies-at.ts');
/** More changes than any of the commands makes. */
const MOST_STEPS = 60;
const root = mkdtempSync(join(tmpdir(), 'larder-toolbox-kill-'));
const inspector = createZipInspector();
const o = { signal: new AbortController().signal };
const safely = { ...o, onDamage: 'refuse' } as const;
const needs = { ...o, inspector, keys: [bundler.verifier] };
afterAll(async () => {
  await inspector.close();
  rmSync(root, { recursive: true, force: true });
});

/** Whether it came to its end before its n-th change. */
function livesTo(nth: number, ...args: readonly string[]): boolean {
  const { stdout, stderr, signal } = spawnSync(process.execPath, [SCRIPT, String(nth), ...args], { encoding: 'utf8' });
  if (signal !== 'SIGKILL' && stdout !== 'done\n') throw new Error(`neither done nor killed: ${stderr}`);
  return stdout === 'done\n';
}

/** Has the command killed before each of its changes, on a folder that `make` makes anew, and lets `check` look at what is left. Returns how often. */
async function killedEverywhere(
  what: string,
  make: () => readonly string[],
  check: (folder: string) => Promise<void>,
): Promise<number> {
  for (let nth = 1; nth < MOST_STEPS; nth++) {
    const [folder = '', ...more] = make();
    const lives = livesTo(nth, what, folder, ...more);
    await check(folder);
    rmSync(folder, { recursive: true });
    if (lives) return nth - 1;
  }
  throw new Error(`${what} makes more changes than are tried`);
}

const DAMAGED = 'package damaged\n';

describe('a vendor/', () => {
  const model = join(root, 'model');
  const projectWith = (text: string): string => {
    const folder = mkdtempSync(join(root, 'project-'));
    cpSync(model, folder, { recursive: true });
    writeFileSync(join(folder, 'vendor/x.test/a/a.go'), text);
    return folder;
  };
  beforeAll(async () => {
    write('go.mod', 'module x.test/p\n\ngo 1.19\n\nrequire x.test/a v1.0.0\n');
    write('vendor/modules.txt', '# x.test/a v1.0.0\n## explicit\nx.test/a\n');
    write('vendor/x.test/a/a.go', 'package a\n');
    await takeSnapshot(model, safely);
  });
  function write(name: string, content: string): void {
    mkdirSync(dirname(join(model, name)), { recursive: true });
    writeFileSync(join(model, name), content);
  }

  test('that is restored is the damaged one or the whole one, and can be restored', async () => {
    const steps = await killedEverywhere(
      'restore',
      () => [projectWith(DAMAGED)],
      async (folder) => {
        const state = await verifyVendor(folder, o);
        expect(['package a\n', DAMAGED]).toContain(readFileSync(join(folder, 'vendor/x.test/a/a.go'), 'utf8'));
        expect(state.kind).toBe(textIn(folder, 'vendor') === DAMAGED ? 'damaged' : 'intact');
        await restoreVendor(folder, o);
        expect(await verifyVendor(folder, o)).toMatchObject({ kind: 'intact' });
        expect(readdirSync(folder).sort()).toEqual(['go.mod', 'vendor', 'vendor.offline', 'vendor.sum']);
      },
    );
    expect(steps).toBeGreaterThan(4);
  }, 120_000);

  test('whose snapshot is taken has the old one or the new one to come back to, as vendor.sum says', async () => {
    const NEW = 'package a // new\n';
    const steps = await killedEverywhere(
      'snapshot',
      () => {
        const folder = projectWith(NEW);
        // As go mod vendor would.
        writeFileSync(join(folder, 'vendor/modules.txt'), '# x.test/a v1.0.0\n## explicit; go 1.19\nx.test/a\n');
        return [folder];
      },
      async (folder) => {
        expect(textIn(folder, 'vendor')).toBe(NEW);
        const isTaken = (await verifyVendor(folder, o)).kind === 'intact';
        rmSync(join(folder, 'vendor'), { recursive: true });
        await restoreVendor(folder, o);
        expect(textIn(folder, 'vendor')).toBe(isTaken ? NEW : 'package a\n');
        expect(readdirSync(folder).sort()).toEqual(['go.mod', 'vendor', 'vendor.offline', 'vendor.sum']);
      },
    );
    expect(steps).toBeGreaterThan(4);
  }, 120_000);

  function textIn(folder: string, name: string): string {
    return readFileSync(join(folder, name, 'x.test/a/a.go'), 'utf8');
  }
});

describe('a store of bundles', () => {
  const model = join(root, 'store');
  const store = (): string => {
    const folder = mkdtempSync(join(root, 'store-'));
    cpSync(model, folder, { recursive: true, verbatimSymlinks: true });
    return folder;
  };
  beforeAll(async () => {
    const modules = ['x.test/a@v1.0.0'];
    writeTree(join(root, 'tree/cache/download'), modules);
    for (const id of ['one', 'two', 'three']) {
      const order = { from: join(root, 'tree'), to: join(root, id), modules: modules.map(versionOf), goSum: [], id };
      const terms = { purpose: '', now: new Date(0), onMissing: 'refuse', signer: bundler, inspector } as const;
      await createBundle({ ...order, ...terms }, o);
    }
    await installBundle(model, join(root, 'one'), needs);
    await installBundle(model, join(root, 'two'), needs);
  });

  test('leads to the old bundle or to the new one, whole, when an installation is killed', async () => {
    const steps = await killedEverywhere(
      'install',
      () => [store(), join(root, 'three')],
      async (folder) => {
        const current = readlinkSync(join(folder, 'current'));
        expect(['two', 'three']).toContain(current);
        expect(await verifyBundle(join(folder, current), needs)).toMatchObject({
          faults: [],
          manifest: { id: current },
        });
        expect(await verifyBundle(join(folder, readlinkSync(join(folder, 'previous'))), needs)).toMatchObject({
          faults: [],
        });
        expect((await installBundle(folder, join(root, 'three'), needs)).current).toBe('three');
        expect(readdirSync(folder).sort()).toEqual(['current', 'one', 'previous', 'three', 'two']);
      },
    );
    expect(steps).toBeGreaterThan(4);
  }, 120_000);

  test('leads to one of the two when a rollback is killed', async () => {
    const steps = await killedEverywhere(
      'rollback',
      () => [store()],
      async (folder) => {
        const current = readlinkSync(join(folder, 'current'));
        expect(['one', 'two']).toContain(current);
        // What was not done yet can still be done.
        if (current === 'two') {
          expect(await rollbackBundle(folder, needs)).toMatchObject({ current: 'one', previous: 'two' });
          return;
        }
        await installBundle(folder, join(root, 'three'), needs);
        expect(await rollbackBundle(folder, needs)).toMatchObject({ current, previous: 'three' });
        expect(readdirSync(folder).sort()).toEqual(['current', 'one', 'previous', 'three', 'two']);
      },
    );
    expect(steps).toBeGreaterThan(3);
  }, 120_000);
});
