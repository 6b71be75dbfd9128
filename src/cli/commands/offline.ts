import type { Command } from 'commander';
import type { ServerAnswer } from '../../app/ask-servers.ts';
import { addConfigFlags, type World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { CommandResult } from '../run.ts';
import { tellOfRunning } from '../running-servers.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

const INPUTS: ReadonlyMap<string, object> = new Map([
  ['on', { to: 'on' }],
  ['off', { to: 'off' }],
  ['status', {}],
]);

/** `larder offline on|off|status`: the switch of the running servers of the data folder. */
export function addOffline(program: Command, world: World, done: CommandResult): void {
  const { control, flags } = world.terminal.messages;
  const command = program.command('offline').description(control.commands.offline).argument('<state>', control.state);
  addConfigFlags(command, world.terminal.messages, ['data'])
    .option('--json', flags.json)
    .action(async (state: string, options: Options) => done(await switched(state, options, world)));
}

async function switched(state: string, options: Options, world: World): Promise<number> {
  const { terminal } = world;
  const input = INPUTS.get(state);
  if (input === undefined) {
    const { what, fix } = terminal.messages.control.badState(state);
    terminal.failure(what, fix);
    return exitCode('usage');
  }
  return await tellOfRunning(options, world, { command: 'offline', input, plain, print });
}

function plain({ pid, answers }: ServerAnswer): object {
  return { pid, processes: answers.map(({ worker, answer }) => ({ worker, offline: answer['offline'] === true })) };
}

function print({ pid, answers }: ServerAnswer, terminal: Terminal): void {
  if (answers.length === 0) return;
  const { control, colon } = terminal.messages;
  const isOffline = answers.every(({ answer }) => answer['offline'] === true);
  terminal.result(`${control.server(pid)}${colon}${isOffline ? control.isOffline : control.isOnline}`);
}
