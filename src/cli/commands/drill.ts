import type { Command } from 'commander';
import type { DrillAsk, DrillReport } from '../../app/drill-client.ts';
import { nearest } from '../../config/nearest.ts';
import { parseDuration } from '../../config/units.ts';
import { AppError, isAppError } from '../../std/errors.ts';
import { columns } from '../columns.ts';
import { addConfigFlags, loadOrTell, type World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { CommandResult } from '../run.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;
type Wish = Pick<DrillAsk, 'kind' | 'upstream' | 'forMs' | 'pid'>;

const SHORTEST_MS = 1000;
const LONGEST_MS = 600_000;

/** `larder drill KIND`: has a running server meet a fault on purpose. */
export function addDrill(program: Command, world: World, done: CommandResult): void {
  const { drill, flags } = world.terminal.messages;
  const command = program.command('drill').description(drill.command).argument('<kind>', drill.kind);
  addConfigFlags(command, world.terminal.messages, ['data'])
    .option('--upstream <name>', drill.flags.upstream)
    .option('--for <time>', drill.flags.for)
    .option('--pid <number>', drill.flags.pid)
    .option('--json', flags.json)
    .action(async (kind: string, options: Options) => done(await run(kind, options, world)));
}

async function run(kind: string, options: Options, world: World): Promise<number> {
  const { terminal } = world;
  // --upstream is not the key of that name here.
  const loaded = await loadOrTell({ ...options, upstream: undefined }, world);
  if (loaded === undefined) return exitCode('config');
  const { KINDS, runDrill } = await import('../../app/drill-client.ts');
  const wish = readWish(kind, options, KINDS, terminal);
  if (wish === undefined) return exitCode('usage');
  const { signalOfStop } = await import('../../app/lifecycle.ts');
  const { systemClock } = await import('../../std/clock.ts');
  const stop = signalOfStop();
  const asked = { ...wish, data: loaded.config.data, clock: systemClock, signal: stop.signal };
  try {
    const report = await runDrill({ ...asked, onReport: teller(terminal) });
    terminal.progress(undefined);
    print(report, options, terminal);
    return stop.signal.aborted ? exitCode('interrupted') : await verdict(report, terminal);
  } catch (error) {
    terminal.progress(undefined);
    throw nearestFirst(error);
  } finally {
    stop.close();
  }
}

/** What the words say; undefined when that is no drill, which is told. */
function readWish(kind: string, options: Options, kinds: DrillKinds, terminal: Terminal): Wish | undefined {
  const { drill } = terminal.messages;
  const known = kinds.find((one) => one === kind);
  const { upstream, for: time = '60s', pid } = options as Readonly<Record<string, string | undefined>>;
  const forMs = parseDuration(time);
  const refuse = ({ what, fix }: { readonly what: string; readonly fix: string }): undefined => {
    terminal.failure(what, fix);
  };
  if (known === undefined) return refuse(drill.unknownKind(kind, kinds.join(', '), nearest(kind, kinds)));
  if (forMs === undefined || forMs < SHORTEST_MS || forMs > LONGEST_MS) return refuse(drill.badTime(time));
  if (upstream === undefined && known !== 'disk-full') return refuse(drill.needsUpstream(known));
  if (pid !== undefined && !/^[1-9]\d{0,9}$/.test(pid)) return refuse(drill.badPid(pid));
  const of = known === 'disk-full' ? '' : (upstream ?? '');
  return { kind: known, upstream: of, forMs, ...(pid !== undefined && { pid: Number(pid) }) };
}

type DrillKinds = readonly DrillAsk['kind'][];

/** Tells that it is on once, and then how far it is. */
function teller(terminal: Terminal): (report: DrillReport) => void {
  const { drill } = terminal.messages;
  let isTold = false;
  return (report) => {
    if (!isTold) terminal.note(`larder: ${drill.started(report, report.forMs / 1000)}`);
    isTold = true;
    const left = Math.max(0, Math.ceil((report.forMs - report.ranMs) / 1000));
    terminal.progress(report.endedBy === undefined ? drill.running(report, left) : drill.recovering(report));
  };
}

function print(report: DrillReport, options: Options, terminal: Terminal): void {
  if (options['json'] === true) return terminal.result(JSON.stringify(report));
  const { drill } = terminal.messages;
  terminal.result(drill.title(report, inSeconds(report.ranMs)));
  terminal.result(columns(rowsOf(report, terminal)));
  if (report.requests === 0) terminal.note(`larder: ${drill.nobodyAsked}`);
}

function rowsOf(report: DrillReport, { messages: { drill } }: Terminal): readonly (readonly [string, string])[] {
  const { row } = drill;
  const time = (ms: number | undefined, otherwise: string): string =>
    ms === undefined ? otherwise : drill.seconds(inSeconds(ms));
  const detected = `${time(report.detectedMs, drill.never)}${report.detectedAs ? `, ${report.detectedAs}` : ''}`;
  const upAgain = report.detectedMs === undefined ? [] : [[row.upAgain, time(report.upAgainMs, drill.notYet)] as const];
  const counts = Object.entries(report.levels).map(([level, count]) => `${level}: ${count}`);
  const shared = [
    [row.detected, detected],
    [row.recovered, time(report.recoveredMs, drill.notYet)],
    [row.errors, drill.errors(report, inSeconds(report.slowestMs))],
    [row.level, drill.levels(report.level, counts.join(', '))],
  ] as const;
  if (report.upstream === '') return [...shared, [row.writes, drill.writes(report.refusedWrites)]];
  return [
    shared[0],
    [row.switched, time(report.switchedMs, drill.never)],
    shared[1],
    ...upAgain,
    ...shared.slice(2),
    [row.upstream, drill.load(report.load.upstream)],
    [row.others, drill.load(report.load.others)],
    [row.extra, drill.extra(extraPercent(report))],
  ];
}

/** Questions besides the first of each, without probes, for each hundred of those. */
function extraPercent({ load: { upstream, others } }: DrillReport): string {
  const extra = upstream.extra + others.extra - upstream.probes - others.probes;
  const first = upstream.asked + others.asked - upstream.extra - others.extra;
  return first === 0 ? '0' : ((100 * extra) / first).toFixed(1);
}

function inSeconds(ms: number): string {
  return (ms / 1000).toFixed(ms < 10_000 ? 2 : 1);
}

/** The exit code of a drill that ran its course, which is told when it is not 0: whether any build noticed, and whether all is as before. */
export async function verdict(report: DrillReport, terminal: Terminal): Promise<number> {
  const { drill } = terminal.messages;
  if (report.userErrors > 0) {
    terminal.failure(drill.failed.what, drill.failed.fix);
    return exitCode('found');
  }
  const { isBack } = await import('../../app/drill-client.ts');
  if (isBack(report)) return exitCode('ok');
  terminal.failure(drill.notBack.what, drill.notBack.fix);
  return exitCode('found');
}

/** The upstreams that there are, the one that was meant most likely first. */
function nearestFirst(error: unknown): unknown {
  if (!isAppError(error) || error.detail['reason'] !== 'drill-upstream') return error;
  const known = String(error.detail['known']).split(', ');
  const meant = nearest(String(error.detail['upstream']), known);
  const ordered = meant === undefined ? known : [meant, ...known.filter((one) => one !== meant)];
  return new AppError(error.code, error.message, { detail: { ...error.detail, known: ordered.join(', ') } });
}
