import { type ChildProcess, fork } from 'node:child_process';
import type { Line } from './channel.ts';

/** The line of this process to the one that started it; undefined when there is none. */
export function lineOfThisProcess(): Line | undefined {
  if (process.send === undefined) return undefined;
  return {
    // Who is gone hears nothing; that is told by the end of the line.
    send: (message, handle, options) => void process.send?.(message, handle, options, () => undefined),
    onMessage: (heard) => void process.on('message', heard),
    onEnd: (ended) => void process.once('disconnect', ended),
  };
}

/** The line to a process that this one has started. */
export function lineTo(child: ChildProcess): Line {
  return {
    // One that was never made has nothing to send to.
    send: (message, handle, options) => {
      if (child.connected) child.send(message as object, handle, options, () => undefined);
    },
    onMessage: (heard) => void child.on('message', heard),
    onEnd: (ended) => {
      child.once('disconnect', ended);
      child.once('exit', ended);
      // One that was never made says neither.
      child.once('error', () => {
        if (child.pid === undefined) ended();
      });
    },
  };
}

/** A new process of ours that runs the worker's program; its stderr is a pipe. */
export function startWorkerProcess(): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fork(new URL(`./server-worker.${extension}`, import.meta.url), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
}
