/** Spools bodies of the given sizes, holds them, discards them all and spools the last size once more; prints what became of each: `full-disk-spooler.ts <folder> <options> <sizes>`. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSpoolDirectory } from '../../src/io/spool.ts';
import { openTempDirectory } from '../../src/io/temp-directory.ts';
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
    const body = await spool.fill(chunksOf(bytes), o);
    held.push(body);
    const got = body.kind === 'memory' ? body.bytes : await readFile(body.path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { kind: body.kind, isRight: body.sizeBytes === size && body.sha256 === sha256 && bytes.equals(got) };
  } catch (error) {
    return error instanceof AppError ? { code: error.code, message: error.message } : { message: String(error) };
  }
}

async function* chunksOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000);
}
