import type { Command } from 'commander';
import { EXIT_CODES } from './exit-code.ts';
import { messagesFor } from './messages.ts';
import { allCommands, createProgram, fullName } from './run.ts';
import { createTerminal } from './terminal.ts';

/** The page docs/reference/cli.md: `--help` of every command as it is printed, and the exit codes. */
export function cliReference(): string {
  const nowhere = { write: () => true };
  const terminal = createTerminal({ stdout: nowhere, stderr: nowhere, environment: {}, messages: messagesFor('en') });
  const program = createProgram({ terminal, environment: {}, folder: '/', home: undefined }, () => {});
  return `${INTRODUCTION}
## Exit codes

| code | meaning |
|---|---|
${EXIT_CODES.map(({ code, meaning }) => `| ${code} | ${meaning} |`).join('\n')}

${allCommands(program).map(sectionOf).join('\n')}`;
}

function sectionOf(command: Command): string {
  return `## ${fullName(command)}

\`\`\`text
${command
  .configureHelp({ ...command.configureHelp(), helpWidth: 120 })
  .helpInformation()
  .trimEnd()}
\`\`\`
`;
}

const INTRODUCTION = `# Command line

<!-- Made from src/cli by: node tools/generate-docs.ts -->

Results go to stdout, everything else to stderr. \`--json\` prints the result as JSON; members may be added to it, none is taken away.
Failures are two lines: \`larder: what: why\` and what to do. Messages are in Chinese when the locale is (\`LC_ALL\`, \`LC_MESSAGES\`, \`LANG\`) or with \`--lang zh\`.
\`NO_COLOR\` switches colour off. \`SIGTERM\` and \`SIGINT\` (Ctrl-C) stop the server once requests in progress are done; a second one stops it at once. After \`SIGTERM\` it
takes new requests for \`drain.accept\` first while \`/readyz\` says 503, so that load balancers notice.
The same signals stop \`fsck\` and \`verify\` after the file that they are at, with exit code 130.

\`verify\` and \`explain\` work beside a server or without one, ask nobody and change nothing. What \`verify\` calls unproven is not wrong: it stands there with the reason, and the exit
code stays 0. With \`--from\`, lines of modules that are not stored are counted and listed; a module named on the command line must be there.
`;
