/** docs/reference/metrics.md has every metric of a server that keeps a ledger, with the words of its HELP line, and no other. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { composeLarder } from './compose.ts';
import { initLedger } from './ledger-tools.ts';

const page = resolve(import.meta.dirname, '../../docs/reference/metrics.md');

test('the reference of metrics is current', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'larder-metrics-'));
  const sets = Object.entries({
    listen: '127.0.0.1:0',
    data: join(folder, 'data'),
    upstream: 'off',
    'ledger.key': join(folder, 'ledger.key'),
  }).map(([key, value]) => `${key}=${value}`);
  const loaded = loadConfig(
    { values: new Map(), sets },
    { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const around = { version: '0', environment: {}, home: folder, logTo: devNull };
  await initLedger(loaded.config, around, { name: 'sum.corp.test', signal: AbortSignal.timeout(10_000) });
  const larder = await composeLarder(loaded.config, around);
  const { port } = await larder.start();
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await larder.stopNow();
  rmSync(folder, { recursive: true, force: true });
  const types = new Map(Array.from(text.matchAll(/^# TYPE (larder_\S+) (\S+)$/gm), ([, name, type]) => [name, type]));
  const rows = Array.from(text.matchAll(/^# HELP (larder_\S+) (.*)$/gm), ([, name = '', help = '']) => {
    return `| \`${name}\` | ${types.get(name)} | ${help} |`;
  });
  const [, table = ''] = /^\|---\|---\|---\|\n((?:.+\n)*)/m.exec(readFileSync(page, 'utf8')) ?? [];
  const written = table.trimEnd().split('\n');
  expect(written.toSorted()).toEqual(rows.toSorted());
});
