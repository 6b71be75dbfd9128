import pc from 'picocolors';
import type { Messages } from './messages.ts';

/** Where a command writes, and in which language. stdout carries results, stderr everything else. */
export interface Terminal {
  readonly messages: Messages;
  /** A result, on stdout. Control characters become visible escapes. */
  result(text: string): void;
  /** Anything else, on stderr; bold or dim where colour is wanted. */
  note(text: string, style?: 'bold' | 'dim'): void;
  /** `larder: what`, and a second line that says what to do. */
  failure(what: string, fix?: string): void;
  /** Overwrites one line of stderr with how far long work is; does nothing unless stderr is a terminal. `undefined` clears it. */
  progress(text: string | undefined): void;
}

/** A stream, as far as a terminal needs it. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** A terminal over two streams. Colour only on a terminal, and never with NO_COLOR. */
export function createTerminal(o: {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly messages: Messages;
}): Terminal {
  const { stdout, stderr, messages } = o;
  const colourful =
    stderr.isTTY === true && (o.environment['NO_COLOR'] ?? '') === '' && o.environment['TERM'] !== 'dumb';
  const colours = pc.createColors(colourful);
  const note = (text: string, style?: 'bold' | 'dim'): void => {
    const shown = printable(text);
    stderr.write(`${style === undefined ? shown : colours[style](shown)}\n`);
  };
  return {
    messages,
    result: (text) => void stdout.write(`${printable(text)}\n`),
    note,
    failure: (what, fix) => {
      note(`larder: ${what}`);
      if (fix !== undefined) note(`${messages.whatToDo}: ${fix}`);
    },
    progress: (text) => {
      if (stderr.isTTY !== true) return;
      stderr.write(`\r\u001b[K${text === undefined ? '' : printable(text).slice(0, (stderr.columns ?? 80) - 1)}`);
    },
  };
}

/** `text` with every control and direction character but newline as a visible `\u{1b}`. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (found) =>
    found === '\n' ? found : `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
