import type { Command } from 'commander';
import type { ServerAnswer } from '../../app/ask-servers.ts';
import { addConfigFlags, type World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { CommandResult } from '../run.ts';
import { tellOfRunning } from '../running-servers.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

const STEPS: readonly string[] = ['start', 'promote', 'rollback'];

/** `larder canary start|promote|rollback NAME`: steers an upstream on trial in the running servers of the data folder. */
export function addCanary(program: Command, world: World, done: CommandResult): void {
  const { control, flags } = world.terminal.messages;
  const command = program
    .command('canary')
    .description(control.commands.canary)
    .argument('<step>', control.step)
    .argument('<upstream>', control.canary);
  addConfigFlags(command, world.terminal.messages, ['data'])
    .option('--json', flags.json)
    .action(async (step: string, upstream: string, options: Options) =>
      done(await steered({ step, upstream }, options, world)),
    );
}

async function steered(
  input: { readonly step: string; readonly upstream: string },
  options: Options,
  world: World,
): Promise<number> {
  const { terminal } = world;
  if (!STEPS.includes(input.step)) {
    const { what, fix } = terminal.messages.control.badStep(input.step);
    terminal.failure(what, fix);
    return exitCode('usage');
  }
  const print = (server: ServerAnswer): void => printStep(server, input.upstream, terminal);
  return await tellOfRunning(options, world, { command: 'canary', input, plain, print });
}

function plain({ pid, answers }: ServerAnswer): object {
  return { pid, processes: answers.map(({ worker, answer }) => ({ worker, canary: answer['canary'] })) };
}

/** All processes took the same step: it is told once. */
function printStep({ pid, answers }: ServerAnswer, upstream: string, terminal: Terminal): void {
  const { control, colon } = terminal.messages;
  const standings = answers.flatMap(({ answer }) => (answer['canary'] ?? []) as readonly Standing[]);
  const lines = new Set(standings.map((one) => control.canaryAt({ ...one, upstream })));
  for (const line of lines) terminal.result(`${control.server(pid)}${colon}${line}`);
}

interface Standing {
  readonly pool: string;
  readonly percent: number;
}
