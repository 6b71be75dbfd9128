import type { LogSink } from './log-sink.ts';

/** `sink`, whose lines say which of several processes wrote them. Lines are JSON objects with a newline. */
export function workerSink(sink: LogSink, worker: number): LogSink {
  const end = `,"worker":${worker}}\n`;
  return {
    write: (line) => sink.write(line.endsWith('}\n') ? `${line.slice(0, -2)}${end}` : line),
    flush: () => sink.flush(),
    flushSync: () => sink.flushSync(),
    get dropped() {
      return sink.dropped;
    },
  };
}
