import { describe, expect, test } from 'vitest';
import { isSameImport, type MetaImport, matchMetaImport, parseMetaImports, subdirectoryFault } from './meta-import.ts';

const TAG = '<meta name="go-import" content="a.b/c git https://x/y">';
const FOUND: MetaImport = { prefix: 'a.b/c', vcs: 'git', repository: 'https://x/y', subdirectory: '' };

function read(page: string | Uint8Array) {
  return parseMetaImports(typeof page === 'string' ? Buffer.from(page) : page);
}

describe('a go-import tag', () => {
  test.each([
    ['on a page of today', `<!doctype html><html lang=en><head><meta charset=utf-8><title>a &middot; b</title>${TAG}`],
    ['in capitals', '<META NAME="go-import" CONTENT="a.b/c git https://x/y">'],
    ['that closes itself', '<meta content="a.b/c git https://x/y" name=go-import />'],
    ['in a name space', '<x:meta y:name="go-import" content="a.b/c git https://x/y">'],
    ['written with references', '<meta name="go-import" content="a.b/c&#x20;git https:&#47;&#x2F;x/y">'],
    ['after a comment and a CDATA section', `<!-- <body> --><![CDATA[ </head> && ]]>${TAG}`],
    ['after a document type with brackets', `<!DOCTYPE html [<!ENTITY a "b>"> <!-- > --> ]>${TAG}`],
    ['after an XML declaration in ASCII', `<?xml version="1.0" encoding="ASCII"?>${TAG}`],
    ['after a style sheet', `<style>a > b {}</style>${TAG}`],
    ['before what cannot be read', `${TAG}<script>if (a<b && c) {}</script>`],
  ])('%s is found', (_, page) => {
    expect(read(page).imports).toEqual([FOUND]);
  });

  test.each([
    ['in the body', `<body>${TAG}`, 'head'],
    ['behind the head', `<head/>${TAG}`, 'head'],
    ['behind a script with a comparison', `<script>if (a<b) {}</script>${TAG}`, 'fault'],
    ['behind a comment with two dashes', `<!-- a -- b -->${TAG}`, 'fault'],
    ['behind a form feed', `\f${TAG}`, 'fault'],
    ['in a charset that is not known', `<?xml version="1.0" encoding="iso-8859-1"?>${TAG}`, 'fault'],
    ['that is not ended', TAG.slice(0, -1), 'cut'],
    ['in a comment', `<!-- ${TAG} -->`, 'page'],
    ['of two fields', '<meta name="go-import" content="a.b/c git">', 'page'],
    ['of five fields', '<meta name="go-import" content="a.b/c git https://x/y z w">', 'page'],
    ['of another name', '<meta name="Go-Import" content="a.b/c git https://x/y">', 'page'],
    ['whose first name is another', '<meta name="x" name="go-import" content="a.b/c git https://x/y">', 'page'],
  ])('%s is not', (_, page, ended) => {
    expect(read(page)).toMatchObject({ imports: [], ended });
  });

  test('may have a subdirectory', () => {
    const { imports } = read('<meta name="go-import" content="a.b/c git https://x/y z/w">');
    expect(imports).toEqual([{ ...FOUND, subdirectory: 'z/w' }]);
  });

  test('on a page that is not UTF-8 is not found, and why is said without showing the page', () => {
    const page = Buffer.concat([Buffer.from('<title>'), Uint8Array.of(0xff), Buffer.from(`</title>\n${TAG}`)]);
    expect(read(page)).toEqual({ imports: [], ended: 'fault', fault: 'XML syntax error on line 1: invalid UTF-8' });
  });

  test('of kind mod comes first, and ousts those with the same prefix', () => {
    const other = '<meta name="go-import" content="a.b git https://x">';
    const mod = '<meta name="go-import" content="a.b/c mod https://p">';
    const proxy = { ...FOUND, vcs: 'mod', repository: 'https://p' };
    const above = { ...FOUND, prefix: 'a.b', repository: 'https://x' };
    expect(parseMetaImports(Buffer.from(TAG + other + mod)).imports).toEqual([proxy, above]);
    expect(parseMetaImports(Buffer.from(TAG + other + mod), 'ignore').imports).toEqual([FOUND, above]);
  });
});

describe('for a path', () => {
  const above = { ...FOUND, prefix: 'a.b' };

  test.each([
    ['a.b/c', [FOUND], FOUND],
    ['a.b/c/d', [FOUND], FOUND],
    ['a.b/cd', [FOUND], 'none'],
    ['a.b/c', [], 'none'],
    ['a.b/c', [above, FOUND], 'several'],
    ['a.b/c', [FOUND, FOUND], 'several'],
    ['a.b/d', [above, FOUND], above],
    ['a.b/c', [{ ...FOUND, vcs: 'mod' }, above], { ...FOUND, vcs: 'mod' }],
    [
      'a.b/c',
      [
        { ...FOUND, vcs: 'mod' },
        { ...above, vcs: 'mod' },
      ],
      'several',
    ],
    ['a.b/c', [{ ...FOUND, prefix: 'a.b/' }], { ...FOUND, prefix: 'a.b/' }],
    ['a.b', [{ ...FOUND, prefix: 'a.b/' }], 'none'],
  ] as const)('%s the tag that speaks is decided', (path, imports, match) => {
    expect(matchMetaImport(imports, path)).toEqual(match);
  });

  test('two tags say the same only when all four fields are the same', () => {
    expect(isSameImport(FOUND, { ...FOUND })).toBe(true);
    for (const field of ['prefix', 'vcs', 'repository', 'subdirectory'] as const)
      expect(isSameImport(FOUND, { ...FOUND, [field]: 'z' })).toBe(false);
  });

  test('a subdirectory is no option and no absolute path', () => {
    expect(['', 'a/../b', '..', 'a b'].map(subdirectoryFault)).toEqual([undefined, undefined, undefined, undefined]);
    expect(['/a', '-a'].map(subdirectoryFault)).toEqual(['leading slash', 'leading hyphen']);
  });
});

describe('a megabyte of', () => {
  const SIZE = 1 << 20;
  const much = (text: string): string => text.repeat(Math.ceil(SIZE / text.length)).slice(0, SIZE);

  test.each([
    ['tags', much('<a>')],
    ['end tags', much('</a>')],
    ['attributes', `<meta ${much('a ')}`],
    ['values', `<meta ${much('a="" ')}`],
    ['references', much('&amp;')],
    ['references without end', much('&a')],
    ['zeros in a reference', `&#${much('0')}`],
    ['brackets', much(']')],
    ['open comments', much('<!-- - ')],
    ['nested directives', `<!x${much('<')}`],
    ['comments in directives', `<!x${much('<!-- -->')}`],
    ['declarations', much('<?xml encoding= ?>')],
    ['assignments in a declaration', `<?xml ${much('encoding=x')}?>`],
    ['colons in a name', `<${much(':')}`],
    ['letters beyond ASCII', much('<é你>')],
    ['spaces in a tag', `<meta name=go-import content="${much(' \u00a0')}">`],
    ['lines before a fault', `${much('\n')}<<`],
    ['go-import tags', much('<meta name=go-import content="a.b/c git https://x">')],
  ])('%s is read in a moment', (_, page) => {
    const bytes = Buffer.from(page);
    // 10 to 50 ms of work; what is not linear takes minutes.
    const times = [1, 2, 3].map(() => {
      const before = process.threadCpuUsage();
      read(bytes);
      const { user, system } = process.threadCpuUsage(before);
      return (user + system) / 1000;
    });
    expect(Math.min(...times)).toBeLessThan(250);
  });
});
