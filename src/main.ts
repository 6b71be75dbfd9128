#!/usr/bin/env node
import { run } from './cli/run.ts';

// `larder ... | head` closes our stdout early, and who reads the log may die before us; neither is a defect, nor a reason to cut requests.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
process.exitCode = await run(process.argv.slice(2), process);
// Everything is closed by now; what still holds the process open must not hold up an operator.
setTimeout(() => process.exit(), 2000).unref();
