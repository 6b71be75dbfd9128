import type { Command } from 'commander';
import type { EffectiveValue } from '../../config/load.ts';
import { addConfigFlags, loadFor, printProblems, type World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { CommandResult } from '../run.ts';

type Options = Readonly<Record<string, unknown>>;

/** `larder config check` and `larder config print`: what would be in force, without starting anything. */
export function addConfig(program: Command, world: World, done: CommandResult): void {
  const { messages } = world.terminal;
  const config = program.command('config').description(messages.commands.config);
  addConfigFlags(config.command('check').description(messages.commands.check), messages)
    .option('--json', messages.flags.json)
    .action(async (options: Options) => done(await check(options, world)));
  addConfigFlags(config.command('print').description(messages.commands.print), messages)
    .option('--effective', messages.flags.effective)
    .option('--json', messages.flags.json)
    .action(async (options: Options) => done(await print(options, world)));
}

async function check(options: Options, world: World): Promise<number> {
  const { terminal } = world;
  const loaded = await loadFor(options, world);
  if (options['json'] === true)
    terminal.result(JSON.stringify(loaded.ok ? { ok: true, problems: [] } : { ok: false, problems: loaded.problems }));
  else if (loaded.ok) terminal.result(terminal.messages.configIsRight);
  if (loaded.ok) return exitCode('ok');
  if (options['json'] !== true) printProblems(loaded, terminal);
  return exitCode('config');
}

async function print(options: Options, world: World): Promise<number> {
  const { terminal } = world;
  const loaded = await loadFor(options, world);
  if (!loaded.ok) {
    printProblems(loaded, terminal);
    return exitCode('config');
  }
  const shown = loaded.effective.filter((one) => options['effective'] === true || one.origin !== 'default');
  if (options['json'] === true) terminal.result(JSON.stringify(shown));
  else terminal.result(shown.length === 0 ? terminal.messages.nothingSet : asYaml(shown));
  return exitCode('ok');
}

/** The values as a config file that could be used again, each line with its origin. */
function asYaml(values: readonly EffectiveValue[]): string {
  const lines: string[] = [];
  let section = '';
  for (const { key, value, origin } of values) {
    const parts = key.split('.');
    const name = parts.pop() ?? '';
    if (parts.join('.') !== section) {
      section = parts.join('.');
      if (section !== '') lines.push(`${section}:`);
    }
    const line = `${section === '' ? '' : '  '}${name}: ${yamlValue(value)}`;
    // A key without a value (tls.cert) is a comment: as a line it would set an empty value.
    lines.push(value === undefined ? `${section === '' ? '' : '  '}# ${name}:` : `${line}  # ${origin}`);
  }
  return lines.join('\n');
}

/** Plain where YAML reads it back as the same text, else quoted as in JSON, which YAML reads too. */
function yamlValue(value: unknown): string {
  if (
    typeof value === 'string' &&
    /^[A-Za-z/.~][\w./:@,|~%=+-]*$/.test(value) &&
    !/^(true|false|null|~|\.inf|\.nan)$/i.test(value) &&
    !value.endsWith(':')
  )
    return value;
  if (typeof value === 'string' && /^\d[\d.]*[a-zA-Z:][\w.:]*$/.test(value) && !/^0[xo]/.test(value)) return value;
  return JSON.stringify(value ?? null);
}
