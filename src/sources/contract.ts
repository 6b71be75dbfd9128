import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ModuleVersion, parseModulePath, type Version } from '../gomod/module.ts';
import { createSpoolDirectory, spooledBytes } from '../io/spool.ts';
import { openTempDirectory, type TempDirectory } from '../io/temp-directory.ts';
import type { Ask } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import type { Spooled } from '../std/spooled.ts';
import type { Source, Spool } from './source.ts';

/** What a source under test must have; `answers` holds the bodies by target, as they stand in a download tree. */
export interface SourceUnderTest {
  readonly source: Source;
  close?(): Promise<void>;
}

/** The module of the suite: an upper-case letter in path and version, a pre-release, a pseudo-version that lists must not show. */
const CONTRACT_MODULE = parseModulePath('example.test/Mod');
const CONTRACT_VERSION = 'v1.1.0-RC' as Version;
const PSEUDO = 'v0.0.0-20240102030405-0123456789ab' as Version;
const GO_MOD = `module ${CONTRACT_MODULE}\n`;
/** No module zip: sources do not look inside. It has the end that a zip has. */
const ZIP = Buffer.concat([
  Buffer.from('PK\u0003\u0004'),
  Buffer.alloc(300_000, 7),
  Buffer.from('PK\u0005\u0006'),
  Buffer.alloc(18),
]);

/** The bodies that the place behind the source must hold before the suite starts. */
export const CONTRACT_CONTENT: Readonly<Record<string, Uint8Array | string>> = {
  'example.test/!mod/@v/list': `v1.10.0\nv1.2.0\nv1.1.0-RC\nv1.2.0\n${PSEUDO}\nv2.0.0\nrubbish\n`,
  'example.test/!mod/@latest': '{"Version":"v1.10.0"}',
  'example.test/!mod/@v/main.info': `{"Version":"${PSEUDO}","Time":"2024-01-02T03:04:05Z"}`,
  'example.test/!mod/@v/v1.1.0-!r!c.info': '{"Version":"v1.1.0-RC","Time":"2023-01-02T03:04:05Z"}',
  'example.test/!mod/@v/v1.2.0.info': '{"Version":"v1.10.0"}',
  'example.test/!mod/@v/v1.10.0.info': '{"Version":"v1.10.0"}',
  'example.test/!mod/@v/v1.1.0-!r!c.mod': GO_MOD,
  'example.test/!mod/@v/v1.1.0-!r!c.zip': ZIP,
};

/** Proves that an adapter keeps the promises of source.ts. `make` gives a source over a place that holds CONTRACT_CONTENT. */
export function testSource(name: string, make: () => Promise<SourceUnderTest>): void {
  describe(`${name} is a source`, () => {
    const o: Ask = { signal: new AbortController().signal };
    const here: ModuleVersion = { path: CONTRACT_MODULE, version: CONTRACT_VERSION };
    const elsewhere: ModuleVersion = { path: CONTRACT_MODULE, version: 'v1.99.0' as Version };
    let under: SourceUnderTest;
    let folder: string;
    let temp: TempDirectory;
    let spool: Spool;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'larder-sources-'));
      temp = await openTempDirectory(folder);
      spool = createSpoolDirectory({ temp }).spool(1 << 30);
      under = await make();
    });
    afterAll(async () => {
      await under.close?.();
      await rm(folder, { recursive: true, force: true });
    });

    test('lists tagged versions that fit the path, once each, in semver order', async () => {
      expect(await under.source.list(CONTRACT_MODULE, o)).toEqual(['v1.1.0-RC', 'v1.2.0', 'v1.10.0']);
    });

    test('tells a version, a branch and the latest', async () => {
      const { source } = under;
      expect(await source.query(CONTRACT_MODULE, CONTRACT_VERSION, o)).toEqual({
        unverified: { version: CONTRACT_VERSION, time: '2023-01-02T03:04:05Z' },
        source: source.name,
      });
      expect(await source.query(CONTRACT_MODULE, 'main', o)).toMatchObject({ unverified: { version: PSEUDO } });
      expect(await source.latest(CONTRACT_MODULE, o)).toMatchObject({ unverified: { version: 'v1.10.0' } });
    });

    test('gives the bytes of go.mod and zip as they are, and names itself', async () => {
      const { source } = under;
      expect(Buffer.from((await source.mod(here, o)).unverified).toString()).toBe(GO_MOD);
      const zip = await source.zip(here, spool, o);
      expect(zip).toMatchObject({
        source: source.name,
        unverified: { sizeBytes: ZIP.length, sha256: spooledBytes(ZIP).sha256 },
      });
      await zip.unverified.discard();
    });

    test('says "not here" for what it does not have', async () => {
      const { source } = under;
      const unknown = parseModulePath('example.test/none');
      const asked: (() => Promise<unknown>)[] = [
        () => source.list(unknown, o),
        () => source.latest(unknown, o),
        () => source.query(CONTRACT_MODULE, 'nobranch', o),
        () => source.mod(elsewhere, o),
        () => source.zip(elsewhere, spool, o),
      ];
      for (const one of asked) await expect(one()).rejects.toMatchObject({ name: 'AppError', code: 'NOT_FOUND' });
    });

    test('refuses an info that is about another version than the one asked for', async () => {
      await expect(under.source.query(CONTRACT_MODULE, 'v1.2.0', o)).rejects.toMatchObject({
        code: 'UPSTREAM_BAD_RESPONSE',
      });
    });

    test('fails as the spool fails', async () => {
      const full: Spool = {
        async fill(body): Promise<Spooled> {
          for await (const _ of body) throw new AppError('TOO_LARGE', 'the spool is full');
          throw new AppError('INTERNAL', 'no body');
        },
      };
      await expect(under.source.zip(here, full, o)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    });

    test('does nothing once it was told to stop', async () => {
      const stopped: Ask = { signal: AbortSignal.abort() };
      const { source } = under;
      await expect(source.list(CONTRACT_MODULE, stopped)).rejects.toMatchObject({ code: 'ABORTED' });
      await expect(source.mod(here, stopped)).rejects.toMatchObject({ code: 'ABORTED' });
      await expect(source.zip(here, spool, stopped)).rejects.toMatchObject({ code: 'ABORTED' });
    });

    test('answers many at once, each in full', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => under.source.zip(here, spool, o)));
      expect(new Set(all.map(({ unverified }) => unverified.sha256)).size).toBe(1);
      await Promise.all(all.map(({ unverified }) => unverified.discard()));
    });
  });
}
