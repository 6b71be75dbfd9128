/** The extra fields of an entry: optional, but some of them change what other readers see. */
import { faultIn } from './fault.ts';
import { u16, u32, u64 } from './fields.ts';
import { crc32 } from './inflate.ts';

/** 64-bit values of a zip64 field, in its order. */
export type Zip64Values = readonly number[];

const ZIP64 = 0x0001;
/** An entry's name in UTF-8, for zips whose plain names are in an old encoding. */
const UNICODE_NAME = 0x7075;
/** Header of a field: its tag and length. */
const FIELD_HEAD_BYTES = 4;

/**
 * Reads `extra`, the extra fields of an entry with the name `rawName`: the values of its zip64 field, or undefined when it has none. Timestamps,
 * owners and the like are skipped. Throws ZIP_INVALID for fields that do not fill `extra` exactly, and for a second name that differs.
 */
export function readExtraFields(extra: Uint8Array, rawName: Uint8Array, name: string): Zip64Values | undefined {
  let zip64: Zip64Values | undefined;
  for (let at = 0; at < extra.length; ) {
    const end = at + FIELD_HEAD_BYTES + (at + FIELD_HEAD_BYTES > extra.length ? 0 : u16(extra, at + 2));
    if (end > extra.length) throw faultIn(name, 'malformed extra fields');
    const tag = u16(extra, at);
    const body = extra.subarray(at + FIELD_HEAD_BYTES, end);
    if (tag === UNICODE_NAME) requireSameName(body, rawName, name);
    if (tag === ZIP64) {
      if (zip64 !== undefined || body.length % 8 !== 0) throw faultIn(name, 'malformed zip64 field');
      zip64 = Array.from({ length: body.length / 8 }, (_, i) => u64(body, 8 * i));
    }
    at = end;
  }
  return zip64;
}

/** Version 1, CRC-32 of the plain name, name. Readers that know the field believe it instead of the plain name. */
function requireSameName(body: Uint8Array, rawName: Uint8Array, name: string): void {
  const isSame =
    body.length === 5 + rawName.length &&
    body[0] === 1 &&
    u32(body, 1) === crc32(rawName) &&
    Buffer.compare(body.subarray(5), rawName) === 0;
  if (!isSame) throw faultIn(name, 'a second name that differs');
}
