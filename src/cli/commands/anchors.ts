import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { AnchorCount, AnchorReport, ReportedAnchor } from '../../app/verify-anchors.ts';
import { addConfigFlags, aroundOf, loadOrTell, type World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { CommandResult } from '../run.ts';
import { untilStopped } from '../stoppable.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

const ROWS: readonly AnchorCount[] = ['held', 'moved', 'deleted', 'lost', 'differs', 'contradicts', 'unknown'];
/** Findings that are printed one by one; the table and --json have all. */
const MOST_LINES = 200;

/** `larder anchors export` and `verify`: which commits stored versions came from, and whether their repositories still say so. */
export function addAnchors(program: Command, world: World, done: CommandResult): void {
  const { anchors, flags } = world.terminal.messages;
  const group = program.command('anchors').description(anchors.commands.anchors);
  addConfigFlags(group.command('export').description(anchors.commands.export), world.terminal.messages, ['data'])
    .option('--json', flags.json)
    .action(async (options: Options) => done(await exportThem(options, world)));
  addConfigFlags(
    group.command('verify').description(anchors.commands.verify).argument('[file]', anchors.fileArgument),
    world.terminal.messages,
    ['data'],
  )
    .option('--json', flags.json)
    .action(async (file: string | undefined, options: Options) => done(await verify(file, options, world)));
}

async function exportThem(options: Options, world: World): Promise<number> {
  const { terminal } = world;
  const loaded = await loadOrTell(options, world);
  if (loaded === undefined) return exitCode('config');
  const { exportAnchors } = await import('../../app/verify-anchors.ts');
  const onProgress = (read: number): void => terminal.progress(terminal.messages.filesChecked(read));
  const outcome = await untilStopped(world, loaded, (signal) => exportAnchors(loaded.config, { onProgress, signal }));
  if ('code' in outcome) return outcome.code;
  const { text, lines } = outcome.result;
  terminal.result(options['json'] === true ? JSON.stringify({ anchors: lines }) : text.trimEnd());
  return exitCode('ok');
}

async function verify(file: string | undefined, options: Options, world: World): Promise<number> {
  const { terminal } = world;
  const loaded = await loadOrTell(options, world);
  if (loaded === undefined) return exitCode('config');
  const { verifyAnchors } = await import('../../app/verify-anchors.ts');
  const startedAt = performance.now();
  const onProgress = (checked: number): void => terminal.progress(terminal.messages.filesChecked(checked));
  const from = file === undefined ? {} : { file: resolve(world.folder, file) };
  const outcome = await untilStopped(world, loaded, (signal) =>
    verifyAnchors(loaded.config, aroundOf(world), { ...from, onProgress, signal }),
  );
  if ('code' in outcome) return outcome.code;
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  if (options['json'] === true) terminal.result(JSON.stringify({ ...outcome.result, seconds }));
  else print(outcome.result, seconds, terminal);
  return judge(outcome.result, terminal);
}

/** Drift is found; a repository that could not be asked is work that was not done. */
function judge({ checked, counts }: AnchorReport, terminal: Terminal): number {
  if (checked === counts.held) return exitCode('ok');
  if (checked === counts.held + counts.unknown) return exitCode('failure');
  const { messages } = terminal;
  terminal.note(`${messages.whatToDo}: ${messages.anchors.fix}`);
  return exitCode('found');
}

function print({ checked, counts, findings }: AnchorReport, seconds: number, terminal: Terminal): void {
  const { anchors } = terminal.messages;
  for (const finding of findings.slice(0, MOST_LINES)) terminal.result(lineOf(finding, terminal));
  if (findings.length > MOST_LINES) terminal.result(`... (${findings.length - MOST_LINES})`);
  const row = (figure: number, name: string): void => terminal.result(`${String(figure).padStart(10)}  ${name}`);
  row(checked, anchors.row.checked);
  for (const name of ROWS) row(counts[name], anchors.row[name]);
  row(seconds, anchors.row.seconds);
}

function lineOf({ module, state, anchor, now = '' }: ReportedAnchor, { messages }: Terminal): string {
  const { tag, commit, url } = anchor;
  const said = messages.anchors.finding[state]({ url, commit, name: tag ?? commit, now });
  return `${messages.anchors.row[state]}${messages.colon}${module}${messages.colon}${said}`;
}
