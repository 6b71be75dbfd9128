import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A user whose settings of git run programs wherever that is possible. */
export interface HostileHome {
  /** What a process of that user inherits. */
  readonly environment: Readonly<Record<string, string>>;
  /** Is there when any of the programs ran. */
  readonly canary: string;
}

/** Makes one in `folder`. */
export function makeHostileHome(folder: string): HostileHome {
  const canary = join(folder, 'canary');
  const program = join(folder, 'run-me');
  const templates = join(folder, 'templates');
  mkdirSync(join(templates, 'hooks'), { recursive: true });
  const script = `#!/bin/sh\necho "$0 $*" >>'${canary}'\nexit 0\n`;
  const hooks = ['reference-transaction', 'post-checkout', 'pre-receive', 'update', 'post-update', 'pre-auto-gc'];
  for (const file of [program, ...hooks.map((hook) => join(templates, 'hooks', hook)), ...programsIn(folder)]) {
    writeFileSync(file, script);
    chmodSync(file, 0o755);
  }
  writeFileSync(join(folder, '.gitconfig'), settings(program, templates));
  writeFileSync(join(folder, 'attributes'), '* filter=evil\n');
  return { canary, environment: environment(folder, program, templates) };
}

/** What git finds on the PATH when somebody makes it want to. */
function programsIn(folder: string): readonly string[] {
  mkdirSync(join(folder, 'bin'));
  return ['git-lfs', 'git-remote-evil', 'git-remote-ext', 'git-credential-evil', 'ssh-askpass'].map((name) =>
    join(folder, 'bin', name),
  );
}

function settings(program: string, templates: string): string {
  return `[core]
\tfsmonitor = ${program}
\thooksPath = ${templates}/hooks
\tsshCommand = ${program}
\tgitProxy = ${program}
\taskPass = ${program}
\tpager = ${program}
\teditor = ${program}
\talternateRefsCommand = ${program}
\tattributesFile = ${templates}/../attributes
[filter "evil"]
\tsmudge = ${program}
\tclean = ${program}
\trequired = true
[filter "lfs"]
\tprocess = ${program}
\tsmudge = ${program}
\trequired = true
[credential]
\thelper = ${program}
[protocol]
\tallow = always
[protocol "ext"]
\tallow = always
[uploadpack]
\tpackObjectsHook = ${program}
[tar "tar"]
\tcommand = ${program}
[diff]
\texternal = ${program}
[gc]
\tauto = 1
[fetch]
\tbundleURI = ext::${program}
[init]
\ttemplateDir = ${templates}
`;
}

function environment(folder: string, program: string, templates: string): Readonly<Record<string, string>> {
  return {
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
    GIT_TEMPLATE_DIR: templates,
    GIT_SSH_COMMAND: program,
    GIT_SSH: program,
    GIT_ASKPASS: program,
    SSH_ASKPASS: program,
    SSH_ASKPASS_REQUIRE: 'force',
    GIT_PROXY_COMMAND: program,
    GIT_EXTERNAL_DIFF: program,
    GIT_PAGER: program,
    GIT_EDITOR: program,
    GIT_ALLOW_PROTOCOL: 'ext:file:http:https:ssh:evil',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'core.fsmonitor',
    GIT_CONFIG_VALUE_0: program,
    GIT_CONFIG_PARAMETERS: `'core.hooksPath=${templates}/hooks'`,
    GIT_TRACE: join(folder, 'trace'),
  };
}
