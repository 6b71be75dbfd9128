import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Ask } from '../../std/ask.ts';
import { isAppError } from '../../std/errors.ts';
import type { VendorFault } from '../../toolbox/vendor/vendor-guard.ts';
import type { World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import { failureInWords } from '../messages.ts';
import type { CommandResult } from '../run.ts';
import { untilStopped } from '../stoppable.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

/** What one of the commands does in the folder of a project. */
type Work = (project: string, o: Ask & { readonly onProgress: (files: number) => void }) => Promise<number>;

/** Findings that are printed one by one; --json has all. */
const MOST_LINES = 200;

/** `larder vendor snapshot`, `verify` and `restore`: a checksum file over vendor/, and a copy to come back to. */
export function addVendor(program: Command, world: World, done: CommandResult): void {
  const { toolbox, flags } = world.terminal.messages;
  const group = program.command('vendor').description(toolbox.commands.vendor);
  const add = (command: Command, work: (options: Options, terminal: Terminal) => Work): void => {
    command
      .option('--dir <folder>', toolbox.flags.dir)
      .option('--json', flags.json)
      .action(async (options: Options) => done(await inProject(options, world, work(options, world.terminal))));
  };
  const { commands } = toolbox;
  add(group.command('snapshot').description(commands.snapshot).option('--replace', toolbox.flags.replace), snapshot);
  add(
    group.command('verify').description(commands.verifyVendor).option('--restore', toolbox.flags.restoreFlag),
    (options, terminal) => asDamage(verify(options, terminal), terminal),
  );
  add(group.command('restore').description(commands.restore), restore);
}

async function inProject(options: Options, world: World, work: Work): Promise<number> {
  const { terminal } = world;
  const project = resolve(world.folder, (options['dir'] as string | undefined) ?? '.');
  const onProgress = (files: number): void => terminal.progress(terminal.messages.toolbox.files(files));
  const outcome = await untilStopped(world, { origins: new Map() }, (signal) => work(project, { signal, onProgress }));
  return 'code' in outcome ? outcome.code : outcome.result;
}

function snapshot(options: Options, terminal: Terminal): Work {
  return async (project, o) => {
    const { takeSnapshot } = await import('../../toolbox/vendor/vendor-guard.ts');
    const taken = await takeSnapshot(project, { ...o, onDamage: options['replace'] === true ? 'take' : 'refuse' });
    terminal.progress(undefined);
    tell(options, terminal, taken, terminal.messages.toolbox.snapshotTaken(taken));
    return exitCode('ok');
  };
}

function restore(options: Options, terminal: Terminal): Work {
  return async (project, o) => {
    const { restoreVendor } = await import('../../toolbox/vendor/vendor-guard.ts');
    const restored = await restoreVendor(project, o);
    terminal.progress(undefined);
    tell(options, terminal, restored, terminal.messages.toolbox.vendorRestored(restored.files));
    return exitCode('ok');
  };
}

/** Its exit codes are those that scripts know: 0, 1 and 2. */
function verify(options: Options, terminal: Terminal): Work {
  return async (project, o) => {
    const { verifyVendor, restoreVendor } = await import('../../toolbox/vendor/vendor-guard.ts');
    const { toolbox } = terminal.messages;
    const state = await verifyVendor(project, o);
    terminal.progress(undefined);
    if (state.kind === 'intact') {
      tell(options, terminal, { state: 'intact', h1: state.h1, files: state.files }, toolbox.vendorIntact(state));
      return exitCode('ok');
    }
    if (state.kind === 'no-sum') {
      if (options['json'] === true) terminal.result(JSON.stringify({ state: 'no-sum' }));
      terminal.failure(toolbox.noVendorSum(project), toolbox.noVendorSumFix);
      return exitCode('usage');
    }
    if (options['restore'] !== true) return tellFaults(state.faults, options, terminal);
    const { files, h1 } = await restoreVendor(project, o);
    terminal.progress(undefined);
    tell(options, terminal, { state: 'restored', h1, files, faults: state.faults }, toolbox.vendorRestored(files));
    return exitCode('ok');
  };
}

/** A vendor.sum or a snapshot that is damaged is damage too, and no fault of a configuration. */
function asDamage(work: Work, terminal: Terminal): Work {
  return async (project, o) => {
    try {
      return await work(project, o);
    } catch (error) {
      if (!isAppError(error, 'CONFIG_INVALID')) throw error;
      terminal.progress(undefined);
      const { what, fix } = failureInWords(error, terminal.messages);
      terminal.failure(what, fix);
      return exitCode('failure');
    }
  };
}

function tellFaults(faults: readonly VendorFault[], options: Options, terminal: Terminal): number {
  const { toolbox, colon } = terminal.messages;
  if (options['json'] === true) terminal.result(JSON.stringify({ state: 'damaged', faults }));
  else
    for (const { name, kind } of faults.slice(0, MOST_LINES))
      terminal.result(`${name}${colon}${toolbox.vendorFault[kind]}`);
  terminal.failure(toolbox.vendorWrong(faults.length), toolbox.vendorWrongFix);
  return exitCode('failure');
}

function tell(options: Options, terminal: Terminal, facts: object, text: string): void {
  terminal.result(options['json'] === true ? JSON.stringify(facts) : text);
}
