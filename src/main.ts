#!/usr/bin/env node
import { run } from './cli/run.ts';

// The threads that libuv has for files and name lookups; what the environment says goes first. Sixteen instead of four: it gives half of them to lookups, and the eight that
// io/egress/names.ts allows at a time may all hang while warm answers are read from disk. It reads this when it starts its threads, so nothing before may need one; the processes that this
// one starts inherit it.
process.env['UV_THREADPOOL_SIZE'] ??= '16';
// `larder ... | head` closes our stdout early, and who reads the log may die before us; neither is a defect, nor a reason to cut requests.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
process.exitCode = await run(process.argv.slice(2), process);
// Everything is closed by now; what still holds the process open must not hold up an operator.
setTimeout(() => process.exit(), 2000).unref();
