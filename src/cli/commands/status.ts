import type { Command } from 'commander';
import type { ProcessAnswer, ServerAnswer } from '../../app/ask-servers.ts';
import { columns } from '../columns.ts';
import { addConfigFlags, type World } from '../configuration.ts';
import type { CommandResult } from '../run.ts';
import { tellOfRunning } from '../running-servers.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

/** What a process tells of itself, as far as it is printed. Servers of other versions may tell less. */
interface Standing {
  readonly version?: string;
  readonly uptimeSeconds?: number;
  readonly offline?: boolean;
  readonly inFlight?: number;
  readonly ladder?: readonly { readonly route: string; readonly level: number; readonly name: string }[];
  readonly pools?: readonly { readonly name: string; readonly members: readonly Member[] }[];
  readonly store?: { readonly detail: string };
}

interface Member {
  readonly name: string;
  readonly state: string;
  readonly reason?: string;
  readonly fault?: string;
  readonly canaryPercent?: number;
}

/** What the one process tells that started the others. */
interface Started {
  readonly workers?: readonly {
    readonly number: number;
    readonly pid: number | undefined;
    readonly state: string;
    readonly restarts: number;
  }[];
}

/** `larder status`: how the running servers of the data folder stand. */
export function addStatus(program: Command, world: World, done: CommandResult): void {
  const { control, flags } = world.terminal.messages;
  addConfigFlags(program.command('status').description(control.commands.status), world.terminal.messages, ['data'])
    .option('--json', flags.json)
    .action(async (options: Options) =>
      done(await tellOfRunning(options, world, { command: 'status', input: {}, plain, print })),
    );
}

function plain({ pid, answers }: ServerAnswer): object {
  return { pid, processes: answers };
}

function print({ pid, answers }: ServerAnswer, terminal: Terminal): void {
  const { control } = terminal.messages;
  const processes = answers.filter((one) => !isStarter(one)).map(({ answer }) => answer as Standing);
  const workers = answers.flatMap(({ answer }) => (answer as Started).workers ?? []);
  const [first] = processes;
  if (first === undefined) return;
  terminal.result(control.server(pid));
  const rows = [
    ...rowsOf(first, processes, terminal),
    [control.row.workers, workers.map(control.worker).join('\n')] as const,
  ];
  terminal.result(columns(rows.filter(([, text]) => text !== '')));
}

/** Answers for the processes that it started, and serves nothing itself. */
function isStarter({ worker, answer }: ProcessAnswer): boolean {
  return worker === 0 && answer['version'] === undefined;
}

/** What is the same in all processes is told of the first; of several ladders the one that stands lowest. */
function rowsOf(
  first: Standing,
  processes: readonly Standing[],
  { messages: { control } }: Terminal,
): readonly (readonly [string, string])[] {
  const { row } = control;
  const inFlight = processes.reduce((sum, one) => sum + (one.inFlight ?? 0), 0);
  const lowest = (route: string): number =>
    Math.max(
      ...processes.flatMap(({ ladder = [] }) => ladder.filter((one) => one.route === route).map((one) => one.level)),
    );
  const names = new Map(
    processes.flatMap(({ ladder = [] }) => ladder.map(({ level, name }) => [level, name] as const)),
  );
  const levels = (first.ladder ?? []).map(({ route }) => ({
    route,
    level: lowest(route),
    name: names.get(lowest(route)) ?? '',
  }));
  const members = (first.pools ?? []).flatMap((pool) => pool.members.map((one) => ({ ...one, pool: pool.name })));
  return [
    [row.version, first.version ?? ''],
    [row.up, control.seconds(Math.max(...processes.map((one) => one.uptimeSeconds ?? 0)))],
    [row.offline, processes.every((one) => one.offline === true) ? control.yes : control.no],
    [row.ladder, levels.map(control.level).join('\n')],
    [row.upstreams, members.map(control.member).join('\n')],
    [row.requests, control.inFlight(inFlight)],
    [row.store, first.store?.detail ?? ''],
  ];
}
