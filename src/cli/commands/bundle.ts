import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { BundleCommands } from '../../app/bundle-tools.ts';
import type { Ask } from '../../std/ask.ts';
import { addConfigFlags, loadOrTell, type World } from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import { parseModuleArgument } from '../module-argument.ts';
import type { CommandResult } from '../run.ts';
import { untilStopped } from '../stoppable.ts';

type Options = Readonly<Record<string, unknown>>;

/** What one of the commands does with the tools that the configuration and the flags make. */
type Work = (tools: BundleCommands, o: Ask) => Promise<number>;

const MOST_LINES = 200;

/** `larder bundle keygen`, `create`, `verify`, `install`, `rollback` and `list`. */
export function addBundle(program: Command, world: World, done: CommandResult): void {
  const { toolbox, flags } = world.terminal.messages;
  const group = program.command('bundle').description(toolbox.commands.bundle);
  const make = (name: string, description: string): Command =>
    addConfigFlags(group.command(name).description(description), world.terminal.messages, []).option(
      '--json',
      flags.json,
    );
  const trusting = (command: Command): Command => command.option('--verifier <key>', toolbox.flags.verifier, collect);
  const finish = async (options: Options, work: Work): Promise<void> => done(await withTools(options, world, work));
  make('keygen', toolbox.commands.keygen)
    .requiredOption('--name <name>', toolbox.flags.keyName)
    .requiredOption('--key <file>', toolbox.flags.newKey)
    .action(async (options: Options) => await finish(options, keygen(options, world)));
  make('create', toolbox.commands.create)
    .argument('[modules...]', toolbox.arguments.modules)
    .requiredOption('--from <folder>', toolbox.flags.from)
    .requiredOption('--to <folder>', toolbox.flags.to)
    .requiredOption('--key <file>', toolbox.flags.key)
    .option('--go-sum <file>', toolbox.flags.goSum, collect)
    .option('--id <name>', toolbox.flags.id)
    .option('--for <text>', toolbox.flags.purpose)
    .option('--allow-missing', toolbox.flags.allowMissing)
    .action(
      async (modules: readonly string[], options: Options) => await finish(options, create(modules, options, world)),
    );
  trusting(make('verify', toolbox.commands.verifyBundle).argument('<folder>', toolbox.arguments.bundleFolder)).action(
    async (folder: string, options: Options) => await finish(options, verify(folder, options, world)),
  );
  trusting(make('install', toolbox.commands.install).argument('<folder>', toolbox.arguments.bundleFolder))
    .option('--store <folder>', toolbox.flags.store)
    .action(async (folder: string, options: Options) => await finish(options, install(folder, options, world)));
  trusting(make('rollback', toolbox.commands.rollback))
    .option('--store <folder>', toolbox.flags.store)
    .action(async (options: Options) => await finish(options, rollback(options, world)));
  trusting(make('list', toolbox.commands.list))
    .option('--store <folder>', toolbox.flags.store)
    .action(async (options: Options) => await finish(options, list(options, world)));
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function withTools(options: Options, world: World, work: Work): Promise<number> {
  const loaded = await loadOrTell(options, world);
  if (loaded === undefined) return exitCode('config');
  const { openBundleTools } = await import('../../app/bundle-tools.ts');
  const tools = openBundleTools(loaded.config, {
    verifiers: (options['verifier'] as readonly string[] | undefined) ?? [],
    ...(options['store'] === undefined ? {} : { store: resolve(world.folder, options['store'] as string) }),
    onProgress: (done, of) => world.terminal.progress(world.terminal.messages.toolbox.files(done, of)),
  });
  try {
    const outcome = await untilStopped(world, loaded, (signal) => work(tools, { signal }));
    return 'code' in outcome ? outcome.code : outcome.result;
  } finally {
    await tools.close();
  }
}

function keygen(options: Options, world: World): Work {
  const file = resolve(world.folder, options['key'] as string);
  return async (tools) => {
    const verifier = await tools.makeKey(options['name'] as string, file);
    for (const line of world.terminal.messages.toolbox.keyMade(file)) world.terminal.note(line);
    tell(options, world, { keyFile: file, verifier }, verifier);
    return exitCode('ok');
  };
}

function create(names: readonly string[], options: Options, world: World): Work {
  const { terminal, folder } = world;
  const at = (name: string): string => resolve(folder, options[name] as string);
  return async (tools, o) => {
    const { toolbox, proof, seeHelp } = terminal.messages;
    const goSums = ((options['goSum'] as readonly string[] | undefined) ?? []).map((file) => resolve(folder, file));
    const modules = names.map(parseModuleArgument);
    for (const one of modules) {
      if (!('fault' in one)) continue;
      const { what, fix } = proof.moduleFault(one);
      terminal.failure(what, fix);
      return exitCode('usage');
    }
    if (modules.length + goSums.length === 0) {
      terminal.failure(toolbox.oneOf.what, `${toolbox.oneOf.fix}; ${seeHelp('larder bundle create')}`);
      return exitCode('usage');
    }
    const to = at('to');
    const made = await tools.create(
      {
        from: at('from'),
        to,
        keyFile: at('key'),
        goSums,
        modules: modules.flatMap((one) => ('fault' in one ? [] : [one])),
        id: options['id'] as string | undefined,
        purpose: (options['for'] as string | undefined) ?? '',
        onMissing: options['allowMissing'] === true ? 'leave-out' : 'refuse',
      },
      o,
    );
    const { id, modules: held, files } = made.manifest;
    terminal.progress(undefined);
    if (made.missing.length > 0) terminal.note(toolbox.leftOut(made.missing.length));
    const facts = { id, modules: held.length, files: files.length, to };
    tell(options, world, { ...facts, missing: made.missing }, toolbox.bundleMade(facts));
    return exitCode('ok');
  };
}

function verify(folder: string, options: Options, world: World): Work {
  const { terminal } = world;
  return async (tools, o) => {
    const { toolbox } = terminal.messages;
    const { manifest, signers, faults } = await tools.verify(resolve(world.folder, folder), o);
    terminal.progress(undefined);
    const facts = {
      id: manifest?.id ?? '',
      modules: manifest?.modules.length ?? 0,
      files: manifest?.files.length ?? 0,
      signers: signers.join(', '),
    };
    const json = { ...facts, created: manifest?.created, for: manifest?.purpose, signers, faults };
    if (faults.length === 0) {
      tell(options, world, json, toolbox.bundleSound(facts));
      return exitCode('ok');
    }
    if (options['json'] === true) terminal.result(JSON.stringify(json));
    else for (const fault of faults.slice(0, MOST_LINES)) terminal.result(fault);
    terminal.failure(toolbox.bundleWrong(faults.length), toolbox.bundleWrongFix);
    return exitCode('found');
  };
}

function install(folder: string, options: Options, world: World): Work {
  return async (tools, o) => {
    const outcome = await tools.install(resolve(world.folder, folder), o);
    world.terminal.progress(undefined);
    const { toolbox } = world.terminal.messages;
    if ('refused' in outcome) {
      if (options['json'] === true) world.terminal.result(JSON.stringify(outcome));
      world.terminal.failure(outcome.refused, toolbox.bundleWrongFix);
      return exitCode('found');
    }
    tell(options, world, outcome, toolbox.switched(outcome));
    return exitCode('ok');
  };
}

function rollback(options: Options, world: World): Work {
  return async (tools, o) => {
    const startedAt = performance.now();
    const switched = await tools.rollback(o);
    const ms = Math.round(performance.now() - startedAt);
    const { toolbox } = world.terminal.messages;
    if (switched.unread > 0) world.terminal.note(toolbox.unread(switched.unread));
    tell(options, world, { ...switched, ms }, toolbox.switched(switched));
    return exitCode('ok');
  };
}

function list(options: Options, world: World): Work {
  return async (tools, o) => {
    const bundles = await tools.list(o);
    const { toolbox } = world.terminal.messages;
    if (options['json'] === true) world.terminal.result(JSON.stringify({ bundles }));
    else if (bundles.length === 0) world.terminal.note(toolbox.noBundles);
    else
      for (const { id, role, created, modules, purpose, fault } of bundles)
        world.terminal.result(
          [id, role && toolbox.role[role], created, modules, purpose, fault]
            .filter((one) => one !== undefined && one !== '')
            .join('  '),
        );
    return exitCode('ok');
  };
}

function tell(options: Options, { terminal }: World, facts: object, text: string): void {
  terminal.result(options['json'] === true ? JSON.stringify(facts) : text);
}
