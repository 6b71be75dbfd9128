import { decodeUtf8, encodeUtf8 } from '../../std/bytes.ts';

/** Begins the line; the number is the version of this format. */
const MAGIC = 'larder-lease 1';
const LINE = /^larder-lease 1 ([\w-]{1,80}) (\d{10}) (\d{4})\n$/;

/** What a file of a lease says. Every version of one file is equally long, so that it can be written over in place. */
export interface LeaseLine {
  /** Of the process that holds it. */
  readonly mark: string;
  /** How often the holder has said that it lives. */
  readonly beats: number;
  /** 0 to 1. */
  readonly share: number;
}

/** The bytes of the file. */
export function encodeLease({ mark, beats, share }: LeaseLine): Uint8Array {
  const perMille = Math.round(share * 1000);
  return encodeUtf8(`${MAGIC} ${mark} ${digits(beats, 10)} ${digits(perMille, 4)}\n`);
}

/** What the bytes say; undefined for what is no such file, or was read in the middle of a write. */
export function decodeLease(bytes: Uint8Array): LeaseLine | undefined {
  const [, mark, beats, perMille] = LINE.exec(decodeUtf8(bytes) ?? '') ?? [];
  if (mark === undefined) return undefined;
  return { mark, beats: Number(beats), share: Number(perMille) / 1000 };
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
