import type { KnownSecrets } from '../std/known-secrets.ts';
import type { LogSink } from './log-sink.ts';

/** `sink` for lines from which each of `secrets` that is known by then is taken out. */
export function redactingSink(sink: LogSink, secrets: KnownSecrets): LogSink {
  return {
    write: (line) => sink.write(secrets.redact(line)),
    flush: () => sink.flush(),
    flushSync: () => sink.flushSync(),
    get dropped() {
      return sink.dropped;
    },
  };
}
