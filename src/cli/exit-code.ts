/** What the shell is told. The table in docs/reference/cli.md is made from this one. */
export const EXIT_CODES = [
  { name: 'ok', code: 0, meaning: 'done; for `serve`: stopped after a signal, with nothing lost' },
  {
    name: 'failure',
    code: 1,
    meaning: 'the work could not be done: the data folder cannot be written, the disk is full, ...',
  },
  { name: 'usage', code: 2, meaning: 'an unknown command or flag, or an argument that is missing' },
  { name: 'found', code: 3, meaning: '`fsck` found something wrong that is not repaired' },
  {
    name: 'config',
    code: 4,
    meaning: 'the configuration is wrong, or names what cannot be used (a port that is taken); nothing was started',
  },
  {
    name: 'interrupted',
    code: 130,
    meaning: '`fsck` was stopped by a signal before its end; what it repaired by then is repaired',
  },
] as const;

type ExitName = (typeof EXIT_CODES)[number]['name'];

/** The number of one of the codes. */
export function exitCode(name: ExitName): number {
  return EXIT_CODES.find((one) => one.name === name)?.code ?? 1;
}
