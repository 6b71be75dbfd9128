/** Servers of one test file, each with clients of it: started when a test asks for one, ended with that test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, type TestContext } from 'vitest';
import { build } from '../../e2e/larder-process.ts';
import { Clients, type ClientsOptions } from './clients.ts';
import { Rig, type RigOptions } from './rig.ts';

type Options = Omit<RigOptions, 'dist' | 'seed'> & Partial<Pick<ClientsOptions, 'perSecond'>>;

/** A server, and clients of it that were not started yet. */
export interface Watched {
  readonly rig: Rig;
  readonly clients: Clients;
}

/** Registers the hooks of the file. What it returns starts a rig for one test; others may run at the same time. */
export function rigsOfThisFile(): (test: Pick<TestContext, 'onTestFinished'>, o: Options) => Promise<Watched> {
  const dist = mkdtempSync(join(tmpdir(), 'larder-failover-dist-'));
  beforeAll(() => void build(dist));
  afterAll(() => rmSync(dist, { recursive: true, force: true }));
  return async ({ onTestFinished }, { perSecond = 40, ...o }) => {
    const rig = await Rig.start({ dist, seed: 1, medianMs: 10, ...o });
    const clients = new Clients({ base: rig.larder.base, perSecond, seed: 1 });
    onTestFinished(async () => {
      await clients.stop();
      await rig.close();
    });
    return { rig, clients };
  };
}
