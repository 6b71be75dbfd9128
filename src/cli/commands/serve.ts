import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { Larder } from '../../app/larder.ts';
import type { Running } from '../../app/lifecycle.ts';
import { withoutPaths } from '../../config/redact.ts';
import type { Loaded } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import {
  addConfigFlags,
  aroundOf,
  findUnusable,
  loadFor,
  printProblems,
  printUnusable,
  withOrigin,
  type World,
} from '../configuration.ts';
import { exitCode } from '../exit-code.ts';
import type { CommandResult } from '../run.ts';
import type { StartFacts } from '../messages.ts';
import { VERSION } from '../version.ts';

type Options = Readonly<Record<string, unknown>>;

/** `larder serve`: the server, until a signal stops it. */
export function addServe(program: Command, world: World, done: CommandResult): void {
  const { messages } = world.terminal;
  addConfigFlags(program.command('serve').description(messages.commands.serve), messages).action(
    async (options: Options) => done(await serve(options, world)),
  );
}

async function serve(options: Options, world: World): Promise<number> {
  const { terminal } = world;
  const loaded = await loadFor(options, world);
  if (!loaded.ok) {
    printProblems(loaded, terminal);
    return exitCode('config');
  }
  const unusable = await findUnusable(loaded, world);
  if (unusable.length > 0) {
    printUnusable(unusable, terminal);
    return exitCode('config');
  }
  return await run(loaded, options, world).catch((error: unknown) => {
    throw withOrigin(error, loaded.origins);
  });
}

async function run(
  { config, origins, file }: Extract<Loaded, { ok: true }>,
  options: Options,
  world: World,
): Promise<number> {
  const { terminal } = world;
  const { runUntilStopped } = await import('../../app/lifecycle.ts');
  const larder = await openLarder(config, world);
  const facts: StartFacts = {
    version: VERSION,
    url: urlFor(config.tls.cert !== undefined, await larder.start()),
    upstream: withoutPaths(config.upstream),
    upstreamOrigin: origins.get('upstream') ?? 'default',
    data: config.data,
    ...(file === undefined ? {} : { configFile: file.path }),
  };
  if (file !== undefined) larder.watch({ file, load: () => loadFor(options, world) });
  for (const line of terminal.messages.start(facts)) terminal.note(line, line.includes('export ') ? 'bold' : undefined);
  const clean = await runUntilStopped(larder, {
    onDraining: () => terminal.note(`larder: ${terminal.messages.draining(Math.ceil(config.drain.finish / 1000))}`),
  });
  terminal.note(`larder: ${terminal.messages.stopped}`);
  return exitCode(clean ? 'ok' : 'failure');
}

/** In this process, or in several that this one looks after. */
async function openLarder(config: Config, world: World): Promise<Pick<Larder, 'start' | 'watch' | keyof Running>> {
  const { processCount } = await import('../../app/limits.ts');
  const count = processCount(config);
  if (count > 1) {
    const { Workers } = await import('../../app/workers.ts');
    return new Workers(config, aroundOf(world), count);
  }
  const { composeLarder } = await import('../../app/compose.ts');
  return await composeLarder(config, aroundOf(world));
}

/** The URL to paste. A server on every address of the machine is named by the machine's name. */
function urlFor(isTls: boolean, { host, port }: { readonly host: string; readonly port: number }): string {
  const everywhere = host === '' || host === '0.0.0.0' || host === '::';
  const name = everywhere ? hostname() : host.includes(':') ? `[${host}]` : host;
  return `${isTls ? 'https' : 'http'}://${name}:${port}`;
}
