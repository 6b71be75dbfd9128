import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiskChanges } from './disk-changes.ts';

let root: string;
const open: DiskChanges[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'larder-changes-'));
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
  rmSync(root, { recursive: true, force: true });
});

function opened(maxBytes?: number): DiskChanges {
  const changes = new DiskChanges({ root, ...(maxBytes !== undefined && { maxBytes }) });
  open.push(changes);
  return changes;
}

const file = (): string => join(root, '.changes', readdirSync(join(root, '.changes')).sort().at(-1) ?? '');

test('what one tells all others hear once, in order, and it does not hear itself', () => {
  const [a, b, c] = [opened(), opened(), opened()];
  a.tell('one');
  a.tell('two: ü "\n');
  b.tell('three');
  expect(b.heard()).toEqual(['one', 'two: ü "\n']);
  expect(c.heard()).toEqual(['one', 'two: ü "\n', 'three']);
  expect(a.heard()).toEqual(['three']);
  for (const one of [a, b, c]) expect(one.heard()).toEqual([]);
});

test('who comes later hears nothing of what was before: it has nothing in memory', () => {
  const a = opened();
  a.tell('one');
  const b = opened();
  expect(b.heard()).toEqual([]);
  a.tell('two');
  expect(b.heard()).toEqual(['two']);
});

test('a line that is only half there is heard when its end has come', () => {
  const a = opened();
  appendFileSync(file(), 'other "ha');
  expect(a.heard()).toEqual([]);
  appendFileSync(file(), 'lf"\n');
  expect(a.heard()).toEqual(['half']);
});

test('over many files no news is lost, also of one that has not noticed the next file, and two files stay', () => {
  const [a, b, slow] = [opened(200), opened(200), opened(200)];
  const heard: string[] = [];
  for (let i = 0; i < 100; i++) {
    a.tell(`a${i}`);
    if (i % 2 === 0) b.tell(`b${i}`);
    if (i === 7) slow.tell('slow');
    heard.push(...(b.heard() as string[]));
    a.heard();
  }
  expect(heard.filter((name) => name.startsWith('a'))).toEqual(Array.from({ length: 100 }, (_, i) => `a${i}`));
  expect(heard.filter((name) => name === 'slow')).toEqual(['slow']);
  expect(readdirSync(join(root, '.changes')).length).toBeLessThanOrEqual(3);
});

test('too much at a time, and a file that was cut, mean that everything may have changed', () => {
  const [a, b] = [opened(), opened()];
  for (let i = 0; i < 300; i++) a.tell('x'.repeat(4000));
  expect(b.heard()).toBe('everything');
  expect(b.heard()).toEqual([]);
  writeFileSync(file(), '');
  expect(b.heard()).toBe('everything');
  a.tell('after');
  expect(b.heard()).toEqual(['after']);
});

test('one that heard nothing over many files knows that everything may have changed, and hears on', () => {
  const [a, b] = [opened(2_000_000), opened(2_000_000)];
  for (let i = 0; i < 3000; i++) a.tell('x'.repeat(4000));
  expect(b.heard()).toBe('everything');
  a.tell('after');
  expect(b.heard()).toEqual(['after']);
});

test('rubbish in the file is nothing, and after the end nothing is heard or told', () => {
  const [a, b] = [opened(), opened()];
  appendFileSync(file(), 'rubbish\n\n{"a":1}\nother 5\n');
  expect(b.heard()).toEqual([]);
  a.close();
  a.tell('late');
  expect([a.heard(), b.heard()]).toEqual([[], []]);
  open.shift();
});
