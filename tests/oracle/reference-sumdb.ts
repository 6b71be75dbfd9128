/** The Go program in `reference-sumdb/`: a checksum database and a client of one, independent of ours. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { buildGoProgram } from './reference.ts';

/** What the independent client makes of one module. */
export interface ReferenceAnswer {
  /** The go.sum lines it authenticated. */
  readonly lines?: readonly string[];
  readonly error?: string;
  /** Its report of a fork. */
  readonly alarm?: string;
}

export interface ReferenceClient {
  /** `version` may end in `/go.mod`. Questions are answered one after the other. */
  ask(path: string, version: string): Promise<ReferenceAnswer>;
  readonly close: () => Promise<void>;
}

export interface ReferenceSumdb {
  /** Why it could not be built on this machine; then nothing of it works. */
  readonly unavailable?: string;
  /** Starts an honest database that signs with `signerKey` and hashes modules of the module proxy at `modules`. Close it. */
  serve(signerKey: string, modules: string): Promise<{ readonly origin: string; readonly close: () => Promise<void> }>;
  /** Starts a client with an empty memory, of the database at `url`, that believes `verifierKey`. Close it. */
  client(verifierKey: string, url: string): ReferenceClient;
  /** Removes the built program. */
  readonly remove: () => Promise<void>;
}

/** Builds it; see buildGoProgram. */
export async function buildReferenceSumdb(): Promise<ReferenceSumdb> {
  const { program, unavailable, remove } = await buildGoProgram('reference-sumdb');
  return {
    ...(unavailable !== undefined && { unavailable }),
    async serve(signerKey, modules) {
      const running = start(program, ['serve', modules], signerKey);
      return { origin: await running.line(), close: running.close };
    },
    client(verifierKey, url) {
      const running = start(program, ['ask', url], verifierKey);
      return {
        async ask(path, version) {
          running.write(JSON.stringify({ path, version }));
          return JSON.parse(await running.line()) as ReferenceAnswer;
        },
        close: running.close,
      };
    },
    remove,
  };
}

interface Running {
  readonly write: (line: string) => void;
  /** The next line of its output. Throws when it ended. */
  readonly line: () => Promise<string>;
  readonly close: () => Promise<void>;
}

function start(program: string, args: readonly string[], key: string): Running {
  const child: ChildProcessWithoutNullStreams = spawn(program, args);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  child.stdin.on('error', () => {}); // it ended, and then line() says so
  child.on('error', (error) => (complaint += error.message));
  child.on('close', () => resolve());
  child.stdin.write(`${key}\n`);
  return {
    write: (line) => void child.stdin.write(`${line}\n`),
    async line() {
      const next = await lines.next();
      if (next.done === true) throw new Error(`${args.join(' ')} ended: ${complaint}`);
      return next.value;
    },
    close() {
      child.stdin.end();
      return ended;
    },
  };
}
