import type { Members } from './rows.ts';

/** What lets us in at one place, as it was written; src/credentials says what may stand together. Secret. */
export interface CredentialSetting {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly token?: string;
  readonly form?: (typeof FORMS)[number];
  readonly netrc?: string;
  readonly helper?: readonly string[];
  readonly command?: readonly string[];
  readonly sshKey?: string;
  readonly knownHosts?: string;
}

const FORMS = ['basic', 'bearer', 'github', 'gitlab', 'gitea'] as const;

export const CREDENTIAL_MEMBERS: Members = {
  url: {
    takes: 'text',
    isRequired: true,
    description: 'Where it is used: exactly this scheme, host and port, at this path and below. The longest path wins.',
    example: 'https://git.corp.example/team',
  },
  username: { takes: 'text', description: 'User name beside a password, a token or an ssh key.', example: 'larder' },
  password: {
    takes: 'secret',
    description: 'Password: `env:NAME` and `file:PATH` say where it is, anything else is the password itself.',
    example: 'env:GIT_PASSWORD',
  },
  token: { takes: 'secret', description: 'Token, in the same three ways.', example: 'file:/run/secrets/git-token' },
  form: {
    takes: 'choice',
    choices: FORMS,
    description: 'How the token is sent. Default: what the host is known for, else `basic`.',
    example: 'gitlab',
  },
  netrc: { takes: 'path', description: 'File in the form of netrc.', example: '/etc/larder/netrc' },
  helper: {
    takes: 'words',
    description: 'git credential helper and its arguments; `get` or `erase` is added.',
    example: 'git-credential-corp --quiet',
  },
  command: {
    takes: 'words',
    description: 'Command in the manner of GOAUTH, and its arguments.',
    example: '/usr/local/bin/go-token',
  },
  sshKey: { takes: 'path', description: 'Private key for `ssh://` URLs.', example: '/etc/larder/id_ed25519' },
  knownHosts: {
    takes: 'path',
    description: 'File with the keys of ssh hosts; a host that is not in it is not believed.',
    example: '/etc/larder/known_hosts',
  },
};
