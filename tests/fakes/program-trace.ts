/** What a process and all that it starts executed, and which files they opened to write: as strace saw it. */
import { existsSync, readFileSync } from 'node:fs';

const CALLS = 'execve,execveat,open,openat,openat2,creat,mkdir,mkdirat,symlink,symlinkat,mknod,mknodat';

/** What to put before a command; its process keeps its id. `file` gets the trace. */
export function traced(file: string): readonly string[] {
  return [
    'strace',
    '-D',
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-y',
    '-s',
    '2000',
    '-e',
    `trace=${CALLS}`,
    '-e',
    'signal=none',
    '-o',
    file,
  ];
}

export interface ProgramTrace {
  /** Programs that were started, each with its arguments. */
  readonly commands: readonly (readonly string[])[];
  /** Files that were opened to write, and folders that were made; each once. Those that a path leads to, not the path. */
  readonly written: ReadonlySet<string>;
  /** Symbolic links that were made. */
  readonly links: readonly string[];
}

/** Reads a trace. */
export function readTrace(file: string): ProgramTrace {
  const commands: string[][] = [];
  const written = new Set<string>();
  const links: string[] = [];
  for (const line of existsSync(file) ? readFileSync(file, 'latin1').split('\n') : []) {
    const [, program, list = ''] = /execve(?:at)?\("([^"]*)", \[(.*?)\](?:, |\.\.\.)/.exec(line) ?? [];
    if (program !== undefined && !/= -1/.test(line)) commands.push([program, ...words(list).slice(1)]);
    const [, opened] = /open(?:at2?)?\(.*O_(?:WRONLY|RDWR|CREAT).*\) = \d+<(.*)>$/.exec(line) ?? [];
    if (opened !== undefined) written.add(opened);
    const [, base = '', made] = /mkdir(?:at)?\((?:\S+?<([^>]*)>, )?"([^"]*)".* = 0$/.exec(line) ?? [];
    if (made !== undefined) written.add(made.startsWith('/') ? made : `${base}/${made}`);
    if (/symlink(?:at)?\(.* = 0$/.test(line)) links.push(line);
  }
  return { commands, written, links };
}

/** Words in quotes, separated by commas. */
function words(list: string): readonly string[] {
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word);
}
