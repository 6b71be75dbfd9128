import { expect, test } from 'vitest';
import { plainKeys, PlainLog } from './plain-log.ts';
import { TestLog, testModule } from './test-log.ts';

test('the test log says what a log says that was written without the product', async () => {
  const log = new TestLog('sum.example.org', 1);
  const plain = new PlainLog({ signerKey: plainKeys('sum.example.org', 1).signer, textOf: () => undefined });
  for (let size = 1; size <= 600; size++) {
    await log.growTo(size);
    plain.append(log.text(size - 1));
  }
  const paths = ['latest', 'tile/8/0/000', 'tile/8/0/002.p/88', 'tile/8/1/000.p/2', 'tile/8/data/002.p/3'];
  for (const path of paths) expect(Buffer.from((await log.body(`/${path}`)) ?? ''), path).toEqual(plain.get(path));
  for (const path of ['tile/8/0/002.p/89', 'tile/8/1/000.p/3', 'tile/8/0/003'])
    expect([await log.body(`/${path}`), plain.get(path)], path).toEqual([undefined, undefined]);
  expect(await log.body(`/lookup/${testModule(7).path}@v1.0.0`, 7)).toBeUndefined();
});
