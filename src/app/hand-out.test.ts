import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HandOut, type Taker } from './hand-out.ts';

let handOut: HandOut;
let port: number;
const clients: Socket[] = [];
beforeEach(async () => {
  handOut = new HandOut({ backlog: 200 });
  ({ port } = await handOut.open({ host: '127.0.0.1', port: 0 }));
});
afterEach(() => {
  handOut.close();
  for (const client of clients.splice(0)) client.destroy();
});

/** One that notes what it is sent, and acknowledges nothing by itself. */
class NotingTaker implements Taker {
  readonly given: number[] = [];

  give(id: number): void {
    this.given.push(id);
  }
}

function client(): { readonly socket: Socket; readonly isClosed: () => boolean } {
  const socket = connect(port, '127.0.0.1');
  clients.push(socket);
  let isClosed = false;
  socket.on('error', () => undefined).on('close', () => (isClosed = true));
  socket.resume();
  return { socket, isClosed: () => isClosed };
}

const given = (...takers: readonly NotingTaker[]): number[] => takers.map((one) => one.given.length);

describe('connections that are handed out', () => {
  test('go to one taker after the other', async () => {
    const [a, b, c] = [new NotingTaker(), new NotingTaker(), new NotingTaker()];
    for (const one of [a, b, c]) handOut.add(one);
    for (let i = 0; i < 9; i++) client();
    await expect.poll(() => given(a, b, c)).toEqual([3, 3, 3]);
  });

  test('wait while there is no taker, and get the next', async () => {
    const waiting = Array.from({ length: 5 }, client);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const a = new NotingTaker();
    handOut.add(a);
    await expect.poll(() => given(a)).toEqual([5]);
    expect(waiting.some((one) => one.isClosed())).toBe(false);
  });

  test('that a taker had not acknowledged when it died go to another; those that it had go with it', async () => {
    const [a, b] = [new NotingTaker(), new NotingTaker()];
    handOut.add(a);
    for (let i = 0; i < 4; i++) client();
    await expect.poll(() => given(a)).toEqual([4]);
    handOut.took(a, a.given[0]!);
    handOut.add(b);
    handOut.remove(a, { isGone: true });
    await expect.poll(() => given(a, b)).toEqual([4, 3]);
  });

  test('do not pile up at a taker that acknowledges nothing', async () => {
    const [stuck, quick] = [new NotingTaker(), new NotingTaker()];
    handOut.add(stuck);
    handOut.add(quick);
    const acknowledge = setInterval(() => {
      for (const id of quick.given) handOut.took(quick, id);
    }, 5);
    for (let i = 0; i < 60; i++) client();
    await expect.poll(() => given(stuck, quick), { timeout: 15_000 }).toEqual([8, 52]);
    clearInterval(acknowledge);
  });

  test('stay with a taker that leaves until it has said that it has them, and no more go there', async () => {
    const [leaving, staying] = [new NotingTaker(), new NotingTaker()];
    handOut.add(leaving);
    client();
    await expect.poll(() => given(leaving)).toEqual([1]);
    handOut.remove(leaving, { isGone: false });
    handOut.add(staying);
    for (let i = 0; i < 3; i++) client();
    await expect.poll(() => given(leaving, staying)).toEqual([1, 3]);
  });

  test('are closed when too many wait, and at the end', async () => {
    handOut.close();
    handOut = new HandOut({ backlog: 20 });
    ({ port } = await handOut.open({ host: '127.0.0.1', port: 0 }));
    const waiting = Array.from({ length: 30 }, client);
    const closed = (): number => waiting.filter((one) => one.isClosed()).length;
    await expect.poll(closed, { timeout: 15_000 }).toBe(10);
    handOut.close();
    await expect.poll(closed).toBe(30);
  });
});

test('a port that is taken is told as by the listener', async () => {
  const other = new HandOut({ backlog: 1 });
  await expect(other.open({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
