import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ReplayReport } from '../../app/ledger-tools.ts';
import type { Config } from '../../config/schema.ts';
import { addConfigFlags, aroundOf, loadOrTell, withOrigin, type World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { CommandResult } from '../run.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

/** What one of the commands does with the configuration. */
type Work = (config: Config, signal: AbortSignal) => Promise<number>;

/** `larder ledger init`, `verify` and `export`: our own checksum database, without serving it. */
export function addLedger(program: Command, world: World, done: CommandResult): void {
  const { ledger, flags } = world.terminal.messages;
  const group = program.command('ledger').description(ledger.commands.ledger);
  const add = (command: Command, work: (options: Options, given: string) => Work): void => {
    addConfigFlags(command, world.terminal.messages, ['data'])
      .option('--key <file>', ledger.flags.key)
      .option('--json', flags.json)
      .action(async (...[first, second]: [Options | string, Options]) => {
        const [given, options] = typeof first === 'string' ? [first, second] : ['', first];
        done(await withConfig(options, world, work(options, given)));
      });
  };
  add(
    group.command('init').description(ledger.commands.init).requiredOption('--name <name>', ledger.flags.name),
    (options) => init(options, world),
  );
  add(group.command('verify').description(ledger.commands.verify), (options) => verify(options, world));
  add(group.command('export').description(ledger.commands.export).argument('<folder>'), (options, folder) =>
    exportTo(folder, options, world),
  );
}

async function withConfig(options: Options, world: World, work: Work): Promise<number> {
  const { terminal } = world;
  const loaded = await loadOrTell(options, world);
  if (loaded === undefined) return exitCode('config');
  const { signalOfStop } = await import('../../app/lifecycle.ts');
  const stop = signalOfStop();
  try {
    const { ledger, ...rest } = loaded.config;
    const key = options['key'] === undefined ? {} : { key: resolve(world.folder, options['key'] as string) };
    return await work({ ...rest, ledger: { ...ledger, ...key } }, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw withOrigin(error, loaded.origins);
    terminal.note(`larder: ${terminal.messages.ledger.stopped}`);
    return exitCode('interrupted');
  } finally {
    stop.close();
    terminal.progress(undefined);
  }
}

function init(options: Options, world: World): Work {
  const { terminal } = world;
  return async (config, signal) => {
    const { initLedger } = await import('../../app/ledger-tools.ts');
    const made = await initLedger(config, aroundOf(world), { name: options['name'] as string, signal });
    if (options['json'] === true) terminal.result(JSON.stringify({ ...made, gosumdb: made.verifierKey }));
    else for (const line of terminal.messages.ledger.made(made)) terminal.result(line);
    return exitCode('ok');
  };
}

function verify(options: Options, { terminal }: World): Work {
  return async (config, signal) => {
    const { verifyLedger } = await import('../../app/ledger-tools.ts');
    const startedAt = performance.now();
    const onProgress = (checked: number, size: number): void =>
      terminal.progress(terminal.messages.ledger.progress(checked, size));
    const report = await verifyLedger(config, { signal, onProgress });
    terminal.progress(undefined);
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    if (options['json'] === true) terminal.result(JSON.stringify({ ...report, seconds }));
    else print(report, seconds, terminal);
    return exitCode(report.faults.length === 0 ? 'ok' : 'found');
  };
}

function print({ name, size, published, faults }: ReplayReport, seconds: number, terminal: Terminal): void {
  const { ledger, whatToDo } = terminal.messages;
  if (faults.length === 0) return terminal.result(ledger.isRight({ name, size, seconds, published }));
  for (const fault of faults) terminal.result(fault);
  terminal.note(`larder: ${ledger.isWrong(faults.length)}`);
  terminal.note(`${whatToDo}: ${ledger.isWrongFix}`);
}

function exportTo(given: string, options: Options, world: World): Work {
  const { terminal } = world;
  return async (config, signal) => {
    const { exportLedger } = await import('../../app/ledger-tools.ts');
    const folder = resolve(world.folder, given);
    const onProgress = (files: number): void => terminal.progress(terminal.messages.ledger.exporting(files));
    const report = await exportLedger(config, aroundOf(world), { to: folder, signal, onProgress });
    terminal.progress(undefined);
    if (options['json'] === true) terminal.result(JSON.stringify({ ...report, folder }));
    else terminal.result(terminal.messages.ledger.exported({ ...report, folder }));
    return exitCode('ok');
  };
}
