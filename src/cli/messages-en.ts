import type { Expected } from '../config/problem.ts';
import { anchorsEnglish } from './messages-anchors.ts';
import { controlEnglish } from './messages-control.ts';
import { drillEnglish } from './messages-drill.ts';
import { ledgerEnglish } from './messages-ledger.ts';
import { proofEnglish } from './messages-proof.ts';
import { toolboxEnglish } from './messages-toolbox.ts';
import { upstreamsEnglish } from './messages-upstreams.ts';
import type { Messages, ProblemWords } from './messages.ts';

const problems: ProblemWords = {
  'unknown-key': (problem) => ({
    what: `${problem.origin}: there is no key ${problem.key}`,
    fix: problem.nearest === undefined ? 'larder config print --effective lists all keys' : `write ${problem.nearest}`,
  }),
  'unknown-variable': (problem) => ({
    what: `${problem.origin}: there is no such setting`,
    fix: problem.nearest === undefined ? `unset ${problem.name}` : `write ${problem.nearest}`,
  }),
  'bad-value': (problem) => ({
    what: `${problem.origin}: ${problem.key}: ${problem.shown === '' ? 'no value' : problem.shown} is not ${expected(problem.expected, problem.choices)}${problem.range === undefined ? '' : ` from ${problem.range}`}`,
    fix: `write for example ${problem.example}`,
  }),
  'not-a-row': (problem) => ({
    what: `${problem.origin}: ${problem.key}: row ${problem.row} is no row of named members`,
    fix: `write for example ${problem.example}, or in a file the members below a dash`,
  }),
  'unknown-member': (problem) => ({
    what: `${problem.origin}: ${problem.key}: row ${problem.row} has no member ${problem.member}`,
    fix: problem.nearest === undefined ? `the members are ${problem.members.join(', ')}` : `write ${problem.nearest}`,
  }),
  'missing-member': (problem) => ({
    what: `${problem.origin}: ${problem.key}: row ${problem.row} lacks ${problem.member}`,
    fix: `write for example ${problem.member}: ${problem.example}`,
  }),
  'bad-member': (problem) => ({
    what: `${problem.origin}: ${problem.key}: row ${problem.row}: ${problem.shown === '' ? 'what is written' : problem.shown} cannot be its ${problem.member}${problem.choices === undefined ? '' : `, which is one of ${problem.choices.join(', ')}`}`,
    fix: `write for example ${problem.member}: ${problem.example}`,
  }),
  'not-a-section': (problem) => ({
    what: `${problem.origin}: ${problem.key} takes a value, not a section`,
    fix: `write for example ${problem.key}: ${problem.example}`,
  }),
  'is-a-section': (problem) => ({
    what: `${problem.origin}: ${problem.key} is a section, not a value`,
    fix: `set the keys in it, for example ${problem.example}`,
  }),
  'missing-partner': (problem) => ({
    what: `${problem.origin}: ${problem.key} is set and ${problem.partner} is not`,
    fix: `set ${problem.partner} too, or neither`,
  }),
  'not-above': (problem) => ({
    what: `${problem.origin}: ${problem.key} is not above ${problem.other} (${problem.otherOrigin})`,
    fix: `raise ${problem.key}, or lower ${problem.other}`,
  }),
  'no-home': () => ({ what: 'data: there is no home folder to keep the data in', fix: 'larder serve --data FOLDER' }),
  'unreadable-file': (problem) => ({
    what: `${problem.origin}: cannot be read (${problem.reason})`,
    fix: 'name a file that is there and that larder may read',
  }),
  'bad-yaml': (problem) => ({
    what: `${problem.origin}: ${problem.what}`,
    fix: 'write plain "key: value" lines: no anchors, aliases, tags or merge keys, and no key twice',
  }),
  'bad-set': (problem) => ({
    what: `${problem.origin}: ${problem.text} is not KEY=VALUE`,
    fix: 'write for example --set log.level=debug',
  }),
  'bad-upstream': (problem) => ({
    what: `${problem.origin}: upstream: ${problem.reason}`,
    fix: 'write for example https://proxy.golang.org,direct',
  }),
  ...upstreamsEnglish,
  'self-call': (problem) => ({
    what: `${problem.origin}: upstream ${problem.entry} is this larder itself (${problem.listen}): it would ask itself for ever`,
    fix: selfCallFix(problem.setting),
  }),
};

export const english: Messages = {
  language: 'en',
  whatToDo: 'what to do',
  colon: ': ',
  program: 'A Go module mirror that teams run themselves: every build succeeds, every byte is proven.',
  commands: {
    serve: 'serve Go modules: point GOPROXY at it',
    fsck: 'check everything that is stored',
    config: 'look at the configuration',
    check: 'say what is wrong with the configuration, all of it',
    print: 'print what is set, and where it was set',
    version: 'print the version',
  },
  flags: {
    config: 'config file (default: $LARDER_CONFIG, else ./larder.yaml if there is one)',
    listen: 'host:port to listen on (default: 127.0.0.1:8080)',
    data: 'folder for everything that is stored (default: ~/.local/share/larder)',
    upstream: 'where modules come from, in the form of GOPROXY (default: what go itself would use)',
    modcache: 'a GOMODCACHE folder to read from as well; may be repeated',
    offline: 'touch nothing outside this machine: serve what is here',
    workers: 'how many processes serve together; 0 = one for each core',
    logLevel: 'debug, info, warn, error or silent (default: info)',
    set: 'set any key of the configuration; may be repeated',
    json: 'print JSON',
    repair: 'set damaged files aside and fetch them again',
    effective: 'every key, also those that have their default',
    lang: 'language of the messages: en or zh (default: by LANG)',
    help: 'print this help',
    version: 'print the version',
  },
  titles: { Usage: 'Usage', Arguments: 'Arguments', Options: 'Options', Commands: 'Commands' },
  seeHelp: (command) => `see: ${command} --help`,
  takesNoArgument: (command, argument) => `${command} takes no argument: ${argument}`,
  needsValue: (flag) => `${flag} needs a value`,
  needsArgument: (command, argument) => `${command} needs ${argument}`,
  noSuchLanguage: (name) => `--lang ${name}: there are messages in en and zh`,
  unknownCommand: (name, near) => `unknown command ${name}${near === undefined ? '' : `: did you mean ${near}?`}`,
  unknownFlag: (name, near) => `unknown flag ${name}${near === undefined ? '' : `: did you mean ${near}?`}`,
  configIsRight: 'the configuration is right',
  configIsWrong: (count) =>
    `the configuration is wrong in ${count === 1 ? 'one place' : `${count} places`}; nothing was started`,
  nothingSet: '# nothing is set: all keys have their defaults (see them with --effective)',
  start: (facts) => [
    `Larder ${facts.version} serves Go modules. Paste this where you build:`,
    '',
    `  export GOPROXY=${facts.url}`,
    '',
    `  upstream  ${facts.upstream}  (${facts.upstreamOrigin})`,
    `  data      ${facts.data}`,
    ...(facts.configFile === undefined ? [] : [`  config    ${facts.configFile}`]),
    '',
  ],
  draining: (seconds) => `stopping: requests in progress have ${seconds} s to finish; once more to stop at once`,
  stopped: 'stopped',
  filesChecked: (checked) => `checked ${checked} files`,
  fsckRow: {
    checked: 'files checked',
    partial: 'partial',
    altered: 'altered',
    orphaned: 'orphaned',
    foreign: 'not ours',
    repaired: 'repaired',
    seconds: 'seconds',
  },
  stoppedEarly: 'stopped before the end; nothing is known of what was not checked yet',
  fsckFix: 'larder fsck --repair sets the damaged files aside and fetches them again',
  proof: proofEnglish,
  ledger: ledgerEnglish,
  anchors: anchorsEnglish,
  drill: drillEnglish,
  control: controlEnglish,
  toolbox: toolboxEnglish,
  problems,
  reasons: {
    ...proofEnglish.reasons,
    ...ledgerEnglish.reasons,
    ...anchorsEnglish.reasons,
    ...drillEnglish.reasons,
    ...controlEnglish.reasons,
    ...toolboxEnglish.reasons,
    'port-in-use': ({ address }) => ({
      what: `${address}: the port is in use`,
      fix: 'stop what uses it, or choose another: larder serve --listen 127.0.0.1:8081',
    }),
    'port-not-allowed': ({ address }) => ({
      what: `${address}: this user may not open that port`,
      fix: 'choose a port above 1023: larder serve --listen 127.0.0.1:8080',
    }),
    'no-such-address': ({ address }) => ({
      what: `${address}: this machine does not have that address`,
      fix: 'use an address of this machine, or :8080 for all of them',
    }),
    'data-not-writable': ({ folder, why }) => ({
      what: `data folder ${folder}: cannot be written (${why})`,
      fix: `give the user that runs larder the right to write there, or choose another folder: larder serve --data FOLDER`,
    }),
    'data-disk-full': ({ folder }) => ({
      what: `data folder ${folder}: the disk is full`,
      fix: 'free some space, or choose a folder on another disk: larder serve --data FOLDER',
    }),
    'data-not-a-folder': ({ folder, why }) => ({
      what: `data folder ${folder}: a file is in the way (${why})`,
      fix: 'name a folder and not a file: larder serve --data FOLDER; larder makes it when it is not there',
    }),
    'tls-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'tls.cert and tls.key name PEM files that belong together, have not expired, and may be read',
    }),
    'no-modcache': ({ folder }) => ({
      what: `${folder}: no such folder`,
      fix: 'name a folder that is there (go env GOMODCACHE prints yours), or leave it out',
    }),
    'data-not-ours': ({ why }) => ({
      what: `${why}`,
      fix: 'choose an empty folder, or one of larder: larder serve --data FOLDER',
    }),
    'data-not-there': ({ folder, why }) => ({
      what: `data folder ${folder}: there is nothing to check (${why})`,
      fix: 'name the folder that larder serve stores in: --data FOLDER',
    }),
    'go-sum-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'name go.sum files that are there, that larder may read, and that go wrote: verify.goSum: /srv/app/go.sum',
    }),
    'netrc-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'let larder read that file, or name another: NETRC=/etc/larder/netrc',
    }),
    'credentials-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'write for example credentials: [{url: https://git.corp.example, token: env:NAME}]; variables must be set and files readable',
    }),
    'egress-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'write for example egress: {allow: [git.corp.example, "10.1.2.3:8443", 10.0.0.0/8]}',
    }),
    'proxy-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'write for example HTTPS_PROXY=http://proxy.example:3128',
    }),
    'sumdb-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'write for example sum.golang.org, or NAME+HASH+KEY https://sum.example/path, each name with one key',
    }),
    'upstreams-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'write files and secrets that are there and that larder may read, or take the member out of the row',
    }),
    'routes-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'write files and secrets that are there and that larder may read, or take the member out of the row',
    }),
    'upstream-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'write for example https://user:password@proxy.example, or https://proxy.example and the password in ~/.netrc',
    }),
  },
  internal: 'this is a defect of larder; please report it with the lines above',
};

function selfCallFix(setting: 'upstream' | 'GOPROXY'): string {
  if (setting === 'upstream') return 'name another upstream, or listen on another port';
  return 'GOPROXY already points here, so say where larder itself shall ask: larder serve --upstream https://proxy.golang.org,direct';
}

function expected(kind: Expected, choices: readonly string[] = []): string {
  if (kind === 'choice') return `one of ${choices.join(', ')}`;
  const words = {
    address: 'an address (host:port)',
    path: 'a path',
    text: 'a text in one line',
    paths: 'a list of paths',
    upstream: 'a GOPROXY list',
    globs: 'comma-separated globs',
    govcs: 'a list of rules in the form of GOVCS',
    hosts: 'a list of names, addresses and ranges of addresses',
    ranges: 'a list of addresses and ranges of them',
    ports: 'a list of port numbers',
    rows: 'a list of rows',
    database: 'a checksum database (a known name, NAME+HASH+KEY, or off)',
    databases: 'a list of checksum databases (known names or NAME+HASH+KEY)',
    verifierKeys: 'a list of verifier keys (NAME+HASH+KEY)',
    boolean: 'true or false',
    count: 'a whole number',
    duration: 'a duration with its unit',
    size: 'a size with its unit',
  };
  return words[kind];
}
