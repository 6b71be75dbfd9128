/** A new upstream on trial that turns bad, at a whole server: it is rolled back before it has touched half a percent of the requests, and no client notices. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import type { Fault, FaultRule } from '../../src/drill/fault.ts';
import { hashGoMod } from '../../src/gomod/dirhash.ts';
import { type Clients, pathOf } from './failover/clients.ts';
import { bodyOf } from './failover/member.ts';
import { rigsOfThisFile } from './failover/rigs.ts';
import type { Rig, UpstreamLine } from './failover/rig.ts';

const startRig = rigsOfThisFile();
const ROWS = ['', '', 'canary: true'];
const PER_SECOND = 50;
/** What the share of requests is taken of: those from when it turned bad, and as many more as there are until then. */
const REQUESTS = 1200;

const folder = mkdtempSync(join(tmpdir(), 'larder-canary-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A go.sum that pins the go.mod of everything that clients ask for. */
function goSum(): string {
  const lines = Array.from({ length: 6000 }, (_, nth) => {
    const path = pathOf(nth).replace(/\.info$/, '.mod');
    const [, module = '', version = ''] = /^\/(.+)\/@v\/(.+)\.mod$/.exec(path) ?? [];
    return `${module} ${version}/go.mod ${hashGoMod(Buffer.from(bodyOf(path) ?? ''))}\n`;
  });
  const file = join(folder, 'go.sum');
  writeFileSync(file, lines.join(''));
  return file;
}

/** Lets the canary of `rig` do well for its first 20 answers, then be bad until clients have sent REQUESTS. */
async function turnsBad(rig: Rig, clients: Clients, fault: Fault | FaultRule) {
  const canary = rig.member('u2');
  clients.start();
  while (canary.asked(0).length < 20) await sleep(20);
  // Control: on trial it has one module in twenty, about.
  expect(canary.asked(0).length / clients.count).toBeLessThan(0.12);
  const [before, since, wall] = [clients.count, performance.now(), Date.now()];
  await canary.proxy.set([fault]);
  const rolledBack = await rig.until(
    ({ member, msg }) => member === 'u2' && msg === 'canary rolled back',
    wall,
    30_000,
  );
  while (clients.count - before < REQUESTS) await sleep(20);
  await clients.stop();
  const touched = canary.asked(since).length;
  const figures = { rolledBackMs: rolledBack.time - wall, touched, of: clients.count - before };
  process.stdout.write(`canary: ${JSON.stringify(figures)}\n`);
  return { ...figures, rolledBack };
}

function isWell(
  clients: Clients,
  { rolledBackMs, touched, of }: { rolledBackMs: number; touched: number; of: number },
): void {
  expect(clients.seen.filter(({ status }) => status !== 200)).toEqual([]);
  expect(rolledBackMs).toBeLessThanOrEqual(10_000);
  expect(touched).toBeGreaterThan(0);
  expect(touched / of).toBeLessThanOrEqual(0.005);
}

function stepOf({ from, to, why }: UpstreamLine) {
  return { from, to, why };
}

test.concurrent('a canary whose answers are 500 is rolled back, with a line in the log, and fails no request', async (context) => {
  const { rig, clients } = await startRig(context, { rows: ROWS, perSecond: PER_SECOND });
  const told = await turnsBad(rig, clients, { kind: 'status', status: 500 });
  isWell(clients, told);
  expect(stepOf(told.rolledBack)).toEqual({ from: 5, to: 0, why: 'errors' });
}, 120_000);

test.concurrent('a canary that once sends other bytes than the proven ones is rolled back at once', async (context) => {
  const { rig, clients } = await startRig(context, {
    rows: ROWS,
    settings: [`verify: {goSum: ${goSum()}}`],
    perSecond: PER_SECOND,
  });
  const isMod = (path = ''): boolean => path.endsWith('.mod');
  const told = await turnsBad(rig, clients, {
    fault: { kind: 'corrupt' },
    when: ({ request }) => isMod(request?.path),
    times: 1,
  });
  isWell(clients, told);
  expect(stepOf(told.rolledBack)).toEqual({ from: 5, to: 0, why: 'integrity' });
}, 120_000);
