/** Two nodes on one store: what one thinks it alone does, the other has done meanwhile. */
import { describe, expect, test } from 'vitest';
import { createTwoNodes } from './two-nodes.ts';

describe('a node whose time was over', () => {
  test('finds what the other stored, and its own bytes are discarded', async () => {
    const nodes = createTwoNodes();
    const { a, b, spooled } = nodes;
    a.source.hold();
    const slow = nodes.zipFrom(a);
    const quick = await nodes.zipFrom(b);
    a.source.release();
    expect(await slow).toEqual(quick);
    expect(await nodes.stored()).toEqual(quick);
    expect(spooled.size).toBe(0);
  });

  test('control: the two have different bytes of the same contents', async () => {
    const [one, other] = [createTwoNodes(), createTwoNodes()];
    expect(await one.zipFrom(one.a)).not.toEqual(await other.zipFrom(other.b));
  });
});
