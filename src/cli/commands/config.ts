import type { Command } from 'commander';
import type { EffectiveValue } from '../../config/load.ts';
import { redactText } from '../../config/redact.ts';
import { isAppError, messageOf } from '../../std/errors.ts';
import { addConfigFlags, findUnusable, loadFor, printProblems, printUnusable, type World } from '../configuration.ts';
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
  const unusable = loaded.ok ? await findUnusable(loaded, world) : [];
  const isRight = loaded.ok && unusable.length === 0;
  if (options['json'] === true) {
    const problems = loaded.ok ? unusable.map(asProblem) : loaded.problems;
    terminal.result(JSON.stringify({ ok: isRight, problems }));
  } else if (!loaded.ok) printProblems(loaded, terminal);
  else if (isRight) terminal.result(terminal.messages.configIsRight);
  else printUnusable(unusable, terminal);
  return exitCode(isRight ? 'ok' : 'config');
}

/** What cannot be used, beside the problems of the text itself. */
function asProblem(error: unknown): Readonly<Record<string, unknown>> {
  const { key, origin, reason } = isAppError(error) ? error.detail : {};
  return { kind: 'unusable', origin, key, reason, what: redactText(messageOf(error)) };
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
  for (const { key, value, origin, isRedacted } of values) {
    const parts = key.split('.');
    const name = parts.pop() ?? '';
    if (parts.join('.') !== section) {
      section = parts.join('.');
      if (section !== '') lines.push(`${section}:`);
    }
    // A key without a value (tls.cert) is a comment: as a line it would set an empty value. So is one whose secret is hidden: as a line it would set the stars.
    const comment = value === undefined || isRedacted === true ? '# ' : '';
    const shown = value === undefined ? '' : ` ${yamlValue(value)}  # ${origin}`;
    lines.push(`${section === '' ? '' : '  '}${comment}${name}:${shown}`);
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
