import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { access, constants, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credentials } from '../../credentials/credentials.ts';
import type { EgressGuard } from '../../io/egress/guard.ts';
import { AppError, isAppError, systemCodeOf } from '../../std/errors.ts';
import type { GitNetwork, GitRemote, OpenAsk } from './git-network.ts';
import { GitRelay } from './git-relay.ts';
import type { RelayedRepositoryOptions } from './relayed-repository.ts';
import { readSshUrl, sshCommand, sshConfiguration } from './ssh-command.ts';
import { sshFailure } from './ssh-failure.ts';

export interface GitNetworkOptions extends RelayedRepositoryOptions {
  /** The same one that the dispatchers connect through. */
  readonly guard: EgressGuard;
  readonly credentials: Credentials;
  /** An existing folder that is ours alone and goes with the process: for what ssh is told. */
  readonly folder: string;
  readonly connectTimeoutMs: number;
  /** Default: `ssh`, searched in the PATH that git gets. */
  readonly sshProgram?: string;
}

/** As much of ssh's own log as is looked at. */
const LOG_BYTES = 16_384;

/** The network for git: http and https through our relay, ssh with a configuration of its own for each command. Close it with the process. */
export function createGitNetwork(o: GitNetworkOptions): GitNetwork & { close(): Promise<void> } {
  const relay = new GitRelay(o);
  return {
    async open(url, ask) {
      if (url.protocol === 'https:' || url.protocol === 'http:') return await relay.open(url, ask);
      if (url.protocol === 'ssh:') return await openSsh(url, ask, o);
      throw new AppError('POLICY_DENIED', `${ask.attempt}: repositories are reached over https, ssh or http only`);
    },
    close: () => relay.close(),
  };
}

async function openSsh(url: URL, { attempt, signal }: OpenAsk, o: GitNetworkOptions): Promise<GitRemote> {
  try {
    const { knownHostsFile, ...identity } = o.credentials.ssh(url);
    const target = readSshUrl(url, identity);
    const origin = `ssh://${target.host}:${target.port}`;
    const [address = ''] = await o.guard.resolve({ host: target.host, port: target.port }, { signal });
    const advice = o.credentials.advice(url);
    if (knownHostsFile === undefined)
      throw new AppError('AUTH_REQUIRED', `${origin}: no host key of it is known, so nothing is sent: ${advice}`);
    const { connectTimeoutMs, idleMs, folder: parent } = o;
    const settings = { address, target, identity: { ...identity, knownHostsFile }, connectTimeoutMs, idleMs };
    const configuration = sshConfiguration(settings);
    await mustBeReadable({ knownHosts: knownHostsFile, sshKey: identity.keyFile }, origin);
    const folder = await mkdtemp(join(parent, 'ssh-'));
    const [configFile, logFile] = [join(folder, 'config'), join(folder, 'log')];
    await writeFile(configFile, configuration, { mode: 0o600 });
    return {
      url: target.url,
      environment: {
        GIT_SSH_COMMAND: sshCommand(o.sshProgram ?? 'ssh', configFile, logFile),
        GIT_SSH_VARIANT: 'ssh',
      },
      advice,
      failure: () => sshFailure(beginningOf(logFile), { attempt, origin, advice }),
      close: () => rmSync(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    throw isAppError(error) && error.code !== 'ABORTED'
      ? new AppError(error.code, `${attempt}: ${error.message}`, { cause: error, detail: error.detail })
      : error;
  }
}

/** ssh goes on without a file that is not there, and then only says that it was not let in. */
async function mustBeReadable(files: Readonly<Record<string, string | undefined>>, origin: string): Promise<void> {
  for (const [key, file] of Object.entries(files)) {
    if (file === undefined) continue;
    await access(file, constants.R_OK).catch((error: unknown) => {
      const message = `${origin}: the file of ${key} in its credentials cannot be read: ${systemCodeOf(error) ?? 'why is unknown'}`;
      // The message goes to clients, who are not told where keys lie; the rest goes to the log.
      throw new AppError('CONFIG_INVALID', message, { detail: { file } });
    });
  }
}

/** Asked for once, when a command has failed: some hundred bytes that ssh has just written. */
function beginningOf(file: string): string {
  try {
    const handle = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(LOG_BYTES);
      return bytes.toString('latin1', 0, readSync(handle, bytes));
    } finally {
      closeSync(handle);
    }
  } catch {
    return '';
  }
}
