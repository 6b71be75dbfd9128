/** The ladder of a build machine: which environment makes a go command work now. */
import type { AnchorLine } from '../../gomod/anchor-file.ts';
import type { Ask } from '../../std/ask.ts';
import { isAppError } from '../../std/errors.ts';
import { endInterrupted, restoreVendor, verifyVendor } from '../vendor/vendor-guard.ts';
import { contradictedAnchor } from './anchored.ts';
import {
  type Environment,
  type GoSettings,
  type GoTool,
  modFlagOf,
  pinsOf,
  readSettings,
  runTool,
} from './go-settings.ts';
import type { GoTask } from './go-task.ts';
import { chainOfSound, type ProbedChain, probeChain } from './proxy-probe.ts';

/** What a command is run with. Levels are numbered as those of the server are: 0 normal, 2 other upstreams, 3 vendor, 4 git, 5 locked. */
export interface Choice {
  readonly name: 'as-is' | 'module-cache' | 'proxies' | 'vendor' | 'git' | 'locked' | 'refused';
  readonly level: 0 | 2 | 3 | 4 | 5;
  /** What is put over the environment that the command would have had; nothing else is changed anywhere. */
  readonly changes: Environment;
  readonly why: Why;
  /** The proxies that were asked, in the order of the chain; none where none was. */
  readonly chain?: ProbedChain;
  /** The module version that it was refused for. */
  readonly module?: string;
}

/** Why this one, as data. */
export type Why =
  | 'no-modules-needed'
  | 'all-cached'
  /** Go finds something wrong that no other environment would mend. */
  | 'not-the-network'
  | 'proxies-answer'
  | 'some-proxies-answer'
  | 'vendor-as-go-does'
  | 'vendor-intact'
  | 'vendor-unverified'
  | 'vendor-restored'
  | 'pinned-by-go-sum'
  /** The command looks for versions, so go.sum cannot say what comes. */
  | 'straight-unpinned'
  | 'nothing-works'
  | 'vendor-damaged'
  | 'anchor-contradicted';

/** What preparing takes. */
export interface PrepareNeeds extends Ask {
  readonly tool: GoTool;
  /** A preparing go command that says nothing for this long is given up: it hangs. */
  readonly stallMs: number;
  /** The same while git fetches repositories, of which it says nothing. */
  readonly gitStallMs: number;
  /** How long proxies are waited for, all at once. */
  readonly probeMs: number;
  /** Which commits versions were made from; nothing is run on a module cache that contradicts it. */
  readonly anchors: readonly AnchorLine[];
  /** Whether repositories may be asked straight. */
  readonly git: 'allowed' | 'never';
}

const OFFLINE: Environment = { GOPROXY: 'off' };
const DISABLED = 'GOPROXY=off';

/** All that the steps share. */
interface Walk extends PrepareNeeds {
  readonly task: GoTask;
  readonly settings: GoSettings;
  /** `-mod` as the user has it. */
  readonly mod: string | undefined;
  /** Said to every level: the vendor/ that go would read is damaged, so it must not. */
  readonly base: Environment;
}

/**
 * The first environment of the ladder that has all that `task` needs, after it was made available there: the module cache, sound proxies, vendor/ as vendor.sum has it, git with what go.sum pins; else
 * the locked one. A project whose vendor/ go would read by itself is built from that, and from nothing else, while it is whole or can be put back. `refused` = nothing is to be run. Rejects with CONFIG_INVALID when go
 * cannot be run, or with ABORTED.
 */
export async function prepare(task: GoTask, needs: PrepareNeeds): Promise<Choice> {
  if (task.needs === 'straight') return asIs();
  const settings = await settledSettings(task, needs);
  if (settings === undefined || settings.isWithoutModules) return asIs();
  const walk: Walk = { ...needs, task, settings, mod: modFlagOf(settings, task.mod), base: {} };
  const vendored = await ownVendor(walk);
  if (vendored === 'damaged' && walk.mod === 'vendor')
    return { name: 'refused', level: 3, changes: {}, why: 'vendor-damaged' };
  if (typeof vendored === 'object') return vendored;
  return await anchored(vendored === 'damaged' ? { ...walk, base: withMod(walk, 'readonly') } : walk);
}

/** A command that was killed while it switched vendor/ may have left none, and go would not read what is not there. */
async function settledSettings({ folder }: GoTask, needs: PrepareNeeds): Promise<GoSettings | undefined> {
  const settings = await readSettings(needs.tool, folder, needs);
  if (settings?.project === undefined || !(await endInterrupted(settings.project, needs))) return settings;
  return await readSettings(needs.tool, folder, needs);
}

function asIs(): Choice {
  return { name: 'as-is', level: 0, changes: {}, why: 'no-modules-needed' };
}

/** What a run leaves in the module cache is there for the next one, which asks nobody: so it is held against the anchors whoever brought it, and now or before. */
async function anchored(walk: Walk): Promise<Choice> {
  const choice = await climb(walk);
  if (choice.name === 'vendor' || walk.anchors.length === 0) return choice;
  const module = await contradictedAnchor(walk.settings.modcache, walk.anchors, await pinsOf(walk.settings));
  return module === undefined
    ? choice
    : { ...choice, name: 'refused', changes: {}, why: 'anchor-contradicted', module };
}

async function climb(walk: Walk): Promise<Choice> {
  const cached = walk.task.needs === 'open' ? 'unclear' : await isCached(walk, walk.base);
  if (cached === 'complete' || cached === 'faulty')
    return {
      name: 'module-cache',
      level: 0,
      changes: { ...walk.base, ...OFFLINE },
      why: cached === 'complete' ? 'all-cached' : 'not-the-network',
    };
  const probed = await probedChain(walk);
  if (probed === undefined) return asIs();
  const seen = probed.proxies.length === 0 ? {} : { chain: probed };
  const found = (await byProxies(walk, probed, cached)) ?? (await byVendor(walk)) ?? (await byGit(walk, probed));
  if (found !== undefined) return { ...found, ...seen };
  return { name: 'locked', level: 5, changes: { ...lockedFlags(walk), ...OFFLINE }, why: 'nothing-works', ...seen };
}

/** Undefined for a chain that go cannot read either: it will say so. */
async function probedChain({ settings, tool, probeMs }: Walk): Promise<ProbedChain | undefined> {
  const { goproxy, gonoproxy } = settings;
  try {
    return await probeChain(goproxy, {
      pins: await pinsOf(settings),
      gonoproxy,
      environment: tool.environment,
      probeMs,
    });
  } catch (error) {
    if (isAppError(error, 'CONFIG_INVALID')) return undefined;
    throw error;
  }
}

/** A command that looks for versions, or that would change go.mod by the user's own word, cannot be held to what is there. */
function lockedFlags(walk: Walk): Environment {
  return walk.task.needs === 'open' || walk.task.mod !== undefined ? walk.base : withMod(walk, 'readonly');
}

/** GOFLAGS as they are, and this at their end, where it counts. */
function withMod({ settings }: Walk, mod: 'readonly' | 'vendor'): Environment {
  return { GOFLAGS: `${settings.goflags} -mod=${mod}`.trim() };
}

// ------------------------------------------------------------------ the module cache

type Cached = 'complete' | 'faulty' | 'incomplete' | 'unclear';

const SPACE = 0x20;

/** Whether the module cache has all that is needed. `faulty` = all that can be had: what is wrong is wrong with go.mod, go.sum or the code · `unclear` go did not come to look. */
async function isCached(walk: Walk, changes: Environment): Promise<Cached> {
  const { exitCode, stdout, stderr } = await ask(walk, { ...changes, ...OFFLINE }, Number.POSITIVE_INFINITY);
  if (stderr.includes(DISABLED) || Buffer.from(stdout).includes(DISABLED)) return 'incomplete';
  if (exitCode !== 0) return 'unclear';
  return walk.task.needs === 'packages' && stdout.some((byte) => byte > SPACE) ? 'faulty' : 'complete';
}

/** Runs what makes the needed modules available, or tells that they are not. Without a network nothing can hang. */
async function ask(walk: Walk, changes: Environment, idleMs: number): ReturnType<typeof runTool> {
  const { task, tool } = walk;
  const isOffline = changes['GOPROXY'] === 'off';
  const args =
    task.needs === 'modules' ? ['mod', 'download', ...(isOffline ? [] : ['-x'])] : listArguments(task, isOffline);
  return await runTool(tool, args, { folder: task.folder, changes, idleMs, signal: walk.signal });
}

/** With -e what is wrong with the user's own code does not get in the way; with -x each request is a sign of life. */
function listArguments({ withTests, flags, patterns }: GoTask, isOffline: boolean): readonly string[] {
  const format = '{{with .Error}}{{.Err}}{{"\\n"}}{{end}}';
  return [
    'list',
    '-e',
    '-deps',
    ...(withTests ? ['-test'] : []),
    ...(isOffline ? [] : ['-x']),
    '-f',
    format,
    ...flags,
    '--',
    ...patterns,
  ];
}

/** Makes modules available with `changes`; true when the module cache has all of them afterwards. */
async function fetches(walk: Walk, changes: Environment, idleMs: number): Promise<boolean> {
  try {
    await ask(walk, changes, idleMs);
  } catch (error) {
    // It hung, or said too much: what it brought until then counts.
    if (!isAppError(error, 'UPSTREAM_TIMEOUT', 'TOO_LARGE')) throw error;
  }
  const cached = await isCached(walk, changes);
  return cached === 'complete' || cached === 'faulty';
}

// ------------------------------------------------------------------ proxies

type Found = Omit<Choice, 'chain'>;

/** All sound ones together, as go asks them; then, as one of them may still lie, each alone. */
async function byProxies(
  walk: Walk,
  probed: ProbedChain,
  cached: 'incomplete' | 'unclear',
): Promise<Found | undefined> {
  const chain = chainOfSound(probed);
  if (chain === undefined) return undefined;
  const sound = probed.proxies.filter(({ trouble }) => trouble === undefined);
  const isNormal = sound.length === probed.proxies.length;
  const found = (goproxy: string, isWhole: boolean): Found => ({
    name: 'proxies',
    level: isWhole && isNormal ? 0 : 2,
    changes: { ...walk.base, GOPROXY: goproxy },
    why: isWhole && isNormal ? 'proxies-answer' : 'some-proxies-answer',
  });
  if (cached === 'unclear') return found(chain, true);
  if (await fetches(walk, { ...walk.base, GOPROXY: chain }, walk.stallMs)) return found(chain, true);
  if (sound.length < 2) return undefined;
  for (const { entry } of sound) {
    if (await fetches(walk, { ...walk.base, GOPROXY: entry.url }, walk.stallMs)) return found(entry.url, false);
  }
  return undefined;
}

// ------------------------------------------------------------------ vendor

/** The vendor/ that go reads by itself here. `damaged` = it is not as vendor.sum says and could not be put back; undefined = go reads none. */
async function ownVendor(walk: Walk): Promise<Found | 'damaged' | undefined> {
  const { task, settings, mod } = walk;
  const isRead = mod === 'vendor' || (mod === undefined && settings.usesVendor);
  if (!isRead || task.needs !== 'packages' || settings.project === undefined) return undefined;
  const state = await vendorState(walk, settings.project);
  if (state === 'no-sum') return { name: 'vendor', level: 0, changes: OFFLINE, why: 'vendor-unverified' };
  if (state === 'intact') return { name: 'vendor', level: 0, changes: OFFLINE, why: 'vendor-as-go-does' };
  return state === 'restored' ? { name: 'vendor', level: 3, changes: OFFLINE, why: 'vendor-restored' } : 'damaged';
}

/** The vendor/ that go would not read by itself: only when it is proven to be what was put there. */
async function byVendor(walk: Walk): Promise<Found | undefined> {
  const { task, settings } = walk;
  if (task.needs !== 'packages' || task.mod !== undefined || settings.project === undefined || 'GOFLAGS' in walk.base)
    return undefined;
  const state = await vendorState(walk, settings.project);
  if (state !== 'intact' && state !== 'restored') return undefined;
  const changes = { ...withMod(walk, 'vendor'), ...OFFLINE };
  const { exitCode } = await ask(walk, changes, Number.POSITIVE_INFINITY);
  if (exitCode !== 0) return undefined;
  return { name: 'vendor', level: 3, changes, why: state === 'restored' ? 'vendor-restored' : 'vendor-intact' };
}

async function vendorState(walk: Walk, project: string): Promise<'intact' | 'restored' | 'no-sum' | 'damaged'> {
  try {
    const { kind } = await verifyVendor(project, walk);
    if (kind !== 'damaged') return kind;
    await restoreVendor(project, walk);
    return 'restored';
  } catch (error) {
    if (isAppError(error, 'CONFIG_INVALID', 'STORE_UNAVAILABLE')) return 'damaged';
    throw error;
  }
}

// ------------------------------------------------------------------ git

/** Straight from the repositories: only what go.sum pins, unless the command looks for versions and `direct` is the user's own word. Who says GOPROXY=off wants no network at all. */
async function byGit(walk: Walk, { end, proxies }: ProbedChain): Promise<Found | undefined> {
  const { task, settings } = walk;
  if (walk.git === 'never' || (end === 'off' && proxies.length === 0)) return undefined;
  const found = { name: 'git', level: 4 } as const;
  if (task.needs === 'open') {
    const changes = { ...walk.base, GOPROXY: 'direct' };
    return end === 'direct' ? { ...found, changes, why: 'straight-unpinned' } : undefined;
  }
  const pins = await pinsOf(settings);
  if (pins.length === 0 || (task.mod !== undefined && task.mod !== 'readonly')) return undefined;
  const changes = { ...(task.mod === undefined ? withMod(walk, 'readonly') : {}), GOPROXY: 'direct' };
  const hasAll = await fetches(walk, changes, walk.gitStallMs);
  return hasAll ? { ...found, changes, why: 'pinned-by-go-sum' } : undefined;
}
