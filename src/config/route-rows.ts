import type { Members } from './rows.ts';

/** A chain of its own for some questions, as the operator wrote it. Secret: `credential` may be the secret itself. */
export interface RouteRow {
  readonly name: string;
  /** Comma-separated globs of module path prefixes. */
  readonly modules?: string;
  /** `name: value` */
  readonly header?: string;
  readonly credential?: string;
  /** A chain like that of `upstream`. */
  readonly upstream: string;
  /** `50/s` */
  readonly rate?: string;
  readonly burst?: number;
  readonly failures?: number;
  /** Percent. */
  readonly ratio?: number;
}

export const ROUTE_MEMBERS: Members = {
  name: {
    takes: 'text',
    isRequired: true,
    description: 'Name of the route, for logs and metrics: letters, digits, `-` and `_`.',
    example: 'stage',
  },
  modules: {
    takes: 'list',
    description: 'Modules it is for: globs of path prefixes in the form of GOPRIVATE.',
    example: 'corp.example/stage/*',
  },
  header: {
    takes: 'text',
    description: 'Header of the requests it is for: its name and its whole value.',
    example: 'x-env: stage',
  },
  credential: {
    takes: 'secret',
    description:
      'Token or password of the requests it is for, sent as `Authorization: Bearer` or as the password of `Basic`: `env:NAME` and `file:PATH` say where it is, anything else is the secret itself.',
    example: 'env:STAGE_TOKEN',
  },
  upstream: {
    takes: 'list',
    isRequired: true,
    description: 'Its chain, in the form of `upstream`.',
    example: 'stage,mirrors,direct',
  },
  rate: {
    takes: 'text',
    description:
      'Most questions that it lets go upstream: a number, and `/s`, `/m` or `/h`. More wait; those for which there is no time are refused (503, and 429 where a credential chose the route).',
    example: '50/s',
  },
  burst: {
    takes: 'count',
    range: [1, 100_000],
    description: 'Questions beyond `rate` that may go at once after a pause. Default: those of one second.',
    example: '100',
  },
  failures: {
    takes: 'count',
    range: [1, 1000],
    description: 'Failures in a row after which an upstream is left alone on this route. Default `engine.failures`.',
    example: '5',
  },
  ratio: {
    takes: 'count',
    range: [1, 100],
    description: 'Percent of failures above which it is. Default `engine.ratioPercent`.',
    example: '30',
  },
};
