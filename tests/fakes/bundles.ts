/** Bundles for tests: signed ones of whatever content, and what may happen to them. */
import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSignerKey, type SignerKey } from '../../src/gomod/sumdb/key.ts';
import { sha256Hex } from '../../src/gomod/sha256.ts';
import { type BundleModule, encodeManifest, pathInBundle } from '../../src/sources/bundle/manifest.ts';
import { signManifest } from '../../src/sources/bundle/signature.ts';
import { madeUpModule } from './content.ts';
import { plainKeys } from './plain-log.ts';

/** Whose bundles are trusted in tests, and somebody else. */
export const bundler: SignerKey = parseSignerKey(plainKeys('bundles.corp.test').signer);
export const stranger: SignerKey = parseSignerKey(plainKeys('bundles.stranger.test').signer);

/** Writes a bundle of `files`, by their targets, as they are. */
export function writeBundle(
  folder: string,
  files: Readonly<Record<string, Uint8Array | string>>,
  o: { readonly id: string; readonly modules?: readonly BundleModule[]; readonly signer?: SignerKey },
): void {
  for (const [target, body] of Object.entries(files)) {
    const place = join(folder, pathInBundle(target));
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, body);
  }
  const listed = Object.entries(files).map(([target, body]) => ({
    path: pathInBundle(target),
    sha256: sha256Hex(body),
    size: Buffer.from(body as Uint8Array).length,
  }));
  const manifest = encodeManifest({
    id: o.id,
    created: '2026-01-02T03:04:05Z',
    purpose: 'a test',
    modules: o.modules ?? [],
    files: listed,
  });
  sign(folder, manifest, o.signer ?? bundler);
}

function sign(folder: string, manifest: Uint8Array, signer: SignerKey): void {
  writeFileSync(join(folder, 'manifest'), manifest);
  writeFileSync(join(folder, 'manifest.sig'), signManifest(manifest, signer));
}

/** The download tree of made-up modules, in a folder: `path@version` each. */
export function writeTree(folder: string, modules: readonly string[]): void {
  for (const name of modules) {
    const [path = '', version = ''] = name.split('@');
    const module = madeUpModule(path, version, { zipBytes: 2000 });
    for (const file of [`${version}.info`, `${version}.mod`, `${version}.zip`]) {
      const place = join(folder, path, '@v', file);
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, module.get(`${path}/@v/${file}`) ?? '');
    }
  }
}

/** The go.sum lines of made-up modules, as writeTree writes them. */
export function sumsOf(modules: readonly string[]): string {
  return modules
    .map((name) => madeUpModule(...(name.split('@') as [string, string]), { zipBytes: 2000 }).sums)
    .join('');
}

type Damage = readonly [what: string, act: (folder: string) => void];

/** Every kind of damage to a bundle that has `x.test/a@v1.0.0`; none of them may pass. */
export const DAMAGES: readonly Damage[] = [
  ...(['zip', 'mod', 'info'] as const).map(
    (kind): Damage => [
      `a flipped byte in a ${kind}`,
      (folder) => flip(join(folder, `download/x.test/a/@v/v1.0.0.${kind}`), 9),
    ],
  ),
  ['a flipped byte in a list', (folder) => flip(join(folder, 'download/x.test/a/@v/list'), 2)],
  ['a flipped byte in the manifest', (folder) => flip(join(folder, 'manifest'), 60)],
  ['a flipped byte in the signed text', (folder) => flip(join(folder, 'manifest.sig'), 30)],
  ['a flipped byte in the signature', (folder) => flip(join(folder, 'manifest.sig'), -20)],
  ['a missing file', (folder) => rmSync(join(folder, 'download/x.test/a/@v/v1.0.0.mod'))],
  ['a missing manifest', (folder) => rmSync(join(folder, 'manifest'))],
  ['a missing signature', (folder) => rmSync(join(folder, 'manifest.sig'))],
  ['an empty signature', (folder) => truncateSync(join(folder, 'manifest.sig'), 0)],
  ['an extra file', (folder) => writeFileSync(join(folder, 'download/x.test/a/@v/v9.9.9.mod'), 'module x.test/a\n')],
  ['an extra file beside the tree', (folder) => writeFileSync(join(folder, 'README'), 'hello')],
  ['a link', (folder) => symlinkSync('/etc/passwd', join(folder, 'download/x.test/a/@v/v9.9.9.info'))],
  ['a link in the place of a file', (folder) => linkInstead(folder, 'download/x.test/a/@v/v1.0.0.mod')],
  ['a link in the place of a folder', (folder) => linkInstead(folder, 'download/x.test')],
  ['a truncated zip', (folder) => truncateSync(join(folder, 'download/x.test/a/@v/v1.0.0.zip'), 100)],
  ['a truncated manifest', (folder) => truncateSync(join(folder, 'manifest'), 300)],
  ['bytes after a zip', (folder) => appendFileSync(join(folder, 'download/x.test/a/@v/v1.0.0.zip'), 'x')],
  ['the manifest of another key', (folder) => sign(folder, readFileSync(join(folder, 'manifest')), stranger)],
];

type Lie = readonly [what: string, tell: (manifest: string) => string];

/** Manifests that are signed by the right key and wrong all the same. */
export const LIES: readonly Lie[] = [
  ['a path with ..', (text) => text.replace('"download/x.test/a/@v/list"', '"download/x.test/../@v/list"')],
  ['an absolute path', (text) => text.replace('"download/x.test/a/@v/list"', '"/etc/passwd"')],
  ['a path outside the tree', (text) => text.replace('"download/x.test/a/@v/list"', '"manifest"')],
  ['a percent-encoded path', (text) => text.replace('"download/x.test/a/@v/list"', '"download/x.test/%61/@v/list"')],
  [
    'a file twice',
    (text) =>
      text.replace(
        /(\n\{"path":"download\/x.test\/a\/@v\/list"[^\n]*\n?)/,
        (line) => `${line.trimEnd()}${line.trimEnd().endsWith(',') ? '' : ','}${line}`,
      ),
  ],
  [
    'a module twice',
    (text) =>
      text.replace(/(\n\{"path":"x.test\/a"[^\n]*)\n/, (_, line: string) => `${line.replace(/,$/, '')},${line}\n`),
  ],
  [
    'another h1 of a zip',
    (text) => text.replace(/"zip":"h1:./, (start) => `${start.slice(0, -1)}${start.endsWith('A') ? 'B' : 'A'}`),
  ],
  [
    'another h1 of a go.mod',
    (text) => text.replace(/"mod":"h1:./, (start) => `${start.slice(0, -1)}${start.endsWith('A') ? 'B' : 'A'}`),
  ],
  ['no h1 of a zip', (text) => text.replace(/,"zip":"h1:[^"]*"/, '')],
  [
    'a hash of another file',
    (text) => text.replace(/"sha256":"./, (start) => `${start.slice(0, -1)}${start.endsWith('0') ? '1' : '0'}`),
  ],
  ['another size', (text) => text.replace(/"size":/, '"size":1')],
  ['an id with a slash', (text) => text.replace(/"id":"[^"]*"/, '"id":"../x"')],
  ['the id of a link', (text) => text.replace(/"id":"[^"]*"/, '"id":"current"')],
  ['a member too many', (text) => text.replace('{"format"', '{"more":1,"format"')],
  ['blanks', (text) => text.replace('"modules":[', '"modules": [')],
  ['another format', (text) => text.replace('larder-bundle/1', 'larder-bundle/2')],
];

/** Signs what `tell` makes of the manifest. Throws when it makes nothing of it. */
export function lie(folder: string, tell: (manifest: string) => string): void {
  const place = join(folder, 'manifest');
  const before = readFileSync(place, 'utf8');
  const after = tell(before);
  if (after === before) throw new Error('the manifest was not changed');
  sign(folder, Buffer.from(after), bundler);
}

/** Changes one byte, from the end when `at` is negative. */
export function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  const place = at < 0 ? bytes.length + at : at;
  if (place >= bytes.length) throw new Error(`${path} has no byte ${at}`);
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** The same bytes, through a link. */
function linkInstead(folder: string, path: string): void {
  const place = join(folder, path);
  const aside = `${folder}-aside`;
  mkdirSync(aside, { recursive: true });
  const target = join(aside, 'target');
  if (path.endsWith('.mod')) writeFileSync(target, readFileSync(place));
  else mkdirSync(target);
  rmSync(place, { recursive: true });
  symlinkSync(target, place);
}
