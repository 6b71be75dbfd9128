import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

const BASE_BYTES = 0xff_ff_ff;
const BLOB = 3;
const OFS_DELTA = 6;

/** A pack of some kilobytes with one blob of 16 MiB and one that is it `times` over: each time costs seven bytes before compression. */
export function deltaBomb(times: number): Buffer {
  const base = entry(BLOB, BASE_BYTES, Buffer.alloc(0), Buffer.alloc(BASE_BYTES));
  const copy = Buffer.from([0x80 | 0x70, 0xff, 0xff, 0xff]);
  const delta = Buffer.concat([size7(BASE_BYTES), size7(times * BASE_BYTES), Buffer.alloc(times * copy.length, copy)]);
  return pack([base, entry(OFS_DELTA, delta.length, offsetBack(base.length), delta)]);
}

/** Puts `packed` in the place of the pack in the answer of a git server to a fetch. */
export function withPack(answer: Buffer, packed: Buffer): Buffer {
  const at = answer.indexOf('000dpackfile\n');
  if (at < 0) return answer;
  const pieces = Array.from({ length: Math.ceil(packed.length / 60_000) }, (_, i) =>
    packetLine(Buffer.concat([Buffer.from([1]), packed.subarray(i * 60_000, (i + 1) * 60_000)])),
  );
  return Buffer.concat([answer.subarray(0, at), Buffer.from('000dpackfile\n'), ...pieces, Buffer.from('0000')]);
}

/** `payload` as git frames what it sends. */
export function packetLine(payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

function pack(entries: readonly Buffer[]): Buffer {
  const head = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1');
  head.writeUInt32BE(entries.length, 8);
  const body = Buffer.concat([head, ...entries]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

function entry(type: number, size: number, reference: Buffer, content: Buffer): Buffer {
  const head = [(type << 4) | (size & 15)];
  for (let rest = size >>> 4; rest > 0; rest >>>= 7) {
    head[head.length - 1] = (head.at(-1) ?? 0) | 0x80;
    head.push(rest & 127);
  }
  return Buffer.concat([Buffer.from(head), reference, deflateSync(content)]);
}

function offsetBack(offset: number): Buffer {
  const bytes = [offset & 127];
  for (let rest = Math.floor(offset / 128); rest > 0; rest = Math.floor(rest / 128))
    bytes.unshift(0x80 | (--rest & 127));
  return Buffer.from(bytes);
}

function size7(size: number): Buffer {
  const bytes: number[] = [];
  let rest = size;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
