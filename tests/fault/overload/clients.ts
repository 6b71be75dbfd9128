/** Crowds of clients, run as a child process so that what they cost is not what is measured. One job at a time; `quit` ends it. */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Connection } from './connection.ts';
import type { Job, LoadJob, Outcome } from './jobs.ts';

/** Every address is a client of its own; there are 250 in each of these networks. */
const addressOf = (network: number, i: number): string => `127.0.${network}.${1 + (i % 250)}`;

/** What happened to a number of requests. */
class Tally {
  readonly statuses: Record<string, number> = {};
  readonly ms: number[] = [];
  readonly startedAt = performance.now();

  add(status: number | 'failed', ms: number): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
    if (status === 200) this.ms.push(ms);
  }

  get outcome(): Outcome {
    const sorted = this.ms.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      statuses: this.statuses,
      wallMs: performance.now() - this.startedAt,
      medianMs: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      ok: sorted.length,
    };
  }
}

/** `count` clients with a connection of their own ask for the same thing at the same moment. */
async function herd({
  port,
  network,
  count,
  target,
  leaving = 0,
  after = 0,
}: Extract<Job, { do: 'herd' }>): Promise<Outcome> {
  const crowd = Array.from({ length: count }, (_, i) => new Connection({ port, from: addressOf(network, i) }));
  await Promise.allSettled(crowd.map(({ opened }) => opened));
  const tally = new Tally();
  const asked = crowd.map(async (one, i) => {
    if (i < leaving) setTimeout(() => one.close(), after);
    try {
      const { status, ms } = await one.ask(target);
      tally.add(status, ms);
    } catch {
      if (i >= leaving) tally.add('failed', 0);
    }
  });
  await Promise.all(asked);
  for (const one of crowd) one.close();
  return tally.outcome;
}

/** Clients that ask one thing after the other for a time; a connection that was closed is opened anew. */
async function load(job: LoadJob): Promise<Outcome> {
  const tally = new Tally();
  let next = job.first ?? 0;
  const endsAt = performance.now() + job.seconds * 1000;
  const client = async (i: number): Promise<void> => {
    const from = addressOf(job.network, job.addresses === 'one' ? 0 : i);
    const ends = { port: job.port, from, bytesPerSecond: job.bytesPerSecond };
    let one: Connection | undefined;
    while (performance.now() < endsAt) {
      if (one === undefined || !one.isOpen) one = new Connection(ends);
      const begunAt = performance.now();
      try {
        const { status, ms } = await one.ask(job.target.replace('#', String(next++)));
        tally.add(status, ms);
        if (status === 503) await sleep(job.pauseMs ?? 0);
      } catch {
        tally.add('failed', 0);
        one.close();
        await sleep(20);
      }
      if (job.everyMs !== undefined) await sleep(Math.max(0, job.everyMs - (performance.now() - begunAt)));
    }
    one?.close();
  };
  const clients: Promise<void>[] = [];
  for (let i = 0; i < job.connections; i++) {
    clients.push(client(i));
    // To find a free port may take the system milliseconds; those who are connected must not fall silent meanwhile.
    if (i % 50 === 49) await nextTurn();
  }
  await Promise.all(clients);
  return tally.outcome;
}

const held: Connection[] = [];

/** Sockets that send a request a byte a second, opened evenly over `overMs`, and come back when they are closed. Resolves when all have been opened once; they go on. */
async function slow({ port, network, count, overMs }: Extract<Job, { do: 'slow' }>): Promise<Outcome> {
  const tally = new Tally();
  const begin = (i: number): void => {
    const one = new Connection({ port, from: addressOf(network, i) });
    held[i] = one;
    one.opened.then(
      () => tally.add(200, 0),
      () => tally.add('failed', 0),
    );
    one.socket.write('GET / HTTP/1.1\r\n');
    const timer = setInterval(() => one.socket.write('x'), 1000);
    one.socket.on('close', () => {
      clearInterval(timer);
      setTimeout(() => begin(i), 200);
    });
  };
  const begun = Array.from({ length: count }, async (_, i) => {
    await sleep((i / count) * overMs);
    begin(i);
    await held[i]?.opened.catch(() => undefined);
  });
  await Promise.all(begun);
  return tally.outcome;
}

/** How often a slow reader reads a piece of 64 KB, ms: about 3 KB a second, and often enough not to be taken for one that has gone. */
const SIP_MS = 20_000;

/** Clients that read a large body at a crawl. Resolves when all have begun; they go on. */
async function readers({ port, network, count, target }: Extract<Job, { do: 'readers' }>): Promise<Outcome> {
  const tally = new Tally();
  const begin = async (i: number): Promise<void> => {
    const one = new Connection({ port, from: addressOf(network, i) });
    held.push(one);
    await one.opened;
    one.ask(target).catch(() => undefined);
    await new Promise((resolve) => one.socket.once('data', resolve));
    one.socket.pause();
    tally.add(200, 0);
    const sip = setInterval(() => one.socket.resume().once('data', () => one.socket.pause()), SIP_MS);
    one.socket.on('close', () => clearInterval(sip));
  };
  await Promise.all(Array.from({ length: count }, (_, i) => begin(i).catch(() => tally.add('failed', 0))));
  return tally.outcome;
}

async function run(job: Job): Promise<Outcome> {
  switch (job.do) {
    case 'herd':
      return await herd(job);
    case 'load':
      return await load(job);
    case 'slow':
      return await slow(job);
    case 'readers':
      return await readers(job);
  }
}

process.on('message', (job: Job) => {
  run(job).then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
