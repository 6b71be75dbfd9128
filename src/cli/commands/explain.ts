import type { Command } from 'commander';
import type { ExplainedArtifact, ExplainedStep, Explanation, Standing } from '../../app/explain.ts';
import { columns } from '../columns.ts';
import { addConfigFlags, aroundOf, loadOrTell, type World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { Messages } from '../messages.ts';
import { parseModuleArgument } from '../module-argument.ts';
import type { CommandResult } from '../run.ts';
import { exemptionInWords, standingInWords, verificationInWords } from '../standing-words.ts';
import { untilStopped } from '../stoppable.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;
/** A label and what stands beside it. */
type Row = readonly [label: string, text: string];

/** `larder explain`: what is known of one module version. Asks nobody. */
export function addExplain(program: Command, world: World, done: CommandResult): void {
  const { messages } = world.terminal;
  addConfigFlags(
    program
      .command('explain')
      .description(messages.proof.commands.explain)
      .argument('<module@version>', messages.proof.moduleArgument),
    messages,
    ['data', 'upstream', 'modcache'],
  )
    .option('--json', messages.flags.json)
    .action(async (name: string, options: Options) => done(await explain(name, options, world)));
}

async function explain(name: string, options: Options, world: World): Promise<number> {
  const { terminal } = world;
  const module = parseModuleArgument(name);
  if ('fault' in module) {
    const { what, fix } = terminal.messages.proof.moduleFault(module);
    terminal.failure(what, fix);
    return exitCode('usage');
  }
  const loaded = await loadOrTell(options, world);
  if (loaded === undefined) return exitCode('config');
  const { explainModule } = await import('../../app/explain.ts');
  const outcome = await untilStopped(world, loaded, (signal) =>
    explainModule(loaded.config, aroundOf(world), { module, signal }),
  );
  if ('code' in outcome) return outcome.code;
  if (options['json'] === true) terminal.result(JSON.stringify(outcome.result));
  else print(outcome.result, terminal);
  return exitCode('ok');
}

function print(explanation: Explanation, terminal: Terminal): void {
  const { messages } = terminal;
  const { artifacts, isStored, module } = explanation;
  terminal.result(isStored ? module : `${module}${messages.colon}${messages.proof.explain.notStored}`);
  for (const artifact of artifacts) {
    const rows = [...recordRows(artifact, messages), ...asideRows(artifact, messages)];
    if (isStored || rows.length > 0) terminal.result(`\n.${artifact.kind}`);
    if (rows.length > 0) terminal.result(columns(rows));
    else if (isStored) terminal.result(`  ${messages.proof.explain.notStored}`);
  }
  terminal.result(`\n${columns(moduleRows(explanation, messages))}`);
}

function recordRows({ record, standing }: ExplainedArtifact, messages: Messages): readonly Row[] {
  const { label, bytes } = messages.proof.explain;
  // Of an .info there is never more to say than its record does.
  const now: readonly Row[] =
    standing === undefined || standing.is === 'form' ? [] : [[label.now, nowInWords(standing, messages)]];
  if (record === undefined) return now;
  return [
    [label.source, record.source],
    ...anchorRows(record, messages),
    [label.fetched, record.fetchedAt],
    [label.firstSeen, record.firstSeen],
    [label.size, bytes(record.sizeBytes)],
    [label.sha256, record.sha256],
    ...(record.h1 === undefined ? [] : [[label.h1, record.h1] as const]),
    [label.believed, verificationInWords(record.verification, messages)],
    ...now,
  ];
}

function anchorRows(
  { anchor }: NonNullable<ExplainedArtifact['record']>,
  { proof: { explain } }: Messages,
): readonly Row[] {
  if (anchor === undefined) return [];
  const { url, commit, tree, tag } = anchor;
  const { label } = explain;
  return [
    [label.repository, url],
    ...(tag === undefined ? [] : [[label.tag, tag] as const]),
    [label.commit, commit],
    [label.tree, tree],
  ];
}

function nowInWords(standing: Standing, messages: Messages): string {
  return `${messages.proof.row[standing.is]}${messages.colon}${standingInWords(standing, messages)}`;
}

function asideRows({ quarantined }: ExplainedArtifact, { proof: { explain } }: Messages): readonly Row[] {
  const { label, bytes } = explain;
  return quarantined.map(({ sha256, sizeBytes, at, source, reason }) => [
    label.putAside,
    [at, source, bytes(sizeBytes), `sha256 ${sha256}`, reason].filter((part) => part !== undefined).join(', '),
  ]);
}

function moduleRows(explanation: Explanation, messages: Messages): readonly Row[] {
  const { proofs, plan, exemption } = explanation;
  const { label, holds, holdsNot, noProof, nobody } = messages.proof.explain;
  const { record } = messages.proof.standing;
  const proven = proofs.map(
    (proof): Row => [label.proof, proof.holds ? holds(record(proof)) : holdsNot(proof.database, proof.why)],
  );
  return [
    ...(proven.length === 0 ? [[label.proof, noProof] as const] : proven),
    ...(exemption === undefined
      ? []
      : [[label.exemption, exemptionInWords(exemption, messages.proof.standing)] as const]),
    ...routeRows(explanation, messages),
    ...(plan.isAllowed && plan.route !== undefined ? [[label.route, plan.route] as const] : []),
    [label.asked, plan.isAllowed ? chainOf(plan.steps) : nobody(plan.why)],
    ...repositoryRows(explanation, messages),
  ];
}

/** Its own repository, as far as that is known without asking anybody. */
function repositoryRows({ repository }: Explanation, messages: Messages): readonly Row[] {
  if (repository === undefined) return [];
  const { label, foundBy, connectedTo } = messages.proof.explain;
  if ('why' in repository) return [[label.repository, repository.why]];
  const { by, url, pageUrl, subdirectory = '', rewrittenTo } = repository;
  const place = `${url ?? pageUrl ?? ''}${subdirectory === '' ? '' : ` (${subdirectory})`}`;
  return [
    [label.repository, `${place} ${foundBy[by]}`],
    ...(rewrittenTo === undefined ? [] : [[label.connected, connectedTo(rewrittenTo)] as const]),
  ];
}

/** What leads the module off the way of all others. */
function routeRows({ private: by, alias, noProxy }: Explanation, messages: Messages): readonly Row[] {
  const { label, matchedBy } = messages.proof.explain;
  const at = alias?.subdirectory === undefined ? '' : ` (${alias.subdirectory})`;
  return [
    ...(by === undefined ? [] : [[label.private, matchedBy(by.pattern, by.key)] as const]),
    ...(alias === undefined ? [] : [[label.alias, `${alias.module} = ${alias.repository}${at}`] as const]),
    ...(noProxy === undefined ? [] : [[label.noProxy, noProxy] as const]),
  ];
}

/** In the form of GOPROXY, with the members of pools. */
function chainOf(steps: readonly ExplainedStep[]): string {
  const words = steps.map(({ source, members, separator }, i) => {
    const named = members === undefined ? source : `${source} (${members.join(' ')})`;
    return i === steps.length - 1 ? named : named + separator;
  });
  return words.join('');
}
