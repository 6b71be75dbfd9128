import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { AppError, messageOf, systemCodeOf } from '../../std/errors.ts';
import type { Environment } from './go-settings.ts';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Runs `program ARGS` once with this process's own stdin, stdout and stderr, hands on the signals that come in, and resolves with its exit code, 128 and the number for one that a signal ended. Rejects with CONFIG_INVALID when it cannot be started. */
export async function runGo(
  program: string,
  args: readonly string[],
  o: { readonly folder: string; readonly environment: Environment },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(program, args, { cwd: o.folder, env: o.environment, stdio: 'inherit' });
  // From a terminal Ctrl-C reaches both of us: twice would be an order to stop at once.
  const isFromTerminal = isatty(0);
  const hand = (name: NodeJS.Signals): void => {
    if (!(isFromTerminal && (name === 'SIGINT' || name === 'SIGQUIT'))) child.kill(name);
  };
  for (const name of FORWARDED) process.on(name, hand);
  child.once('error', (error) => reject(notStarted(program, error)));
  child.once('exit', (code, by) => resolve(code ?? 128 + (by === null ? 0 : constants.signals[by])));
  try {
    return await promise;
  } finally {
    for (const name of FORWARDED) process.off(name, hand);
  }
}

function notStarted(program: string, error: unknown): AppError {
  const why = systemCodeOf(error) === 'ENOENT' ? 'there is no such program on the PATH' : messageOf(error);
  return new AppError('CONFIG_INVALID', `run ${program}: ${why}`, { cause: error });
}
