import { createServer, get } from 'node:http';
import { Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type Doors, openDoors } from './doors.ts';

const here = { host: '127.0.0.1', port: 0, backlog: 64 };
let open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.map((one) => one.close()));
  open = [];
});

async function serve(port = 0): Promise<Doors> {
  const server = createServer((_, res) => res.end('x'));
  const doors = await openDoors(server, { ...here, port });
  open.push(doors);
  return doors;
}

function ask(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ port, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    }).on('error', reject);
  });
}

test('every door leads to the server', async () => {
  const { address } = await serve();
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask(address.port)));
  expect(new Set(answers)).toEqual(new Set([200]));
});

test('a busy server accepts several connections in each turn; control: with one door it is one', async () => {
  const turnsFor = async (port: number, server: Server): Promise<number> => {
    let [accepted, turns] = [0, 0];
    server.on('connection', () => accepted++);
    const crowd = Array.from({ length: 64 }, () => ask(port));
    const until = Promise.withResolvers<void>();
    const turn = (): void => {
      turns += accepted < 64 ? 1 : 0;
      const endsAt = performance.now() + 2;
      while (performance.now() < endsAt); // A turn with work in it.
      if (accepted < 64) setImmediate(turn);
      else until.resolve();
    };
    setImmediate(turn);
    await until.promise;
    await Promise.all(crowd);
    return turns;
  };
  const many = createServer((_, res) => res.end('x'));
  const doors = await openDoors(many, here);
  const one = createServer((_, res) => res.end('x'));
  await new Promise<void>((resolve) => void one.listen({ ...here, host: '127.0.0.1' }, resolve));
  const single = one.address();
  const slow = await turnsFor(typeof single === 'object' ? (single?.port ?? 0) : 0, one);
  const quick = await turnsFor(doors.address.port, many);
  await doors.close();
  await new Promise((resolve) => one.close(resolve));
  expect(quick).toBeLessThan(slow / 2);
});

test('a port that another server shares is in use all the same', async () => {
  const { address } = await serve();
  await expect(serve(address.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('all of them are closed', async () => {
  const doors = await serve();
  await doors.close();
  const again = new Server();
  await new Promise<void>((resolve, reject) => {
    again.on('error', reject);
    again.listen({ ...here, port: doors.address.port }, resolve);
  });
  open.push(again);
});
