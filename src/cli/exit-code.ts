/** What the shell is told. The table in docs/reference/cli.md is made from this one. */
export const EXIT_CODES = [
  {
    name: 'ok',
    code: 0,
    meaning:
      'done; for `serve`: stopped after a signal, with nothing lost; for `verify`: nothing is wrong, though some may be exempt or unproven; for `explain`: also when nothing is stored',
  },
  {
    name: 'failure',
    code: 1,
    meaning:
      'the work could not be done: the data folder cannot be written, the disk is full, `anchors verify` could not ask a repository, a server does not do the `drill`, ...; `vendor verify`: files are damaged or missing, vendor.sum itself perhaps, or cannot be restored',
  },
  {
    name: 'usage',
    code: 2,
    meaning:
      'an unknown command or flag, or an argument that is missing or malformed; `vendor verify`: there is no vendor.sum',
  },
  {
    name: 'found',
    code: 3,
    meaning:
      '`fsck` found something wrong that is not repaired; `verify` found damage, a hash that a proof or a go.sum contradicts, a proof that does not hold, or nothing of a module that was named; `ledger verify` found a fault; `anchors verify` found a tag that moved or is gone; requests failed during a `drill`, or its upstream was not back 40 s after it; `bundle verify` and `bundle install`: the bundle must not be used',
  },
  {
    name: 'config',
    code: 4,
    meaning:
      'the configuration is wrong, or names what cannot be used (a port that is taken); nothing was started; for `bundle` and `vendor`: what they were given cannot be taken',
  },
  {
    name: 'no-go',
    code: 127,
    meaning: '`go`: there is no go command; otherwise `go` ends with the exit code of the go command that it ran',
  },
  {
    name: 'interrupted',
    code: 130,
    meaning:
      '`fsck`, `verify` or a `ledger` command was stopped by a signal before its end; what it repaired by then is repaired; a `drill` was ended by a signal',
  },
] as const;

type ExitName = (typeof EXIT_CODES)[number]['name'];

/** The number of one of the codes. */
export function exitCode(name: ExitName): number {
  return EXIT_CODES.find((one) => one.name === name)?.code ?? 1;
}
