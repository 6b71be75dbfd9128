import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Leases } from '../coordination/lease.ts';
import { type Credentials, NO_CREDENTIALS } from '../credentials/credentials.ts';
import { matchesAnyPrefix, parsePrefixPatterns } from '../gomod/goenv.ts';
import { parseGovcs } from '../gomod/govcs.ts';
import type { ModulePath } from '../gomod/module.ts';
import type { EgressGuard } from '../io/egress/guard.ts';
import type { HttpClient } from '../io/http-client.ts';
import { run } from '../io/subprocess.ts';
import { createPrivacy } from '../policy/private.ts';
import { GoproxySource } from '../sources/goproxy/goproxy.ts';
import { REPOSITORIES } from '../sources/registry.ts';
import type { Source } from '../sources/source.ts';
import { ClaimedRepositories } from '../sources/vcs/claimed-repositories.ts';
import { Discovery, type DiscoveryOptions, type DiscoveryRules } from '../sources/vcs/discovery.ts';
import type { GitNetwork } from '../sources/vcs/git-network.ts';
import { Git } from '../sources/vcs/git.ts';
import { Mirrors } from '../sources/vcs/mirrors.ts';
import { createGitNetwork } from '../sources/vcs/network.ts';
import { createPing } from '../sources/vcs/ping.ts';
import { rewriteBy } from '../sources/vcs/rewrites.ts';
import { VcsSource } from '../sources/vcs/vcs-source.ts';
import { type Clock, systemClock } from '../std/clock.ts';
import type { Closing } from './closing.ts';
import type { Around } from './around.ts';
import { mirrorLimits } from './limits.ts';
import type { Observers } from './observers.ts';
import { turnsOver } from './sharing.ts';
import { openDispatchers } from './clients.ts';

/** What fetching from repositories needs of the rest. */
export interface RepositoryNeeds {
  readonly client: HttpClient;
  readonly guard: EgressGuard;
  readonly credentials: Credentials;
  /** An existing folder that is ours alone and goes with the process. */
  readonly temporary: string;
  readonly observers: Pick<Observers, 'logger' | 'mirrors'>;
  /** Of the processes that share the data folder; absent = this one is alone. */
  readonly leases?: Leases | undefined;
  /** What is opened is added here. */
  readonly closing: Closing;
}

/** Repositories, as modules and as they are. */
export interface Repositories {
  /** Modules straight from their repositories: `direct`, and all that is private. */
  readonly source: Source;
  readonly mirrors: Mirrors;
  readonly discovery: Discovery;
}

/** Of what is known of branches and tags when a list or a branch is asked for: so that many modules of one repository cost one question. */
const MUTABLE_MS = 5000;
const GIT = 'git';

/** Opens what fetches from repositories; runs nothing and makes no folder until somebody asks. Throws CONFIG_INVALID for rules that are none. */
export function openRepositories(config: Config, around: Around, needs: RepositoryNeeds): Repositories {
  const { client, credentials, closing, observers } = needs;
  const rewrite = rewriteBy(config.git.rewrites);
  const git = new Git({ program: GIT, path: pathOf(around) });
  const network = openNetwork(config, around, needs);
  const { fetchTime: wallMs, idle: idleMs, fresh } = config.git;
  const mirrors = new Mirrors({
    folder: mirrorsFolder(config),
    git,
    network,
    rewrite,
    clock: systemClock,
    limits: mirrorLimits(config),
    observer: observers.mirrors,
    alone: needs.leases && turnsOver(needs.leases, { clock: systemClock, longestMs: config.git.fetchTime }),
  });
  closing.add(() => mirrors.close());
  const pings = createPing({ git, network, rewrite, wallMs, idleMs });
  const anonymous = openNetwork(config, around, { ...needs, credentials: NO_CREDENTIALS });
  const claims = new ClaimedRepositories({
    guard: needs.guard,
    credentials,
    rewrite,
    pings: createPing({ git, network: anonymous, rewrite, wallMs, idleMs }),
    clock: systemClock,
  });
  const discovery = openDiscovery(config, around, { ...pings, pages: client, credentials, claims });
  const source = new VcsSource({
    name: REPOSITORIES,
    discovery,
    mirrors,
    proxyAt: ({ url, isAnonymous = false }) =>
      new GoproxySource({
        name: REPOSITORIES,
        base: new URL(url),
        client,
        credentials: isAnonymous ? NO_CREDENTIALS : credentials,
      }),
    versionMs: fresh,
    mutableMs: Math.min(fresh, MUTABLE_MS),
    clock: systemClock,
  });
  return { source, mirrors, discovery };
}

/** What finds the repositories of modules, by the rules of the configuration. */
export function openDiscovery(
  config: Config,
  around: Around,
  asks: Pick<DiscoveryOptions, 'ping' | 'pages' | 'credentials' | 'claims'>,
): Discovery {
  const rules = discoveryRules(config, around);
  return new Discovery({ ...asks, rules, rewrite: rewriteBy(config.git.rewrites), clock: systemClock });
}

/** Where the mirrors of repositories are. */
function mirrorsFolder({ data, git }: Pick<Config, 'data' | 'git'>): string {
  return git.mirrors ?? join(data, '.mirrors');
}

/** Says so in the log when there is no git program: the server works without one, as long as nobody asks for a repository. Never rejects. */
export async function warnWithoutGit(around: Around, { logger }: Pick<Observers, 'logger'>): Promise<void> {
  try {
    await startGit(around);
  } catch (err) {
    logger.warn({ err }, 'no git program: modules cannot be taken from repositories, private ones not at all');
  }
}

/** How long it is believed that there is a git program, or none. Anybody may ask, and a process each time is dear. */
const GIT_LOOK_MS = 60_000;

/** Tells whether there is a git program. Never rejects. */
export function gitLook(around: Around, clock: Clock): () => Promise<boolean> {
  let [found, until] = [Promise.resolve(false), Number.NEGATIVE_INFINITY];
  return () => {
    if (clock.monotonic() >= until) {
      until = clock.monotonic() + GIT_LOOK_MS;
      found = startGit(around).then(
        () => true,
        () => false,
      );
    }
    return found;
  };
}

async function startGit(around: Around): Promise<void> {
  const limits = { wallMs: 10_000, idleMs: 10_000, outputBytes: 1024 };
  const environment = { PATH: pathOf(around), LC_ALL: 'C' };
  const command = { program: GIT, args: ['version'], folder: '/', environment, limits };
  const { exitCode } = await run(command, { signal: AbortSignal.timeout(limits.wallMs) });
  if (exitCode !== 0) throw new Error(`git version: exit ${exitCode}`);
}

/** One pool of connections for git, beside that for modules: a large fetch must not keep lists waiting. */
function openNetwork(config: Config, around: Around, needs: RepositoryNeeds): GitNetwork {
  const { guard, credentials, temporary: folder, closing } = needs;
  const dispatchers = openDispatchers(config, around, guard);
  closing.add(() => dispatchers.destroy());
  const network = createGitNetwork({
    dispatchers,
    credentials,
    guard,
    folder,
    userAgent: `larder/${around.version}`,
    idleMs: config.git.idle,
    connectTimeoutMs: config.fetch.connect,
  });
  closing.add(() => network.close());
  return network;
}

function discoveryRules(config: Config, { environment }: Around): DiscoveryRules {
  const { isPrivate } = createPrivacy(config);
  const insecure = parsePrefixPatterns(config.git.insecure);
  const gitAllowProtocol = environment['GIT_ALLOW_PROTOCOL'];
  return {
    govcs: parseGovcs(config.git.govcs),
    isInsecure: (module) => matchesAnyPrefix(insecure, module),
    // Of the root of a repository too, which need not be a module.
    isPrivate: (path) => isPrivate(path as ModulePath),
    aliases: config.git.aliases,
    ...(gitAllowProtocol !== undefined && { gitAllowProtocol }),
  };
}

function pathOf({ environment }: Around): string {
  return environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
}
