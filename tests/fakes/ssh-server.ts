/** A git host over ssh on loopback: Debian's sshd with keys of its own, that runs `git upload-pack` below one folder and nothing else. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

const SSHD = '/usr/sbin/sshd';

/** Whether the machine can run one. */
export function hasSshServer(): boolean {
  return existsSync(SSHD);
}

export interface SshServer {
  readonly port: number;
  /** Who to log in as: the user that runs the tests. */
  readonly user: string;
  /** A private key that is let in, without passphrase. */
  readonly keyFile: string;
  /** One that is not. */
  readonly strangerKeyFile: string;
  /** The line of a known_hosts file for this server under the name `host`. */
  knownHost(host: string): string;
  /** The same with a key that is not this server's. */
  wrongHost(host: string): string;
  /** What clients asked for so far: `git-upload-pack '/acme/tool.git'`. */
  commands(): readonly string[];
  /** All that sshd said. */
  log(): string;
  /** Refuses connections from now on, and breaks those that are open. */
  down(): Promise<void>;
  /** Listens again, at the same port. */
  up(): Promise<void>;
  close(): Promise<void>;
}

/** Starts one over the bare repositories in `repositories`, at a free port of 127.0.0.1 unless a place is given; what it needs goes to `folder`. Close it. */
export async function startSshServer(folder: string, repositories: string, at?: Place): Promise<SshServer> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // sshd run by root wants this folder, as Debian's own start of it makes.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  for (const key of ['host', 'other-host', 'client', 'stranger']) makeKey(join(folder, key));
  const place = at ?? { address: '127.0.0.1', port: await freePort() };
  const { port } = place;
  const files = writeSettings(folder, repositories, place);
  let child = await startSshd(files, place);
  const stop = (): Promise<void> => stopSshd(child);
  return {
    port,
    user: userInfo().username,
    keyFile: join(folder, 'client'),
    strangerKeyFile: join(folder, 'stranger'),
    knownHost: (host) => `${host} ${publicKey(join(folder, 'host'))}\n`,
    wrongHost: (host) => `${host} ${publicKey(join(folder, 'other-host'))}\n`,
    commands: () => linesOf(files.commands),
    log: () => textOf(files.log),
    down: stop,
    async up() {
      child = await startSshd(files, place);
    },
    close: stop,
  };
}

function makeKey(file: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'larder-test', '-f', file], { stdio: 'pipe' });
}

function publicKey(file: string): string {
  return readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
}

interface Place {
  readonly address: string;
  readonly port: number;
}

interface Files {
  readonly config: string;
  readonly log: string;
  readonly commands: string;
}

/** What a client asks for is a word of git and a path in quotes; only one of the right form below the folder is run. */
function writeSettings(folder: string, repositories: string, { address, port }: Place): Files {
  const [config, script, log, commands] = ['sshd_config', 'command.sh', 'sshd.log', 'commands'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  writeFileSync(
    script,
    `#!/bin/sh
asked=$SSH_ORIGINAL_COMMAND
printf '%s\\n' "$asked" >>'${commands}'
case "$asked" in
  "git-upload-pack '"*"'") path=\${asked#"git-upload-pack '"}; path=\${path%"'"} ;;
  *) echo "only git-upload-pack here" >&2; exit 1 ;;
esac
case "$path" in *..*|*"'"*) echo "no such path" >&2; exit 1 ;; esac
path='${repositories}'/\${path#/}
[ -d "$path" ] || path=$path.git
[ -d "$path" ] || { echo "ERROR: repository not found" >&2; exit 1; }
exec git -c safe.directory='*' upload-pack "$path"
`,
  );
  chmodSync(script, 0o755);
  writeFileSync(join(folder, 'authorized_keys'), `command="${script}",restrict ${publicKey(join(folder, 'client'))}\n`);
  writeFileSync(
    config,
    [
      `ListenAddress ${address}:${port}`,
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
      `PidFile none`,
      'UsePAM no',
      'StrictModes no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin forced-commands-only',
      'AcceptEnv GIT_PROTOCOL',
      'MaxStartups 100',
      'LogLevel VERBOSE',
      '',
    ].join('\n'),
  );
  return { config, log, commands };
}

async function startSshd({ config, log }: Files, place: Place): Promise<ChildProcess> {
  const child = spawn(SSHD, ['-D', '-f', config, '-E', log], { stdio: 'ignore', detached: true });
  for (let i = 0; i < 500; i++) {
    if (child.exitCode !== null) throw new Error(`sshd ended with ${child.exitCode}: ${textOf(log)}`);
    if (await accepts(place)) return child;
    await sleep(10);
  }
  await stopSshd(child);
  throw new Error(`sshd does not listen: ${textOf(log)}`);
}

async function accepts({ address, port }: Place): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, address, () => resolve(true));
  socket.on('error', () => resolve(false));
  const isOpen = await promise;
  socket.destroy();
  return isOpen;
}

/** With the processes that serve connections: they are in the group that it leads. */
async function stopSshd(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  process.kill(-child.pid, 'SIGKILL');
  await promise;
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function linesOf(file: string): readonly string[] {
  return textOf(file).split('\n').slice(0, -1);
}
