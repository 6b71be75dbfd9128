import { homedir } from 'node:os';
import { Command, CommanderError } from 'commander';
import { isAppError } from '../std/errors.ts';
import { nearest } from '../config/nearest.ts';
import { addBundle } from './commands/bundle.ts';
import { addCanary } from './commands/canary.ts';
import { addConfig } from './commands/config.ts';
import { addDrill } from './commands/drill.ts';
import { addExplain } from './commands/explain.ts';
import { addFsck } from './commands/fsck.ts';
import { addAnchors } from './commands/anchors.ts';
import { addLedger } from './commands/ledger.ts';
import { addGo } from './commands/go.ts';
import { addOffline } from './commands/offline.ts';
import { addServe } from './commands/serve.ts';
import { addVendor } from './commands/vendor.ts';
import { addStatus } from './commands/status.ts';
import { addVerify } from './commands/verify.ts';
import { addVersion } from './commands/version.ts';
import type { World } from './configuration.ts';
import { exitCode } from './exit-code.ts';
import { failureInWords, languageOf, type Messages, messagesFor, namedLanguage } from './messages.ts';
import { createTerminal, type Output, type Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/** What a command calls with its exit code. */
export type CommandResult = (code: number) => void;

/** The process, as run() needs it. */
export interface ProcessLike {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  cwd(): string;
}

/** Does what `argv` (without the program's own name) says and resolves with the exit code. Never rejects. */
export async function run(argv: readonly string[], process: ProcessLike): Promise<number> {
  const messages = messagesFor(languageOf(argv, process.env));
  const terminal = createTerminal({
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    messages,
  });
  let code = exitCode('ok');
  const world: World = { terminal, environment: process.env, folder: process.cwd(), home: homeOf(process.env) };
  const program = createProgram(world, (result) => {
    code = result;
  });
  try {
    if (argv.length === 0) return showHelp(program, terminal);
    const language = namedLanguage(argv);
    if (language !== undefined && !/^(en|zh)/i.test(language)) {
      terminal.failure(messages.noSuchLanguage(language), messages.seeHelp('larder'));
      return exitCode('usage');
    }
    await program.parseAsync(argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv], { from: 'user' });
    return code;
  } catch (error) {
    return report(error, argv, { program, terminal });
  }
}

/** The whole command line; `done` hears the exit code of the command that ran. */
export function createProgram(world: World, done: CommandResult): Command {
  const { messages } = world.terminal;
  const program = new Command('larder')
    .description(messages.program)
    .version(VERSION, '-v, --version', messages.flags.version)
    .option('--lang <language>', messages.flags.lang)
    .helpOption('-h, --help', messages.flags.help)
    .helpCommand(false)
    .enablePositionalOptions()
    .configureHelp({ styleTitle: (title) => titleIn(messages, title) })
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.terminal.result(text.trimEnd()),
      writeErr: () => {},
      outputError: () => {},
    });
  addServe(program, world, done);
  addFsck(program, world, done);
  addVerify(program, world, done);
  addExplain(program, world, done);
  addLedger(program, world, done);
  addAnchors(program, world, done);
  addBundle(program, world, done);
  addVendor(program, world, done);
  addGo(program, world, done);
  addStatus(program, world, done);
  addOffline(program, world, done);
  addCanary(program, world, done);
  addDrill(program, world, done);
  addConfig(program, world, done);
  addVersion(program, world, done);
  for (const command of allCommands(program)) {
    command.copyInheritedSettings(program).helpCommand(false).helpOption('-h, --help', messages.flags.help);
    if (command.commands.length === 0 && command !== program) command.option('--lang <language>', messages.flags.lang);
  }
  return program;
}

function titleIn({ titles, colon }: Messages, title: string): string {
  const named = titles[title.replace(/:$/, '') as keyof Messages['titles']] as string | undefined;
  return named === undefined ? title : `${named}${colon.trim()}`;
}

/** The program and every command below it. */
export function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function homeOf(environment: ProcessLike['env']): string | undefined {
  const named = environment['HOME'];
  if (named !== undefined && named !== '') return named;
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

function showHelp(program: Command, terminal: Terminal): number {
  terminal.note(program.helpInformation().trimEnd());
  return exitCode('usage');
}

function report(
  error: unknown,
  argv: readonly string[],
  o: { readonly program: Command; readonly terminal: Terminal },
): number {
  if (error instanceof CommanderError) return reportUsage(error, argv, o);
  const { terminal } = o;
  const { what, fix } = failureInWords(error, terminal.messages);
  terminal.failure(what, fix);
  return exitCode(isAppError(error, 'CONFIG_INVALID') ? 'config' : 'failure');
}

function reportUsage(
  error: CommanderError,
  argv: readonly string[],
  { program, terminal }: { readonly program: Command; readonly terminal: Terminal },
): number {
  if (error.exitCode === 0) return exitCode('ok');
  const command = commandOf(program, argv);
  if (error.code === 'commander.help') return showHelp(command, terminal);
  terminal.failure(usageInWords(error, command, terminal.messages), terminal.messages.seeHelp(fullName(command)));
  return exitCode('usage');
}

function usageInWords({ code, message }: CommanderError, command: Command, messages: Messages): string {
  const name = /'([^']*)'/.exec(message)?.[1] ?? '';
  if (code === 'commander.unknownCommand') {
    const names = command.commands.map((one) => one.name());
    return messages.unknownCommand(name || "''", MEANT_COMMANDS.get(name) ?? nearest(name, names));
  }
  if (code === 'commander.unknownOption') {
    const flags = flagsOf(command);
    const meant = MEANT_FLAGS.get(name);
    return messages.unknownFlag(name, meant !== undefined && flags.includes(meant) ? meant : nearest(name, flags));
  }
  if (code === 'commander.optionMissingArgument') return messages.needsValue(name);
  if (code === 'commander.missingArgument') return messages.needsArgument(fullName(command), name);
  if (code === 'commander.excessArguments')
    return messages.takesNoArgument(
      fullName(command),
      command.args.slice(command.registeredArguments.length).join(' '),
    );
  return message.replace(/^error: /, '');
}

/** What other programs call it. */
const MEANT_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['start', 'serve'],
  ['run', 'serve'],
  ['up', 'serve'],
  ['check', 'config check'],
  ['print', 'config print'],
]);
const MEANT_FLAGS: ReadonlyMap<string, string> = new Map([
  ...['--port', '-p', '--addr', '--address', '--host', '--bind'].map((name) => [name, '--listen'] as const),
  ...['--dir', '--storage', '--cache'].map((name) => [name, '--data'] as const),
  ...['--proxy', '--goproxy'].map((name) => [name, '--upstream'] as const),
]);

/** The words that call `command`: `larder config check`. */
export function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** The innermost command that the words of `argv` name. */
function commandOf(program: Command, argv: readonly string[]): Command {
  let command = program;
  for (const word of argv) command = command.commands.find((one) => one.name() === word) ?? command;
  return command;
}

function flagsOf(command: Command): string[] {
  return [...command.options, ...(command.parent?.options ?? [])].flatMap((option) =>
    option.long ? [option.long] : [],
  );
}
