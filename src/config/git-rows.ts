import { isModulePath } from '../gomod/module.ts';
import type { Members } from './rows.ts';

/** A module, and those below it, whose repository the operator names. */
export interface AliasRow {
  readonly module: string;
  readonly repository: string;
  /** Where in the repository the module lies; absent = at its top. */
  readonly subdirectory?: string;
}

/** URLs of repositories that begin with `from` begin with `to` when they are connected to. */
export interface RewriteRow {
  readonly from: string;
  readonly to: string;
}

export const ALIAS_MEMBERS: Members = {
  module: {
    takes: 'text',
    isRequired: true,
    description: 'Module path; those below it are meant too.',
    example: 'corp.example/lib',
    isRight: isModulePath,
  },
  repository: {
    takes: 'text',
    isRequired: true,
    description: 'URL of its repository: https, http or ssh.',
    example: 'https://git.corp.example/team/lib',
    isRight: isRepositoryUrl,
  },
  subdirectory: {
    takes: 'text',
    description: 'Where in the repository the module lies, when it is not the top.',
    example: 'go/lib',
    isRight: isSubdirectory,
  },
};

export const REWRITE_MEMBERS: Members = {
  from: {
    takes: 'text',
    isRequired: true,
    description: 'Beginning of a URL, up to the end of a path element.',
    example: 'https://github.com/',
    isRight: isRepositoryUrl,
  },
  to: {
    takes: 'text',
    isRequired: true,
    description: 'What stands there instead.',
    example: 'ssh://git@github.com/',
    isRight: isRepositoryUrl,
  },
};

/** Names and passwords have their place under `credentials`; the user that ssh logs in as is no secret. */
function isRepositoryUrl(text: string): boolean {
  const url = /\s/.test(text) ? null : URL.parse(text);
  if (url === null || url.hostname === '' || url.password !== '' || /[?#]/.test(text)) return false;
  if (/^https?:$/.test(url.protocol)) return url.username === '';
  return /^(git\+)?ssh:$/.test(url.protocol);
}

/** Clean, and inside. */
function isSubdirectory(text: string): boolean {
  return !text.startsWith('-') && text.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
