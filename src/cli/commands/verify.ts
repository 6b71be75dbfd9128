import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { AuditCount, AuditFinding, AuditReport, Wanted } from '../../app/verify-store.ts';
import type { ModuleVersion } from '../../gomod/module.ts';
import { addConfigFlags, loadOrTell, type World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import { parseModuleArgument } from '../module-argument.ts';
import type { CommandResult } from '../run.ts';
import { findingInWords } from '../standing-words.ts';
import { untilStopped } from '../stoppable.ts';
import type { Terminal } from '../terminal.ts';

interface Options extends Readonly<Record<string, unknown>> {
  readonly all?: boolean;
  readonly from?: string;
  readonly json?: boolean;
}

const ROWS: readonly AuditCount[] = ['proven', 'pinned', 'exempt', 'unproven', 'form', 'wrong', 'missing'];
/** Findings that are printed one by one, what is wrong first; the table and --json have all. */
const MOST_LINES = 200;

/** `larder verify`: reads what is stored again, and says what proves it. A server may run on the same folder meanwhile. */
export function addVerify(program: Command, world: World, done: CommandResult): void {
  const { messages } = world.terminal;
  addConfigFlags(
    program
      .command('verify')
      .description(messages.proof.commands.verify)
      .argument('[module@version...]', messages.proof.moduleArgument),
    messages,
    ['data'],
  )
    .option('--all', messages.proof.flags.all)
    .option('--from <go.sum>', messages.proof.flags.from)
    .option('--json', messages.flags.json)
    .action(async (names: readonly string[], options: Options) => done(await verify(names, options, world)));
}

async function verify(names: readonly string[], options: Options, world: World): Promise<number> {
  const { terminal } = world;
  const wanted = wantedOf(names, options, world);
  if (wanted === undefined) return exitCode('usage');
  const loaded = await loadOrTell(options, world);
  if (loaded === undefined) return exitCode('config');
  const { verifyStore } = await import('../../app/verify-store.ts');
  const startedAt = performance.now();
  const onProgress = (checked: number): void => terminal.progress(terminal.messages.filesChecked(checked));
  const outcome = await untilStopped(world, loaded, (signal) =>
    verifyStore(loaded.config, { wanted, onProgress, signal }),
  );
  if ('code' in outcome) return outcome.code;
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  if (options.json === true) terminal.result(JSON.stringify({ ...outcome.result, seconds }));
  else print(outcome.result, seconds, terminal);
  return judge(outcome.result, wanted, terminal);
}

/** What the words of the command line ask for; undefined after telling what is wrong with them. */
function wantedOf(names: readonly string[], { all, from }: Options, { terminal, folder }: World): Wanted | undefined {
  const { messages } = terminal;
  if ([names.length > 0, all === true, from !== undefined].filter(Boolean).length > 1) {
    terminal.failure(messages.proof.oneOf, messages.seeHelp('larder verify'));
    return undefined;
  }
  if (from !== undefined) return { what: 'go.sum', path: resolve(folder, from) };
  if (names.length === 0) return { what: 'all' };
  const modules: ModuleVersion[] = [];
  for (const name of names) {
    const module = parseModuleArgument(name);
    if ('fault' in module) {
      const { what, fix } = messages.proof.moduleFault(module);
      terminal.failure(what, fix);
      return undefined;
    }
    modules.push(module);
  }
  return { what: 'modules', modules };
}

/** A go.sum names much that is not stored; a module that somebody names and that is not there would pass as all well. */
function judge({ counts, findings }: AuditReport, { what }: Wanted, terminal: Terminal): number {
  const { messages } = terminal;
  if (findings.some((one) => one.is === 'wrong')) terminal.note(`${messages.whatToDo}: ${messages.proof.fix}`);
  return exitCode(counts.wrong > 0 || (what === 'modules' && counts.missing > 0) ? 'found' : 'ok');
}

function print({ checked, counts, findings }: AuditReport, seconds: number, terminal: Terminal): void {
  const { messages } = terminal;
  for (const finding of findings.slice(0, MOST_LINES)) terminal.result(lineOf(finding, terminal));
  if (findings.length > MOST_LINES) terminal.result(`... (${findings.length - MOST_LINES})`);
  const row = (figure: number, name: string): void => terminal.result(`${String(figure).padStart(10)}  ${name}`);
  row(checked, messages.proof.row.checked);
  for (const name of ROWS) row(counts[name], messages.proof.row[name]);
  row(seconds, messages.proof.row.seconds);
}

function lineOf(finding: AuditFinding, { messages }: Terminal): string {
  const kind = finding.kind === undefined ? '' : ` .${finding.kind}`;
  return `${messages.proof.row[finding.is]}${messages.colon}${finding.module}${kind}${messages.colon}${findingInWords(finding, messages)}`;
}
