/** The shipped server before a private company: its configuration, a watch over every process that it starts, and where secrets may be looked for. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Company } from '../fakes/company.ts';
import { type CompanyModule, programOf } from '../fakes/company-modules.ts';
import type { GoClient } from './go-client.ts';

/** What the operator writes. `${...}` of another host's credentials is nowhere in it but for github.com, whose token stands in the file itself. */
export function companyConfig(
  folder: string,
  { ssh, secrets }: Company,
  overrides: Partial<Company['secrets']> = {},
): string {
  const { security, github } = { ...secrets, ...overrides };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'password'), `${security}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'known_hosts'), ssh.knownHost('git.corp.example'));
  const file = join(folder, 'larder.yaml');
  writeFileSync(
    file,
    `private: [git.corp.example, go.corp.example, github.com/acme]
credentials:
  - { url: https://git.corp.example/platform, token: "env:PLATFORM_TOKEN" }
  - { url: https://git.corp.example/security, username: builder, password: "file:${join(folder, 'password')}" }
  - { url: https://github.com/acme, token: "${github}" }
  - { url: ssh://git.corp.example, sshKey: "${ssh.keyFile}", knownHosts: "${join(folder, 'known_hosts')}" }
`,
    { mode: 0o600 },
  );
  return file;
}

/** Writes the company's program into `folder`, builds it, runs it, and returns what it prints. */
export async function buildProgram(
  client: GoClient,
  folder: string,
  modules: readonly CompanyModule[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  for (const [name, text] of Object.entries(programOf(modules))) writeFileSync(join(folder, name), text);
  await client.ok(folder, ['mod', 'tidy'], env);
  await client.ok(folder, ['mod', 'verify'], env);
  return (await client.run(folder, ['run', '.'], env)).stderr.trim();
}

/** Looks at command lines and environments of processes again and again. */
export class ProcessWatch {
  readonly #seen = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;
  readonly #isWatched: (commandLine: string) => boolean;

  /** `isWatched`: by command line, words separated by NUL; a process of this test itself may know secrets. */
  constructor(isWatched: (commandLine: string) => boolean) {
    this.#isWatched = isWatched;
    this.#timer = setInterval(() => this.#look(), 3);
  }

  /** What was seen of each process: command line and environment. */
  stop(): readonly string[] {
    clearInterval(this.#timer);
    return [...this.#seen.values()];
  }

  #look(): void {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      const commandLine = textOf(`/proc/${pid}/cmdline`);
      if (commandLine !== '' && this.#isWatched(commandLine))
        this.#seen.set(`${pid} ${commandLine}`, `${commandLine}\n${textOf(`/proc/${pid}/environ`)}`);
    }
  }
}

/** Processes end while they are looked at. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Paths of the files below `folder` with one of `needles` in their bytes or their name. */
export function filesWith(folder: string, needles: readonly string[]): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
    .filter(({ path }) => needles.some((needle) => path.includes(needle)) || hasOne(path, needles))
    .map(({ path }) => path);
}

function hasOne(path: string, needles: readonly string[]): boolean {
  try {
    const bytes = readFileSync(path);
    return needles.some((needle) => bytes.includes(needle));
  } catch {
    return false; // a folder, or gone
  }
}

/** The ways in which a secret may be written, alone and as the password of one of `users`. */
export function spellingsOf(
  secret: string,
  users: readonly string[] = ['git', 'builder', 'x-access-token'],
): readonly string[] {
  const base64 = (text: string): string => Buffer.from(text).toString('base64').replace(/=+$/, '');
  const logins = users.map((user) => base64(`${user}:${secret}`));
  return [secret, base64(secret), encodeURIComponent(secret), Buffer.from(secret).toString('hex'), ...logins];
}
