/**
 * A checksum database over a tree of modules, for benchmarks: each `.zip` of the tree has its record among 100,000 others, and each lookup is
 * answered with a tree that has grown by one record, as a busy database's does, unless it is told to stand still. Run as a child process.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashGoMod } from '../src/gomod/dirhash.ts';
import { bytesOfText } from '../src/gomod/go-text.ts';
import type { ModuleVersion } from '../src/gomod/module.ts';
import { moduleVersionOf } from '../src/gomod/protocol.ts';
import { type Hash, recordHash } from '../src/gomod/sumdb/hash.ts';
import { generateKey, parseSignerKey } from '../src/gomod/sumdb/key.ts';
import { signNote } from '../src/gomod/sumdb/note.ts';
import { formatRecord, formatTreeHead, sumLines } from '../src/gomod/sumdb/text.ts';
import { parseTilePath, tileBytes } from '../src/gomod/sumdb/tile.ts';
import { type HashReader, storedHashesForRecord, treeHash } from '../src/gomod/sumdb/tree.ts';
import { memorySource } from '../src/gomod/zip/byte-source.ts';
import { hashModuleZip } from '../src/gomod/zip/inspect.ts';
import { openZip } from '../src/gomod/zip/reader.ts';

const OTHERS = 100_000;
const [tree = '', port = '0'] = process.argv.slice(2);
const keys = generateKey('sum.bench.test', new Uint8Array(32).fill(7));
const signer = parseSignerKey(keys.signer);

const hashes: Hash[] = [];
const read: HashReader = async (indexes) => indexes.map((index) => hashes[index] as Hash);
const records = new Map<string, { readonly id: number; readonly text: string }>();
let size = 0;
let delayMs = 0;
let grows = true;
let total = 0;
let lookups = 0;

async function append(text: string): Promise<number> {
  hashes.push(...(await storedHashesForRecord(size, recordHash(bytesOfText(text)), read)));
  return size++;
}

async function appendOther(): Promise<void> {
  await append(`other.test/m${size} v1.0.0 h1:none\nother.test/m${size} v1.0.0/go.mod h1:none\n`);
}

/** Spread over the log, so that each module's record lies in a tile of its own, as it does in a large log. */
async function fill(modules: readonly ModuleVersion[]): Promise<void> {
  const gap = Math.floor(OTHERS / (modules.length + 1));
  for (const module of modules) {
    for (let i = 0; i < gap; i++) await appendOther();
    const text = await sumsOf(module);
    records.set(`${module.path}@${module.version}`, { id: await append(text), text });
  }
}

async function sumsOf(module: ModuleVersion): Promise<string> {
  const at = join(tree, module.path, '@v', module.version);
  const { h1 } = await hashModuleZip(openZip(memorySource(readFileSync(`${at}.zip`))), module.path, module.version);
  return sumLines(module, { zip: h1, mod: hashGoMod(readFileSync(`${at}.mod`)) });
}

function modulesOf(): ModuleVersion[] {
  const names = readdirSync(tree, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.zip'));
  return names.toSorted().flatMap((name) => {
    const [path = '', file = ''] = name.split('/@v/');
    return moduleVersionOf(path, file.slice(0, -'.zip'.length)) ?? [];
  });
}

async function head(): Promise<Uint8Array> {
  return signNote({ text: formatTreeHead({ size, hash: await treeHash(size, read) }) }, signer);
}

async function answer(path: string, response: ServerResponse): Promise<void> {
  total++;
  if (delayMs > 0) await sleep(delayMs);
  const body = await bodyOf(decodeURIComponent(path)).catch(() => undefined);
  if (body === undefined) response.writeHead(404).end('not found\n');
  else response.writeHead(200, { 'content-length': body.length }).end(body);
}

async function bodyOf(path: string): Promise<Uint8Array | undefined> {
  if (path === '/latest') return await head();
  if (path.startsWith('/tile/')) return await tileBytes(parseTilePath(path.slice(1)), read);
  lookups++;
  const record = records.get(path.slice('/lookup/'.length));
  if (record === undefined) return undefined;
  if (grows) await appendOther();
  return Buffer.concat([formatRecord(record.id, record.text), await head()]);
}

process.on('message', (message: { ask: string; ms?: number; grows?: boolean }) => {
  if (message.ask === 'grow') grows = message.grows ?? true;
  if (message.ask === 'delay') delayMs = message.ms ?? 0;
  process.send?.({ total, lookups });
});
process.on('disconnect', () => process.exit(0));
await fill(modulesOf());
createServer((request, response) => void answer(request.url ?? '/', response)).listen(Number(port), '127.0.0.1', () =>
  process.send?.({ key: keys.verifier }),
);
