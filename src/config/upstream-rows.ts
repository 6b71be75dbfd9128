import type { Members } from './rows.ts';

/** One upstream of a pool, as the operator wrote it; upstream-faults.ts says what may stand together. Secret: `token` and `password` may be the secrets themselves. */
export interface UpstreamRow {
  readonly name: string;
  readonly url: string;
  /** Upstreams of one pool stand for each other. Default DEFAULT_POOL. */
  readonly pool?: string;
  readonly weight?: number;
  readonly region?: string;
  readonly canary?: boolean;
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  readonly minTls?: (typeof TLS_VERSIONS)[number];
  /** Paths are absolute. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** `sha256/BASE64` each. */
  readonly pins?: readonly string[];
  /** `none`, or the URL of a forward proxy. */
  readonly proxy?: string;
  readonly connections?: number;
  /** `50/s` */
  readonly rate?: string;
  /** `MODULE@VERSION` */
  readonly probe?: string;
}

/** The pool of rows that name none. */
export const DEFAULT_POOL = 'main';

const TLS_VERSIONS = ['1.2', '1.3'] as const;

export const UPSTREAM_MEMBERS: Members = {
  name: {
    takes: 'text',
    isRequired: true,
    description: 'Name of the upstream, for logs, metrics, records and commands: letters, digits, `-` and `_`.',
    example: 'hub',
  },
  url: {
    takes: 'text',
    isRequired: true,
    description: 'Its https or http URL, in the form of GOPROXY, without user name and password.',
    example: 'https://hub.example/go',
  },
  pool: {
    takes: 'text',
    description: `Pool that it belongs to. Upstreams of one pool hold the same modules and stand for each other. Default \`${DEFAULT_POOL}\`.`,
    example: 'mirrors',
  },
  weight: {
    takes: 'count',
    range: [1, 100],
    description:
      'How much it is preferred, 1 to 100: with twice the weight it is asked first though it takes up to twice as long. Default 10.',
    example: '10',
  },
  region: {
    takes: 'text',
    description: 'Where it is. One of another region than `region` counts as twice as slow.',
    example: 'eu-west',
  },
  canary: {
    takes: 'flag',
    description:
      'Whether it is on trial: it gets 5, then 20, then 100 percent of the modules, and none any more when it does badly.',
    example: 'true',
  },
  token: {
    takes: 'secret',
    description:
      'Bearer token for it: `env:NAME` and `file:PATH` say where it is, anything else is the token itself. It goes to the place that `url` names, at and below it, and nowhere else.',
    example: 'env:HUB_TOKEN',
  },
  user: { takes: 'text', description: 'User name beside a password.', example: 'larder' },
  password: { takes: 'secret', description: 'Password, in the same three ways.', example: 'file:/run/secrets/hub' },
  minTls: {
    takes: 'choice',
    choices: TLS_VERSIONS,
    description: 'Lowest version of TLS. Default `1.2`.',
    example: '1.3',
  },
  ca: {
    takes: 'path',
    description: 'PEM file with authorities that are trusted for it beside those of the system.',
    example: '/etc/larder/hub-ca.pem',
  },
  cert: { takes: 'path', description: 'PEM file with our certificate for it.', example: '/etc/larder/hub.crt' },
  key: { takes: 'path', description: 'PEM file with the private key of `cert`.', example: '/etc/larder/hub.key' },
  pins: {
    takes: 'words',
    description:
      'SHA-256 of public keys (SubjectPublicKeyInfo), of which one must be in its chain of certificates. At least two, with blanks between them or as a list, so that a key can be changed: one of them is in no chain in use.',
    example: 'sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= sha256/RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRQ=',
  },
  proxy: {
    takes: 'text',
    description:
      'Forward proxy to reach it through, or `none`. Default: as HTTPS_PROXY, HTTP_PROXY and NO_PROXY have it.',
    example: 'http://proxy.corp.example:3128',
  },
  connections: {
    takes: 'count',
    range: [1, 10_000],
    description: 'Connections to it at a time. Default `fetch.maxConnections`.',
    example: '32',
  },
  rate: {
    takes: 'text',
    description: 'Most questions to it: a number, and `/s`, `/m` or `/h`. Those beyond it go to other members or wait.',
    example: '50/s',
  },
  probe: {
    takes: 'text',
    description:
      'Module version whose .info says whether it is well. Default: what it answered last, else rsc.io/quote@v1.5.2.',
    example: 'corp.example/lib@v1.0.0',
  },
};
