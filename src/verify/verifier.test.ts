import { describe, expect, test } from 'vitest';
import { hashGoMod } from '../gomod/dirhash.ts';
import { type ArtifactId, type ArtifactKind, parseModulePath, type Version } from '../gomod/module.ts';
import { sha256Hex } from '../gomod/sha256.ts';
import { memorySource } from '../gomod/zip/byte-source.ts';
import { createZip } from '../gomod/zip/create.ts';
import { inspectModuleZip } from '../gomod/zip/inspect.ts';
import type { SpooledMemory } from '../std/spooled.ts';
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

function verifier(...goSums: readonly string[]): Verifier {
  return createVerifier({
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

describe('a go.mod', () => {
  test('that nothing pins is believed when first seen', async () => {
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
      detail: { pinned: OTHER, found: hashGoMod(Buffer.from(GO_MOD)), file: 'go.sum.0' },
    });
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
  test('that nothing pins is believed when first seen, a pinned one for its pin', async () => {
    const first = await verifier(`example.com/m v1.0.1 ${OTHER}\n`).zip(id('zip'), body(zip), 'up', { signal });
    expect(first).toMatchObject({ h1, verification: { by: 'exemption', because: 'off' } });
    const pinned = await verifier(`example.com/m v1.0.0 ${h1}\n`).zip(id('zip'), body(zip), 'up', { signal });
    expect(pinned).toMatchObject({ h1, verification: { by: 'go.sum', file: 'go.sum.0' } });
  });

  test('must agree with every go.sum that knows it', async () => {
    const torn = verifier(`example.com/m v1.0.0 ${h1}\n`, `example.com/m v1.0.0 ${OTHER}\n`);
    await expect(torn.zip(id('zip'), body(zip), 'up', { signal })).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      detail: { pinned: OTHER, found: h1, file: 'go.sum.1' },
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
