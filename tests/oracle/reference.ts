import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bytesOfText } from '../../src/gomod/go-text.ts';
import { messageOf, systemCodeOf } from '../../src/std/errors.ts';

/** One question to golang.org/x/mod. Texts are sent as gomod/go-text.ts represents them, so any bytes can be asked about. */
export interface Question {
  readonly op: string;
  readonly args: readonly (string | Uint8Array)[];
}

/** The reference's answer: a value, or the text of its error. `[]byte` values are base64. */
export type Answer = { readonly value: unknown } | { readonly error: string };

/** The Go program in `reference/`, built and ready. */
export interface Reference {
  /** Why it could not be built on this machine; then it answers nothing. */
  readonly unavailable?: string;
  /** The answers, in the order of the questions. */
  ask(questions: readonly Question[]): Promise<Answer[]>;
  /** Removes the built program. */
  remove(): Promise<void>;
}

/** Builds the reference; how it can be `unavailable` is said at buildGoProgram. */
export async function buildReference(): Promise<Reference> {
  const { program, unavailable, remove } = await buildGoProgram('reference');
  const answer = (questions: readonly Question[]): Promise<Answer[]> =>
    unavailable === undefined ? ask(program, questions) : Promise.reject(new Error(unavailable));
  return { ...(unavailable !== undefined && { unavailable }), ask: answer, remove };
}

/** A Go program of this folder, built and ready. */
export interface GoProgram {
  /** Path of the executable. */
  readonly program: string;
  /** Why it could not be built on this machine; then there is no executable. */
  readonly unavailable?: string;
  /** Removes what was built. */
  readonly remove: () => Promise<void>;
}

/**
 * Builds the program in the folder `name` with the installed Go. It is `unavailable` when there is no Go, it is too old, or
 * golang.org/x/mod is neither in the module cache nor to be had through the machine's GOPROXY. A program that does not compile
 * is an error.
 */
export async function buildGoProgram(name: string): Promise<GoProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-oracle-'));
  const program = join(folder, name);
  const env = { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local', GOWORK: 'off' };
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const cwd = join(import.meta.dirname, name);
    await promisify(execFile)('go', ['build', '-o', program, '.'], { cwd, env, timeout: 120_000 });
    return { program, remove };
  } catch (error) {
    await remove();
    return { program, unavailable: reasonOf(error), remove };
  }
}

/** Only what the machine lacks is a reason to skip. */
function reasonOf(error: unknown): string {
  if (systemCodeOf(error) === 'ENOENT') return 'go is not installed';
  const text = messageOf(error);
  if (/requires go >=|running go \d/.test(text)) return 'the installed go is too old for golang.org/x/mod';
  if (/dial tcp|no such host|connection refused|module lookup disabled|i\/o timeout|40[0-9] |50[0-9] /.test(text)) {
    return 'golang.org/x/mod is not in the module cache and could not be fetched';
  }
  throw error;
}

async function ask(program: string, questions: readonly Question[]): Promise<Answer[]> {
  const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('error', reject);
  child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`the reference ended with code ${code}`))));
  child.stdin.on('error', reject);
  for (const { op, args } of questions) child.stdin.write(`${JSON.stringify({ op, args: args.map(base64) })}\n`);
  child.stdin.end();
  await done;
  const lines = Buffer.concat(chunks).toString().split('\n').slice(0, -1);
  if (lines.length !== questions.length) throw new Error(`${questions.length} questions, ${lines.length} answers`);
  return lines.map((line) => JSON.parse(line) as Answer);
}

function base64(arg: string | Uint8Array): string {
  return Buffer.from(typeof arg === 'string' ? bytesOfText(arg) : arg).toString('base64');
}
