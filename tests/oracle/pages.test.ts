import { afterAll, describe, test } from 'vitest';
import { type MetaImport, parseMetaImports } from '../../src/gomod/meta-import.ts';
import { schemeOfUrl } from '../../src/gomod/url-syntax.ts';
import { skipUnless } from '../skip.ts';
import { expectAgreement } from './compare.ts';
import { pages, urls } from './page-inputs.ts';
import { buildReference } from './reference.ts';

const reference = await buildReference();
afterAll(() => reference.remove());

describe('like the reference', () => {
  skipUnless(reference.unavailable === undefined, reference.unavailable ?? '');

  test('finds go-import tags in pages, and refuses pages', async () => {
    await expectAgreement(reference, {
      op: 'xml.GoImports',
      inputs: pages,
      count: 20_000,
      args: (page) => [page],
      ours: importsOf,
    });
  });

  test('reads the schemes of URLs', async () => {
    await expectAgreement(reference, {
      op: 'url.Scheme',
      inputs: urls,
      count: 10_000,
      args: (url) => [url],
      ours: schemeOf,
    });
  });
});

/** The fields of the tags, in the order of the page: none of the generated ones is of kind `mod`. */
function importsOf(page: Uint8Array): readonly string[][] {
  const { imports, fault } = parseMetaImports(page);
  if (imports.length === 0 && fault !== undefined) throw new Error(fault);
  return imports.map(fieldsOf);
}

function fieldsOf({ prefix, vcs, repository, subdirectory }: MetaImport): string[] {
  return [prefix, vcs, repository, ...(subdirectory === '' ? [] : [subdirectory])];
}

function schemeOf(url: string): string {
  const read = schemeOfUrl(url);
  if ('fault' in read) throw new Error(read.fault);
  return `scheme ${read.scheme}`;
}
