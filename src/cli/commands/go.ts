import { resolve } from 'node:path';
import type { Command } from 'commander';
import { redactText } from '../../config/redact.ts';
import type { Choice } from '../../toolbox/go/prepare.ts';
import { isAppError, systemCodeOf } from '../../std/errors.ts';
import type { World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { CommandResult } from '../run.ts';
import { untilStopped } from '../stoppable.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

const STALL_MS = 60_000;
/** Git fetches a repository without a word. */
const GIT_STALL_MS = 10 * 60_000;
const PROBE_MS = 2000;

/** `larder go -- build ./...`: a go command with the best environment that works now. Everything on stdout is go's. */
export function addGo(program: Command, world: World, done: CommandResult): void {
  const { toolbox, flags } = world.terminal.messages;
  program
    .command('go')
    .description(toolbox.commands.go)
    .argument('[command...]', toolbox.arguments.goArgs)
    .passThroughOptions()
    .option('--quiet', toolbox.flags.quiet)
    .option('--json', flags.json)
    .option('--go <program>', toolbox.flags.goProgram)
    .option('--stall <duration>', toolbox.flags.stall)
    .option('--probe <duration>', toolbox.flags.probe)
    .option('--anchors <file>', toolbox.flags.anchors)
    .option('--no-git', toolbox.flags.noGit)
    .action(async (args: readonly string[], options: Options) => done(await goWith(args, options, world)));
}

async function goWith(args: readonly string[], options: Options, world: World): Promise<number> {
  const { terminal } = world;
  const { toolbox } = terminal.messages;
  if (args.length === 0) return refuse(toolbox.noGoArguments, terminal);
  const [stallMs, gitStallMs, probeMs] = [
    await durationOf(options, 'stall', STALL_MS),
    await durationOf(options, 'stall', GIT_STALL_MS),
    await durationOf(options, 'probe', PROBE_MS),
  ];
  if (stallMs === undefined || gitStallMs === undefined)
    return refuse(toolbox.badDuration('--stall', String(options['stall'])), terminal);
  if (probeMs === undefined) return refuse(toolbox.badDuration('--probe', String(options['probe'])), terminal);
  const asked = { program: (options['go'] as string | undefined) ?? 'go', options, world };
  try {
    const outcome = await untilStopped(world, { origins: new Map() }, (signal) =>
      chosen(args, { ...asked, stallMs, gitStallMs, probeMs, signal }),
    );
    return 'code' in outcome ? outcome.code : await runChosen(args, outcome.result, asked);
  } catch (error) {
    if (!isAppError(error, 'CONFIG_INVALID') || systemCodeOf(error.cause) !== 'ENOENT') throw error;
    const { what, fix } = toolbox.noGo(asked.program);
    terminal.failure(what, fix);
    return exitCode('no-go');
  }
}

function refuse({ what, fix }: { readonly what: string; readonly fix: string }, terminal: Terminal): number {
  terminal.failure(what, fix);
  return exitCode('usage');
}

/** In ms; undefined for what is no duration, or none at all. */
async function durationOf(options: Options, name: string, byDefault: number): Promise<number | undefined> {
  const { parseDuration } = await import('../../config/units.ts');
  const text = options[name] as string | undefined;
  return text === undefined ? byDefault : parseDuration(text) || undefined;
}

interface Asked {
  readonly program: string;
  readonly options: Options;
  readonly world: World;
}

/** What preparing is told beside the command. */
interface Patience {
  readonly stallMs: number;
  readonly gitStallMs: number;
  readonly probeMs: number;
  readonly signal: AbortSignal;
}

async function chosen(args: readonly string[], o: Asked & Patience): Promise<Choice> {
  const { prepare } = await import('../../toolbox/go/prepare.ts');
  const { taskOf } = await import('../../toolbox/go/go-task.ts');
  const { goTool } = await import('../../toolbox/go/go-settings.ts');
  const { readAnchors } = await import('../../toolbox/go/anchored.ts');
  const { world, options, signal, stallMs, gitStallMs, probeMs } = o;
  const anchors = options['anchors'] as string | undefined;
  return await prepare(taskOf(args, world.folder), {
    tool: goTool(o.program, world.environment),
    stallMs,
    gitStallMs,
    probeMs,
    signal,
    git: options['git'] === false ? 'never' : 'allowed',
    anchors: anchors === undefined ? [] : await readAnchors(resolve(world.folder, anchors)),
  });
}

async function runChosen(args: readonly string[], choice: Choice, { program, options, world }: Asked): Promise<number> {
  if (choice.name !== 'as-is') tell(choice, options, world);
  if (choice.name === 'refused') return exitCode('failure');
  const { runGo } = await import('../../toolbox/go/run-go.ts');
  const { goTool } = await import('../../toolbox/go/go-settings.ts');
  const { environment } = goTool(program, world.environment);
  return await runGo(program, args, { folder: world.folder, environment: { ...environment, ...choice.changes } });
}

/** One line on stderr; what is refused is always told. */
function tell(choice: Choice, options: Options, { terminal }: World): void {
  const { level, name, why, chain, changes, module } = choice;
  if (options['json'] === true) {
    const proxies = chain?.proxies.map(({ name: proxy, trouble, larderLevel, ms }) => ({
      name: proxy,
      ms,
      trouble,
      larderLevel,
    }));
    const shown = Object.fromEntries(Object.entries(changes).map(([key, value]) => [key, redactText(value)]));
    terminal.note(JSON.stringify({ event: 'larder-go', level, name, why, module, changes: shown, proxies }));
  } else if (options['quiet'] !== true || name === 'refused') {
    terminal.note(terminal.messages.toolbox.chosen({ level, why, module, proxies: proxiesOf(choice, terminal) }));
  }
}

function proxiesOf({ chain }: Choice, { messages }: Terminal): string {
  return (chain?.proxies ?? [])
    .map(({ name, trouble, larderLevel }) => {
      if (trouble !== undefined) return `${name}${messages.colon}${messages.toolbox.trouble(trouble)}`;
      return larderLevel === undefined ? name : messages.toolbox.larderLevel(name, larderLevel);
    })
    .join(', ');
}
