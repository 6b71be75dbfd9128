import type { ServerAnswer } from '../app/ask-servers.ts';
import { loadOrTell, type World } from './configuration.ts';
import { exitCode } from './exit-code.ts';
import { failureInWords } from './messages.ts';
import type { Terminal } from './terminal.ts';

/** What is asked, and how answers are printed. */
export interface Asking {
  readonly command: string;
  readonly input: object;
  /** A server's answer for `--json`. */
  readonly plain: (answer: ServerAnswer) => object;
  /** A server's answer in words. */
  readonly print: (answer: ServerAnswer, terminal: Terminal) => void;
}

/**
 * Asks the running servers of the data folder that `options` say, and prints what they answer; to what failed in one of them, or in one of their processes,
 * the exit code is 1, and each is told. Rejects as askRunning does.
 */
export async function tellOfRunning(
  options: Readonly<Record<string, unknown>>,
  world: World,
  { command, input, plain, print }: Asking,
): Promise<number> {
  const { terminal } = world;
  const loaded = await loadOrTell(options, world);
  if (loaded === undefined) return exitCode('config');
  const { askRunning } = await import('../app/ask-servers.ts');
  const servers = await askRunning(loaded.config.data, command, input);
  if (options['json'] === true) terminal.result(JSON.stringify(servers.map(plain)));
  else for (const server of servers) print(server, terminal);
  const failures = servers.flatMap((server) => server.failures);
  for (const error of failures) {
    const { what, fix } = failureInWords(error, terminal.messages);
    terminal.failure(what, fix);
  }
  return exitCode(failures.length === 0 ? 'ok' : 'failure');
}
