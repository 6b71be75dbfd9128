import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type GoTool, pinsOf, readSettings } from './go-settings.ts';

const root = mkdtempSync(join(tmpdir(), 'larder-settings-'));
const o = { signal: new AbortController().signal };
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A go command that says only this. */
function saying(env: Readonly<Record<string, string>>): GoTool {
  const stdout = Buffer.from(JSON.stringify(env));
  return { program: 'go', environment: {}, run: async () => ({ exitCode: 0, stdout, stderr: '' }) };
}

test('a workspace has the modules that it names, by relative and by absolute paths, and what their go.sum files pin', async () => {
  const [project, elsewhere] = [join(root, 'project'), join(root, 'elsewhere')];
  for (const [folder, path] of [
    [join(project, 'near'), 'x.test/near'],
    [elsewhere, 'x.test/far'],
  ] as const) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'go.sum'), `${path} v1.0.0 h1:${'A'.repeat(43)}=\n`);
  }
  writeFileSync(join(project, 'go.work'), `go 1.22\n\nuse (\n\t./near\n\t${elsewhere}\n)\n`);
  const settings = await readSettings(saying({ GOWORK: join(project, 'go.work') }), project, o);
  expect(settings).toMatchObject({ project, modules: [join(project, 'near'), elsewhere] });
  expect(settings && (await pinsOf(settings)).map(({ path }) => path)).toEqual(['x.test/near', 'x.test/far']);
});
