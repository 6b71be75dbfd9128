/** Bare repositories with exactly the commits, tags and files that a test names: written by `git fast-import`, with fixed dates, in some 20 ms. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** Text or bytes of a regular file; another kind of file; `null` takes a file or folder away. */
export type RepositoryFile =
  | string
  | Uint8Array
  | { readonly mode: '100644' | '100755' | '120000'; readonly content: string | Uint8Array }
  | { readonly mode: '160000'; readonly commit: string }
  | null;

export interface CommitSpec {
  /** A name for it in this specification: others say it in `from` and `merge`. */
  readonly name?: string;
  /** The branch that it goes to; `main` unless given. */
  readonly on?: string;
  /** The commit it comes after, by name. Without it: the tip of its branch, or nothing for a new branch. */
  readonly from?: string;
  readonly merge?: readonly string[];
  /** What changes, by path. */
  readonly files?: Readonly<Record<string, RepositoryFile>>;
  /** Seconds since 1970; an hour after the commit before it unless given. */
  readonly at?: number;
  readonly message?: string;
  /** Lightweight tags on it. */
  readonly tags?: readonly string[];
  /** Annotated tags on it. */
  readonly annotated?: readonly string[];
}

export interface RepositorySpec {
  readonly commits: readonly CommitSpec[];
  /** The branch of HEAD; `main` unless given. */
  readonly head?: string;
  readonly objectFormat?: 'sha1' | 'sha256';
}

export interface MadeRepository {
  readonly folder: string;
  /** Full hashes of the named commits. */
  readonly commits: ReadonlyMap<string, string>;
}

/** 13 September 2020, 12:26:40 UTC: when the first commit is made, unless it says another time. */
const BEGIN = 1_600_000_000;
const HOUR = 3600;
const WHO = 'Larder Test <test@corp.example>';

/** What plain git of a test gets: nothing of this machine's settings. */
export const PLAIN_GIT_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  LC_ALL: 'C',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};

/** Runs `git ARGS` on the bare repository at `folder`; stdout without the last line end. */
export function plainGit(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input?: string | Uint8Array,
): string {
  const stdout = execFileSync('git', args, {
    cwd: folder,
    env: { ...PLAIN_GIT_ENVIRONMENT, GIT_DIR: folder, ...environment },
    maxBuffer: 256 << 20,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input !== undefined && { input }),
  });
  return stdout.toString('utf8').replace(/\n$/, '');
}

/** Makes a bare repository in `folder`, which must not exist or be empty. */
export async function makeRepository(folder: string, spec: RepositorySpec): Promise<MadeRepository> {
  mkdirSync(folder, { recursive: true });
  const format = spec.objectFormat ?? 'sha1';
  const head = spec.head ?? 'main';
  plainGit(folder, [
    'init',
    '--quiet',
    '--bare',
    '--template=',
    `--object-format=${format}`,
    `--initial-branch=${head}`,
  ]);
  return await growRepository(folder, spec.commits);
}

/** Adds commits and tags to what is there. A tag that is there already moves. */
export async function growRepository(folder: string, commits: readonly CommitSpec[]): Promise<MadeRepository> {
  const old = new Set(plainGit(folder, ['for-each-ref', '--format=%(refname)', 'refs/heads']).split('\n'));
  const parts: (string | Uint8Array)[] = [];
  const marks = new Map<string, number>();
  let at = BEGIN;
  for (const [i, commit] of commits.entries()) {
    at = commit.at ?? at;
    writeCommit(parts, commit, { mark: i + 1, marks, old, at });
    at += HOUR;
  }
  for (const name of marks.keys()) parts.push(`get-mark :${marks.get(name)}\n`);
  parts.push('done\n');
  const answers = (await fastImport(folder, parts)).split('\n');
  return { folder, commits: new Map([...marks.keys()].map((name, i) => [name, answers[i] ?? ''])) };
}

interface Place {
  readonly mark: number;
  readonly marks: Map<string, number>;
  /** Branches that were there before and have not been written to. */
  readonly old: Set<string>;
  readonly at: number;
}

function writeCommit(parts: (string | Uint8Array)[], commit: CommitSpec, { mark, marks, old, at }: Place): void {
  const ref = `refs/heads/${commit.on ?? 'main'}`;
  parts.push(`commit ${ref}\nmark :${mark}\ncommitter ${WHO} ${at} +0000\n`);
  writeData(parts, commit.message ?? `commit ${mark}`);
  if (commit.from !== undefined) parts.push(`from ${markOf(marks, commit.from)}\n`);
  else if (old.has(ref)) parts.push(`from ${ref}^0\n`);
  for (const other of commit.merge ?? []) parts.push(`merge ${markOf(marks, other)}\n`);
  for (const [path, file] of Object.entries(commit.files ?? {})) writeFile(parts, path, file);
  parts.push('\n');
  old.delete(ref); // from here on the stream knows its tip
  if (commit.name !== undefined) marks.set(commit.name, mark);
  for (const tag of commit.tags ?? []) parts.push(`reset refs/tags/${tag}\nfrom :${mark}\n\n`);
  for (const tag of commit.annotated ?? []) {
    parts.push(`tag ${tag}\nfrom :${mark}\ntagger ${WHO} ${at + 60} +0000\n`);
    writeData(parts, `${tag}\n`);
  }
}

function markOf(marks: ReadonlyMap<string, number>, name: string): string {
  const mark = marks.get(name);
  if (mark === undefined) throw new Error(`no commit named ${name} before`);
  return `:${mark}`;
}

function writeFile(parts: (string | Uint8Array)[], path: string, file: RepositoryFile): void {
  if (file === null) {
    parts.push(`D ${quoted(path)}\n`);
  } else if (typeof file === 'string' || file instanceof Uint8Array) {
    parts.push(`M 100644 inline ${quoted(path)}\n`);
    writeData(parts, file);
  } else if (file.mode === '160000') {
    parts.push(`M 160000 ${file.commit} ${quoted(path)}\n`);
  } else {
    parts.push(`M ${file.mode} inline ${quoted(path)}\n`);
    writeData(parts, file.content);
  }
}

function writeData(parts: (string | Uint8Array)[], content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  parts.push(`data ${bytes.length}\n`, bytes, '\n');
}

/** As fast-import reads names: in quotes, all but plain letters as octal bytes. */
function quoted(path: string): string {
  const bytes = [...Buffer.from(path)].map((byte) => {
    const char = String.fromCharCode(byte);
    return /[\w./@+-]/.test(char) ? char : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${bytes.join('')}"`;
}

async function fastImport(folder: string, parts: readonly (string | Uint8Array)[]): Promise<string> {
  const child = spawn('git', ['fast-import', '--quiet', '--force', '--done', '--date-format=raw'], {
    env: { ...PLAIN_GIT_ENVIRONMENT, GIT_DIR: folder },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => {}); // it says why on stderr
  child.on('error', reject);
  child.on('close', (code) => (code === 0 ? resolve(stdout) : reject(new Error(`git fast-import: ${stderr}`))));
  for (const part of parts) child.stdin.write(part);
  child.stdin.end();
  return await promise;
}
