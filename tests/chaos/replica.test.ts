/** A replica that does not come back is a failure of the run, and not of the test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { LarderReplica } from './replica.ts';

const scratch = mkdtempSync(join(tmpdir(), 'larder-replica-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Of a program that ends with `exit` at SIGTERM, and starts `starts` times and no more. */
async function replicaOf({ exit, starts }: { readonly exit: number; readonly starts: number }): Promise<LarderReplica> {
  const dist = mkdtempSync(join(scratch, 'dist-'));
  const program = `
    const { appendFileSync, readFileSync } = require('node:fs');
    const valueOf = (flag) => process.argv[process.argv.indexOf(flag) + 1];
    const count = valueOf('--data') + '/starts';
    appendFileSync(count, '.');
    if (readFileSync(count).length > ${starts}) process.exit(1);
    process.on('SIGTERM', () => process.exit(${exit}));
    require('node:http').createServer((_, response) => response.end()).listen(Number(valueOf('--listen').split(':')[1]), '127.0.0.1');
  `;
  writeFileSync(join(dist, 'main.js'), program);
  const data = mkdtempSync(join(scratch, 'data-'));
  const replica = new LarderReplica({ dist, data, config: '', env: {}, time: undefined });
  onTestFinished(() => replica.end());
  await replica.start();
  return replica;
}

test('a replica that ends well and starts again has no failures', async () => {
  const replica = await replicaOf({ exit: 0, starts: 3 });
  await replica.restart('SIGTERM');
  await replica.restart('SIGKILL');
  expect(replica.failures).toEqual([]);
});

test('one that ends with another code than 0 at SIGTERM has one', async () => {
  const replica = await replicaOf({ exit: 3, starts: 2 });
  await replica.restart('SIGTERM');
  expect(replica.failures).toEqual([expect.stringMatching(/^process \d+ ended with 3 at SIGTERM$/)]);
});

test('one that does not start again has one, and says so to whoever restarted it', async () => {
  const replica = await replicaOf({ exit: 0, starts: 1 });
  await expect(replica.restart('SIGKILL')).rejects.toThrow('larder exited with 1');
  expect(replica.failures).toEqual([
    expect.stringContaining('did not start again after SIGKILL: larder exited with 1'),
  ]);
});
