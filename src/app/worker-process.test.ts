import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../config/load.ts';
import type { LogSink } from '../observe/log-sink.ts';
import { systemClock } from '../std/clock.ts';
import { endingInWords, forwardLines, type WorkerOrder, WorkerProcess } from './worker-process.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-worker-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

class NotingSink implements LogSink {
  readonly written: string[] = [];
  readonly dropped = 0;
  write(line: string): void {
    this.written.push(line);
  }
  flush(): Promise<void> {
    return Promise.resolve();
  }
  flushSync(): void {}
}

function order(): WorkerOrder {
  const sets = ['listen=127.0.0.1:0', `data=${join(folder, 'data')}`, 'upstream=off', 'sumdb.database=off'];
  const loaded = loadConfig(
    { values: new Map(), sets },
    { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const around = { version: '0.0.0', environment: {}, home: folder, logTo: 2 };
  return { config: loaded.config, around, number: 1, instanceId: 'a', address: { host: '127.0.0.1', port: 1 } };
}

test('a worker that is told to stop ends by itself', async () => {
  const log = new NotingSink();
  const worker = new WorkerProcess(1, { log, clock: systemClock });
  onTestFinished(() => worker.kill());
  await worker.start(order());
  await worker.stop();
  expect(await worker.ended).toEqual({ code: 0, signal: null });
  expect(log.written.join('')).toContain('"msg":"listening"');
});

test('the lines of a worker reach the log one by one, however they come', async () => {
  const [stream, log] = [new PassThrough(), new NotingSink()];
  const forwarded = forwardLines(stream, log);
  for (const part of ['a\nb', 'c\n', 'd\ne\nf']) stream.write(part);
  stream.end();
  await forwarded;
  expect(log.written).toEqual(['a\n', 'bc\n', 'd\n', 'e\n', 'f\n']);
});

describe('a worker whose process cannot be made', () => {
  test('says why, has ended, and can be told to end', async () => {
    const { execPath } = process;
    process.execPath = join(folder, 'not-there');
    const worker = new WorkerProcess(1, { log: new NotingSink(), clock: systemClock });
    process.execPath = execPath;
    await expect(worker.start(order())).rejects.toMatchObject({ message: expect.stringContaining('no such program') });
    expect(endingInWords(await worker.ended)).toContain('no such program');
    await worker.drain({ lingers: false });
    await worker.stop();
  });

  test('does so too where no descriptor is left for the line to it', () => {
    const program = `
      import { openSync } from 'node:fs';
      import { WorkerProcess } from ${JSON.stringify(join(import.meta.dirname, 'worker-process.ts'))};
      import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../std/clock.ts'))};
      try { for (;;) openSync('/dev/null'); } catch {}
      const worker = new WorkerProcess(1, { log: { write() {} }, clock: systemClock });
      const failure = await worker.start({}).catch((error) => error);
      console.log(failure.code, (await worker.ended).failure.code);
    `;
    const said = execFileSync(
      'sh',
      ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, program],
      { timeout: 15_000, encoding: 'utf8' },
    );
    expect(said.trim()).toBe('OVERLOADED OVERLOADED');
  });
});
