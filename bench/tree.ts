/** The modules that are measured: a GOPROXY tree made from a seed, so that every run measures the same bytes. */
import { copyFileSync, linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createZip } from '../src/gomod/zip/create.ts';

/** Request paths of one module version. */
export interface ModulePaths {
  readonly path: string;
  readonly list: string;
  readonly info: string;
  readonly mod: string;
  readonly zip: string;
}

export interface Tree {
  readonly folder: string;
  /** Small modules, each to be asked for once. */
  readonly many: readonly ModulePaths[];
  /** Modules of 2 MB each. */
  readonly twos: readonly ModulePaths[];
}

/** Named modules and the bytes of their one large file; random bytes do not deflate, so zips are about this large. */
const SIZES = { small: 8_000, two: 2_000_000, herd: 21_000_000, sixty: 60_000_000 } as const;
const MANY = 1000;
const TWOS = 80;
const VERSION = 'v1.0.0';
const VERSIONS = Array.from({ length: 20 }, (_, i) => `v1.0.${i}`);

export function module(name: keyof typeof SIZES | `many/m${number}` | `twos/m${number}`): ModulePaths {
  const path = `/bench.test/${name}`;
  const at = `${path}/@v/${VERSION}`;
  return { path, list: `${path}/@v/list`, info: `${at}.info`, mod: `${at}.mod`, zip: `${at}.zip` };
}

/** `.info` of each version of the 21 MB module. */
export function herdInfos(): readonly string[] {
  const { path } = module('herd');
  return VERSIONS.map((version) => `${path}/@v/${version}.info`);
}

export async function makeTree(folder: string): Promise<Tree> {
  for (const [name, size] of Object.entries(SIZES)) await makeModule(folder, module(name as keyof typeof SIZES), size);
  const many = Array.from({ length: MANY }, (_, i) => module(`many/m${i}`));
  for (const one of many) await makeModule(folder, one, 5_000);
  const twos = Array.from({ length: TWOS }, (_, i) => module(`twos/m${i}`));
  for (const one of twos) await makeModule(folder, one, SIZES.two);
  return { folder, many, twos };
}

async function makeModule(folder: string, paths: ModulePaths, sizeBytes: number): Promise<void> {
  const name = paths.path.slice(1);
  const goMod = Buffer.from(`module ${name}\n\ngo 1.24\n`);
  mkdirSync(join(folder, dirname(paths.list)), { recursive: true });
  writeFileSync(join(folder, paths.list), VERSIONS.map((version) => `${version}\n`).join(''));
  for (const version of VERSIONS) {
    const info = `{"Version":"${version}","Time":"2026-01-02T03:04:05Z"}`;
    writeFileSync(join(folder, paths.info.replace(VERSION, version)), info);
  }
  writeFileSync(join(folder, paths.mod), goMod);
  const files = [
    { name: 'go.mod', bytes: goMod },
    { name: 'data.bin', bytes: noise(sizeBytes) },
  ];
  writeFileSync(join(folder, paths.zip), await createZip(name, VERSION, files));
}

/** Bytes that deflate cannot shrink (xorshift32). */
function noise(sizeBytes: number): Buffer {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer, 0, sizeBytes);
}

const LINKS_PER_FILE = 60_000;
const VERSIONS_PER_MODULE = 1_000;

/**
 * Makes a store look as if `count` versions were in it, in a minute: each is one more hard link to an `.info` and a record
 * that are stored already. For measuring starts only; nothing reads them.
 */
export function hardLinkManyVersions(data: string, count: number): void {
  const kinds = [
    { folder: join(data, 'download'), end: '.info', from: join(data, 'download', module('small').info) },
    { folder: join(data, 'meta'), end: '.info.json', from: join(data, 'meta', `${module('small').info}.json`) },
  ];
  for (const { folder, end, from } of kinds) {
    let source = from;
    for (let i = 0; i < count; i++) {
      const home = join(folder, `bench.test/stored/m${Math.floor(i / VERSIONS_PER_MODULE)}/@v`);
      if (i % VERSIONS_PER_MODULE === 0) mkdirSync(home, { recursive: true });
      const target = join(home, `v1.1.${i % VERSIONS_PER_MODULE}${end}`);
      if (i % LINKS_PER_FILE > 0) {
        linkSync(source, target);
      } else {
        copyFileSync(from, target);
        source = target;
      }
    }
    if (readdirSync(folder).length === 0) throw new Error(`nothing in ${folder}`);
  }
}
