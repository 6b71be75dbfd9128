import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';

/** Why bytes were put aside. */
export interface QuarantineNote {
  readonly reason: string;
  /** Where they came from, when known. */
  readonly source?: string;
}

/** A note as it stands beside the copy. */
export interface DatedNote extends QuarantineNote {
  /** RFC 3339 in UTC. */
  readonly at: string;
}

/** Largest note that is read. */
export const MAX_NOTE_BYTES = 16 * 1024;

/** One JSON object, which names the copy too, and a newline. */
export function encodeNote(
  { reason, source, at }: DatedNote,
  { sha256, sizeBytes }: { readonly sha256: string; readonly sizeBytes: number },
): Uint8Array {
  return encodeUtf8(`${JSON.stringify({ reason, source, sha256, sizeBytes, at })}\n`);
}

/** The note in `bytes`, or undefined when they are none. Its texts may be an upstream's: not safe to print as they are. */
export function decodeNote(bytes: Uint8Array): DatedNote | undefined {
  const value = parsed(bytes);
  if (typeof value !== 'object' || value === null) return undefined;
  const { reason, source, at } = value as Readonly<Record<keyof DatedNote, unknown>>;
  if (typeof reason !== 'string' || typeof at !== 'string') return undefined;
  return { reason, ...(typeof source === 'string' ? { source } : {}), at };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes) ?? '');
  } catch {
    return undefined;
  }
}
