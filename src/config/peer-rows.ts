import type { Members } from './rows.ts';

/** Another Larder that is asked for what it has when the chain cannot answer. Secret: `token` may be the secret itself. */
export interface PeerRow {
  readonly name: string;
  readonly url: string;
  readonly token?: string;
}

export const PEER_MEMBERS: Members = {
  name: {
    takes: 'text',
    isRequired: true,
    description: 'Name of the peer, for logs and metrics: letters, digits, `-` and `_`.',
    example: 'larder-b',
  },
  url: {
    takes: 'text',
    isRequired: true,
    description: 'Its https or http URL, without user name and password.',
    example: 'https://larder-b.corp.example',
  },
  token: {
    takes: 'secret',
    description: 'Bearer token for it: `env:NAME` and `file:PATH` say where it is, anything else is the token itself.',
    example: 'env:PEER_TOKEN',
  },
};
