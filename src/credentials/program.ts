import type { Ask } from '../std/ask.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { WayParts } from './way.ts';

/** Asking a person is impossible, asking a vault takes seconds. */
const LIMITS = { wallMs: 20_000, idleMs: 20_000, outputBytes: 64 * 1024 } as const;

/** One run of a program that knows credentials. */
export interface Asking extends Ask {
  readonly argv: readonly string[];
  /** For messages: `the helper git`. */
  readonly text: string;
  readonly folder?: string;
  readonly input: string;
}

/**
 * What the program prints, as Latin-1. Rejects with CONFIG_INVALID when it cannot be started, fails or does not end: with its name and exit code
 * alone, for what it prints may be a secret, and with ABORTED.
 */
export async function askProgram(
  { run, childEnvironment }: Pick<WayParts, 'run' | 'childEnvironment'>,
  { argv, text, folder = '/', input, signal }: Asking,
): Promise<string> {
  const [program = '', ...args] = argv;
  const command = { program, args, folder, environment: childEnvironment, limits: LIMITS, input: Buffer.from(input) };
  const { exitCode, stdout } = await run(command, { signal }).catch((error: unknown) => {
    throw isAppError(error, 'ABORTED') ? error : failed(text, error);
  });
  if (exitCode !== 0) throw new AppError('CONFIG_INVALID', `ask ${text}: exit code ${exitCode}`);
  return Buffer.from(stdout).toString('latin1');
}

const WHY: Readonly<Record<string, string>> = {
  UPSTREAM_TIMEOUT: `no answer within ${LIMITS.wallMs / 1000} s`,
  TOO_LARGE: `it prints more than ${LIMITS.outputBytes} bytes`,
};

/** Without the cause: the words of others about a command may hold its output. */
function failed(text: string, error: unknown): AppError {
  const why = error instanceof AppError ? WHY[error.code] : undefined;
  return new AppError('CONFIG_INVALID', `ask ${text}: ${why ?? 'it cannot be started'}`);
}

/** The environment of helpers and commands: that of this process without what is ours or another row's secret, and without a way to ask a person. */
export function childEnvironmentOf(
  environment: Readonly<Record<string, string | undefined>>,
  secretNames: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  const kept = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || secretNames.has(name) || name.startsWith('LARDER_') ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(kept), GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '', SSH_ASKPASS: '' };
}
