import { describe, expect, test } from 'vitest';
import { decodeTimeline, encodeTimeline, grownBy, MAX_HEADS, type SeenHead } from './timeline.ts';

const DAY = 86_400_000;

describe('the timeline of tree heads', () => {
  test('keeps all of the newest and ever fewer of the older ones, back to the first', () => {
    let timeline: readonly SeenHead[] = [];
    for (let i = 0; i < 5000; i++) timeline = grownBy(timeline, { seenAt: i * DAY, note: `head ${i}\n` });
    expect(timeline).toHaveLength(MAX_HEADS);
    const days = timeline.map(({ seenAt }) => seenAt / DAY);
    expect(days[0]).toBe(0);
    expect(days.slice(-64)).toEqual(Array.from({ length: 64 }, (_, i) => 4936 + i));
    const lastYear = days.filter((day) => day >= 4635).length;
    const yearBefore = days.filter((day) => day >= 4270 && day < 4635).length;
    const longAgo = days.filter((day) => day < 1000).length;
    expect(lastYear).toBeGreaterThan(yearBefore);
    expect(yearBefore).toBeGreaterThan(longAgo / 3);
    expect(longAgo).toBeGreaterThan(0);
  });

  test('stays in order when the clock goes back', () => {
    let timeline: readonly SeenHead[] = [];
    for (let i = 0; i < 300; i++) timeline = grownBy(timeline, { seenAt: 1000 - i, note: `${i}\n` });
    const numbers = timeline.map(({ note }) => Number(note));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(numbers.at(-1)).toBe(299);
  });

  test('is read back only as it was written', () => {
    const bytes = encodeTimeline([{ seenAt: 1, note: 'a\n' }]);
    expect(decodeTimeline(bytes)).toEqual([{ seenAt: 1, note: 'a\n' }]);
    const text = Buffer.from(bytes).toString();
    for (const wrong of [
      '',
      'null',
      '[]',
      encodeTimeline([]),
      `${text} `,
      text.replace('"format":1', '"format":2'),
      text.replace('"seenAt":1', '"seenAt":1.5'),
      text.replace('"seenAt":1', '"seenAt":"1"'),
      text.replace('}]}', ',"more":1}]}'),
      text.replace('[{', '[null,{'),
      encodeTimeline(Array.from({ length: MAX_HEADS + 1 }, () => ({ seenAt: 1, note: 'a\n' }))),
    ])
      expect(decodeTimeline(Buffer.from(wrong)), String(wrong)).toBeUndefined();
  });
});
