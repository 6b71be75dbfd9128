/** Nobody whom a stranger names leads us to an address of the inside: in a network namespace where all such addresses are sinkholes. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipUnless } from '../skip.ts';
import { FORBIDDEN_HOSTS } from './egress-forms.ts';
import type { LabReport, Outcomes } from './egress-lab.ts';

const MAY_SEPARATE = spawnSync('unshare', ['-n', '-m', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
const LAB = join(import.meta.dirname, 'egress-lab.ts');

/** Every forbidden range is this machine, and so is one public one. */
const V4 =
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 203.0.113.0/24 240.0.0.0/4';
const V6 = '::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/32 2002::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8';
const SETUP = `ip link set lo up &&
  for range in ${V4}; do ip route add local "$range" dev lo || exit 1; done &&
  for range in ${V6}; do ip -6 route add local "$range" dev lo || exit 1; done &&
  mount --bind "$1/resolv.conf" /etc/resolv.conf && mount --bind "$1/hosts" /etc/hosts && shift && exec "$@"`;

/**
 * Cannot be connected to, guard or not: link-local without an interface, multicast, names that this machine's resolver does not know, and the name whose first address is
 * public. ssh URLs take no userinfo with a port or an escape.
 */
const OUT_OF_REACH = /^(?:\[(?:fe80|ff02)[:0-9]+\]|localhost\.|x\.localhost|mixed\.test)$/i;
const NO_SSH_URL = /^(?:203\.0\.113\.10%40x@|public\.test:80@)/;
/** What a page names is read as the go command reads URLs: no host is written in escapes. */
const NO_PAGE_URL = /^%/;

describe('with every forbidden address a sinkhole', () => {
  skipUnless(MAY_SEPARATE, 'network namespaces are not allowed here');
  const folder = mkdtempSync(join(tmpdir(), 'larder-egress-lab-'));
  let report: LabReport;
  beforeAll(async () => {
    if (MAY_SEPARATE) report = await runLab(folder);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const ways = (): [string, LabReport['ways'][string]][] => Object.entries(report.ways);
  const reachedOf = (outcomes: Outcomes): string[] => Object.keys(outcomes).filter((host) => outcomes[host]?.reached);

  test('no spelling by any way reaches one', () => {
    expect(ways().map(([name, { guarded }]) => [name, reachedOf(guarded)])).toEqual(ways().map(([name]) => [name, []]));
  });

  test('without the guard nearly all do, by every way; the rest is known', () => {
    expect(FORBIDDEN_HOSTS.length).toBeGreaterThan(400);
    for (const [name, { open }] of ways()) {
      const reached = new Set(reachedOf(open));
      const missed = Object.keys(open).filter((host) => !reached.has(host) && !OUT_OF_REACH.test(host));
      const isForNobody = name.includes('ssh') ? NO_SSH_URL : name.includes('page') ? NO_PAGE_URL : /^$/;
      expect([name, missed.filter((host) => !isForNobody.test(host))]).toEqual([name, []]);
      expect(reached.size).toBeGreaterThan(name.endsWith('sample') ? 30 : 400);
    }
  });

  test('each of those is refused as POLICY_DENIED', () => {
    for (const [name, { guarded, open }] of ways()) {
      const others = reachedOf(open).filter((host) => guarded[host]?.code !== 'POLICY_DENIED');
      expect([name, others]).toEqual([name, []]);
    }
  });

  test('a name that changes its address at every question leads to the public one or nowhere', () => {
    expect(report.rebinding.guarded).toBe(0);
    expect(report.rebinding.guardedGood).toBeGreaterThan(10);
    // The control: a check of the name, and then a connection by name.
    expect(report.rebinding.open).toBeGreaterThan(10);
  });
});

async function runLab(folder: string): Promise<LabReport> {
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.53\n');
  writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost\n::1 localhost\n');
  const args = ['-n', '-m', 'sh', '-c', SETUP, 'sh', folder, process.execPath, LAB];
  const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 110_000, killSignal: 'SIGKILL' });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the lab ended with ${String(code)}: ${err}`);
  return JSON.parse(out) as LabReport;
}
