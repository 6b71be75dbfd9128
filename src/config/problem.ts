/** What is wrong with a configuration, as data: the command line puts it into words in the reader's language. */
import type { RowReason } from './row-trouble.ts';

/** What a key takes, for "what to write instead". */
export type Expected =
  | 'address'
  | 'text'
  | 'path'
  | 'paths'
  | 'upstream'
  | 'globs'
  | 'govcs'
  | 'hosts'
  | 'ranges'
  | 'ports'
  | 'rows'
  | 'database'
  | 'databases'
  | 'verifierKeys'
  | 'boolean'
  | 'count'
  | 'duration'
  | 'size'
  | 'choice';

/** One thing to correct. `origin` says where it was written: `file larder.yaml:12`, `environment LARDER_LISTEN`, `flag --listen`. */
export type ConfigProblem =
  | { readonly kind: 'unknown-key'; readonly origin: string; readonly key: string; readonly nearest?: string }
  | {
      readonly kind: 'bad-value';
      readonly origin: string;
      readonly key: string;
      /** The value as it may be shown, cut to one short line. */
      readonly shown: string;
      readonly expected: Expected;
      readonly choices?: readonly string[];
      /** Lowest and highest value, as one would write them. */
      readonly range?: string;
      readonly example: string;
    }
  /** `row` counts from 1; `example` is a whole row. */
  | {
      readonly kind: 'not-a-row';
      readonly origin: string;
      readonly key: string;
      readonly row: number;
      readonly example: string;
    }
  | {
      readonly kind: 'unknown-member';
      readonly origin: string;
      readonly key: string;
      readonly row: number;
      readonly member: string;
      /** Those there are. */
      readonly members: readonly string[];
      readonly nearest?: string;
    }
  | {
      readonly kind: 'missing-member';
      readonly origin: string;
      readonly key: string;
      readonly row: number;
      readonly member: string;
      readonly example: string;
    }
  | {
      readonly kind: 'bad-member';
      readonly origin: string;
      readonly key: string;
      readonly row: number;
      readonly member: string;
      /** The value as it may be shown. */
      readonly shown: string;
      readonly choices?: readonly string[];
      readonly example: string;
    }
  /** Each member of the row has its form, and it cannot be used all the same. */
  | {
      readonly kind: 'unfit-row';
      readonly origin: string;
      readonly key: string;
      readonly row: number;
      readonly member: string;
      readonly reason: RowReason;
      /** The value as it may be shown; empty where the member is not there. */
      readonly shown: string;
      readonly example: string;
      /** What else it is about: a name that is taken, a pool. */
      readonly other?: string;
      /** What that was most likely meant to be. */
      readonly nearest?: string;
    }
  /** The chain `upstream` names a pool that no row of `upstreams` is of. */
  | {
      readonly kind: 'unknown-pool';
      readonly origin: string;
      readonly pool: string;
      /** Those there are. */
      readonly pools: readonly string[];
      readonly nearest?: string;
    }
  | { readonly kind: 'not-a-section'; readonly origin: string; readonly key: string; readonly example: string }
  | { readonly kind: 'is-a-section'; readonly origin: string; readonly key: string; readonly example: string }
  | { readonly kind: 'missing-partner'; readonly origin: string; readonly key: string; readonly partner: string }
  /** The number at `key` has to be above that at `other`. */
  | {
      readonly kind: 'not-above';
      readonly origin: string;
      readonly key: string;
      readonly other: string;
      readonly otherOrigin: string;
    }
  | { readonly kind: 'no-home'; readonly origin: string; readonly key: string }
  | { readonly kind: 'unknown-variable'; readonly origin: string; readonly name: string; readonly nearest?: string }
  | { readonly kind: 'unreadable-file'; readonly origin: string; readonly reason: string }
  /** `what` names a feature of YAML that is not allowed here, or the parser's words. */
  | { readonly kind: 'bad-yaml'; readonly origin: string; readonly what: string }
  | { readonly kind: 'bad-set'; readonly origin: string; readonly text: string }
  /** The chain does not parse; `reason` is one line. */
  | { readonly kind: 'bad-upstream'; readonly origin: string; readonly reason: string }
  /** An entry of the chain is the address that the server itself would listen on. `setting` is where it was read from. */
  | {
      readonly kind: 'self-call';
      readonly origin: string;
      readonly entry: string;
      readonly listen: string;
      readonly setting: 'upstream' | 'GOPROXY';
    };
