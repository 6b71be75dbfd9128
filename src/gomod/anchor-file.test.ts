import { describe, expect, test } from 'vitest';
import type { Anchor } from './anchor.ts';
import { type AnchorLine, formatAnchors, parseAnchors } from './anchor-file.ts';
import type { ModulePath, Version } from './module.ts';

const COMMIT = 'a'.repeat(40);
const TREE = 'b'.repeat(40);

function line(path: string, version: string, more: Partial<Anchor> = {}): AnchorLine {
  return {
    module: { path: path as ModulePath, version: version as Version },
    anchor: { url: 'https://git.corp.example/team/lib', commit: COMMIT, tree: TREE, ...more },
  };
}

describe('an anchor file', () => {
  const lines = [
    line('corp.example/lib', 'v1.10.0', { tag: 'v1.10.0' }),
    line('corp.example/lib', 'v1.9.0', { tag: 'sub/v1.9.0' }),
    line('corp.example/app', 'v0.0.0-20200101000000-abcdefabcdef'),
  ];

  test('is read back as it was written, in the order of go.sum', () => {
    const text = formatAnchors(lines);
    expect(text.split('\n').slice(0, 3)).toEqual([
      'larder anchors v1',
      `corp.example/app v0.0.0-20200101000000-abcdefabcdef ${COMMIT} ${TREE} - https://git.corp.example/team/lib`,
      `corp.example/lib v1.9.0 ${COMMIT} ${TREE} sub/v1.9.0 https://git.corp.example/team/lib`,
    ]);
    expect(parseAnchors(text, 'x')).toEqual([lines[2], lines[1], lines[0]]);
    expect(formatAnchors(parseAnchors(text, 'x'))).toBe(text);
  });

  test('may say two things of one version, as a store may whose files of it came from two commits', () => {
    const other = { module: lines[0]?.module, anchor: { ...lines[0]?.anchor, commit: 'c'.repeat(40) } } as AnchorLine;
    const text = formatAnchors([other, ...lines]);
    expect(parseAnchors(text, 'x')).toHaveLength(4);
    expect(formatAnchors(parseAnchors(text, 'x'))).toBe(text);
    expect(formatAnchors([...lines, other, ...lines])).toBe(text);
  });

  test('may have comments and empty lines', () => {
    expect(parseAnchors(`larder anchors v1\n\n# ours\n${formatAnchors(lines).split('\n')[1]}\n`, 'x')).toHaveLength(1);
  });

  test.each([
    ['another header', 'larder anchors v2\n', 'x: its first line'],
    ['a field too few', `larder anchors v1\ncorp.example/lib v1.0.0 ${COMMIT} ${TREE} -\n`, 'x:2:'],
    ['a field too many', `larder anchors v1\ncorp.example/lib v1.0.0 ${COMMIT} ${TREE} - https://x y\n`, 'x:2:'],
    ['a short hash', `larder anchors v1\ncorp.example/lib v1.0.0 abc ${TREE} - https://x\n`, 'x:2:'],
    [
      'hashes of two kinds',
      `larder anchors v1\ncorp.example/lib v1.0.0 ${'a'.repeat(64)} ${TREE} - https://x\n`,
      'x:2:',
    ],
    ['a version that is none', `larder anchors v1\ncorp.example/lib v1.0 ${COMMIT} ${TREE} - https://x\n`, 'x:2:'],
    [
      'a line twice',
      `larder anchors v1\n${`corp.example/lib v1.0.0 ${COMMIT} ${TREE} - https://x\n`.repeat(2)}`,
      'x:3:',
    ],
  ])('is refused with %s, and the message says where', (_, text, place) => {
    expect(() => parseAnchors(text, 'x')).toThrow(place);
  });
});
