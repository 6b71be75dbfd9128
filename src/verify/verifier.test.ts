import { beforeEach, describe, expect, test } from 'vitest';
import { noDatabase } from '../../tests/fakes/no-database.ts';
import { hashGoMod } from '../gomod/dirhash.ts';
import { type ArtifactId, type ArtifactKind, parseModulePath, type Version } from '../gomod/module.ts';
import { sha256Hex } from '../gomod/sha256.ts';
import { memorySource } from '../gomod/zip/byte-source.ts';
import { createZip } from '../gomod/zip/create.ts';
import { inspectModuleZip } from '../gomod/zip/inspect.ts';
import { AppError } from '../std/errors.ts';
import type { SpooledMemory } from '../std/spooled.ts';
import type { Expectation } from './expectation.ts';
import type { SecurityEvent } from './observer.ts';
import { goSumPins } from './pins.ts';
import { createVerifier, type Verifier } from './verifier.ts';

const signal = new AbortController().signal;
const id = (kind: ArtifactKind, path = 'example.com/m', version = 'v1.0.0'): ArtifactId => ({
  module: { path: parseModulePath(path), version: version as Version },
  kind,
});

function body(bytes: Uint8Array | string): SpooledMemory {
  const all = Buffer.from(bytes);
  return { kind: 'memory', bytes: all, sizeBytes: all.length, sha256: sha256Hex(all), discard: async () => undefined };
}

const GO_MOD = 'module example.com/m\n';
const zip = await createZip('example.com/m', 'v1.0.0', [{ name: 'go.mod', bytes: Buffer.from(GO_MOD) }]);
const { h1 } = await inspectModuleZip(memorySource(zip), 'example.com/m', 'v1.0.0');
const OTHER = hashGoMod(Buffer.from('other'));
const EXEMPT: Expectation = { verification: { by: 'exemption', because: 'off' } };
const PROVEN = { by: 'sumdb', database: 'sum.example.org', record: 7, treeSize: 9 } as const;
const LOGGED = { by: 'ledger', database: 'sum.corp.example', record: 7, treeSize: 9 } as const;
const UNPROVEN: Expectation = { verification: { by: 'unproven', database: 'sum.example.org', why: 'nobody answers' } };
const DOWN = new AppError('SUMDB_UNAVAILABLE', 'prove it: nobody answers');

let events: SecurityEvent[] = [];
beforeEach(() => {
  events = [];
});

/** With `expected` as what the database says, or fails with; else every module is exempt. */
function verifier(...goSums: readonly string[]): Verifier {
  return verifierThatExpects(undefined, ...goSums);
}

function verifierThatExpects(expected: Expectation | AppError | undefined, ...goSums: readonly string[]): Verifier {
  const says = () => (expected instanceof AppError ? Promise.reject(expected) : Promise.resolve(expected ?? EXEMPT));
  return createVerifier({
    expectations: { ...noDatabase.expectations, of: says },
    observer: { onSecurityEvent: (event) => events.push(event) },
    inspectZip: (spooled, { path, version }) =>
      inspectModuleZip(memorySource(spooled.kind === 'memory' ? spooled.bytes : Buffer.of()), path, version),
    pins: goSumPins(goSums.map((text, i) => ({ name: `go.sum.${i}`, text }))),
  });
}

describe('an info', () => {
  test('is believed for its form when it is about the version asked for', () => {
    const verified = verifier().info(id('info'), { version: 'v1.0.0' as Version }, 'up');
    expect(verified).toMatchObject({ source: 'up', verification: { by: 'form' }, body: { sizeBytes: 20 } });
  });

  test('about another version is refused', () => {
    const other = (): unknown => verifier().info(id('info'), { version: 'v1.0.1' as Version }, 'up');
    expect(other).toThrow(expect.objectContaining({ code: 'UPSTREAM_BAD_RESPONSE' }));
  });
});

describe('where in a repository bytes came from', () => {
  const anchor = { url: 'https://git.example/m', commit: 'c'.repeat(40), tree: 'd'.repeat(40), tag: 'v1.0.0' };

  test('goes on with them as the source told it', async () => {
    const info = verifier().info(id('info'), { version: 'v1.0.0' as Version }, 'git', { anchor });
    const mod = await verifier().mod(id('mod'), body(GO_MOD), 'git', { signal, anchor });
    expect([info.anchor, mod.anchor]).toEqual([anchor, anchor]);
    expect(await verifier().mod(id('mod'), body(GO_MOD), 'up', { signal })).not.toHaveProperty('anchor');
  });

  test('is refused when it has another form: its record could not be read back', async () => {
    const refused = verifier().mod(id('mod'), body(GO_MOD), 'git', { signal, anchor: { ...anchor, commit: 'main' } });
    await expect(refused).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
  });
});

describe('a go.mod', () => {
  test('that nobody has to vouch for is believed when first seen', async () => {
    const verified = await verifier().mod(id('mod'), body(GO_MOD), 'up', { signal });
    expect(verified).toMatchObject({
      h1: hashGoMod(Buffer.from(GO_MOD)),
      verification: { by: 'exemption', because: 'off' },
    });
  });

  test('that a go.sum pins says so', async () => {
    const pinned = verifier('', `example.com/m v1.0.0/go.mod ${hashGoMod(Buffer.from(GO_MOD))}\n`);
    const verified = await pinned.mod(id('mod'), body(GO_MOD), 'up', { signal });
    expect(verified.verification).toEqual({ by: 'go.sum', file: 'go.sum.1' });
  });

  test('that differs from a go.sum is refused, and both hashes are told', async () => {
    const refused = verifier(`example.com/m v1.0.0/go.mod ${OTHER}\n`).mod(id('mod'), body(GO_MOD), 'up', { signal });
    await expect(refused).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      detail: { expected: OTHER, found: hashGoMod(Buffer.from(GO_MOD)), file: 'go.sum.0', source: 'up' },
    });
    expect(events).toMatchObject([{ kind: 'checksum-mismatch', detail: { expected: OTHER, file: 'go.sum.0' } }]);
  });

  test.each([
    ['an error page', '<html>no</html>'],
    ['zeros', '\0'.repeat(100)],
    ['a module line in a sea of zeros', `${GO_MOD}\0\0`],
    ['nothing', ''],
    ['a go.mod without module line', 'go 1.20\n'],
    ['more than 16 MiB', GO_MOD + ' '.repeat(16 << 20)],
  ])('is not %s', async (_, text) => {
    const refused = verifier().mod(id('mod'), body(text), 'up', { signal });
    await expect(refused).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
  });

  test.each([
    ['of another name, as in a fork', 'module example.com/original\n'],
    ['in a block', 'module (\n\texample.com/m\n)\n'],
    ['with quotes', 'module "example.com/m"\n'],
    ['that a newer go command wrote', `${GO_MOD}\ngo 9.9\n\nfancy (\n\tnew => thing\n)\n`],
    ['with a comment in an old encoding', Buffer.from('module example.com/m // \xe9\n', 'latin1')],
  ])('%s is one', async (_, text) => {
    await expect(verifier().mod(id('mod'), body(text), 'up', { signal })).resolves.toBeDefined();
  });

  test('of a toolchain needs no module line', async () => {
    const toolchain = id('mod', 'golang.org/toolchain', 'v0.0.1-go1.24.0.linux-amd64');
    await expect(verifier().mod(toolchain, body('golang.org/toolchain\n'), 'up', { signal })).resolves.toBeDefined();
  });
});

describe('a zip', () => {
  test('that nobody has to vouch for is believed when first seen, a pinned one for its pin', async () => {
    const first = await verifier(`example.com/m v1.0.1 ${OTHER}\n`).zip(id('zip'), body(zip), 'up', { signal });
    expect(first).toMatchObject({ h1, verification: { by: 'exemption', because: 'off' } });
    const pinned = await verifier(`example.com/m v1.0.0 ${h1}\n`).zip(id('zip'), body(zip), 'up', { signal });
    expect(pinned).toMatchObject({ h1, verification: { by: 'go.sum', file: 'go.sum.0' } });
  });

  test('must agree with every go.sum that knows it', async () => {
    const torn = verifier(`example.com/m v1.0.0 ${h1}\n`, `example.com/m v1.0.0 ${OTHER}\n`);
    await expect(torn.zip(id('zip'), body(zip), 'up', { signal })).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      detail: { expected: OTHER, found: h1, file: 'go.sum.1' },
    });
  });

  test('of another module is refused, and the message says what was attempted', async () => {
    const refused = verifier().zip(id('zip', 'example.com/n'), body(zip), 'up', { signal });
    await expect(refused).rejects.toMatchObject({
      code: 'ZIP_INVALID',
      message: expect.stringMatching(/^verify \.zip of example\.com\/n@v1\.0\.0 from up: check zip: /) as string,
    });
  });

  test('that is not what its source has a hash of is damaged', async () => {
    const refused = verifier().zip(id('zip'), body(zip), 'cache', { signal, claimedH1: OTHER });
    await expect(refused).rejects.toMatchObject({
      code: 'UPSTREAM_BAD_RESPONSE',
      detail: { claimed: OTHER, found: h1 },
    });
    await expect(verifier().zip(id('zip'), body(zip), 'cache', { signal, claimedH1: h1 })).resolves.toBeDefined();
  });
});

describe('what the database proves', () => {
  test('is what the bytes must be, and the record says where it was proven', async () => {
    const expected = { h1, verification: PROVEN };
    const verified = await verifierThatExpects(expected).zip(id('zip'), body(zip), 'up', { signal });
    expect(verified).toMatchObject({ h1, verification: PROVEN });
    const mod = { h1: hashGoMod(Buffer.from(GO_MOD)), verification: PROVEN };
    const verifiedMod = await verifierThatExpects(mod).mod(id('mod'), body(GO_MOD), 'up', { signal });
    expect(verifiedMod).toMatchObject({ verification: PROVEN });
    expect(events).toEqual([]);
  });

  test.each(['zip', 'mod'] as const)(
    'refuses another .%s, and tells both hashes, source and database',
    async (kind) => {
      const asked = verifierThatExpects({ h1: OTHER, verification: PROVEN });
      const refused =
        kind === 'zip'
          ? asked.zip(id('zip'), body(zip), 'up', { signal })
          : asked.mod(id('mod'), body(GO_MOD), 'up', { signal });
      const found = kind === 'zip' ? h1 : hashGoMod(Buffer.from(GO_MOD));
      const detail = { expected: OTHER, found, source: 'up', database: 'sum.example.org', record: 7 };
      await expect(refused).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH', detail });
      expect(events).toMatchObject([{ kind: 'checksum-mismatch', subject: 'example.com/m@v1.0.0', detail }]);
    },
  );

  test('says more than a go.sum that agrees, and a go.sum that does not agree is heard all the same', async () => {
    const expected = { h1, verification: PROVEN };
    const pinned = verifierThatExpects(expected, `example.com/m v1.0.0 ${h1}\n`);
    expect(await pinned.zip(id('zip'), body(zip), 'up', { signal })).toMatchObject({ verification: PROVEN });
    const torn = verifierThatExpects(expected, `example.com/m v1.0.0 ${OTHER}\n`);
    await expect(torn.zip(id('zip'), body(zip), 'up', { signal })).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
  });
});

describe('what our ledger has', () => {
  test('is what the bytes must be; others are those of a moved tag', async () => {
    const same = verifierThatExpects({ h1, verification: LOGGED });
    expect(await same.zip(id('zip'), body(zip), 'up', { signal })).toMatchObject({ verification: LOGGED });
    const retagged = verifierThatExpects({ h1: OTHER, verification: LOGGED });
    await expect(retagged.zip(id('zip'), body(zip), 'up', { signal })).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
    });
    expect(events).toMatchObject([{ kind: 'retagged', detail: { expected: OTHER, found: h1 } }]);
  });
});

describe('when nobody can tell', () => {
  test('bytes are refused for what kept the database from telling', async () => {
    const refused = verifierThatExpects(DOWN).zip(id('zip'), body(zip), 'up', { signal });
    await expect(refused).rejects.toBe(DOWN);
  });

  test('a go.sum that pins them is enough', async () => {
    const pin = `example.com/m v1.0.0 ${h1}\n`;
    for (const outage of [DOWN, UNPROVEN, EXEMPT]) {
      const verified = await verifierThatExpects(outage, pin).zip(id('zip'), body(zip), 'up', { signal });
      expect(verified.verification).toEqual({ by: 'go.sum', file: 'go.sum.0' });
    }
  });

  test('but not when the database proves nothing', async () => {
    const torn = new AppError('SUMDB_INCONSISTENT', 'prove it: a fork');
    const refused = verifierThatExpects(torn, `example.com/m v1.0.0 ${h1}\n`).zip(id('zip'), body(zip), 'up', {
      signal,
    });
    await expect(refused).rejects.toBe(torn);
  });

  test('bytes that may go through unproven say so', async () => {
    const verified = await verifierThatExpects(UNPROVEN).zip(id('zip'), body(zip), 'up', { signal });
    expect(verified.verification).toEqual(UNPROVEN.verification);
  });
});
