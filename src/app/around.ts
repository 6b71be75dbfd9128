import type { Seat } from './seat.ts';

/** What a Larder needs of the process around it. */
export interface Around {
  /** Of the program. */
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string | undefined;
  /** Where log lines go: a file descriptor, or the path of a file. */
  readonly logTo: number | string;
  /** Given = one of several processes that serve together. */
  readonly seat?: Seat | undefined;
}
