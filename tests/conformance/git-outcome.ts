import { isDeepStrictEqual } from 'node:util';
import { hash1 } from '../../src/gomod/dirhash.ts';
import { textOfBytes } from '../../src/gomod/go-text.ts';
import { formatRevInfo, type RevInfo, withoutVolatileOrigin } from '../../src/gomod/rev-info.ts';
import { sha256Hex } from '../../src/gomod/sha256.ts';
import { isAppError, messageOf } from '../../src/std/errors.ts';
import { type Row, textOf } from './suite.ts';

/** What came of a question: a value, or the message of a refusal. */
export type Outcome<T> = { readonly value: T } | { readonly refused: string };

/** What `ask` gives, or how it refuses. A failure that is no refusal is thrown: nothing in the cases can be unreachable. */
export async function outcomeOf<T>(ask: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    if (isAppError(error, 'NOT_FOUND', 'BAD_VERSION')) return { refused: messageOf(error) };
    throw error;
  }
}

/** What is wrong with `ours` as an answer to a row, if anything: it must have the row's value for each of its own keys, or refuse where the go command fails. */
export function problemWith(row: Row, ours: Outcome<Readonly<Record<string, unknown>>>): string | undefined {
  const error = row['error'];
  if ('refused' in ours) return error === null ? `refused: ${ours.refused}` : undefined;
  if (error !== null) return `not refused: ${JSON.stringify(error).slice(0, 200)}`;
  const wrong = Object.entries(ours.value).filter(([key, value]) => !isDeepStrictEqual(value, expected(row, key)));
  if (wrong.length === 0) return undefined;
  const shown = wrong.map(
    ([key, value]) => `${key} is ${JSON.stringify(value)}, not ${JSON.stringify(expected(row, key))}`,
  );
  return shown.join('; ').slice(0, 600);
}

function expected(row: Row, key: string): unknown {
  return key === 'mod' ? textOf(row, key) : row[key];
}

/** What the cases say about an info, trimmed as it is stored, and a go.mod. */
export function factsOf(info: RevInfo, mod: Uint8Array): Readonly<Record<string, unknown>> {
  return {
    version: info.version,
    info: JSON.parse(textOfBytes(formatRevInfo(withoutVolatileOrigin(info)))),
    mod: textOfBytes(mod),
    modsum: hash1([{ name: 'go.mod', sha256: sha256Hex(mod) }]),
  };
}
