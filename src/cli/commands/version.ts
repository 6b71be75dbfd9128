import type { Command } from 'commander';
import type { World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { CommandResult } from '../run.ts';
import { VERSION } from '../version.ts';

/** `larder version`: what is running here. */
export function addVersion(program: Command, world: World, done: CommandResult): void {
  const { messages } = world.terminal;
  program
    .command('version')
    .description(messages.commands.version)
    .option('--json', messages.flags.json)
    .action((options: { json?: boolean }) => {
      const facts = { version: VERSION, node: process.versions.node, platform: `${process.platform}-${process.arch}` };
      world.terminal.result(
        options.json ? JSON.stringify(facts) : `larder ${facts.version} (node ${facts.node}, ${facts.platform})`,
      );
      done(exitCode('ok'));
    });
}
