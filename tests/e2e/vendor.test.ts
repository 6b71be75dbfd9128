/** `larder vendor` as scripts use it, with a vendor/ that the real go made, and its verdict beside go's own. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { vendorFault } from '../../src/toolbox/vendor/consistency.ts';
import { skipUnless } from '../skip.ts';
import { goTools, goVersion } from './go-client.ts';
import { type Ground, LIB, type Machine, makeGround } from './toolbox-rig.ts';

vi.setConfig({ testTimeout: 180_000 });

let ground: Ground;
beforeAll(async () => {
  ground = await makeGround();
});
afterAll(() => ground?.close());

async function vendored(program: string): Promise<Machine> {
  const machine = ground.machine(program);
  expect(await machine.plainGo(['mod', 'vendor'])).toMatchObject({ code: 0 });
  return machine;
}

describe('larder vendor', () => {
  skipUnless(goVersion() !== undefined, 'go is not installed');

  test('ends with 0 intact, 1 damaged, 2 no checksum file, and restores when told', async () => {
    const machine = await vendored('go');
    const file = join(machine.project, 'vendor', LIB, 'lib.go');
    expect(await machine.larder(['vendor', 'verify'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no vendor.sum'),
    });
    expect(await machine.larder(['vendor', 'restore'])).toMatchObject({ code: 4 });
    expect(await machine.larder(['vendor', 'snapshot'])).toMatchObject({ code: 0 });
    expect(await machine.larder(['vendor', 'verify', '--dir', machine.project])).toMatchObject({ code: 0 });
    const whole = readFileSync(file);
    writeFileSync(file, 'package lib\n');
    const damaged = await machine.larder(['vendor', 'verify', '--json']);
    expect([damaged.code, JSON.parse(damaged.stdout)]).toEqual([
      1,
      { state: 'damaged', faults: [{ kind: 'changed', name: `"${LIB}/lib.go"` }] },
    ]);
    rmSync(file);
    expect(await machine.larder(['vendor', 'verify'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('missing'),
    });
    expect(await machine.larder(['vendor', 'verify', '--restore'])).toMatchObject({ code: 0 });
    expect(readFileSync(file)).toEqual(whole);
    rmSync(file);
    expect(await machine.larder(['vendor', 'restore', '--lang', 'zh'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('已恢复'),
    });
    expect(await machine.larder(['vendor', 'verify'])).toMatchObject({ code: 0 });
  });

  test('never restores a snapshot with a wrong checksum', async () => {
    const machine = await vendored('go');
    await machine.larder(['vendor', 'snapshot']);
    const file = join(machine.project, 'vendor', LIB, 'lib.go');
    rmSync(file);
    writeFileSync(join(machine.project, 'vendor.offline', LIB, 'lib.go'), 'package evil\n');
    for (const [code, args] of [
      [1, ['verify', '--restore']],
      [4, ['restore']],
    ] as const)
      expect(await machine.larder(['vendor', ...args])).toMatchObject({
        code,
        stderr: expect.stringContaining('nothing was restored'),
      });
    expect(() => readFileSync(file)).toThrow('ENOENT');
    writeFileSync(join(machine.project, 'vendor.sum'), 'larder-vendor/1\n');
    expect(await machine.larder(['vendor', 'verify'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('vendor.sum is damaged'),
    });
  });
});

describe.each(goTools())('whether vendor/ and go.mod agree, beside $name', ({ program, isInstalled }) => {
  skipUnless(isInstalled, `${program} is not installed`);

  const GO_MOD = `module larder.test/project\n\ngo 1.19\n\nrequire ${LIB} v1.0.0\n`;

  test.each([
    ['as go mod vendor left it', GO_MOD, true],
    ['another version', GO_MOD.replace('v1.0.0', 'v1.0.1'), false],
    ['a requirement more', `${GO_MOD}require x.test/more v1.0.0\n`, false],
    ['no requirement', 'module larder.test/project\n\ngo 1.19\n', false],
    ['a replacement', `${GO_MOD}replace ${LIB} => ./elsewhere\n`, false],
    ['a replacement of one version', `${GO_MOD}replace ${LIB} v1.0.0 => x.test/other v1.0.0\n`, false],
    ['an exclusion', `${GO_MOD}exclude x.test/more v1.0.0\n`, true],
    ['an old go', GO_MOD.replace('1.19', '1.13'), true],
  ])('%s', async (_, goMod, isRight) => {
    const machine = await vendored(program);
    writeFileSync(join(machine.project, 'go.mod'), goMod);
    expect((await vendorFault(machine.project)) === undefined).toBe(isRight);
    const said = await machine.plainGo(['list', '-mod=vendor', '-deps', '.']);
    expect([said.code === 0, said.stderr.includes('inconsistent vendoring')]).toEqual([isRight, !isRight]);
  });
});
