import type { Command } from 'commander';
import type { FsckReport } from '../../app/fsck.ts';
import { addConfigFlags, aroundOf, loadOrTell, type World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { FsckCount } from '../messages.ts';
import type { CommandResult } from '../run.ts';
import { untilStopped } from '../stoppable.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

const ROWS: readonly FsckCount[] = ['checked', 'partial', 'altered', 'orphaned', 'foreign', 'repaired', 'seconds'];
/** Findings that are printed one by one; the table and --json have all. */
const MOST_LINES = 200;

/** `larder fsck`: checks what is stored, against its records. A server may run on the same folder meanwhile. */
export function addFsck(program: Command, world: World, done: CommandResult): void {
  const { messages } = world.terminal;
  addConfigFlags(program.command('fsck').description(messages.commands.fsck), messages, [
    'data',
    'upstream',
    'modcache',
  ])
    .option('--repair', messages.flags.repair)
    .option('--json', messages.flags.json)
    .action(async (options: Options) => done(await fsck(options, world)));
}

async function fsck(options: Options, world: World): Promise<number> {
  const { terminal } = world;
  const loaded = await loadOrTell(options, world);
  if (loaded === undefined) return exitCode('config');
  const { checkStore } = await import('../../app/fsck.ts');
  const startedAt = performance.now();
  const repair = options['repair'] === true;
  const onProgress = (checked: number): void => terminal.progress(terminal.messages.filesChecked(checked));
  const outcome = await untilStopped(world, loaded, (signal) =>
    checkStore(loaded.config, aroundOf(world), { repair, onProgress, signal }),
  );
  if ('code' in outcome) return outcome.code;
  const report = outcome.result;
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  if (options['json'] === true) terminal.result(JSON.stringify({ ...report, seconds }));
  else print(report, seconds, terminal);
  if (!repair && !isSound(report)) terminal.note(`${terminal.messages.whatToDo}: ${terminal.messages.fsckFix}`);
  return exitCode(isSound(report) ? 'ok' : 'found');
}

function print({ checked, counts, findings }: FsckReport, seconds: number, terminal: Terminal): void {
  const { fsckRow } = terminal.messages;
  for (const { kind, path, what } of findings.slice(0, MOST_LINES))
    terminal.result(`${fsckRow[kind]}: ${path}: ${what}`);
  if (findings.length > MOST_LINES) terminal.result(`... (${findings.length - MOST_LINES})`);
  const figures = { checked, ...counts, seconds };
  for (const row of ROWS) terminal.result(`${String(figures[row]).padStart(10)}  ${fsckRow[row]}`);
}

function isSound({ counts }: FsckReport): boolean {
  return counts.partial + counts.altered + counts.orphaned + counts.foreign <= counts.repaired;
}
