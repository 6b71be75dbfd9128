/** Spools bodies of the given sizes, holds them, discards them all and spools the last size once more; prints what became of each: `full-disk-spooler.ts <folder> <options> <sizes>`. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSpoolDirectory } from '../../src/io/spool.ts';
import { openTempDirectory } from '../../src/io/temp-directory.ts';
import type { GrowingBody } from '../../src/sources/source.ts';
import { AppError } from '../../src/std/errors.ts';
import type { Spooled } from '../../src/std/spooled.ts';

const o = { signal: AbortSignal.timeout(20_000) };
const [root = '', options = '{}', sizes = '[]'] = process.argv.slice(2);
const temp = await openTempDirectory(root);
const spool = createSpoolDirectory({ temp, ...(JSON.parse(options) as object) }).spool(1 << 30, 'a body');
const wanted = JSON.parse(sizes) as number[];
const held: Spooled[] = [];
const outcomes: object[] = [];

for (const size of wanted) outcomes.push(await outcomeOf(size));
for (const body of held.splice(0)) {
  await body.discard();
  await body.discard();
}
outcomes.push(await outcomeOf(wanted.at(-1) ?? 0));
for (const body of held) await body.discard();
console.log(JSON.stringify(outcomes));

async function outcomeOf(size: number): Promise<object> {
  const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + (i >> 13)) & 255));
  try {
    let readable: Buffer = Buffer.alloc(0);
    let grown: GrowingBody | undefined;
    const body = await spool.fill(chunksOf(bytes), { ...o, onGrown: (one) => (grown = one) });
    held.push(body);
    if (grown !== undefined) readable = await readAll(grown);
    const got = body.kind === 'memory' ? body.bytes : await readFile(body.path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const isRight = body.sizeBytes === size && body.sha256 === sha256 && bytes.equals(got) && bytes.equals(readable);
    return { kind: body.kind, isRight };
  } catch (error) {
    return error instanceof AppError ? { code: error.code, message: error.message } : { message: String(error) };
  }
}

/** As one who reads while it comes. */
async function readAll(body: GrowingBody): Promise<Buffer> {
  const bytes = Buffer.alloc(body.receivedBytes);
  for (let at = 0; at < bytes.length; ) {
    const length = await body.read(at, bytes.subarray(at));
    if (length === 0) break;
    at += length;
  }
  return bytes;
}

async function* chunksOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000);
}
