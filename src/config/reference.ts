import { type KeySpec, keySpecs } from './key-specs.ts';
import { DEFAULT_FILE } from './load.ts';
import type { Expected } from './problem.ts';

/** What one writes for each kind of key. */
const FORMS: Readonly<Record<Expected, string>> = {
  address: '`host:port`',
  path: 'path',
  text: 'text',
  paths: 'list of paths, or one path',
  upstream: 'GOPROXY list',
  globs: 'comma-separated globs, or a list of them',
  govcs: 'rules in the form of GOVCS',
  hosts: 'list of names, addresses and ranges, or one',
  ranges: 'list of addresses and ranges (ADDRESS/BITS), or one',
  ports: 'list of port numbers, or one',
  rows: 'list of rows',
  database: 'checksum database in the form of GOSUMDB, or `off`',
  databases: 'list of checksum databases in the form of GOSUMDB, or one',
  verifierKeys: 'list of verifier keys `NAME+HASH+KEY`, or one',
  boolean: '`true` or `false`',
  count: 'whole number',
  duration: 'duration',
  size: 'size',
  choice: 'one of',
};

/** The page docs/reference/config.md, made from the schema. */
export function configReference(): string {
  return `${INTRODUCTION}
${keySpecs().map(entryOf).join('\n')}`;
}

function entryOf(spec: KeySpec): string {
  const form =
    spec.choices === undefined ? FORMS[spec.expected] : `one of ${spec.choices.map((one) => `\`${one}\``).join(', ')}`;
  const range = spec.range === undefined ? '' : `, ${spec.range}`;
  const flag = spec.flag === undefined ? '' : `, flag \`${spec.flag}\``;
  return `## ${spec.key}
${spec.description}
- Takes: ${form}${range}; for example \`${spec.example}\`
- Default: ${spec.defaultText === 'none' || spec.defaultText.includes(' ') ? spec.defaultText : `\`${spec.defaultText}\``}
- Variable: \`${spec.variable}\`${flag}
${membersOf(spec)}`;
}

function membersOf({ members }: KeySpec): string {
  if (members === undefined) return '';
  const lines = Object.entries(members).map(([name, { description, example, isRequired, choices }]) => {
    const oneOf = choices === undefined ? '' : ` One of ${choices.map((one) => `\`${one}\``).join(', ')}.`;
    return `- \`${name}\`${isRequired ? ' (needed)' : ''}: ${description}${oneOf} For example \`${example}\`\n`;
  });
  return `\nMembers of a row:\n${lines.join('')}`;
}

const INTRODUCTION = `# Configuration

<!-- Made from src/config/schema.ts by: node tools/generate-docs.ts -->

Nothing has to be set. A value is looked for in this order, each key on its own:
1. a flag: those below, or \`--set key=value\` for any key
2. an environment variable: \`LARDER_\` and the key in upper case, with \`_\` for \`.\` and between words
3. the config file: \`--config FILE\`, else \`$LARDER_CONFIG\`, else \`${DEFAULT_FILE}\` in the current folder if it is there
4. the default

\`larder config print --effective\` shows what is in force and where each value comes from; \`larder config check\` says everything that is wrong.
Unknown keys and unknown \`LARDER_*\` variables are refused, with the nearest name. A variable that is empty counts as not set.

The file is plain YAML: sections, values and lists. No anchors, aliases, tags or merge keys, and no key twice.

\`\`\`yaml
listen: 0.0.0.0:8080
data: /var/lib/larder
upstream:
  - https://proxy.golang.org
  - direct
log:
  level: info
\`\`\`

- Durations have a unit: \`250ms\`, \`60s\`, \`1m30s\`, \`12h\`, \`30d\`. Sizes too: \`512KiB\`, \`256MiB\`, \`1GiB\`, or \`KB\`, \`MB\`, \`GB\`.
- Relative paths in the file start at the file's folder, those in flags and variables at the current folder; \`~/\` is the home folder.
- Lists are separated by commas in variables and in \`--set\`; \`--modcache\` may be repeated.
- Rows stand in one line as \`url=https://git.corp.example,token=env:GIT_TOKEN\`, with \`;\` between rows; \`A=B\` alone is a row with the first two members.
- Passwords in \`upstream\` URLs are never printed or logged. Prefer the variable or a file with narrow permissions to a flag, which other users of the machine can see.
`;
