/** The world of a chaos run: upstreams behind lines that can be bad, a checksum database, a git host, two Larders on one data folder, nginx before them, and a recorder before that. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultProxy } from '../../src/drill/fault-proxy.ts';
import { build } from '../e2e/larder-process.ts';
import { checksumDatabases } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { faultyHttp, faultyTcp } from '../fakes/fault-target.ts';
import { makeRepository } from '../fakes/git-repositories.ts';
import { startGitServer } from '../fakes/git-server.ts';
import { startNginx } from '../fakes/nginx.ts';
import { PlainLog, plainKeys } from '../fakes/plain-log.ts';
import { FakedTime, faketimeLibrary } from '../fault/faked-time.ts';
import type { Dice } from '../simulation/dice.ts';
import type { Disk, Ground, UpstreamName } from './ground.ts';
import { ChaosModules, lyingContent, PRIVATE_MODULE, PRIVATE_VERSIONS } from './modules.ts';
import { type Recorder, startRecorder } from './recorder.ts';
import { LarderReplica } from './replica.ts';

export interface World {
  readonly ground: Ground;
  readonly modules: ChaosModules;
  readonly log: PlainLog;
  /** GOSUMDB of the clients. */
  readonly database: string;
  readonly upstreams: Readonly<Record<UpstreamName, FakeUpstream>>;
  readonly recorder: Recorder;
  readonly replicas: readonly LarderReplica[];
  close(): Promise<void>;
}

export interface WorldOptions {
  /** A folder of its own. */
  readonly scratch: string;
  /** Where the data lies, if not below it. */
  readonly disk: { readonly folder: string; readonly volume: Disk } | undefined;
  readonly dice: Dice;
}

/** Starts all of it, or leaves nothing running. Close it. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const closers: Closers = [];
  try {
    return await startParts(options, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** How to end each part, in the order in which they were started. */
type Closers = (() => unknown)[];

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.toReversed()) await close();
}

async function startParts({ scratch, disk, dice }: WorldOptions, closers: Closers): Promise<World> {
  const closing = <T extends { close(): Promise<unknown> }>(one: T): T => (closers.push(() => one.close()), one);
  const modules = new ChaosModules();
  const keys = plainKeys('sum.chaos.test');
  const log = new PlainLog({ signerKey: keys.signer, textOf: (name) => modules.sumsOf(name) });
  const database = checksumDatabases({ [`sumdb/${log.name}`]: log });
  const start = async (content: readonly Parameters<typeof lyingContent>[0][]): Promise<FakeUpstream> =>
    closing(await startFakeUpstream({ content: [database, ...content], latencyMs: 5 }));
  const upstreams = {
    a: await start([modules]),
    b: await start([modules]),
    liar: await start([lyingContent(modules)]),
  };
  const lines = {
    a: closing(await faultyHttp(upstreams.a.origin, { random: dice.fork(1).roll })),
    b: closing(await faultyHttp(upstreams.b.origin, { random: dice.fork(2).roll, tls: {} })),
    liar: closing(await faultyHttp(upstreams.liar.origin, { random: dice.fork(3).roll })),
  };
  const repositories = join(scratch, 'repositories');
  await makePrivateModule(repositories);
  const host = closing(await startGitServer({ repositories }));
  const git = closing(await faultyTcp(host.port));
  const faketime = faketimeLibrary();
  const replicas = await startReplicas({ scratch, disk, lines, git, verifier: keys.verifier, faketime, closers });
  const nginx = await startNginx({
    home: join(scratch, 'nginx'),
    backends: replicas.map(({ port }) => port),
    readTimeoutS: 60,
  });
  closers.push(() => nginx.stop());
  const recorder = closing(await startRecorder(nginx.base));
  const [one, two] = replicas as [LarderReplica, LarderReplica];
  return {
    ground: {
      leftAlone: () => leftAloneBy(replicas),
      lines,
      git,
      replicas: [one, two],
      disk: disk?.volume,
      hasClock: faketime !== undefined,
    },
    modules,
    log,
    database: keys.verifier,
    upstreams,
    recorder,
    replicas,
    close: () => closeAll(closers),
  };
}

async function leftAloneBy(replicas: readonly LarderReplica[]): Promise<ReadonlySet<UpstreamName>> {
  const names = await Promise.all(replicas.map((one) => one.leftAlone()));
  return new Set(names.flat() as UpstreamName[]);
}

async function makePrivateModule(repositories: string): Promise<void> {
  mkdirSync(repositories, { recursive: true });
  const commits = Array.from({ length: PRIVATE_VERSIONS }, (_, i) => ({
    files: {
      'go.mod': `module ${PRIVATE_MODULE}\n\ngo 1.17\n`,
      'tool.go': `package tool\n\n// Says which it is.\nfunc Says() string { return "tool ${i}" }\n`,
    },
    tags: [`v1.${i}.0`],
  }));
  await makeRepository(join(repositories, 'tool.git'), { commits });
}

interface ReplicasOptions {
  readonly scratch: string;
  readonly disk: WorldOptions['disk'];
  readonly lines: Readonly<Record<UpstreamName, FaultProxy>>;
  readonly git: FaultProxy;
  readonly verifier: string;
  /** The library, where the machine has it. */
  readonly faketime: string | undefined;
  readonly closers: Closers;
}

async function startReplicas(o: ReplicasOptions): Promise<readonly LarderReplica[]> {
  const data = join(o.disk?.folder ?? o.scratch, 'data');
  const dist = build(join(o.scratch, 'dist'));
  const config = configIn(o);
  const replicas: LarderReplica[] = [];
  for (const n of [1, 2]) {
    const env = { LARDER_SUMDB: o.verifier };
    const time = o.faketime === undefined ? undefined : new FakedTime(o.faketime, join(o.scratch, `clock-${n}`));
    const replica = new LarderReplica({ dist, data, config, env, time });
    o.closers.push(() => replica.end());
    await replica.start();
    replicas.push(replica);
  }
  return replicas;
}

function configIn({ scratch, lines, git }: ReplicasOptions): string {
  const authority = join(scratch, 'b.pem');
  writeFileSync(authority, lines.b.authority ?? '');
  const rows = Object.entries(lines).map(([name, { url }]) => {
    const ca = name === 'b' ? `, ca: "${authority}"` : '';
    return `  - { name: ${name}, pool: mirrors, url: "${url}/mod", probe: "chaos.test/lib0@v1.0.0"${ca} }`;
  });
  const repository = `${git.url}/tool`;
  const file = join(scratch, 'larder.yaml');
  const text = [
    'upstreams:',
    ...rows,
    'fills: { shared: true }',
    'private: [corp.chaos.test]',
    `git: { insecure: [corp.chaos.test], aliases: [{ module: ${PRIVATE_MODULE}, repository: "${repository}" }] }`,
    '',
  ];
  writeFileSync(file, text.join('\n'));
  return file;
}
